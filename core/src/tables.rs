//! `tables.safetensors`: what the score is computed from.
//!
//! | tensor | type and shape | what |
//! | --- | --- | --- |
//! | `neighbour_count` | u8 `[N]` | neighbours of each row; their entries follow one another, M in all |
//! | `neighbour_gap` | u8 `[P, M]` | rows between a neighbour and the one before it, in byte planes |
//! | `neighbour_weight` | u8 `[M]` | weight, in units of the row's scale; or |
//! | `neighbour_level` | u8 `[⌈M/2⌉]` | two 4-bit levels a byte; a weight is its level squared |
//! | `neighbour_scale` | bf16 `[N]` | value of one unit |
//! | `popularity` | u16 `[N]` | popularity on a logarithmic scale; 65,535 is the most popular item |
//! | `position_decay` | f32 `[T]` | weight of the event that is d events before the latest |
//! | `action_weight` | f32 `[3]` | factor of that weight by action |
//! | `repeat` | f32 `[T]` | bonus of an item last seen d events before the latest |
//! | `prior` | i8 `[N]` | what each item has for itself beside the encoder; only where something has |
//! | `fusion` | f32 `[7]` | weights of encoder, neighbours, repeat and popularity; floor; growth of the repeat bonus; value of one unit of `prior` |
//! | `items` | i8 `[N, D]` | item vectors, only with an encoder |
//! | `item_scale` | bf16 `[N]` | value of one unit of the row, only with an encoder |
//!
//! Rows of different lengths cost their entries only, so entries can go where they matter. All
//! decays are tables and not formulae: `exp` differs in its last bit between a browser and a C
//! library, a product and a sum of `f32` do not.

use crate::Action;
use crate::bundle::BundleError;
use crate::manifest::{ModelFacts, file};
use crate::neighbours::{Gaps, WeightBits, Weights, from_half};
use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use std::ops::Range;
use vitrine_kernel::STEP;

/// Names of the tensors, for the writer and the reader.
pub mod tensor {
    #![allow(missing_docs, reason = "the table above says what each is")]
    pub const NEIGHBOUR_COUNT: &str = "neighbour_count";
    pub const NEIGHBOUR_GAP: &str = "neighbour_gap";
    pub const NEIGHBOUR_WEIGHT: &str = "neighbour_weight";
    pub const NEIGHBOUR_LEVEL: &str = "neighbour_level";
    pub const NEIGHBOUR_SCALE: &str = "neighbour_scale";
    pub const POPULARITY: &str = "popularity";
    pub const POSITION_DECAY: &str = "position_decay";
    pub const ACTION_WEIGHT: &str = "action_weight";
    pub const REPEAT: &str = "repeat";
    pub const PRIOR: &str = "prior";
    pub const FUSION: &str = "fusion";
    pub const ITEMS: &str = "items";
    pub const ITEM_SCALE: &str = "item_scale";
}

/// Weights of the terms of the score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fusion {
    /// α, of the encoder's inner product.
    pub encoder: f32,
    /// β, of the neighbour term.
    pub neighbours: f32,
    /// γ, of the repeat term.
    pub repeat: f32,
    /// δ, of the popularity term.
    pub popularity: f32,
    /// φ, above 0: what the table is worth beside the encoder where it says nothing.
    pub floor: f32,
    /// κ: an item that this session has seen n times has a repeat bonus of 1 + κ·ln n.
    pub repeat_growth: f32,
    /// Value of one unit of an item's prior, not negative.
    pub prior: f32,
}

impl Fusion {
    /// The weights in the order of the tensor.
    pub fn to_array(self) -> [f32; 7] {
        [
            self.encoder,
            self.neighbours,
            self.repeat,
            self.popularity,
            self.floor,
            self.repeat_growth,
            self.prior,
        ]
    }
}

/// One neighbour list, read where it is stored.
pub struct Neighbours<'a> {
    gaps: Gaps<'a>,
    weights: Weights<'a>,
    list: Range<usize>,
    /// Value of one unit.
    pub scale: f32,
}

impl Neighbours<'_> {
    /// Calls `each` with the row and the unscaled weight of every neighbour, in stored order.
    #[inline]
    pub fn for_each(&self, mut each: impl FnMut(u32, u8)) {
        let rows = self.gaps.rows(self.list.clone());
        for (row, entry) in rows.zip(self.list.clone()) {
            each(row, self.weights.at(entry));
        }
    }
}

