//! Opens a bundle a slice at a time, so that a page can do other things in between.
//!
//! The files arrive in pieces ([`Opening::push`]). When all of them have, [`Opening::step`] first
//! verifies every length and hash, and only then looks into them: tables, ids, facets, each in
//! slices that take about as long as the loop over a few ten thousand numbers. Tables and ids are
//! kept where they arrived, and read in place.

use crate::blocks::Catalogue;
use crate::bundle::{Bundle, BundleError};
use crate::digest::Digest;
use crate::facets::{Facets, FacetsReader};
use crate::ids::Ids;
use crate::ids::nodes::{Nodes, Numbering};
use crate::incoming::Incoming;
use crate::manifest::{Manifest, ModelFacts, file};
use crate::tables::{Tables, TablesReader};

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
    stage: Stage,
    catalogue: Option<Catalogue>,
    tables: Option<Tables>,
    items: Option<fst::Map<Vec<u8>>>,
    facets: Option<Facets>,
    /// Verified bytes that were not looked into yet.
    items_bytes: Vec<u8>,
    facets_bytes: Option<Vec<u8>>,
}

enum Stage {
    /// Tables, ids and facets are arriving.
    Arriving(Box<[Option<Incoming>; 3]>),
    /// The index of the blocks is arriving.
    Index(Box<(Manifest, Incoming)>),
    Tables(Box<TablesReader>),
    Items(ItemsReader),
    Facets(Box<FacetsReader>),
    Open,
    /// A step failed.
    Refused,
}

const NAMES: [&str; 3] = [file::TABLES, file::ITEMS, file::FACETS];

impl Opening {
    /// Expects the files that `manifest` names: all tables, ids and facets.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when it does not name the tables or the ids.
    pub fn new(manifest: &Manifest) -> Result<Self, BundleError> {
        let facets = Incoming::kept(manifest, file::FACETS).ok();
        let arriving = [
            Some(Incoming::kept(manifest, file::TABLES)?),
            Some(Incoming::kept(manifest, file::ITEMS)?),
            facets,
        ];
        Ok(Self::at(manifest, Stage::Arriving(Box::new(arriving))))
    }

    /// Expects the index of the blocks, where `manifest` names one, and else all files.
    ///
    /// # Errors
    /// [`BundleError::Manifest`] when it does not name what belongs together.
    pub fn in_blocks(manifest: &Manifest) -> Result<Self, BundleError> {
        if !manifest.files.contains_key(file::INDEX) {
            return Self::new(manifest);
        }
        let index = Incoming::kept(manifest, file::INDEX)?;
        let stage = Stage::Index(Box::new((manifest.clone(), index)));
        Ok(Self::at(manifest, stage))
    }

    fn at(manifest: &Manifest, stage: Stage) -> Self {
        Self {
            model: manifest.model.clone(),
            stage,
            catalogue: None,
            tables: None,
            items: None,
            facets: None,
            items_bytes: Vec::new(),
            facets_bytes: None,
        }
    }

    /// The next piece of the file `name`. Files may come side by side; a file that the ranker
    /// does not read, and a piece after the first step, are ignored.
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

    /// Whether the file `name` has arrived as the manifest says. What was put together and is
    /// another is forgotten: the file is expected anew.
    pub fn arrived(&mut self, name: &str) -> bool {
        self.arriving(name).is_some_and(Incoming::arrived)
    }

    fn arriving(&mut self, name: &str) -> Option<&mut Incoming> {
        match &mut self.stage {
            Stage::Arriving(files) => {
                let at = NAMES.iter().position(|&known| known == name);
                at.and_then(|at| files[at].as_mut())
            }
            Stage::Index(arriving) if name == file::INDEX => Some(&mut arriving.1),
            _ => None,
        }
    }

    /// Goes a slice further, when all files have arrived; `true` when the bundle is open. Facets
    /// of which nothing has arrived are left out.
    ///
    /// # Errors
    /// [`BundleError`] names the file. The first step verifies all files; nothing of an unverified
    /// file is parsed.
    pub fn step(&mut self) -> Result<bool, BundleError> {
        self.stage = match std::mem::replace(&mut self.stage, Stage::Refused) {
            Stage::Arriving(files) => {
                let [tables, items, facets] = *files;
                let finish =
                    |incoming: Option<Incoming>| incoming.map(Incoming::finish).transpose();
                let tables = finish(tables)?.unwrap_or_default();
                self.items_bytes = finish(items)?.unwrap_or_default();
                self.facets_bytes = finish(facets.filter(Incoming::has_begun))?;
                Stage::Tables(Box::new(TablesReader::open(&self.model, tables)?))
            }
            Stage::Index(arriving) => {
                let (manifest, index) = *arriving;
                self.catalogue = Some(Catalogue::open(&manifest, index.finish()?)?);
                Stage::Open
            }
            Stage::Tables(mut reader) => {
                if reader.step()? {
                    self.tables = Some(reader.finish());
                    let bytes = std::mem::take(&mut self.items_bytes);
                    Stage::Items(ItemsReader::open(self.model.items, bytes)?)
                } else {
                    Stage::Tables(reader)
                }
            }
            Stage::Items(mut reader) => {
                if reader.step()? {
                    self.items = Some(reader.map);
                    match self.facets_bytes.take() {
                        Some(bytes) => {
                            Stage::Facets(Box::new(FacetsReader::new(self.model.items, bytes)))
                        }
                        None => Stage::Open,
                    }
                } else {
                    Stage::Items(reader)
                }
            }
            Stage::Facets(mut reader) => {
                if reader.step()? {
                    self.facets = Some(reader.finish()?);
                    Stage::Open
                } else {
                    Stage::Facets(reader)
                }
            }
            done @ (Stage::Open | Stage::Refused) => done,
        };
        Ok(matches!(self.stage, Stage::Open))
    }

    /// What was opened; `None` before a step has said that it is.
    pub fn finish(self) -> Option<Opened> {
        if let Some(catalogue) = self.catalogue {
            return Some(Opened::InBlocks(Box::new(catalogue)));
        }
        Some(Opened::Whole(Box::new(Bundle::new(
            self.tables?,
            Ids::Fst(self.items?),
            self.facets,
            self.model.max_session as usize,
        ))))
    }
}

/// Checks that the fst can be read, that ids are text and that rows are numbered in their byte order.
///
/// The fst's own checksum is not computed: the SHA-256 of the whole file says more.
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

    /// Looks at some nodes or ids; `true` when all have been looked at.
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
