//! The blocks that are here, and the small bundle that they make.

use super::ROWS;
use super::index::Index;
use super::row::{Reader, Row};
use crate::bundle::{Bundle, BundleError};
use crate::digest::Digest;
use crate::facets::Facets;
use crate::ids::Ids;
use crate::manifest::{Manifest, file};
use crate::session::Session;
use crate::tables::Tables;
use std::ops::Range;

/// So many blocks are fetched at most for the items that recommendations are chosen from.
const NEIGHBOURHOOD: usize = 256;

/// A bundle in blocks, as far as they are here.
pub struct Catalogue {
    index: Index,
    items: u32,
    dim: usize,
    max_session: usize,
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
            max_session: manifest.model.max_session as usize,
        })
    }

    /// Blocks that are not here and that could hold one of `ids`, rising.
    pub fn missing<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Vec<u32> {
        let blocks = ids.into_iter().map(|id| self.index.block_of(id));
        self.not_here(blocks)
    }

    /// Blocks that are not here and that recommendations for `session` are chosen from, rising:
    /// those of the most popular items and of the strongest neighbours of the session's items,
    /// the latest first. The blocks of the session's own items must be here.
    pub fn missing_around(&self, session: &Session) -> Vec<u32> {
        let mut blocks: Vec<usize> = self.index.popular.iter().map(|&row| block(row)).collect();
        for event in session.events().iter().rev() {
            let Some(row) = self.row(&event.item) else {
                continue;
            };
            let mut neighbours = row.neighbours.clone();
            neighbours.sort_by(|a, b| b.1.cmp(&a.1));
            blocks.extend(neighbours.iter().map(|&(row, _)| block(row)));
        }
        let mut chosen = Vec::new();
        for block in blocks {
            if chosen.len() == NEIGHBOURHOOD {
                break;
            }
            if !chosen.contains(&block) {
                chosen.push(block);
            }
        }
        self.not_here(chosen.into_iter())
    }

    fn not_here(&self, blocks: impl Iterator<Item = usize>) -> Vec<u32> {
        let missing = blocks.filter(|&block| self.blocks[block].is_none());
        let mut missing: Vec<u32> = missing.map(|block| block as u32).collect();
        missing.sort_unstable();
        missing.dedup();
        missing
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
            self.max_session,
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
