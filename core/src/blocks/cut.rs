//! Cuts a bundle into blocks.

use super::row::Row;
use super::{HASH, ROWS, tensor};
use crate::digest::Digest;
use crate::facets::Facets;
use crate::tables::Tables;
use crate::writer::WriteError;
use safetensors::{Dtype, tensor::TensorView};

/// Of the most popular rows, so many are named in the index.
const POPULAR: usize = 64;

/// The two files of a bundle in blocks.
pub struct Blocks {
    /// `index.safetensors`.
    pub index: Vec<u8>,
    /// `blocks.bin`.
    pub blocks: Vec<u8>,
}

/// Cuts checked tables, the `[N]` ids of their rows and their facets.
///
/// # Errors
/// [`WriteError::Shape`] when a block would be longer than 64 KiB, because of long ids or vectors.
pub fn cut(tables: &Tables, ids: &[String], facets: Option<&Facets>) -> Result<Blocks, WriteError> {
    if ids.len() != tables.items() as usize {
        return Err(WriteError::Shape(format!(
            "there are {} ids for {} rows",
            ids.len(),
            tables.items()
        )));
    }
    let mut blocks = Vec::new();
    let mut lengths: Vec<u8> = Vec::new();
    let mut hashes: Vec<u8> = Vec::new();
    let mut keys: Vec<u8> = Vec::new();
    let mut key_lengths: Vec<u8> = Vec::new();
    let mut last: &str = "";
    for first in (0..tables.items()).step_by(ROWS as usize) {
        let from = blocks.len();
        let rows = first..tables.items().min(first + ROWS);
        for row in rows.clone() {
            tables
                .row(row, ids[row as usize].clone(), facets)
                .write(&mut blocks);
        }
        let long = |what: &str| {
            let id = &ids[first as usize];
            WriteError::Shape(format!(
                "the {what} of the block at item '{id}' is too long"
            ))
        };
        let block = &blocks[from..];
        let length = u16::try_from(block.len()).map_err(|_| long("data"))?;
        lengths.extend(length.to_le_bytes());
        hashes.extend(&Digest::of(block).as_bytes()[..HASH]);
        let key = key_between(last, &ids[first as usize]);
        key_lengths.push(u8::try_from(key.len()).map_err(|_| long("key"))?);
        keys.extend(key);
        last = &ids[rows.end as usize - 1];
    }
    let k = key_lengths.len();
    let popular = tables.by_popularity();
    let popular = &popular[..popular.len().min(POPULAR)];
    let u32s = |values: &[u32]| values.iter().flat_map(|v| v.to_le_bytes()).collect();

    let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![
        (tensor::BLOCK_BYTES, Dtype::U16, vec![k], lengths),
        (tensor::BLOCK_HASH, Dtype::U8, vec![k, HASH], hashes),
        (tensor::BLOCK_KEY_BYTES, Dtype::U8, vec![k], key_lengths),
        (tensor::BLOCK_KEY, Dtype::U8, vec![keys.len()], keys),
        (
            tensor::POPULAR,
            Dtype::U32,
            vec![popular.len()],
            u32s(popular),
        ),
    ];
    if let Some(facets) = facets {
        let names = serde_json::to_vec(&facets.categories).unwrap_or_default();
        tensors.push((tensor::CATEGORIES, Dtype::U8, vec![names.len()], names));
    }
    for (name, values) in tables.constants().tensors() {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        tensors.push((name, Dtype::F32, vec![values.len()], bytes));
    }
    let views: Vec<(&str, TensorView<'_>)> = tensors
        .iter()
        .map(|(name, dtype, shape, bytes)| {
            Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?))
        })
        .collect::<Result<_, safetensors::SafeTensorError>>()?;
    Ok(Blocks {
        index: safetensors::serialize(views, None)?,
        blocks,
    })
}

impl Tables {
    /// All about a row.
    fn row(&self, row: u32, id: String, facets: Option<&Facets>) -> Row {
        let at = row as usize;
        let neighbours = self.neighbours(row);
        let mut result = Row {
            id,
            popularity: self.popularity(row),
            prior: self.prior(row),
            neighbour_scale: half(neighbours.scale),
            ..Row::default()
        };
        neighbours.for_each(|row, weight| result.neighbours.push((row, weight)));
        if let Some(facets) = facets {
            result.category = facets.category[at];
            result.price_band = facets.price_band[at];
            result.in_stock = facets.in_stock[at];
        }
        if self.dim() > 0 {
            result.vector = self.vector(row).to_vec();
            result.vector_scale = half(self.vector_scale(row));
        }
        result
    }
}

/// The bfloat16 that a number was read from.
fn half(value: f32) -> u16 {
    (value.to_bits() >> 16) as u16
}

/// The shortest beginning of `next` that is above `last`.
fn key_between<'a>(last: &str, next: &'a str) -> &'a [u8] {
    let same = last.bytes().zip(next.bytes()).take_while(|(a, b)| a == b);
    let length = if last.is_empty() { 0 } else { same.count() + 1 };
    &next.as_bytes()[..length.min(next.len())]
}