/// The checked tables of one bundle: the file's bytes, and where in them each tensor is.
pub struct Tables {
    bytes: Vec<u8>,
    /// Where each row's entries start; `[N + 1]`.
    start: Vec<u32>,
    gap: Range<usize>,
    weight: Range<usize>,
    bits: WeightBits,
    scale: Range<usize>,
    popularity: Vec<u16>,
    prior: Range<usize>,
    /// The largest prior by popularity / [`STEP`].
    largest_prior: Box<[i8; 256]>,
    position_decay: Vec<f32>,
    action_weight: [f32; Action::COUNT],
    repeat: Vec<f32>,
    fusion: Fusion,
    dim: usize,
    vectors: Range<usize>,
    vector_scale: Vec<f32>,
}

impl Tables {
    /// Parses and checks verified bytes.
    ///
    /// # Errors
    /// [`BundleError::Content`] with the tensor that is missing, misshapen, out of range or not finite.
    pub fn parse(model: &ModelFacts, bytes: &[u8]) -> Result<Self, BundleError> {
        let mut reader = TablesReader::open(model, bytes.to_vec())?;
        while !reader.step()? {}
        Ok(reader.finish())
    }

    /// Items, N.
    pub fn items(&self) -> u32 {
        self.popularity.len() as u32
    }

    /// Width of an item vector, D; 0 without an encoder.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All neighbour entries, M.
    pub fn entries(&self) -> usize {
        self.start[self.popularity.len()] as usize
    }

    /// The neighbours of a row.
    #[inline]
    pub fn neighbours(&self, row: u32) -> Neighbours<'_> {
        let at = row as usize;
        Neighbours {
            gaps: Gaps::new(&self.bytes[self.gap.clone()], self.entries()),
            weights: Weights {
                bytes: &self.bytes[self.weight.clone()],
                bits: self.bits,
            },
            list: self.start[at] as usize..self.start[at + 1] as usize,
            scale: half(&self.bytes[self.scale.clone()], at),
        }
    }

    /// Popularity of a row, in `0..=65535`.
    #[inline]
    pub fn popularity(&self, row: u32) -> u16 {
        self.popularity[row as usize]
    }

    /// Prior of a row, in units of [`Fusion::prior`]; 0 in a bundle without priors.
    #[inline]
    pub fn prior(&self, row: u32) -> i8 {
        self.bytes[self.prior.clone()]
            .get(row as usize)
            .map_or(0, |&byte| byte.cast_signed())
    }

    /// The largest prior of the rows whose popularity / [`STEP`] is `step`.
    pub(crate) fn largest_prior(&self, step: usize) -> i8 {
        self.largest_prior[step]
    }

    /// Weight of an event `distance` events before the latest; 0 beyond the table.
    #[inline]
    pub fn event_weight(&self, distance: usize, action: Action) -> f32 {
        let decay = self.position_decay.get(distance).copied().unwrap_or(0.0);
        decay * self.action_weight[action as usize]
    }

    /// Bonus of an item last seen `distance` events before the latest; 0 beyond the table.
    #[inline]
    pub fn repeat(&self, distance: usize) -> f32 {
        self.repeat.get(distance).copied().unwrap_or(0.0)
    }

    /// The weights of the terms.
    pub fn fusion(&self) -> Fusion {
        self.fusion
    }

    /// The vector of a row, `[D]` in units of [`Tables::vector_scale`].
    #[inline]
    pub fn vector(&self, row: u32) -> &[i8] {
        let from = row as usize * self.dim;
        &self.vectors()[from..from + self.dim]
    }

    /// The vectors of all rows, `[N × D]`.
    #[inline]
    pub(crate) fn vectors(&self) -> &[i8] {
        vitrine_kernel::signed(&self.bytes[self.vectors.clone()])
    }

    /// Values of one unit of all rows' vectors, `[N]`.
    pub(crate) fn vector_scales(&self) -> &[f32] {
        &self.vector_scale
    }

    /// Popularities of all rows, `[N]`.
    pub(crate) fn popularities(&self) -> &[u16] {
        &self.popularity
    }

    /// Value of one unit of a row's vector.
    #[inline]
    pub fn vector_scale(&self, row: u32) -> f32 {
        self.vector_scale[row as usize]
    }
}

/// The bfloat16 at a place of a tensor.
#[inline]
fn half(bytes: &[u8], at: usize) -> f32 {
    from_half(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]))
}

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
    VectorScales,
    Done,
}

