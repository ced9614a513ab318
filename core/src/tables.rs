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
//! | `fusion` | f32 `[5]` | weights of encoder, neighbours, repeat and popularity; floor |
//! | `items` | i8 `[N, D]` | item vectors, only with an encoder |
//! | `item_scale` | bf16 `[N]` | value of one unit of the row, only with an encoder |
//!
//! Rows of different lengths cost their entries only, so entries can go where they matter. All
//! decays are tables and not formulae: `exp` differs in its last bit between a browser and a C
//! library, a product and a sum of `f32` do not.

use crate::Action;
use crate::bundle::BundleError;
use crate::manifest::{ModelFacts, file};
use crate::neighbours::{decode_levels, decode_rows, from_half};
use safetensors::{Dtype, SafeTensors};

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
}

impl Fusion {
    /// The weights in the order of the tensor.
    pub fn to_array(self) -> [f32; 5] {
        [
            self.encoder,
            self.neighbours,
            self.repeat,
            self.popularity,
            self.floor,
        ]
    }
}

/// One neighbour list: indices and weights side by side.
pub struct Neighbours<'a> {
    index: Index<'a>,
    /// Weights in units of [`Neighbours::scale`].
    pub weight: &'a [u8],
    /// Value of one unit.
    pub scale: f32,
}

#[derive(Clone, Copy)]
enum Index<'a> {
    Narrow(&'a [u16]),
    Wide(&'a [u32]),
}

impl Neighbours<'_> {
    /// Calls `each` with the row and the unscaled weight of every neighbour, in stored order.
    #[inline]
    pub fn for_each(&self, mut each: impl FnMut(u32, u8)) {
        match self.index {
            Index::Narrow(index) => index
                .iter()
                .zip(self.weight)
                .for_each(|(&row, &weight)| each(u32::from(row), weight)),
            Index::Wide(index) => index
                .iter()
                .zip(self.weight)
                .for_each(|(&row, &weight)| each(row, weight)),
        }
    }
}

enum IndexTable {
    Narrow(Vec<u16>),
    Wide(Vec<u32>),
}

/// The checked tables of one bundle.
pub struct Tables {
    /// Where each row's entries start; `[N + 1]`.
    start: Vec<u32>,
    index: IndexTable,
    weight: Vec<u8>,
    scale: Vec<f32>,
    popularity: Vec<u16>,
    position_decay: Vec<f32>,
    action_weight: [f32; Action::COUNT],
    repeat: Vec<f32>,
    fusion: Fusion,
    dim: usize,
    vectors: Vec<i8>,
    vector_scale: Vec<f32>,
}

impl Tables {
    /// Parses and checks verified bytes.
    ///
    /// # Errors
    /// [`BundleError::Content`] with the tensor that is missing, misshapen, out of range or not finite.
    pub fn parse(model: &ModelFacts, bytes: &[u8]) -> Result<Self, BundleError> {
        let reader = Reader::open(bytes)?;
        let n = model.items as usize;
        let t = model.max_session as usize;
        let dim = model.dim as usize;

        let count = reader.bytes(tensor::NEIGHBOUR_COUNT, Dtype::U8, &[n])?;
        let mut start = Vec::with_capacity(n + 1);
        let mut entries = 0_u32;
        start.push(0);
        for &c in count {
            if u32::from(c) > model.neighbours {
                return Err(reader.fail(
                    tensor::NEIGHBOUR_COUNT,
                    &format!("holds {c}; the manifest allows {}", model.neighbours),
                ));
            }
            entries += u32::from(c);
            start.push(entries);
        }
        let m = entries as usize;
        let rows = decode_rows(count, reader.planes(tensor::NEIGHBOUR_GAP, m)?)?;
        let index = if n <= usize::from(u16::MAX) + 1 {
            IndexTable::Narrow(rows.into_iter().map(|row| row as u16).collect())
        } else {
            IndexTable::Wide(rows)
        };
        let weight = if reader.has(tensor::NEIGHBOUR_LEVEL) {
            let levels = reader.bytes(tensor::NEIGHBOUR_LEVEL, Dtype::U8, &[m.div_ceil(2)])?;
            decode_levels(levels, m)
        } else {
            reader
                .bytes(tensor::NEIGHBOUR_WEIGHT, Dtype::U8, &[m])?
                .to_vec()
        };
        let action = reader.f32s(tensor::ACTION_WEIGHT, &[Action::COUNT])?;
        let fusion = reader.f32s(tensor::FUSION, &[5])?;
        if fusion[4] <= 0.0 {
            return Err(reader.fail(tensor::FUSION, "has a floor that is not above 0"));
        }
        let (vectors, vector_scale) = if dim == 0 {
            (Vec::new(), Vec::new())
        } else {
            let bytes = reader.bytes(tensor::ITEMS, Dtype::I8, &[n, dim])?;
            (
                bytes.iter().map(|&b| b.cast_signed()).collect(),
                reader.halves(tensor::ITEM_SCALE, &[n])?,
            )
        };
        Ok(Self {
            start,
            index,
            weight,
            scale: reader.halves(tensor::NEIGHBOUR_SCALE, &[n])?,
            popularity: reader.u16s(tensor::POPULARITY, &[n])?,
            position_decay: reader.f32s(tensor::POSITION_DECAY, &[t])?,
            action_weight: [action[0], action[1], action[2]],
            repeat: reader.f32s(tensor::REPEAT, &[t])?,
            fusion: Fusion {
                encoder: fusion[0],
                neighbours: fusion[1],
                repeat: fusion[2],
                popularity: fusion[3],
                floor: fusion[4],
            },
            dim,
            vectors,
            vector_scale,
        })
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
        self.weight.len()
    }

