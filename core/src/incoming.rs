//! A file that arrives, in pieces or whole: nothing but bytes before it is verified.
//!
//! Pieces are hashed as they come. Who has the whole file and a faster SHA-256 than this one, as a
//! browser has beside WebAssembly, hands in both.

use crate::bundle::BundleError;
use crate::digest::{Digest, Hasher};
use crate::manifest::{FileEntry, Manifest};

/// A file of a bundle on its way.
pub struct Incoming {
    name: String,
    entry: FileEntry,
    hash: Hash,
    found: u64,
    /// What arrived, where it is to be kept.
    kept: Option<Vec<u8>>,
}

#[derive(Clone)]
enum Hash {
    /// Of the pieces so far.
    Own(Hasher),
    /// Of the whole file, as it was handed in.
    Given(Digest),
}

impl Hash {
    fn finish(self) -> Digest {
        match self {
            Self::Own(hasher) => hasher.finish(),
            Self::Given(digest) => digest,
        }
    }
}

impl Incoming {
    /// Expects the file `name`, whose bytes another module keeps.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when the manifest does not name it.
    pub fn new(manifest: &Manifest, name: &str) -> Result<Self, BundleError> {
        Ok(Self::of(name, *manifest.entry(name)?))
    }

    pub(crate) fn of(name: &str, entry: FileEntry) -> Self {
        Self {
            name: name.into(),
            entry,
            hash: Hash::Own(Hasher::default()),
            found: 0,
            kept: None,
        }
    }

    /// Expects the file `name` and keeps its bytes: once, in memory of their exact length.
    pub(crate) fn kept(manifest: &Manifest, name: &str) -> Result<Self, BundleError> {
        let mut incoming = Self::new(manifest, name)?;
        incoming.kept = Some(Vec::new());
        Ok(incoming)
    }

    /// The next piece. What is longer than the manifest says is counted and not kept; what comes
    /// after a whole file is ignored.
    pub fn push(&mut self, piece: &[u8]) {
        let Hash::Own(hasher) = &mut self.hash else {
            return;
        };
        self.found += piece.len() as u64;
        if self.found > self.entry.bytes {
            return;
        }
        hasher.push(piece);
        if let Some(kept) = &mut self.kept {
            if kept.capacity() == 0 {
                kept.reserve_exact(self.entry.bytes as usize);
            }
            kept.extend_from_slice(piece);
        }
    }

    /// The whole file, and its SHA-256 as the platform computes it; in place of what came before.
    pub(crate) fn whole(&mut self, bytes: Vec<u8>, digest: Digest) {
        self.found = bytes.len() as u64;
        self.hash = Hash::Given(digest);
        if let Some(kept) = &mut self.kept {
            *kept = bytes;
        }
    }

    /// Whether anything arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.found > 0
    }

    /// Whether all has arrived that the manifest says; what is another is forgotten.
    pub(crate) fn arrived(&mut self) -> bool {
        let same =
            self.found == self.entry.bytes && self.hash.clone().finish() == self.entry.sha256;
        if !same {
            self.found = 0;
            self.hash = Hash::Own(Hasher::default());
            if let Some(kept) = &mut self.kept {
                kept.clear();
            }
        }
        same
    }

    /// Checks length and SHA-256, and gives the bytes that were kept.
    ///
    /// # Errors
    /// [`BundleError::Length`] or [`BundleError::Hash`].
    pub fn finish(self) -> Result<Vec<u8>, BundleError> {
        let (name, wanted) = (self.name, self.entry);
        if self.found != wanted.bytes {
            return Err(BundleError::Length {
                name,
                found: self.found,
                wanted: wanted.bytes,
            });
        }
        let found = self.hash.finish();
        if found != wanted.sha256 {
            return Err(BundleError::Hash {
                name,
                found,
                wanted: wanted.sha256,
            });
        }
        Ok(self.kept.unwrap_or_default())
    }
}
