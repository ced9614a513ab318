//! Opens a bundle a slice at a time, so that a page can do other things in between.
//!
//! The files arrive in pieces, side by side ([`Opening::push`]). When all of one has arrived,
//! [`Opening::read`] first verifies its length and hash, and only then looks into it, in slices that
//! take about as long as the loop over a few ten thousand numbers; others may still be on their
//! way. Tables and ids are kept where they arrived, and read in place.

use crate::blocks::Catalogue;
use crate::bundle::{Bundle, BundleError};
use crate::digest::Digest;
use crate::facets::FacetsReader;
use crate::ids::Ids;
use crate::ids::nodes::{Nodes, Numbering};
use crate::incoming::{Incoming, Reader, Way};
use crate::manifest::{Manifest, ModelFacts, file};
use crate::session::Limits;
use crate::tables::TablesReader;

/// Ids that one step looks at.
const IDS: usize = 2048;

/// What was opened.
pub enum Opened {
    /// The whole bundle.
    Whole(Box<Bundle>),
    /// A large catalogue, no block of which is here yet.
    InBlocks(Box<Catalogue>),
}

/// A bundle that is being opened.
pub struct Opening {
    model: ModelFacts,
    limits: Limits,
    parts: Parts,
}

enum Parts {
    Whole {
        tables: Way<TablesReader>,
        items: Way<ItemsReader>,
        facets: Option<Way<FacetsReader>>,
    },
    /// The index of the blocks.
    Blocks(Box<Manifest>, Way<Catalogue>),
}

impl Reader for Catalogue {
    type Read = Self;

    fn step(&mut self) -> Result<bool, BundleError> {
        Ok(true)
    }

    fn finish(self) -> Result<Self, BundleError> {
        Ok(self)
    }
}

impl Opening {
    /// Expects the files that `manifest` names: all tables, ids and facets.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when it does not name the tables or the ids.
    pub fn new(manifest: &Manifest) -> Result<Self, BundleError> {
        let facets = Incoming::kept(manifest, file::FACETS);
        Ok(Self {
            model: manifest.model.clone(),
            limits: manifest.session_limits(),
            parts: Parts::Whole {
                tables: Way::of(Incoming::kept(manifest, file::TABLES)?),
                items: Way::of(Incoming::kept(manifest, file::ITEMS)?),
                facets: facets.ok().map(Way::of),
            },
        })
    }

    /// Expects the index of the blocks, where `manifest` names one, and else all files.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when it does not name what belongs together.
    pub fn in_blocks(manifest: &Manifest) -> Result<Self, BundleError> {
        if !manifest.files.contains_key(file::INDEX) {
            return Self::new(manifest);
        }
        let index = Way::of(Incoming::kept(manifest, file::INDEX)?);
        Ok(Self {
            model: manifest.model.clone(),
            limits: manifest.session_limits(),
            parts: Parts::Blocks(Box::new(manifest.clone()), index),
        })
    }

    /// The next piece of the file `name`. Files may come side by side; a file that the ranker
    /// does not read, and a piece after the file's first step, are ignored.
    pub fn push(&mut self, name: &str, piece: &[u8]) {
        if let Some(incoming) = self.arriving(name) {
            incoming.push(piece);
        }
    }

    /// Expects the file `name` anew, from its beginning, in pieces that are not hashed here: its
    /// SHA-256 comes from [`Opening::hashed`].
    pub fn unhashed(&mut self, name: &str) {
        if let Some(incoming) = self.arriving(name) {
            incoming.unhashed();
        }
    }

    /// What has arrived of the file `name`; nothing where it is not expected.
    pub fn bytes(&mut self, name: &str) -> &[u8] {
        self.arriving(name).map_or(&[], |incoming| incoming.bytes())
    }

    /// The SHA-256 of all [`Opening::bytes`] of a file, as the caller's platform computes it.
    pub fn hashed(&mut self, name: &str, sha256: Digest) {
        if let Some(incoming) = self.arriving(name) {
            incoming.hashed(sha256);
        }
    }

    /// True if the file `name` has arrived as the manifest says. What was put together and is
    /// another is forgotten: the file is expected anew.
    pub fn arrived(&mut self, name: &str) -> bool {
        self.arriving(name).is_some_and(Incoming::arrived)
    }

    fn arriving(&mut self, name: &str) -> Option<&mut Incoming> {
        match (&mut self.parts, name) {
            (Parts::Whole { tables, .. }, file::TABLES) => tables.arriving(),
            (Parts::Whole { items, .. }, file::ITEMS) => items.arriving(),
            (Parts::Whole { facets, .. }, file::FACETS) => facets.as_mut()?.arriving(),
            (Parts::Blocks(_, index), file::INDEX) => index.arriving(),
            _ => None,
        }
    }