    /// The neighbours of a row.
    #[inline]
    pub fn neighbours(&self, row: u32) -> Neighbours<'_> {
        let row = row as usize;
        let range = self.start[row] as usize..self.start[row + 1] as usize;
        Neighbours {
            index: match &self.index {
                IndexTable::Narrow(rows) => Index::Narrow(&rows[range.clone()]),
                IndexTable::Wide(rows) => Index::Wide(&rows[range.clone()]),
            },
            weight: &self.weight[range],
            scale: self.scale[row],
        }
    }

    /// Popularity of a row, in `0..=65535`.
    #[inline]
    pub fn popularity(&self, row: u32) -> u16 {
        self.popularity[row as usize]
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
        &self.vectors[from..from + self.dim]
    }

    /// The vectors of all rows, `[N × D]`.
    pub(crate) fn vectors(&self) -> &[i8] {
        &self.vectors
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

/// Reads tensors by name, with errors that name them.
struct Reader<'a>(SafeTensors<'a>);

impl<'a> Reader<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, BundleError> {
        SafeTensors::deserialize(bytes)
            .map(Self)
            .map_err(|e| BundleError::content(file::TABLES, format!("is not safetensors: {e}")))
    }

    fn fail(&self, tensor: &str, reason: &str) -> BundleError {
        BundleError::content(file::TABLES, format!("tensor '{tensor}' {reason}"))
    }

    fn view(&self, name: &str) -> Result<safetensors::tensor::TensorView<'a>, BundleError> {
        self.0
            .tensor(name)
            .map_err(|_| self.fail(name, "is missing"))
    }

    fn has(&self, name: &str) -> bool {
        self.0.tensor(name).is_ok()
    }

    /// Bytes `[P, columns]` for a P of 1 to 4.
    fn planes(&self, name: &str, columns: usize) -> Result<&'a [u8], BundleError> {
        match *self.view(name)?.shape() {
            [planes @ 1..=4, _] => self.bytes(name, Dtype::U8, &[planes, columns]),
            _ => Err(self.fail(name, "must have 1 to 4 planes")),
        }
    }

    fn bytes(&self, name: &str, dtype: Dtype, shape: &[usize]) -> Result<&'a [u8], BundleError> {
        let view = self.view(name)?;
        if view.dtype() != dtype || view.shape() != shape {
            return Err(self.fail(
                name,
                &format!(
                    "is {:?} {:?}; {dtype:?} {shape:?} was expected",
                    view.dtype(),
                    view.shape()
                ),
            ));
        }
        Ok(view.data())
    }

    fn u16s(&self, name: &str, shape: &[usize]) -> Result<Vec<u16>, BundleError> {
        let bytes = self.bytes(name, Dtype::U16, shape)?;
        let (values, _) = bytes.as_chunks::<2>();
        Ok(values.iter().map(|&b| u16::from_le_bytes(b)).collect())
    }

    fn halves(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BundleError> {
        let bytes = self.bytes(name, Dtype::BF16, shape)?;
        let (values, _) = bytes.as_chunks::<2>();
        let values = values.iter().map(|&b| from_half(u16::from_le_bytes(b)));
        self.finite(name, values.collect())
    }

    fn f32s(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, BundleError> {
        let bytes = self.bytes(name, Dtype::F32, shape)?;
        let (values, _) = bytes.as_chunks::<4>();
        self.finite(
            name,
            values.iter().map(|&b| f32::from_le_bytes(b)).collect(),
        )
    }

    fn finite(&self, name: &str, values: Vec<f32>) -> Result<Vec<f32>, BundleError> {
        if let Some(at) = values.iter().position(|v| !v.is_finite()) {
            return Err(self.fail(name, &format!("holds {} at {at}", values[at])));
        }
        Ok(values)
    }
}
