//! Reads `tables.safetensors` a slice at a time.

use super::header::{Dtype, Header};
use super::popularity::{by_both_bytes, by_low_byte};
use super::{Constants, Tables, half, largest_prior, tensor};
use crate::bundle::BundleError;
use crate::incoming::Reader;
use crate::manifest::{ModelFacts, file};
use crate::neighbours::{Gaps, WeightBits};
use std::ops::Range;
use std::sync::OnceLock;

/// Numbers that one step looks at.
const SLICE: usize = 1 << 15;

/// Tables whose large tensors are looked at a slice at a time.
pub(crate) struct TablesReader {
    tables: Tables,
    header: Header,
    items: usize,
    most_neighbours: u32,
    stage: Stage,
    /// Rows of the stage that were looked at.
    at: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Counts,
    Gaps,
    Scales,
    Popularity,
    LowOrder,
    Order,
    VectorScales,
    Done,
}

impl TablesReader {
    /// Reads the header and what is small.
    pub(crate) fn open(model: &ModelFacts, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let header = Header::read(file::TABLES, &bytes)?;
        let n = model.items as usize;
        let t = model.max_session as usize;
        let dim = model.dim as usize;
        let constants = Constants::read(&header, &bytes, t)?;
        header.range(tensor::NEIGHBOUR_COUNT, Dtype::U8, &[n])?;
        header.range(tensor::POPULARITY, Dtype::U16, &[n])?;
        let vectors = if dim == 0 {
            0..0
        } else {
            header.range(tensor::ITEM_SCALE, Dtype::BF16, &[n])?;
            header.range(tensor::ITEMS, Dtype::I8, &[n, dim])?
        };
        let prior = if header.has(tensor::PRIOR) {
            header.range(tensor::PRIOR, Dtype::I8, &[n])?
        } else {
            0..0
        };
        let mut start = Vec::with_capacity(n + 1);
        start.push(0);
        let tables = Tables {
            start,
            gap: 0..0,
            weight: 0..0,
            bits: WeightBits::Eight,
            scale: header.range(tensor::NEIGHBOUR_SCALE, Dtype::BF16, &[n])?,
            popularity: Vec::with_capacity(n),
            by_popularity: Vec::new(),
            largest_prior: largest_prior(prior.is_empty()),
            bounds: OnceLock::new(),
            prior,
            constants,
            dim,
            vectors,
            vector_scale: Vec::with_capacity(if dim == 0 { 0 } else { n }),
            bytes,
        };
        Ok(Self {
            tables,
            header,
            items: n,
            most_neighbours: model.neighbours,
            stage: Stage::Counts,
            at: 0,
        })
    }

    /// Goes on to the next stage where one has ended; whether that was the last.
    fn turn(&mut self) -> bool {
        if self.at >= self.items {
            self.at = 0;
            self.stage = match self.stage {
                Stage::Counts => Stage::Popularity,
                Stage::Popularity => Stage::LowOrder,
                Stage::LowOrder => Stage::Order,
                Stage::Order => Stage::Gaps,
                Stage::Gaps => Stage::Scales,
                Stage::Scales if self.tables.dim > 0 => Stage::VectorScales,
                _ => Stage::Done,
            };
        }
        self.stage == Stage::Done
    }

    fn count(&mut self, rows: Range<usize>) -> Result<(), BundleError> {
        let n = self.items;
        let range = self
            .header
            .range(tensor::NEIGHBOUR_COUNT, Dtype::U8, &[n])?;
        let mut entries = self.tables.start[rows.start];
        for &count in &self.tables.bytes[range][rows.clone()] {
            if u32::from(count) > self.most_neighbours {
                let most = self.most_neighbours;
                return Err(self.header.fail(
                    tensor::NEIGHBOUR_COUNT,
                    &format!("holds {count}; the manifest allows {most}"),
                ));
            }
            entries += u32::from(count);
            self.tables.start.push(entries);
        }
        if rows.end == n {
            let m = entries as usize;
            self.tables.gap = self.header.planes(tensor::NEIGHBOUR_GAP, m)?;
            let levels = self.header.has(tensor::NEIGHBOUR_LEVEL);
            (self.tables.bits, self.tables.weight) = if levels {
                let length = m.div_ceil(2);
                let range = self
                    .header
                    .range(tensor::NEIGHBOUR_LEVEL, Dtype::U8, &[length])?;
                (WeightBits::Four, range)
            } else {
                let range = self
                    .header
                    .range(tensor::NEIGHBOUR_WEIGHT, Dtype::U8, &[m])?;
                (WeightBits::Eight, range)
            };
        }
        Ok(())
    }
}

impl Reader for TablesReader {
    type Read = Tables;

    fn step(&mut self) -> Result<bool, BundleError> {
        let rows = self.at..self.items.min(self.at + SLICE);
        match self.stage {
            Stage::Counts => self.count(rows.clone())?,
            Stage::Gaps => {
                let Tables { bytes, start, .. } = &self.tables;
                let gaps = Gaps::new(&bytes[self.tables.gap.clone()], self.tables.entries());
                // A row has up to 255 entries.
                let rows = rows.start..self.items.min(rows.start + SLICE / 16);
                for row in rows.clone() {
                    let list = start[row] as usize..start[row + 1] as usize;
                    gaps.check(list, self.items as u32)?;
                }
                self.at = rows.end;
                return Ok(self.turn());
            }
            Stage::Scales => {
                let bytes = &self.tables.bytes[self.tables.scale.clone()];
                for row in rows.clone() {
                    self.header
                        .finite(tensor::NEIGHBOUR_SCALE, row, half(bytes, row))?;
                }
            }
            Stage::Popularity => {
                let range = self
                    .header
                    .range(tensor::POPULARITY, Dtype::U16, &[self.items])?;
                let (values, _) = self.tables.bytes[range].as_chunks::<2>();
                let values = values[rows.clone()].iter();
                let values = values.map(|&bytes| u16::from_le_bytes(bytes));
                self.tables.popularity.extend(values);
                self.tables.bound_priors(rows.clone());
            }
            Stage::LowOrder | Stage::Order => {
                let Tables {
                    popularity,
                    by_popularity,
                    ..
                } = &mut self.tables;
                *by_popularity = match self.stage {
                    Stage::LowOrder => by_low_byte(popularity),
                    _ => by_both_bytes(popularity, by_popularity),
                };
                self.at = self.items;
                return Ok(self.turn());
            }
            Stage::VectorScales => {
                let range = self
                    .header
                    .range(tensor::ITEM_SCALE, Dtype::BF16, &[self.items])?;
                let bytes = &self.tables.bytes[range];
                for row in rows.clone() {
                    let scale = self
                        .header
                        .finite(tensor::ITEM_SCALE, row, half(bytes, row))?;
                    self.tables.vector_scale.push(scale);
                }
            }
            Stage::Done => {}
        }
        self.at = rows.end;
        Ok(self.turn())
    }

    fn finish(self) -> Result<Tables, BundleError> {
        Ok(self.tables)
    }
}
