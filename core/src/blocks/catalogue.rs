//! The blocks that are here, and the small bundle that they make.

use super::ROWS;
use super::index::Index;
use super::row::{Reader, Row};
use crate::bundle::{Bundle, BundleError};
use crate::digest::Digest;
use crate::facets::Facets;
use crate::ids::Ids;
use crate::manifest::{Manifest, file};
use crate::order::{self, Bits};
use crate::session::{Limits, Session};
use crate::tables::Tables;
use std::ops::Range;

/// So many blocks are fetched at most for the items that recommendations are chosen from.
const NEIGHBOURHOOD: usize = 256;

/// A bundle in blocks, as far as they are here.
pub struct Catalogue {
    index: Index,
    items: u32,
    dim: usize,
    limits: Limits,
    /// `[K]`; `None` where it is not here.
    blocks: Vec<Option<Vec<Row>>>,
}

impl Catalogue {
    /// Reads the verified bytes of `index.safetensors`; no block is here yet.
    ///
    /// # Errors
    /// [`BundleError::Content`] with the tensor that is missing, misshapen or out of range.
    pub fn open(manifest: &Manifest, index: Vec<u8>) -> Result<Self, BundleError> {
        let index = Index::parse(manifest, index)?;
        Ok(Self {
            blocks: vec![None; index.blocks()],
            index,
            items: manifest.model.items,
            dim: manifest.model.dim as usize,
            limits: manifest.session_limits(),
        })
    }

    /// Blocks that are not here and that could hold one of `ids`, rising.
    pub fn missing<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
        let mut wanted = Bits::none(self.index.blocks());
        for id in ids {
            wanted.insert(self.index.block_of(id) as u32);
        }
        self.not_here(&wanted)
    }

    /// Blocks that are not here and that recommendations for `session` are chosen from, rising:
    /// those of the most popular items and of the strongest neighbours of the session's items,
    /// the latest first. The blocks of the session's own items must be here.
    pub fn missing_around(&self, session: &Session) -> Vec<u32> {
        let mut chosen = Bits::none(self.index.blocks());
        let mut left = NEIGHBOURHOOD;
        let mut choose = |row: u32| {
            let block = block(row) as u32;
            if left > 0 && !chosen.holds(block) {
                chosen.insert(block);
                left -= 1;
            }
        };
        self.index.popular.iter().for_each(|&row| choose(row));
        for event in session.events().iter().rev() {
            let neighbours = self.row(&event.item).map_or(&[][..], |row| &row.neighbours);
            let places = (0..).zip(neighbours);
            let keys = places.map(|(place, n)| order::key(true, f32::from(n.1), place));
            let mut keys: Vec<u64> = keys.collect();
            keys.sort_unstable();
            keys.iter()
                .for_each(|&key| choose(neighbours[order::place(key)].0));
        }
        self.not_here(&chosen)
    }

    /// Those of the blocks that are not here.
    fn not_here(&self, wanted: &Bits) -> Vec<u32> {
        let missing = (0..).zip(&self.blocks);
        let missing = missing.filter(|(block, rows)| rows.is_none() && wanted.holds(*block));
        missing.map(|(block, _)| block).collect()
    }

    /// The bytes of a block in `blocks.bin`; nothing beyond the last one.
    pub fn place(&self, block: u32) -> Range<u32> {
        if (block as usize) < self.index.blocks() {
            self.index.place(block as usize)
        } else {
            0..0
        }
    }

    /// Verifies the bytes of a block, then reads them.
    ///
    /// # Errors
    /// [`BundleError::Content`] with the block, and with the row that is not of the form.
    pub fn add(&mut self, block: u32, bytes: &[u8]) -> Result<(), BundleError> {
        let fail = |reason: String| Err(BundleError::content(file::BLOCKS, reason));
        let at = block as usize;
        if at >= self.index.blocks() {
            let k = self.index.blocks();
            return fail(format!("has {k} blocks; there is no block {block}"));
        }
        if bytes.len() != self.index.place(at).len()
            || !Digest::of(bytes)
                .as_bytes()
                .starts_with(self.index.hash(at))
        {
            return fail(format!(
                "block {block} is not what the index says: fetch it again"
            ));
        }
        let categories = self.index.categories.as_ref().map_or(0, Vec::len);
        let first = block * ROWS;
        let mut rest = Reader(bytes);
        let mut rows: Vec<Row> = Vec::new();
        for number in first..self.items.min(first + ROWS) {
            let row = Row::read(&mut rest, self.items, categories, self.dim);
            match row.filter(|row| rows.last().is_none_or(|last| last.id < row.id)) {
                Some(row) => rows.push(row),
                None => return fail(format!("row {number} is cut off or not of the form")),
            }
        }
        if !rest.0.is_empty() {
            return fail(format!("block {block} has bytes after its last row"));
        }
        self.blocks[at] = Some(rows);
        Ok(())
    }

    /// The bundle of the rows that are here. Their neighbours elsewhere are left out: nothing is
    /// asked about those.
    pub fn bundle(&self) -> Bundle {
        // Where the rows of each block begin in the bundle.
        let mut begins = vec![u32::MAX; self.blocks.len()];
        let mut rows: Vec<&Row> = Vec::new();
        for (begin, block) in begins.iter_mut().zip(&self.blocks) {
            if let Some(block) = block {
                *begin = rows.len() as u32;
                rows.extend(block);
            }
        }
        let here = |row: u32| {
            let begin = begins[block(row)];
            (begin != u32::MAX).then(|| begin + row % ROWS)
        };
        let facets = self.index.categories.as_ref().map(|categories| Facets {
            categories: categories.clone(),
            category: rows.iter().map(|row| row.category).collect(),
            price_edges: Vec::new(),
            price_band: rows.iter().map(|row| row.price_band).collect(),
            in_stock: rows.iter().map(|row| row.in_stock).collect(),
        });
        Bundle::new(
            Tables::gathered(self.index.constants.clone(), self.dim, &rows, here),
            Ids::Listed(rows.iter().map(|row| row.id.clone()).collect()),
            facets,
            self.limits,
        )
    }

    fn row(&self, id: &str) -> Option<&Row> {
        let rows = self.blocks[self.index.block_of(id)].as_ref()?;
        rows.iter().find(|row| row.id == id)
    }
}

/// The block of a row.
fn block(row: u32) -> usize {
    (row / ROWS) as usize
}
