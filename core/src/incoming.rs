//! A file that arrives in pieces: nothing but bytes before it is verified.
//!
//! Pieces are hashed as they come. Where the platform has a faster SHA-256 than this one, as a
//! browser has beside WebAssembly, it is handed in when all have come.

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
    /// Of the whole file, once it has been handed in.
    Given(Option<Digest>),
}

impl Hash {
    /// `None` where it was to be handed in and was not.
    fn finish(self) -> Option<Digest> {
        match self {
            Self::Own(hasher) => Some(hasher.finish()),
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

    /// The next piece. What is longer than the manifest says is counted and not kept.
    pub fn push(&mut self, piece: &[u8]) {
        self.found += piece.len() as u64;
        if self.found > self.entry.bytes {
            return;
        }
        match &mut self.hash {
            Hash::Own(hasher) => hasher.push(piece),
            // A hash of less than this is none.
            Hash::Given(digest) => *digest = None,
        }
        if let Some(kept) = &mut self.kept {
            if kept.capacity() == 0 {
                kept.reserve_exact(self.entry.bytes as usize);
            }
            kept.extend_from_slice(piece);
        }
    }

    /// Begins anew, with pieces that are not hashed here.
    pub(crate) fn unhashed(&mut self) {
        self.forget();
        self.hash = Hash::Given(None);
    }

    /// The SHA-256 of all pieces of a file that is not hashed here.
    pub(crate) fn hashed(&mut self, sha256: Digest) {
        if let Hash::Given(digest) = &mut self.hash {
            *digest = Some(sha256);
        }
    }

    /// What was kept so far.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.kept.as_deref().unwrap_or_default()
    }

    fn forget(&mut self) {
        self.found = 0;
        self.hash = Hash::Own(Hasher::default());
        if let Some(kept) = &mut self.kept {
            kept.clear();
        }
    }

    /// Whether anything arrived.
    pub(crate) fn has_begun(&self) -> bool {
        self.found > 0
    }

    /// Whether all has arrived that the manifest says; what is another is forgotten.
    pub(crate) fn arrived(&mut self) -> bool {
        let same =
            self.found == self.entry.bytes && self.hash.clone().finish() == Some(self.entry.sha256);
        if !same {
            self.forget();
        }
        same
    }

    /// Checks length and SHA-256, and gives the bytes that were kept.
    ///
    /// # Errors
    /// [`BundleError::Length`], [`BundleError::Hash`] or [`BundleError::Unhashed`].
    pub fn finish(self) -> Result<Vec<u8>, BundleError> {
        let (name, wanted) = (self.name, self.entry);
        if self.found != wanted.bytes {
            return Err(BundleError::Length {
                name,
                found: self.found,
                wanted: wanted.bytes,
            });
        }
        let Some(found) = self.hash.finish() else {
            return Err(BundleError::Unhashed { name });
        };
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

/// What is made of a verified file, a slice at a time.
pub(crate) trait Reader {
    type Read;

    /// Looks at a slice; `true` when everything has been looked at.
    fn step(&mut self) -> Result<bool, BundleError>;

    /// What was read, when a step has said that everything was looked at.
    fn finish(self) -> Result<Self::Read, BundleError>;
}

/// A file between its first byte and what is made of it.
pub(crate) enum Way<R: Reader> {
    Arriving(Box<Incoming>),
    Reading(Box<R>),
    Read(Box<R::Read>),
    /// A step failed.
    Refused,
}

impl<R: Reader> Way<R> {
    pub(crate) fn of(incoming: Incoming) -> Self {
        Self::Arriving(Box::new(incoming))
    }

    /// Goes a slice further, when all has arrived; `true` when it is read.
    pub(crate) fn step(
        &mut self,
        open: impl FnOnce(Vec<u8>) -> Result<R, BundleError>,
    ) -> Result<bool, BundleError> {
        *self = match std::mem::replace(self, Self::Refused) {
            Self::Arriving(incoming) => Self::Reading(Box::new(open(incoming.finish()?)?)),
            Self::Reading(mut reader) => match reader.step()? {
                true => Self::Read(Box::new(reader.finish()?)),
                false => Self::Reading(reader),
            },
            done => done,
        };
        Ok(matches!(self, Self::Read(_)))
    }

    /// Whether anything arrived.
    pub(crate) fn has_begun(&self) -> bool {
        !matches!(self, Self::Arriving(incoming) if !incoming.has_begun())
    }

    pub(crate) fn arriving(&mut self) -> Option<&mut Incoming> {
        match self {
            Self::Arriving(incoming) => Some(incoming),
            _ => None,
        }
    }

    pub(crate) fn read(self) -> Option<R::Read> {
        match self {
            Self::Read(read) => Some(*read),
            _ => None,
        }
    }
}
