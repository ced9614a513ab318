//! Writes the files that [`crate::bundle`] reads, so that both sides of a format stand together.

use crate::Action;
use crate::manifest::file;
use crate::neighbours::{WeightBits, encode, from_half, to_half};
use crate::tables::{Fusion, tensor};
use safetensors::{Dtype, tensor::TensorView};

/// The tables of a new bundle, before they are compressed to integers.
#[derive(Clone, Debug)]
pub struct NewTables {
    /// Neighbours of each row with their positive weights; `[N][≤ 255]`.
    pub neighbours: Vec<Vec<(u32, f32)>>,
    /// Bits of a neighbour's weight.
    pub weight_bits: WeightBits,
    /// How often each row occurred, in any unit; `[N]`, not negative.
    pub popularity: Vec<f64>,
    /// Weight of the event d before the latest; `[T]`.
    pub position_decay: Vec<f32>,
    /// Factor of that weight by action.
    pub action_weight: [f32; Action::COUNT],
    /// Bonus of an item last seen d events before the latest; `[T]`.
    pub repeat: Vec<f32>,
    /// What each row has for itself beside the encoder, on the logarithmic scale; `[N]`, or empty
    /// for none.
    pub prior: Vec<f32>,
    /// Weights of the terms; the value of one unit of the priors is found when they are written.
    pub fusion: Fusion,
    /// Item vectors, `[N × D]` row by row; empty without an encoder.
    pub vectors: Vec<f32>,
    /// D.
    pub dim: usize,
}