    /// Goes a slice further in the file `name`, all of which has arrived; `true` when it is read.
    /// The first step verifies it. Others may still be on their way; facets of which nothing has
    /// arrived are left out.
    ///
    /// # Errors
    /// [`BundleError`] names the file; nothing of an unverified file is parsed.
    pub fn read(&mut self, name: &str) -> Result<bool, BundleError> {
        let model = &self.model;
        match (&mut self.parts, name) {
            (Parts::Whole { tables, .. }, file::TABLES) => {
                tables.step(|bytes| TablesReader::open(model, bytes))
            }
            (Parts::Whole { items, .. }, file::ITEMS) => {
                items.step(|bytes| ItemsReader::open(model.items, bytes))
            }
            (Parts::Whole { facets, .. }, file::FACETS) => match facets {
                Some(facets) if facets.has_begun() => {
                    facets.step(|bytes| Ok(FacetsReader::new(model.items, bytes)))
                }
                _ => Ok(true),
            },
            (Parts::Blocks(manifest, index), file::INDEX) => {
                index.step(|bytes| Catalogue::open(manifest, bytes))
            }
            _ => Ok(true),
        }
    }

    /// What was opened; `None` before all files are read.
    pub fn finish(self) -> Option<Opened> {
        match self.parts {
            Parts::Blocks(_, index) => Some(Opened::InBlocks(Box::new(index.read()?))),
            Parts::Whole {
                tables,
                items,
                facets,
            } => {
                let facets = facets.filter(Way::has_begun).map(Way::read);
                Some(Opened::Whole(Box::new(Bundle::new(
                    tables.read()?,
                    Ids::Fst(items.read()?),
                    facets.map_or(Some(None), |facets| facets.map(Some))?,
                    self.limits,
                ))))
            }
        }
    }
}

/// Checks that the fst can be read, that ids are text and that rows are numbered in their byte order.
///
/// The fst's own checksum is not computed: the SHA-256 of the whole file says more.
/// Reads the verified bytes of `items.fst` and calls `each` with every id, in rising order.
///
/// # Errors
/// [`BundleError::Content`] as when the bundle is opened; `each` was then called with none.
pub fn each_id(items: u32, bytes: Vec<u8>, mut each: impl FnMut(&[u8])) -> Result<(), BundleError> {
    let mut reader = ItemsReader::open(items, bytes)?;
    while !reader.step()? {}
    let map = reader.finish()?;
    let mut ids = map.keys();
    while let Some(id) = fst::Streamer::next(&mut ids) {
        each(id);
    }
    Ok(())
}

struct ItemsReader {
    map: fst::Map<Vec<u8>>,
    items: u32,
    stage: ItemsStage,
    /// The last id that was looked at, and the row of the next.
    last: Vec<u8>,
    next: u64,
}

enum ItemsStage {
    /// The walk over all nodes.
    Nodes(Nodes),
    /// The walk that shows the numbers of plain ids, at a third of the time of the last one.
    Numbering(Numbering),
    /// Every id is looked at.
    Ids,
}

impl ItemsReader {
    fn open(items: u32, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let nodes = Nodes::open(&bytes)?;
        let map = fst::Map::new(bytes)
            .map_err(|e| BundleError::content(file::ITEMS, format!("is not an fst: {e}")))?;
        if map.len() != items as usize {
            let found = map.len();
            return Err(BundleError::content(
                file::ITEMS,
                format!("holds {found} items; the manifest says {items}"),
            ));
        }
        Ok(Self {
            map,
            items,
            stage: ItemsStage::Nodes(nodes),
            last: Vec::new(),
            next: 0,
        })
    }

    /// Looks at some ids.
    fn ids(&mut self) -> Result<bool, BundleError> {
        let fail = |reason: String| Err(BundleError::content(file::ITEMS, reason));
        let from = self.map.range();
        let from = if self.next == 0 {
            from
        } else {
            from.gt(&self.last)
        };
        let mut stream = fst::IntoStreamer::into_stream(from);
        for _ in 0..IDS {
            let Some((id, row)) = fst::Streamer::next(&mut stream) else {
                if self.next != u64::from(self.items) {
                    return fail(format!("lists {} ids, not {}", self.next, self.items));
                }
                return Ok(true);
            };
            if self.next == u64::from(self.items) {
                return fail(format!("lists more ids than {}", self.items));
            }
            if row != self.next {
                return fail(format!(
                    "gives item '{}' row {row}; rows are numbered in the byte order of the ids, so {} was expected",
                    String::from_utf8_lossy(id),
                    self.next
                ));
            }
            if std::str::from_utf8(id).is_err() {
                return fail(format!("the id of row {row} is not UTF-8"));
            }
            self.next += 1;
            self.last.clear();
            self.last.extend_from_slice(id);
        }
        Ok(false)
    }
}

impl Reader for ItemsReader {
    type Read = fst::Map<Vec<u8>>;

    fn step(&mut self) -> Result<bool, BundleError> {
        let bytes = self.map.as_fst().as_bytes();
        self.stage = match std::mem::replace(&mut self.stage, ItemsStage::Ids) {
            ItemsStage::Nodes(mut nodes) => match nodes.step(bytes)? {
                true => ItemsStage::Numbering(Numbering::of(nodes)),
                false => ItemsStage::Nodes(nodes),
            },
            ItemsStage::Numbering(mut numbering) => match numbering.step(bytes) {
                None => ItemsStage::Numbering(numbering),
                Some(known) if known && numbering.keys_of_all() == Some(self.items) => {
                    return Ok(true);
                }
                Some(_) => ItemsStage::Ids,
            },
            ItemsStage::Ids => return self.ids(),
        };
        Ok(false)
    }

    fn finish(self) -> Result<Self::Read, BundleError> {
        Ok(self.map)
    }
}
