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

mod constants;
mod gathered;
pub(crate) mod header;
mod popularity;
mod reader;

use crate::Action;
use crate::bundle::BundleError;
use crate::incoming::Reader;
use crate::manifest::ModelFacts;
use crate::neighbours::{Gaps, WeightBits, Weights, from_half};
use crate::score::Bounds;
pub(crate) use constants::Constants;
pub use constants::Fusion;
pub(crate) use reader::TablesReader;
use std::ops::Range;
use std::sync::OnceLock;
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
    /// Rows from the most to the least popular; `[N]`.
    by_popularity: Vec<u32>,
    prior: Range<usize>,
    /// The largest prior by popularity / [`STEP`].
    largest_prior: Box<[i8; 256]>,
    bounds: OnceLock<Box<Bounds>>,
    constants: Constants,
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
        reader.finish()
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

    /// All rows from the most to the least popular; ties go to the lower row.
    pub fn by_popularity(&self) -> &[u32] {
        &self.by_popularity
    }

    /// Prior of a row, in units of [`Fusion::prior`]; 0 in a bundle without priors.
    #[inline]
    pub fn prior(&self, row: u32) -> i8 {
        self.bytes[self.prior.clone()]
            .get(row as usize)
            .map_or(0, |&byte| byte.cast_signed())
    }

    /// What rows that the session does not reach have beside the encoder's part at most; computed
    /// when it is first asked for.
    pub(crate) fn bounds(&self) -> &Bounds {
        let new = || Box::new(Bounds::new(self.fusion(), &self.largest_prior));
        self.bounds.get_or_init(new)
    }

    /// Weight of an event `distance` events before the latest; 0 beyond the table.
    #[inline]
    pub fn event_weight(&self, distance: usize, action: Action) -> f32 {
        self.constants.event_weight(distance, action)
    }

    /// Bonus of an item last seen `distance` events before the latest; 0 beyond the table.
    #[inline]
    pub fn repeat(&self, distance: usize) -> f32 {
        self.constants.repeat(distance)
    }

    /// The weights of the terms.
    pub fn fusion(&self) -> Fusion {
        self.constants.fusion()
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

impl Tables {
    /// Takes the priors of `rows` into the bounds; their popularities are known.
    fn bound_priors(&mut self, rows: Range<usize>) {
        let priors = self.bytes[self.prior.clone()].iter().skip(rows.start);
        for (&prior, &popularity) in priors.zip(&self.popularity[rows]) {
            let largest = &mut self.largest_prior[usize::from(popularity / STEP)];
            *largest = (*largest).max(prior.cast_signed());
        }
    }
}

/// The bounds of the priors before any was seen.
fn largest_prior(none: bool) -> Box<[i8; 256]> {
    Box::new([if none { 0 } else { i8::MIN }; 256])
}

/// The bfloat16 at a place of a tensor.
#[inline(always)]
fn half(bytes: &[u8], at: usize) -> f32 {
    from_half(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]]))
}