/// Why tables can't be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A weight is NaN or infinite: the training diverged.
    #[error(
        "{0} holds a number that is not finite: the training diverged; lower its learning rate"
    )]
    NotFinite(&'static str),
    /// The lists do not fit together.
    #[error("{0}")]
    Shape(String),
    /// The ids are not sorted and distinct.
    #[error("item ids must be distinct and in byte order: {0}")]
    Ids(#[from] fst::Error),
    /// The safetensors writer refused.
    #[error("{name}: {0}", name = file::TABLES)]
    Safetensors(#[from] safetensors::SafeTensorError),
}

/// `items.fst` for ids in byte order; an id's row is its place in the list.
///
/// # Errors
/// [`WriteError::Ids`] when the ids are not sorted and distinct.
pub fn write_items<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<u8>, WriteError> {
    let mut builder = fst::MapBuilder::memory();
    for (row, id) in ids.into_iter().enumerate() {
        builder.insert(id, row as u64)?;
    }
    Ok(builder.into_inner()?)
}

impl NewTables {
    /// `tables.safetensors`, with neighbour weights of 8 or 4 bits and item vectors as i8, each
    /// with one scale per row. A weight that rounds to zero is dropped.
    ///
    /// # Errors
    /// [`WriteError::NotFinite`] or [`WriteError::Shape`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        self.check()?;
        let n = self.neighbours.len();
        let neighbours = encode(&self.neighbours, self.weight_bits);
        let m: usize = neighbours.count.iter().map(|&c| usize::from(c)).sum();
        let most = self.popularity.iter().fold(0.0_f64, |max, &c| max.max(c));
        let popularity: Vec<u16> = self
            .popularity
            .iter()
            .map(|count| (65_535.0 * (count.ln_1p() / most.max(1e-9).ln_1p())).round() as u16)
            .collect();

        let largest = self.prior.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
        let fusion = Fusion {
            prior: largest / 127.0,
            ..self.fusion
        };

        let (weights, weights_shape) = match self.weight_bits {
            WeightBits::Eight => (tensor::NEIGHBOUR_WEIGHT, m),
            WeightBits::Four => (tensor::NEIGHBOUR_LEVEL, m.div_ceil(2)),
        };
        let mut tensors: Vec<(&str, Dtype, Vec<usize>, Vec<u8>)> = vec![
            (
                tensor::NEIGHBOUR_COUNT,
                Dtype::U8,
                vec![n],
                neighbours.count,
            ),
            (
                tensor::NEIGHBOUR_GAP,
                Dtype::U8,
                vec![neighbours.planes, m],
                neighbours.gap,
            ),
            (weights, Dtype::U8, vec![weights_shape], neighbours.weight),
            (
                tensor::NEIGHBOUR_SCALE,
                Dtype::BF16,
                vec![n],
                u16s(&neighbours.scale),
            ),
            (tensor::POPULARITY, Dtype::U16, vec![n], u16s(&popularity)),
            (
                tensor::POSITION_DECAY,
                Dtype::F32,
                vec![self.position_decay.len()],
                f32s(&self.position_decay),
            ),
            (
                tensor::ACTION_WEIGHT,
                Dtype::F32,
                vec![Action::COUNT],
                f32s(&self.action_weight),
            ),
            (
                tensor::REPEAT,
                Dtype::F32,
                vec![self.repeat.len()],
                f32s(&self.repeat),
            ),
            (
                tensor::FUSION,
                Dtype::F32,
                vec![7],
                f32s(&fusion.to_array()),
            ),
        ];
        if largest > 0.0 {
            let units = self.prior.iter().map(|v| (v / fusion.prior).round() as i8);
            let bytes = units.map(i8::cast_unsigned).collect();
            tensors.push((tensor::PRIOR, Dtype::I8, vec![n], bytes));
        }
        if self.dim > 0 {
            let mut units = Vec::with_capacity(self.vectors.len());
            let mut scales = Vec::with_capacity(n);
            for vector in self.vectors.chunks_exact(self.dim) {
                let largest = vector.iter().fold(0.0_f32, |max, v| max.max(v.abs()));
                let scale = to_half(largest / 127.0);
                let unit = from_half(scale);
                let quantise = |v: &f32| {
                    if unit > 0.0 {
                        (v / unit).round().clamp(-127.0, 127.0) as i8
                    } else {
                        0
                    }
                };
                units.extend(vector.iter().map(|v| quantise(v).cast_unsigned()));
                scales.push(scale);
            }
            tensors.push((tensor::ITEMS, Dtype::I8, vec![n, self.dim], units));
            tensors.push((tensor::ITEM_SCALE, Dtype::BF16, vec![n], u16s(&scales)));
        }
        let views: Vec<(&str, TensorView<'_>)> = tensors
            .iter()
            .map(|(name, dtype, shape, bytes)| {
                Ok((*name, TensorView::new(*dtype, shape.clone(), bytes)?))
            })
            .collect::<Result<_, safetensors::SafeTensorError>>()?;
        Ok(safetensors::serialize(views, None)?)
    }

    fn check(&self) -> Result<(), WriteError> {
        let n = self.neighbours.len();
        let shape = |text: String| Err(WriteError::Shape(text));
        if self.popularity.len() != n {
            return shape(format!(
                "popularity has {} rows, not {n}",
                self.popularity.len()
            ));
        }
        if !self.prior.is_empty() && self.prior.len() != n {
            return shape(format!("prior has {} rows, not {n}", self.prior.len()));
        }
        if self.vectors.len() != n * self.dim {
            return shape(format!(
                "item vectors hold {} numbers, not {n} × {}",
                self.vectors.len(),
                self.dim
            ));
        }
        if let Some(row) = self.neighbours.iter().position(|list| list.len() > 255) {
            return shape(format!("row {row} has more than 255 neighbours"));
        }
        let entries = self.neighbours.iter().flatten();
        let finite = [
            (
                "the neighbour table",
                entries.clone().all(|e| e.1.is_finite() && e.1 >= 0.0),
            ),
            (
                "popularity",
                self.popularity.iter().all(|v| v.is_finite() && *v >= 0.0),
            ),
            (
                "position_decay",
                self.position_decay.iter().all(|v| v.is_finite()),
            ),
            ("prior", self.prior.iter().all(|v| v.is_finite())),
            ("repeat", self.repeat.iter().all(|v| v.is_finite())),
            (
                "fusion",
                self.fusion.to_array().iter().all(|v| v.is_finite()),
            ),
            (
                "the item vectors",
                self.vectors.iter().all(|v| v.is_finite()),
            ),
        ];
        if let Some((name, _)) = finite.iter().find(|(_, finite)| !finite) {
            return Err(WriteError::NotFinite(name));
        }
        if entries.clone().any(|e| e.0 as usize >= n) {
            return shape(format!("a neighbour's row is beyond the {n} items"));
        }
        Ok(())
    }
}

fn u16s(values: &[u16]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}
