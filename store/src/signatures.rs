//! The signatures of manifests, each under the hash of the manifest that it signs.
//!
//! Signatures may come before their manifest. They then wait in `waiting/`, where nothing reads
//! them but the change that brings the manifest: only with its bytes can they be checked.

use crate::incoming::replace;
use crate::publish::Lock;
use crate::{Store, StoreError, read_at_most};
use std::path::PathBuf;
use vitrine_core::Digest;
use vitrine_core::signature::{self, MAX_SIGNATURE_BYTES, PublicKey};
use vitrine_durable::{create_folder, remove};

impl Store {
    /// From now on only manifests that one of `keys` has signed become the candidate or current,
    /// and no signature is stored that cannot be verified with them. Without keys any is taken.
    #[must_use]
    pub fn trusting(self, keys: &[PublicKey]) -> Self {
        Self {
            trusted: keys.into(),
            ..self
        }
    }

    /// The signature file of the manifest with this SHA-256, when one is stored.
    pub fn signature(&self, manifest: Digest) -> Result<Option<Vec<u8>>, StoreError> {
        read_at_most(
            &self.signature_path(manifest),
            MAX_SIGNATURE_BYTES as u64 + 1,
        )
    }

    /// Stores the signature file of the manifest with this SHA-256. That of the current manifest or
    /// the candidate takes effect at once; another waits until its manifest comes.
    ///
    /// # Errors
    /// When the form is another, and, where keys are trusted and the manifest is there, when a
    /// signature does not verify.
    pub fn put_signature(&self, manifest: Digest, file: &[u8]) -> Result<(), StoreError> {
        signature::signers(file)?;
        let lock = self.lock()?;
        let known = [self.current()?, self.candidate()?];
        let known = known.into_iter().flatten();
        match known.into_iter().find(|known| known.digest == manifest) {
            Some(known) => self.store_signature(&lock, &known.bytes, file),
            None => {
                let folder = self.waiting();
                create_folder(&folder).map_err(StoreError::io("create", &folder))?;
                replace(&self.waiting_path(manifest), file)
            }
        }
    }

    /// Stores the signatures of a manifest that becomes current or the candidate: those `given`
    /// with it, else those that wait for it. Where keys are trusted, it has to have some.
    pub(crate) fn settle_signature(
        &self,
        lock: &Lock,
        manifest: &[u8],
        given: Option<&[u8]>,
    ) -> Result<(), StoreError> {
        let digest = Digest::of(manifest);
        let path = self.waiting_path(digest);
        let waiting = read_at_most(&path, MAX_SIGNATURE_BYTES as u64 + 1)?;
        if let Some(file) = given.or(waiting.as_deref()) {
            signature::signers(file)?;
            self.store_signature(lock, manifest, file)?;
        } else if !self.trusted.is_empty() {
            let stored = self.signature(digest)?.unwrap_or_default();
            signature::verify(manifest, &stored, &self.trusted)?;
        }
        if waiting.is_some() {
            remove(&path).map_err(StoreError::io("remove", &path))?;
        }
        Ok(())
    }

    fn store_signature(
        &self,
        _lock: &Lock,
        manifest: &[u8],
        file: &[u8],
    ) -> Result<(), StoreError> {
        let digest = Digest::of(manifest);
        let path = self.signature_path(digest);
        if self.trusted.is_empty() {
            return replace(&path, file);
        }
        let stored = self.signature(digest)?.unwrap_or_default();
        let joined = signature::join(manifest, file, &stored, &self.trusted)?;
        replace(&path, &joined)
    }

    fn signature_path(&self, manifest: Digest) -> PathBuf {
        self.manifests().join(format!("{manifest}.sig"))
    }

    fn waiting(&self) -> PathBuf {
        self.root().join("waiting")
    }

    fn waiting_path(&self, manifest: Digest) -> PathBuf {
        self.waiting().join(format!("{manifest}.sig"))
    }
}
