//! The current manifest, held in memory and read again when the store's file is replaced.
//!
//! The trainer may publish into the store's folder while the server runs, so the file is the
//! truth. Publishing renames a new file into place, which changes its inode; asking the system
//! for that costs a microsecond, so it is asked on each use and no watcher is needed.

use std::fs;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;
use vitrine_store::{Current, Store, StoreError};

/// The store and what is current in it.
pub struct Live {
    store: Store,
    seen: RwLock<Seen>,
}

#[derive(Default)]
struct Seen {
    stamp: Option<Stamp>,
    current: Option<Arc<Current>>,
}

/// What changes when the file is replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

impl Live {
    /// Reads the current manifest. A manifest that cannot be read is an error here, when an
    /// operator is looking; later the last good one stays in use.
    pub fn open(store: Store) -> Result<Self, StoreError> {
        let stamp = stamp(&store);
        let current = store.current()?.map(Arc::new);
        Ok(Self {
            store,
            seen: RwLock::new(Seen { stamp, current }),
        })
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The current manifest, or `None` when nothing is published.
    pub fn current(&self) -> Option<Arc<Current>> {
        let stamp = stamp(&self.store);
        {
            let seen = self.seen.read().unwrap_or_else(PoisonError::into_inner);
            if seen.stamp == stamp {
                return seen.current.clone();
            }
        }
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        if seen.stamp != stamp {
            match self.store.current() {
                Ok(current) => seen.current = current.map(Arc::new),
                Err(error) => tracing::error!(%error, "the last good manifest stays in use"),
            }
            seen.stamp = stamp;
        }
        seen.current.clone()
    }
}

fn stamp(store: &Store) -> Option<Stamp> {
    let metadata = fs::metadata(store.manifest_path()).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some(Stamp {
        modified: metadata.modified().ok(),
        length: metadata.len(),
        inode,
    })
}
