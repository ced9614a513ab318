//! Making a bundle the current one.

use crate::incoming::replace;
use crate::{Current, Store, StoreError, read_at_most};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use vitrine_core::Digest;
use vitrine_core::manifest::{
    FileEntry, MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, SIGNATURE_FILE,
};

/// What publishing did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Version of the manifest.
    pub version: u64,
    /// SHA-256 of the manifest's bytes.
    pub digest: Digest,
    /// Whether anything changed.
    pub outcome: Outcome,
}

/// Whether publishing changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This manifest is now the current one.
    Switched,
    /// It was the current one already, byte for byte.
    Unchanged,
}

impl Store {
    /// Publishes the bundle in `bundle_dir`: checks every file that its manifest names, stores
    /// them by content hash, and makes the manifest the current one.
    ///
    /// Publishing the current bundle again changes nothing. A version that is not above the
    /// current one is refused before anything is copied.
    pub fn publish_folder(&self, bundle_dir: &Path) -> Result<Published, StoreError> {
        let path = bundle_dir.join(MANIFEST_FILE);
        let bytes = read_at_most(&path, MAX_MANIFEST_BYTES as u64 + 1)?
            .ok_or_else(|| StoreError::io("open", &path)(std::io::ErrorKind::NotFound.into()))?;
        let manifest =
            Manifest::parse(&bytes).map_err(|source| StoreError::Manifest { path, source })?;
        if self.would(&manifest, &bytes)? == Outcome::Unchanged {
            return Ok(published(&manifest, &bytes, Outcome::Unchanged));
        }
        for (name, entry) in &manifest.files {
            self.copy_in(&bundle_dir.join(name), entry)?;
        }
        if let Some(signature) =
            read_at_most(&bundle_dir.join(SIGNATURE_FILE), MAX_MANIFEST_BYTES as u64)?
        {
            replace(&self.signature_path(manifest.version), &signature)?;
        }
        self.put_manifest(&bytes)
    }

    /// Makes a manifest the current one. Every file that it names must be stored already.
    pub fn put_manifest(&self, bytes: &[u8]) -> Result<Published, StoreError> {
        let manifest = Manifest::parse(bytes).map_err(StoreError::ManifestBytes)?;
        // Two publishers at once: the second must see the first's version.
        let lock_path = self.root().join("store.lock");
        let lock = File::create(&lock_path).map_err(StoreError::io("write", &lock_path))?;
        lock.lock().map_err(StoreError::io("lock", &lock_path))?;

        let outcome = self.would(&manifest, bytes)?;
        if outcome == Outcome::Switched {
            self.all_there(&manifest)?;
            let kept = self.manifests().join(format!("{}.json", manifest.version));
            replace(&kept, bytes)?;
            replace(&self.manifest_path(), bytes)?;
        }
        Ok(published(&manifest, bytes, outcome))
    }

    /// What publishing this manifest would do, by its version alone.
    fn would(&self, manifest: &Manifest, bytes: &[u8]) -> Result<Outcome, StoreError> {
        let Some(Current {
            bytes: current_bytes,
            manifest: current,
            ..
        }) = self.current()?
        else {
            return Ok(Outcome::Switched);
        };
        if current_bytes == bytes {
            return Ok(Outcome::Unchanged);
        }
        if manifest.version == current.version {
            return Err(StoreError::VersionTaken {
                version: current.version,
            });
        }
        if manifest.version < current.version {
            return Err(StoreError::NotNewer {
                current: current.version,
                offered: manifest.version,
            });
        }
        Ok(Outcome::Switched)
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

    /// Copies one file of a bundle into the store, checking its length and its hash.
    fn copy_in(&self, path: &Path, entry: &FileEntry) -> Result<(), StoreError> {
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

fn published(manifest: &Manifest, bytes: &[u8], outcome: Outcome) -> Published {
    Published {
        version: manifest.version,
        digest: Digest::of(bytes),
        outcome,
    }
}
