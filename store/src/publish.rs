//! Making a bundle the current one.

use crate::incoming::replace;
use crate::{Current, Store, StoreError, read_at_most};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use vitrine_core::Digest;
use vitrine_core::manifest::{
    FileEntry, MANIFEST_FILE, MAX_MANIFEST_BYTES, MAX_VERSION, Manifest, SIGNATURE_FILE,
};
use vitrine_core::signature::MAX_SIGNATURE_BYTES;
use vitrine_durable::{lock_file, sync_folder};

/// The most by which a version may be above the current one: enough for versions that are dates.
pub(crate) const MAX_STEP: u64 = 1_000_000;
/// The highest version of a store's first manifest: half of the versions may follow it.
pub(crate) const MAX_FIRST_VERSION: u64 = MAX_VERSION / 2;

/// What publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Version of the manifest.
    pub version: u64,
    /// SHA-256 of the manifest's bytes.
    pub digest: Digest,
    /// True if anything changed.
    pub outcome: Outcome,
}

/// True if publishing changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This manifest is now the current one.
    Switched,
    /// It was the current one already, byte for byte.
    Unchanged,
}

/// Proof that nobody else changes the store, for as long as it lives.
pub(crate) struct Lock {
    _file: File,
}

impl Store {
    /// Publishes the bundle in `bundle_dir`: checks every file that its manifest names, stores
    /// them by content hash, and makes the manifest the current one.
    ///
    /// Publishing the current bundle again changes nothing but its signatures. A version that may
    /// not follow the current one is refused before anything is copied.
    pub fn publish_folder(&self, bundle_dir: &Path) -> Result<Published, StoreError> {
        let path = bundle_dir.join(MANIFEST_FILE);
        let bytes = read_at_most(&path, MAX_MANIFEST_BYTES as u64 + 1)?
            .ok_or_else(|| StoreError::io("open", &path)(std::io::ErrorKind::NotFound.into()))?;
        let manifest =
            Manifest::parse(&bytes).map_err(|source| StoreError::Manifest { path, source })?;
        let signature = read_at_most(
            &bundle_dir.join(SIGNATURE_FILE),
            MAX_SIGNATURE_BYTES as u64 + 1,
        )?;
        if would(self.current()?.as_ref(), &manifest, &bytes)? == Outcome::Switched {
            for (name, entry) in &manifest.files {
                let whole = manifest.is_fetched_whole(name);
                self.copy_in(&bundle_dir.join(name), entry, whole)?;
            }
        }
        let lock = self.lock()?;
        self.switch(&lock, &manifest, &bytes, signature.as_deref())
    }

    /// Makes a manifest the current one. Every file that it names must be stored already.
    pub fn put_manifest(&self, bytes: &[u8]) -> Result<Published, StoreError> {
        let manifest = Manifest::parse(bytes).map_err(StoreError::ManifestBytes)?;
        let lock = self.lock()?;
        self.switch(&lock, &manifest, bytes, None)
    }

    /// Makes a manifest the candidate, in place of any other: all that publishing checks is
    /// checked, and browsers see nothing of it until it is promoted.
    pub fn put_candidate(&self, bytes: &[u8]) -> Result<Published, StoreError> {
        let manifest = Manifest::parse(bytes).map_err(StoreError::ManifestBytes)?;
        let lock = self.lock()?;
        let outcome = would(self.current()?.as_ref(), &manifest, bytes)?;
        if outcome == Outcome::Switched {
            self.all_there(&manifest)?;
            self.settle_signature(&lock, bytes, None)?;
            replace(&self.candidate_path(), bytes)?;
        }
        Ok(published(&manifest, bytes, outcome))
    }

    /// Waits until nobody else changes the store, in this process or another. Whatever a change is
    /// judged by is read while the lock is held.
    pub(crate) fn lock(&self) -> Result<Lock, StoreError> {
        let path = self.root().join("store.lock");
        let file = lock_file(&path).map_err(StoreError::io("open", &path))?;
        file.lock().map_err(StoreError::io("lock", &path))?;
        // A process that is gone may have renamed a file and not flushed its folder; what is built
        // on that file must not outlast it.
        for folder in [&self.bundles(), &self.manifests(), self.root()] {
            sync_folder(folder).map_err(StoreError::io("flush the folder", folder))?;
        }
        Ok(Lock { _file: file })
    }

