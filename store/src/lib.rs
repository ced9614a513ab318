//! The folder that bundles are published to and served from, by content hash.
//!
//! ```text
//! store/
//!   bundles/<sha256>       every file of every bundle, under the hash of its bytes
//!   bundles/<sha256>.br    the same bytes, brotli 11, where that is shorter
//!   bundles/<sha256>.gz    the same bytes, gzip 9, where that is shorter
//!   manifests/<version>.json   every manifest that was ever published
//!   manifests/<sha256>.sig     signatures over a manifest's bytes, under the hash of those
//!   manifest.json          the current manifest
//!   candidate.json         a manifest that waits to be promoted, where there is one
//!   waiting/<sha256>.sig   signatures whose manifest has not come yet
//! ```
//!
//! The layout is also the layout of the URLs, so a store can be served by any static file host.
//!
//! Publishing is a switch, not a copy: files go in first, under names that only their own bytes
//! can have, and the last step renames one file over `manifest.json`. Whoever reads sees the
//! old bundle or the new one, whole; whatever fails before the rename leaves no trace but files
//! that nothing names. Every byte is written to a temporary file in the folder it will live in,
//! hashed, flushed to the disk, and renamed: a full disk or a lost process never leaves half a
//! file under a name that is read.
//!
//! The trainer writes a store directly and the server writes the same store for remote
//! publishers, so the rules stand here once. A store in an object store (S3 and its like) is
//! not covered: rename is what this design rests on.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let dir = folder.path();
//! use vitrine_core::Digest;
//! use vitrine_store::Store;
//!
//! let store = Store::open(dir)?;
//! let digest = Digest::of(b"bytes");
//! store.put_file(digest, b"bytes")?;
//! assert_eq!(store.read(digest)?, b"bytes");
//! assert!(store.current()?.is_none(), "a file alone publishes nothing");
//! # Ok(())
//! # }
//! ```

mod delta;
mod error;
mod history;
mod incoming;
mod promote;
mod publish;
mod signatures;

pub use delta::add_deltas;
pub use error::StoreError;
pub use history::Promised;
pub use incoming::Incoming;
pub use publish::{Outcome, Published};

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vitrine_core::Digest;
use vitrine_core::manifest::{MANIFEST_FILE, MAX_FILE_BYTES, MAX_MANIFEST_BYTES, Manifest};
use vitrine_core::signature::PublicKey;
use vitrine_durable::{create_folder, sweep};

/// A folder of published bundles. Cheap to clone; holds no open file.
#[derive(Clone, Debug)]
pub struct Store {
    root: PathBuf,
    trusted: Arc<[PublicKey]>,
}

/// The current manifest.
#[derive(Clone, Debug)]
pub struct Current {
    /// Its exact bytes: what is signed, hashed and served.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The bytes, parsed and checked.
    pub manifest: Manifest,
}

/// How a stored file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// RFC 7932.
    Brotli,
    /// RFC 1952.
    Gzip,
}

impl Store {
    /// Opens the store at `dir`, and makes the folder when there is none.
    pub fn open(dir: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let store = Self {
            root: dir.into(),
            trusted: Arc::default(),
        };
        for folder in [store.bundles(), store.manifests()] {
            create_folder(&folder).map_err(StoreError::io("create the folder", &folder))?;
        }
        fs::read_dir(store.bundles()).map_err(StoreError::io("read", &store.bundles()))?;
        for folder in [store.bundles(), store.manifests(), store.root.clone()] {
            sweep(&folder);
        }
        Ok(store)
    }

    /// The store's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The path of `manifest.json`.
    pub fn manifest_path(&self) -> PathBuf {
        self.root.join(MANIFEST_FILE)
    }

    /// The current manifest, or `None` when nothing is published yet.
    pub fn current(&self) -> Result<Option<Current>, StoreError> {
        self.manifest_at(self.manifest_path())
    }

    /// The manifest that waits to be promoted, when there is one.
    pub fn candidate(&self) -> Result<Option<Current>, StoreError> {
        self.manifest_at(self.candidate_path())
    }

    /// The manifest that was published under this version, when there was one.
    pub fn published(&self, version: u64) -> Result<Option<Current>, StoreError> {
        self.manifest_at(self.manifests().join(format!("{version}.json")))
    }

    fn candidate_path(&self) -> PathBuf {
        self.root.join("candidate.json")
    }

    fn manifest_at(&self, path: PathBuf) -> Result<Option<Current>, StoreError> {
        let Some(bytes) = read_at_most(&path, MAX_MANIFEST_BYTES as u64 + 1)? else {
            return Ok(None);
        };
        let manifest =
            Manifest::parse(&bytes).map_err(|source| StoreError::Manifest { path, source })?;
        Ok(Some(Current {
            digest: Digest::of(&bytes),
            bytes,
            manifest,
        }))
    }

    /// The bytes under a hash, checked against it.
    pub fn read(&self, digest: Digest) -> Result<Vec<u8>, StoreError> {
        let path = self.file_path(digest, Coding::Identity);
        let bytes = read_at_most(&path, MAX_FILE_BYTES + 1)?.ok_or(StoreError::NotFound(digest))?;
        let found = Digest::of(&bytes);
        if found != digest {
            return Err(StoreError::Altered {
                what: path.display().to_string(),
                expected: digest,
                found: found.to_string(),
            });
        }
        Ok(bytes)
    }

    /// The length of the file under a hash, or `None` when it is not stored.
    pub fn length(&self, digest: Digest) -> Result<Option<u64>, StoreError> {
        let path = self.file_path(digest, Coding::Identity);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(StoreError::io("read", &path)(e)),
        }
    }

    /// Where the file with this hash lies, in this coding, when it is stored in it.
    pub fn file_path(&self, digest: Digest, coding: Coding) -> PathBuf {
        let suffix = match coding {
            Coding::Identity => "",
            Coding::Brotli => ".br",
            Coding::Gzip => ".gz",
        };
        self.bundles().join(format!("{digest}{suffix}"))
    }

    fn bundles(&self) -> PathBuf {
        self.root.join("bundles")
    }

    fn manifests(&self) -> PathBuf {
        self.root.join("manifests")
    }
}

/// The first `limit` bytes of a file, or `None` when there is no such file.
fn read_at_most(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("open", path)(e)),
    };
    let mut bytes = Vec::new();
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(StoreError::io("read", path))?;
    Ok(Some(bytes))
}
