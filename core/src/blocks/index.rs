//! `index.safetensors`: where each block is, and what it hashes to.

use super::{HASH, ROWS, tensor};
use crate::bundle::BundleError;
use crate::manifest::{Manifest, file};
use crate::tables::Constants;
use crate::tables::header::{Dtype, Header};
use std::ops::Range;

/// The checked index of a catalogue.
pub(super) struct Index {
    bytes: Vec<u8>,
    pub(super) constants: Constants,
    /// Names of the categories, where the bundle has facets.
    pub(super) categories: Option<Vec<String>>,
    /// The most popular rows, best first.
    pub(super) popular: Vec<u32>,
    /// Where each block ends in `blocks.bin`; `[K]`.
    ends: Vec<u32>,
    hashes: Range<usize>,
    /// Where each key is in `bytes`; `[K + 1]`.
    keys: Vec<u32>,
}

impl Index {
    /// Reads verified bytes.
    pub(super) fn parse(manifest: &Manifest, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let header = Header::read(file::INDEX, &bytes)?;
        let model = &manifest.model;
        let k = model.items.div_ceil(ROWS) as usize;
        let lengths = header.range(tensor::BLOCK_BYTES, Dtype::U16, &[k])?;
        let (lengths, _) = bytes[lengths].as_chunks::<2>();
        let ends = sums(0, lengths.iter().map(|&l| u32::from(u16::from_le_bytes(l))));
        let found = u64::from(ends[k]);
        let wanted = manifest.entry(file::BLOCKS)?.bytes;
        if found != wanted {
            let reason = format!("adds up to {found}; {} has {wanted} bytes", file::BLOCKS);
            return Err(header.fail(tensor::BLOCK_BYTES, &reason));
        }
        let lengths = header.range(tensor::BLOCK_KEY_BYTES, Dtype::U8, &[k])?;
        let key = header.list(tensor::BLOCK_KEY, Dtype::U8)?;
        let keys = sums(key.start as u32, bytes[lengths].iter().map(|&l| l.into()));
        if keys[k] as usize != key.end {
            return Err(header.fail(tensor::BLOCK_KEY, "is not as long as its keys"));
        }
        let popular = header.list(tensor::POPULAR, Dtype::U32)?;
        let (popular, _) = bytes[popular].as_chunks::<4>();
        let popular: Vec<u32> = popular.iter().map(|&row| u32::from_le_bytes(row)).collect();
        if popular.iter().any(|&row| row >= model.items) {
            return Err(header.fail(tensor::POPULAR, "names a row beyond the items"));
        }
        let categories = if header.has(tensor::CATEGORIES) {
            let names = header.list(tensor::CATEGORIES, Dtype::U8)?;
            let names = serde_json::from_slice(&bytes[names]);
            let reason = "is not a JSON list of names";
            Some(names.map_err(|_| header.fail(tensor::CATEGORIES, reason))?)
        } else {
            None
        };
        let index = Self {
            constants: Constants::read(&header, &bytes, model.max_session as usize)?,
            hashes: header.range(tensor::BLOCK_HASH, Dtype::U8, &[k, HASH])?,
            categories,
            popular,
            ends,
            keys,
            bytes,
        };
        if (1..k).any(|block| index.key(block - 1) >= index.key(block)) {
            return Err(header.fail(tensor::BLOCK_KEY, "is not in rising order"));
        }
        Ok(index)
    }

    /// K.
    pub(super) fn blocks(&self) -> usize {
        self.ends.len() - 1
    }

    /// The bytes of a block in `blocks.bin`.
    pub(super) fn place(&self, block: usize) -> Range<u32> {
        self.ends[block]..self.ends[block + 1]
    }

    /// What the SHA-256 of a block begins with.
    pub(super) fn hash(&self, block: usize) -> &[u8] {
        &self.bytes[self.hashes.clone()][block * HASH..][..HASH]
    }

    /// The block that an id is in, if it is in any.
    pub(super) fn block_of(&self, id: &str) -> usize {
        let (mut low, mut high) = (0, self.blocks());
        while high - low > 1 {
            let middle = usize::midpoint(low, high);
            if self.key(middle) <= id.as_bytes() {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    fn key(&self, block: usize) -> &[u8] {
        &self.bytes[self.keys[block] as usize..self.keys[block + 1] as usize]
    }
}

/// Sums of the first 0, 1, … lengths, each above `start`; they stay below 2³² where the lengths
/// are those of a file, and come out wrong, not beyond, where they are not.
fn sums(start: u32, lengths: impl Iterator<Item = u32>) -> Vec<u32> {
    let mut sums = vec![start];
    sums.extend(lengths.scan(start, |sum, length| {
        *sum = sum.saturating_add(length);
        Some(*sum)
    }));
    sums
}
