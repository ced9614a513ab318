//! Which items the shop has: those of the live bundle and of the ones that were live before it.
//!
//! There is no end to names that are no item's, so a forger who uses them can fill a window with
//! cells that no two reports share. Reports of items that a bundle lists are taken as ever; of others
//! few are, so that an item which is new in the shop comes through and a flood does not
//! ([`crate::limit`], [`crate::totals`]).
//!
//! Of each id eight bytes are kept: a hash under a key that is drawn when the server starts, so nobody
//! outside can look for ids that collide with one in the catalogue, and of four million ids two
//! collide by chance once in two million catalogues. A million items take eight megabytes, whatever
//! their ids are, where the ids themselves could take a hundred. The ids are read on a thread of
//! their own when another bundle goes live; until they are, the ones before are used.

use crate::live::Live;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use vitrine_core::Digest;
use vitrine_core::cell::Cell;
use vitrine_core::manifest::file;
use vitrine_core::opening::each_id;
use vitrine_store::{Store, StoreError};

/// Bundles whose items are known, the live one first: reports may come from a page that was opened
/// before it, and an item that is out of stock for some weeks is no new item.
const BUNDLES: usize = 16;

/// The items of the live bundle and of the ones before it.
pub struct Catalogue {
    live: Arc<Live>,
    key: RandomState,
    listed: RwLock<Listed>,
    /// Held by whoever reads a bundle's ids.
    reading: Mutex<()>,
}

#[derive(Clone, Default)]
struct Listed {
    /// The manifest that was live when they were read.
    of: Option<Digest>,
    /// A hash of each id, rising; `None` where the live bundle's ids cannot be read, and before one
    /// is published.
    ids: Option<Arc<[u64]>>,
}

/// Why the ids of a bundle are not known.
#[derive(Debug, thiserror::Error)]
enum Unread {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Content(#[from] vitrine_core::bundle::BundleError),
}

impl Catalogue {
    /// Reads the ids of the bundles that a store has published.
    pub fn open(live: Arc<Live>) -> Self {
        let catalogue = Self {
            live,
            key: RandomState::new(),
            listed: RwLock::default(),
            reading: Mutex::default(),
        };
        catalogue.refresh();
        catalogue
    }

    /// True if bundles list every item that a cell names. Where the live bundle's ids cannot be read,
    /// every item counts as listed.
    pub fn lists(self: &Arc<Self>, cell: &Cell) -> bool {
        let listed = self.listed();
        let Some(ids) = &listed.ids else {
            self.refresh_behind(&listed);
            return true;
        };
        let is_listed = |id: &str| ids.binary_search(&self.hash(id.as_bytes())).is_ok();
        let all = cell.items().all(is_listed);
        if !all {
            self.refresh_behind(&listed);
        }
        all
    }

    fn listed(&self) -> Listed {
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.clone()
    }

    fn hash(&self, id: &[u8]) -> u64 {
        self.key.hash_one(id)
    }

    /// Reads the ids again on a thread of their own, where another manifest is live than theirs.
    fn refresh_behind(self: &Arc<Self>, listed: &Listed) {
        let live = self.live.current().map(|current| current.digest);
        if live != listed.of && self.reading.try_lock().is_ok() {
            let catalogue = Arc::clone(self);
            tokio::task::spawn_blocking(move || catalogue.refresh());
        }
    }

    fn refresh(&self) {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(current) = self.live.current() else {
            return;
        };
        if self.listed().of == Some(current.digest) {
            return;
        }
        let ids = self.read(self.live.store(), current.manifest.version);
        if let Err(error) = &ids {
            tracing::error!(
                %error,
                version = current.manifest.version,
                "the items of the live bundle cannot be read, so reports of other items are not told \
                 from reports of these"
            );
        }
        let mut listed = self.listed.write().unwrap_or_else(PoisonError::into_inner);
        *listed = Listed {
            of: Some(current.digest),
            ids: ids.ok(),
        };
    }

    /// The hashes of the ids of a version and of those before it.
    fn read(&self, store: &Store, live: u64) -> Result<Arc<[u64]>, Unread> {
        let versions = store.versions()?;
        let versions = versions
            .into_iter()
            .rev()
            .filter(|version| *version <= live);
        let mut files = Vec::new();
        let mut ids = Vec::new();
        for version in versions.take(BUNDLES) {
            match self.add(store, version, &mut files, &mut ids) {
                Err(error) if version != live => {
                    tracing::warn!(%error, version, "the items of an older bundle are not known");
                }
                added => added?,
            }
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(ids.into())
    }

    /// Adds the hashes of a version's ids, unless it has the file of another.
    fn add(
        &self,
        store: &Store,
        version: u64,
        files: &mut Vec<Digest>,
        ids: &mut Vec<u64>,
    ) -> Result<(), Unread> {
        let Some(published) = store.published(version)? else {
            return Ok(());
        };
        let manifest = &published.manifest;
        let Some(entry) = manifest.files.get(file::ITEMS) else {
            return Ok(());
        };
        if !files.contains(&entry.sha256) {
            let bytes = store.read(entry.sha256)?;
            each_id(manifest.model.items, bytes, |id| ids.push(self.hash(id)))?;
            files.push(entry.sha256);
        }
        Ok(())
    }
}
