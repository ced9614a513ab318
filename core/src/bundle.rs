//! The bundle: opened from bytes, checked before anything is parsed.
//!
//! Bytes come from a network. The order is therefore fixed: manifest, then the length and the
//! SHA-256 of each file against the manifest, then the parser of that file, which checks every
//! shape, index and number ([`crate::opening`]). A bundle that loads can be scored without a bounds
//! check failing.
//!
//! Rows are numbered in the byte order of the item ids. That makes the fst's outputs monotone,
//! so that the same fst answers id → row and row → id, and no second table of ids is shipped.

use crate::digest::Digest;
use crate::facets::Facets;
use crate::ids::Ids;
use crate::incoming::Incoming;
use crate::manifest::{FileEntry, Manifest, ManifestError, file};
use crate::opening::{Opened, Opening};
use crate::session::Limits;
use crate::tables::Tables;

/// The files of a bundle that the ranker reads. The encoder's file is read by its own module.
pub struct Files {
    /// `tables.safetensors`.
    pub tables: Vec<u8>,
    /// `items.fst`.
    pub items: Vec<u8>,
    /// `facets.json`, where the bundle has one.
    pub facets: Option<Vec<u8>>,
}

/// Why a bundle is refused. Every message names the file.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The manifest does not name the file, or is itself wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Fewer or more bytes than the manifest says: a broken download, or another file.
    #[error("{name} is {found} bytes long; the manifest says {wanted}: fetch it again")]
    Length {
        /// File name.
        name: String,
        /// Its length in bytes.
        found: u64,
        /// The length that the manifest names.
        wanted: u64,
    },
    /// Other bytes than the manifest says.
    #[error("{name} has SHA-256 {found}; the manifest says {wanted}: it was altered or mixed up")]
    Hash {
        /// File name.
        name: String,
        /// Its hash.
        found: Digest,
        /// The hash that the manifest names.
        wanted: Digest,
    },
    /// The SHA-256 was to be handed in, and was not.
    #[error("{name} was not hashed")]
    Unhashed {
        /// File name.
        name: String,
    },
    /// The right bytes, but not of the format.
    #[error("{name}: {reason}")]
    Content {
        /// File name.
        name: &'static str,
        /// What is wrong, with the tensor or field.
        reason: String,
    },
}

impl BundleError {
    pub(crate) fn content(name: &'static str, reason: impl Into<String>) -> Self {
        Self::Content {
            name,
            reason: reason.into(),
        }
    }
}

/// Checks the length, then the SHA-256 of a file.
///
/// # Errors
/// [`BundleError::Length`] or [`BundleError::Hash`].
pub fn verify(name: &str, entry: &FileEntry, bytes: &[u8]) -> Result<(), BundleError> {
    let mut incoming = Incoming::of(name, *entry);
    incoming.push(bytes);
    incoming.finish().map(|_| ())
}

/// A bundle that was verified, parsed and checked: ready to score.
pub struct Bundle {
    tables: Tables,
    ids: Ids,
    facets: Option<Facets>,
    limits: Limits,
}

impl Bundle {
    /// Verifies every file against the manifest, then parses it.
    ///
    /// # Errors
    /// A [`BundleError`] that names the file; nothing of an unverified file was parsed.
    pub fn load(manifest: &Manifest, files: Files) -> Result<Self, BundleError> {
        let mut opening = Opening::new(manifest)?;
        opening.push(file::TABLES, &files.tables);
        opening.push(file::ITEMS, &files.items);
        if let Some(facets) = &files.facets {
            // Facets that the manifest does not name are nobody's.
            manifest.entry(file::FACETS)?;
            opening.push(file::FACETS, facets);
        }
        for name in [file::TABLES, file::ITEMS, file::FACETS] {
            while !opening.read(name)? {}
        }
        match opening.finish() {
            Some(Opened::Whole(bundle)) => Ok(*bundle),
            _ => Err(BundleError::content(file::TABLES, "was not opened")),
        }
    }

    pub(crate) fn new(tables: Tables, ids: Ids, facets: Option<Facets>, limits: Limits) -> Self {
        Self {
            tables,
            ids,
            facets,
            limits,
        }
    }

    /// The row of an item, or `None` when the model does not know it.
    pub fn row(&self, id: &str) -> Option<u32> {
        self.ids.row(id)
    }

    /// The id of a row.
    pub fn id(&self, row: u32) -> Option<String> {
        self.ids.id(row)
    }

    /// How many items the model knows, N.
    pub fn items(&self) -> u32 {
        self.tables.items()
    }

    /// Width of an item vector, D; 0 without an encoder.
    pub fn dim(&self) -> usize {
        self.tables.dim()
    }

    /// How many of the session's latest events are looked at, T.
    pub fn max_session(&self) -> usize {
        self.limits.events
    }

    /// The limits of a session.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// The tables that the score is computed from.
    pub fn tables(&self) -> &Tables {
        &self.tables
    }

    /// Category, price band and stock by row, where the bundle has them.
    pub fn facets(&self) -> Option<&Facets> {
        self.facets.as_ref()
    }
}
