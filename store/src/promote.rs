//! Making a candidate the current one, and what it has to show for that.

use crate::incoming::replace;
use crate::publish::{published, would};
use crate::{Current, Outcome, Published, Store, StoreError};
use vitrine_core::manifest::file;
use vitrine_core::provenance::{MAX_PROVENANCE_BYTES, Provenance, Refusal};
use vitrine_core::{Digest, delta};
use vitrine_durable::{create_folder, remove};

impl Store {
    /// Makes the candidate the current manifest. Its SHA-256 is named, so that nobody promotes
    /// another than the one that was looked at.
    ///
    /// Where something is live, the candidate must have been compared with it and be within the
    /// bounds of its provenance. A reason in `force` promotes it all the same; it is kept as
    /// `forced/<sha256>.txt`, on the disk before the manifest is current.
    ///
    /// # Errors
    /// [`StoreError::Held`] when the gate holds it back: it stays the candidate.
    pub fn promote(&self, candidate: Digest, force: Option<&str>) -> Result<Published, StoreError> {
        let lock = self.lock()?;
        let current = self.current()?;
        let waiting = self.candidate()?.filter(|found| found.digest == candidate);
        if let Some(current) = current.as_ref().filter(|c| c.digest == candidate) {
            // Promoting twice is harmless, as publishing twice is. A candidate that is current
            // already was left by a process that was lost before it took it away.
            if waiting.is_some() {
                self.remove_candidate()?;
            }
            let (manifest, bytes) = (&current.manifest, &current.bytes);
            return Ok(published(manifest, bytes, Outcome::Unchanged));
        }
        let found = waiting.ok_or(StoreError::NoCandidate(candidate))?;
        would(current.as_ref(), &found.manifest, &found.bytes)?;
        match (force, &current) {
            (Some(reason), _) => self.keep_reason(candidate, reason)?,
            (None, Some(current)) => self.gate(&found, current)?,
            (None, None) => {}
        }
        let published = self.switch(&lock, &found.manifest, &found.bytes, None)?;
        self.remove_candidate()?;
        Ok(published)
    }

    fn remove_candidate(&self) -> Result<(), StoreError> {
        let path = self.candidate_path();
        remove(&path).map_err(StoreError::io("remove", &path))
    }

    fn keep_reason(&self, candidate: Digest, reason: &str) -> Result<(), StoreError> {
        let folder = self.root.join("forced");
        create_folder(&folder).map_err(StoreError::io("create", &folder))?;
        let path = folder.join(format!("{candidate}.txt"));
        replace(&path, format!("{}\n", reason.trim()).as_bytes())
    }

    /// Holds back a candidate that is too far from the current bundle.
    fn gate(&self, candidate: &Current, current: &Current) -> Result<(), StoreError> {
        let held = |refusal| StoreError::Held {
            version: candidate.manifest.version,
            refusal,
        };
        let live = current.manifest.version;
        let entry = candidate.manifest.files.get(file::PROVENANCE);
        let Some(entry) = entry else {
            return Err(held(Refusal::Unknown { live }));
        };
        if entry.bytes > MAX_PROVENANCE_BYTES {
            return Err(held(Refusal::Malformed(format!(
                "it is longer than {MAX_PROVENANCE_BYTES} bytes"
            ))));
        }
        let found = Provenance::parse(&self.read(entry.sha256)?).map_err(held)?;
        // A bundle that was taken back is live under a new manifest, which names the older one; and
        // one that something was learned from before it was published had no deltas then.
        let mut learned = current.manifest.clone();
        learned.files.retain(|name, _| !delta::is_delta(name));
        let learned = Digest::of(&learned.to_bytes());
        let same = [
            Some(current.digest),
            Some(learned),
            current.manifest.restores,
        ];
        if !same.contains(&Some(found.against)) {
            let against = found.version;
            return Err(held(Refusal::Another { against, live }));
        }
        found.judge().map_err(held)
    }
}
