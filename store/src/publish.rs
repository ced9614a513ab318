//! Making a bundle the current one.

use crate::incoming::replace;
use crate::{Current, Store, StoreError, read_at_most};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use vitrine_core::Digest;
use vitrine_core::manifest::{
    FileEntry, MANIFEST_FILE, MAX_MANIFEST_BYTES, Manifest, SIGNATURE_FILE,
};
use vitrine_core::signature::{self, MAX_SIGNATURE_BYTES};

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
        let outcome = self.would(&manifest, &bytes)?;
        if let Some(signature) = read_at_most(
            &bundle_dir.join(SIGNATURE_FILE),
            MAX_SIGNATURE_BYTES as u64 + 1,
        )? {
            self.put_signature(Digest::of(&bytes), &signature)?;
        }
        if outcome == Outcome::Unchanged {
            return Ok(published(&manifest, &bytes, outcome));
        }
        for (name, entry) in &manifest.files {
            let whole = manifest.is_fetched_whole(name);
            self.copy_in(&bundle_dir.join(name), entry, whole)?;
        }
        self.put_manifest(&bytes)
    }

    /// Stores the signature file of the manifest with this SHA-256, before that is published or
    /// after: signing the current manifest again, with another key too, takes effect at once.
    ///
    /// The form is checked; whose signatures are trusted is for whoever holds public keys.
    pub fn put_signature(&self, manifest: Digest, file: &[u8]) -> Result<(), StoreError> {
        signature::signers(file)?;
        let _lock = self.lock()?;
        replace(&self.signature_path(manifest), file)?;
        match self.current()? {
            Some(current) if current.digest == manifest => self.show_signature(manifest),
            _ => Ok(()),
        }
    }

    /// Puts the signatures of a manifest beside `manifest.json`, for hosts that know no more than
    /// files.
    fn show_signature(&self, manifest: Digest) -> Result<(), StoreError> {
        let path = self.root().join(SIGNATURE_FILE);
        match self.signature(manifest)? {
            Some(file) => replace(&path, &file),
            None => match fs::remove_file(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => {
                    Err(StoreError::io("remove", &path)(e))
                }
                _ => Ok(()),
            },
        }
    }

    /// Held while the store is changed. Two publishers at once: the second must see the first's
    /// version.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.root().join("store.lock");
        let lock = File::create(&path).map_err(StoreError::io("write", &path))?;
        lock.lock().map_err(StoreError::io("lock", &path))?;
        Ok(lock)
    }

    /// Makes a manifest the current one. Every file that it names must be stored already.
    pub fn put_manifest(&self, bytes: &[u8]) -> Result<Published, StoreError> {
        let manifest = Manifest::parse(bytes).map_err(StoreError::ManifestBytes)?;
        let _lock = self.lock()?;
        let outcome = self.would(&manifest, bytes)?;
        if outcome == Outcome::Switched {
            self.all_there(&manifest)?;
            let kept = self.manifests().join(format!("{}.json", manifest.version));
            replace(&kept, bytes)?;
            // Whoever asks between these two finds that they do not fit, and asks again.
            self.show_signature(Digest::of(bytes))?;
            replace(&self.manifest_path(), bytes)?;
        }
        Ok(published(&manifest, bytes, outcome))
    }

    /// Makes a manifest the candidate, in place of any other: all that publishing checks is
    /// checked, and browsers see nothing of it until it is promoted.
    pub fn put_candidate(&self, bytes: &[u8]) -> Result<Published, StoreError> {
        let manifest = Manifest::parse(bytes).map_err(StoreError::ManifestBytes)?;
        let _lock = self.lock()?;
        let outcome = self.would(&manifest, bytes)?;
        if outcome == Outcome::Switched {
            self.all_there(&manifest)?;
            replace(&self.candidate_path(), bytes)?;
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