    /// Makes a manifest the current one, with the signatures given or those that wait for it.
    ///
    /// The signatures are stored before the manifest is current, under its hash: whoever has read
    /// a manifest finds the signatures of that very manifest.
    pub(crate) fn switch(
        &self,
        lock: &Lock,
        manifest: &Manifest,
        bytes: &[u8],
        signature: Option<&[u8]>,
    ) -> Result<Published, StoreError> {
        let outcome = would(self.current()?.as_ref(), manifest, bytes)?;
        if outcome == Outcome::Switched {
            self.all_there(manifest)?;
        }
        self.settle_signature(lock, bytes, signature)?;
        if outcome == Outcome::Switched {
            let kept = self.manifests().join(format!("{}.json", manifest.version));
            replace(&kept, bytes)?;
            replace(&self.manifest_path(), bytes)?;
        }
        Ok(published(manifest, bytes, outcome))
    }

    /// Refuses a manifest that names what is not stored, or stored with another length.
    fn all_there(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        for (name, entry) in &manifest.files {
            match self.length(entry.sha256)? {
                None => missing.push(format!("{name} ({})", entry.sha256)),
                Some(length) if length != entry.bytes => {
                    return Err(StoreError::Length {
                        what: name.clone(),
                        expected: entry.bytes,
                        found: length,
                    });
                }
                Some(_) => {}
            }
        }
        if missing.is_empty() {
            Ok(())
        } else {
            Err(StoreError::Missing { files: missing })
        }
    }

    /// Copies one file of a bundle into the store, checking its length and its hash; it is
    /// compressed where browsers fetch it `whole`.
    pub fn copy_in(&self, path: &Path, entry: &FileEntry, whole: bool) -> Result<(), StoreError> {
        let file = File::open(path).map_err(StoreError::io("open", path))?;
        let length = file.metadata().map_err(StoreError::io("read", path))?.len();
        if length != entry.bytes {
            return Err(StoreError::Length {
                what: path.display().to_string(),
                expected: entry.bytes,
                found: length,
            });
        }
        let mut incoming = self.receive(entry.sha256)?;
        if !whole {
            incoming = incoming.uncompressed();
        }
        let mut source = file.take(entry.bytes);
        let mut chunk = vec![0; 256 * 1024];
        loop {
            let read = source
                .read(&mut chunk)
                .map_err(StoreError::io("read", path))?;
            if read == 0 {
                break;
            }
            incoming.write(&chunk[..read])?;
        }
        match incoming.finish() {
            Err(StoreError::Altered {
                expected, found, ..
            }) => Err(StoreError::Altered {
                what: path.display().to_string(),
                expected,
                found,
            }),
            other => other.map(drop),
        }
    }
}

pub(crate) fn published(manifest: &Manifest, bytes: &[u8], outcome: Outcome) -> Published {
    Published {
        version: manifest.version,
        digest: Digest::of(bytes),
        outcome,
    }
}

/// What publishing a manifest would do, by its version alone.
///
/// A browser never goes back, so a version that is far ahead would use up those in between; and
/// above the last one nothing could follow.
pub(crate) fn would(
    current: Option<&Current>,
    manifest: &Manifest,
    bytes: &[u8],
) -> Result<Outcome, StoreError> {
    let offered = manifest.version;
    let Some(current) = current else {
        return match offered > MAX_FIRST_VERSION {
            true => Err(StoreError::FirstTooFar { offered }),
            false => Ok(Outcome::Switched),
        };
    };
    if current.bytes == bytes {
        return Ok(Outcome::Unchanged);
    }
    let version = current.manifest.version;
    match offered.checked_sub(version) {
        None => Err(StoreError::NotNewer {
            current: version,
            offered,
        }),
        Some(0) => Err(StoreError::VersionTaken { version }),
        Some(step) if step > MAX_STEP => Err(StoreError::TooFar {
            current: version,
            offered,
        }),
        Some(_) => Ok(Outcome::Switched),
    }
}