impl TablesReader {
    /// Reads the header and what is small.
    pub(crate) fn open(model: &ModelFacts, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let header = Header::read(&bytes)?;
        let n = model.items as usize;
        let t = model.max_session as usize;
        let dim = model.dim as usize;
        let action = header.f32s(&bytes, tensor::ACTION_WEIGHT, &[Action::COUNT])?;
        let fusion = header.f32s(&bytes, tensor::FUSION, &[7])?;
        if fusion[4] <= 0.0 {
            return Err(fail(tensor::FUSION, "has a floor that is not above 0"));
        }
        if fusion[6] < 0.0 {
            return Err(fail(tensor::FUSION, "has a unit of priors that is below 0"));
        }
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
            largest_prior: Box::new([if prior.is_empty() { 0 } else { i8::MIN }; 256]),
            prior,
            position_decay: header.f32s(&bytes, tensor::POSITION_DECAY, &[t])?,
            action_weight: [action[0], action[1], action[2]],
            repeat: header.f32s(&bytes, tensor::REPEAT, &[t])?,
            fusion: Fusion {
                encoder: fusion[0],
                neighbours: fusion[1],
                repeat: fusion[2],
                popularity: fusion[3],
                floor: fusion[4],
                repeat_growth: fusion[5],
                prior: fusion[6],
            },
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

    /// Looks at a slice; `true` when everything has been looked at.
    pub(crate) fn step(&mut self) -> Result<bool, BundleError> {
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
                    finite(tensor::NEIGHBOUR_SCALE, row, half(bytes, row))?;
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
                let Tables {
                    bytes,
                    popularity,
                    prior,
                    largest_prior,
                    ..
                } = &mut self.tables;
                let priors = bytes[prior.clone()].iter().skip(rows.start);
                for (&prior, &popularity) in priors.zip(&popularity[rows.clone()]) {
                    let largest = &mut largest_prior[usize::from(popularity / STEP)];
                    *largest = (*largest).max(prior.cast_signed());
                }
            }
            Stage::VectorScales => {
                let range = self
                    .header
                    .range(tensor::ITEM_SCALE, Dtype::BF16, &[self.items])?;
                let bytes = &self.tables.bytes[range];
                for row in rows.clone() {
                    let scale = finite(tensor::ITEM_SCALE, row, half(bytes, row))?;
                    self.tables.vector_scale.push(scale);
                }
            }
            Stage::Done => {}
        }
        self.at = rows.end;
        Ok(self.turn())
    }

    /// The tables, when a step has said that everything was looked at.
    pub(crate) fn finish(self) -> Tables {
        self.tables
    }

    /// Goes on to the next stage where one has ended; whether that was the last.
    fn turn(&mut self) -> bool {
        if self.at >= self.items {
            self.at = 0;
            self.stage = match self.stage {
                Stage::Counts => Stage::Popularity,
                Stage::Popularity => Stage::Gaps,
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
                return Err(fail(
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

fn fail(tensor: &str, reason: &str) -> BundleError {
    BundleError::content(file::TABLES, format!("tensor '{tensor}' {reason}"))
}

fn finite(tensor: &str, at: usize, value: f32) -> Result<f32, BundleError> {
    if value.is_finite() {
        return Ok(value);
    }
    let what = if value.is_nan() { "NaN" } else { "infinity" };
    Err(fail(tensor, &format!("holds {what} at {at}")))
}

/// Where each tensor is, with errors that name it.
struct Header {
    metadata: Metadata,
    /// Where the tensors begin.
    from: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, BundleError> {
        SafeTensors::read_metadata(bytes)
            .map(|(length, metadata)| Self {
                metadata,
                from: length + 8,
            })
            .map_err(|e| BundleError::content(file::TABLES, format!("is not safetensors: {e}")))
    }

    fn has(&self, name: &str) -> bool {
        self.metadata.info(name).is_some()
    }

    fn range(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
    ) -> Result<Range<usize>, BundleError> {
        let Some(info) = self.metadata.info(name) else {
            return Err(fail(name, "is missing"));
        };
        if info.dtype != dtype || info.shape != shape {
            let (found, of) = (info.dtype, &info.shape);
            let reason = format!("is {found:?} {of:?}; {dtype:?} {shape:?} was expected");
            return Err(fail(name, &reason));
        }
        let (from, to) = info.data_offsets;
        Ok(self.from + from..self.from + to)
    }

    /// Bytes `[P, columns]` for a P of 1 to 4.
    fn planes(&self, name: &str, columns: usize) -> Result<Range<usize>, BundleError> {
        match self.metadata.info(name).map(|info| info.shape.as_slice()) {
            None => Err(fail(name, "is missing")),
            Some(&[planes @ 1..=4, _]) => self.range(name, Dtype::U8, &[planes, columns]),
            Some(_) => Err(fail(name, "must have 1 to 4 planes")),
        }
    }

    /// A small tensor.
    fn f32s(&self, bytes: &[u8], name: &str, shape: &[usize]) -> Result<Vec<f32>, BundleError> {
        let range = self.range(name, Dtype::F32, shape)?;
        let (values, _) = bytes[range].as_chunks::<4>();
        let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
        let checked = values
            .enumerate()
            .map(|(at, value)| finite(name, at, value));
        checked.collect()
    }
}
