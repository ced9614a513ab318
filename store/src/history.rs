//! The privacy promises of every manifest that was live, and until when.
//!
//! `manifests/<version>.json` is written the moment before its manifest goes live, so its time of
//! modification ends the time of the version before it. A copy of a store that lost those times
//! makes old versions look live for longer, never shorter.

use crate::{Store, StoreError, read_at_most};
use serde::Deserialize;
use std::fs;
use std::path::PathBuf;
use std::time::UNIX_EPOCH;
use vitrine_core::manifest::{MAX_MANIFEST_BYTES, Privacy};

/// A manifest's promise, and when it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Promised {
    /// The promise.
    pub privacy: Privacy,
    /// When another manifest took its place, Unix time in seconds; `None` for the newest.
    pub until: Option<u64>,
}

/// The part of a manifest that is read here; manifests of other schemas have it too.
#[derive(Deserialize)]
struct PrivacyOnly {
    privacy: Privacy,
}

impl Store {
    /// The promises of every version that was published, oldest first.
    pub fn promises(&self) -> Result<Vec<Promised>, StoreError> {
        let versions = self.published_versions()?;
        let successors = versions.iter().skip(1).map(|(_, time, _)| Some(*time));
        let ends = successors.chain([None]);
        let promised = versions.iter().zip(ends).map(|((_, _, path), until)| {
            let bytes = read_at_most(path, MAX_MANIFEST_BYTES as u64 + 1)?.unwrap_or_default();
            let read: PrivacyOnly =
                serde_json::from_slice(&bytes).map_err(|source| StoreError::Privacy {
                    path: path.clone(),
                    source,
                })?;
            Ok(Promised {
                privacy: read.privacy,
                until,
            })
        });
        promised.collect()
    }

    /// The number of every version that was published, rising.
    pub fn versions(&self) -> Result<Vec<u64>, StoreError> {
        let versions = self.published_versions()?.into_iter();
        Ok(versions.map(|(version, _, _)| version).collect())
    }

    /// Every version that was published, when (Unix time in seconds), and where it lies.
    fn published_versions(&self) -> Result<Vec<(u64, u64, PathBuf)>, StoreError> {
        let folder = self.manifests();
        let mut versions = Vec::new();
        for entry in fs::read_dir(&folder).map_err(StoreError::io("read", &folder))? {
            let path = entry.map_err(StoreError::io("read", &folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let version = name.and_then(|name| name.strip_suffix(".json"));
            let Some(Ok(version)) = version.map(str::parse) else {
                continue;
            };
            let modified = fs::metadata(&path)
                .and_then(|metadata| metadata.modified())
                .map_err(StoreError::io("read", &path))?;
            let since = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
            versions.push((version, since.as_secs(), path));
        }
        versions.sort_unstable();
        Ok(versions)
    }
}
