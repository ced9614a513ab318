//! Weights and shapes that stand in the file.

use tract_onnx::pb::TensorProto;
use tract_onnx::pb::tensor_proto::{DataLocation, DataType};

/// The most dimensions of a value.
pub(crate) const MAX_RANK: usize = 6;

/// A constant: numbers that are computed with, or numbers that say how.
#[derive(Clone, Debug)]
pub(crate) enum Constant {
    /// Weights.
    Float(Vec<usize>, Vec<f32>),
    /// Axes, shapes, indices and zero points, of whatever width the file kept them in.
    Int(Vec<usize>, Vec<i64>),
}

impl Constant {
    /// Reads a tensor; the length of its payload must be that of its shape.
    pub(crate) fn read(proto: &TensorProto) -> Result<Self, String> {
        if proto.data_location == Some(DataLocation::External as i32)
            || !proto.external_data.is_empty()
        {
            return Err("keeps its data outside the file; store it inside".into());
        }
        if proto.segment.is_some() {
            return Err("is stored in segments, which is not supported".into());
        }
        let (shape, len) = shape_of(&proto.dims)?;
        let raw = &*proto.raw_data;
        let kind = DataType::try_from(proto.data_type).unwrap_or(DataType::Undefined);
        match kind {
            DataType::Float => {
                let values = if raw.is_empty() {
                    proto.float_data.clone()
                } else {
                    fixed(raw, f32::from_le_bytes)?
                };
                if values.iter().any(|value| !value.is_finite()) {
                    return Err("holds a weight that is not a finite number".into());
                }
                expect_len(values.len(), len)?;
                Ok(Self::Float(shape, values))
            }
            DataType::Int64 | DataType::Int32 | DataType::Int8 | DataType::Uint8 => {
                let values: Vec<i64> = match kind {
                    _ if raw.is_empty() && kind == DataType::Int64 => proto.int64_data.clone(),
                    _ if raw.is_empty() => proto.int32_data.iter().map(|&v| v.into()).collect(),
                    DataType::Int64 => fixed(raw, i64::from_le_bytes)?,
                    DataType::Int32 => fixed(raw, i32::from_le_bytes)?
                        .into_iter()
                        .map(i64::from)
                        .collect(),
                    DataType::Int8 => raw.iter().map(|&v| i64::from(v as i8)).collect(),
                    _ => raw.iter().map(|&v| i64::from(v)).collect(),
                };
                expect_len(values.len(), len)?;
                Ok(Self::Int(shape, values))
            }
            _ => Err(format!(
                "has element type {}; only f32, i64, i32, i8 and u8 are read",
                proto.data_type
            )),
        }
    }

    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Self::Float(shape, _) | Self::Int(shape, _) => shape,
        }
    }

    /// `(self − zero) · scale` as ONNX's `DequantizeLinear` has it: one scale for all, or one
    /// per index of `axis`.
    pub(crate) fn dequantize(
        &self,
        scale: &Self,
        zero: Option<&Self>,
        axis: i64,
    ) -> Result<Self, String> {
        let (Self::Int(shape, values), Self::Float(_, scales)) = (self, scale) else {
            return Err("wants integers to scale and f32 scales".into());
        };
        let zeros = match zero {
            None => None,
            Some(Self::Int(_, zeros)) if zeros.len() == scales.len() => Some(zeros),
            Some(_) => {
                return Err("wants as many zero points as scales, in the type of the input".into());
            }
        };
        let inner: usize = if scales.len() == 1 {
            values.len()
        } else {
            let axis = axis_of(axis, shape.len())?;
            if shape[axis] != scales.len() {
                return Err(format!(
                    "has {} scales for an axis of {}",
                    scales.len(),
                    shape[axis]
                ));
            }
            shape[axis + 1..].iter().product()
        };
        let of = |at: usize| at.checked_div(inner).unwrap_or(0) % scales.len().max(1);
        let dequantized: Vec<f32> = values
            .iter()
            .enumerate()
            .map(|(at, &value)| {
                let row = of(at);
                let zero = zeros.map_or(0, |zeros| zeros[row]);
                value.saturating_sub(zero) as f32 * scales[row]
            })
            .collect();
        if dequantized.iter().any(|value| !value.is_finite()) {
            return Err("yields a weight that is not a finite number".into());
        }
        Ok(Self::Float(shape.clone(), dequantized))
    }
}

/// `axis` counted from the front, for a value of this rank.
pub(crate) fn axis_of(axis: i64, rank: usize) -> Result<usize, String> {
    let signed = if axis < 0 {
        axis.saturating_add(rank as i64)
    } else {
        axis
    };
    usize::try_from(signed)
        .ok()
        .filter(|&at| at < rank)
        .ok_or_else(|| format!("names axis {axis} of a value with {rank} dimensions"))
}

fn shape_of(dims: &[i64]) -> Result<(Vec<usize>, usize), String> {
    if dims.len() > MAX_RANK {
        return Err(format!(
            "has {} dimensions; at most {MAX_RANK} are read",
            dims.len()
        ));
    }
    let shape: Vec<usize> = dims
        .iter()
        .map(|&dim| usize::try_from(dim))
        .collect::<Result<_, _>>()
        .map_err(|_| "has a negative dimension".to_string())?;
    let len = shape
        .iter()
        .try_fold(1usize, |len, &dim| len.checked_mul(dim))
        .ok_or("has more elements than a file can hold")?;
    Ok((shape, len))
}

fn fixed<const N: usize, T>(raw: &[u8], read: fn([u8; N]) -> T) -> Result<Vec<T>, String> {
    let (words, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(format!(
            "has {} bytes, which is no multiple of {N}",
            raw.len()
        ));
    }
    Ok(words.iter().map(|&word| read(word)).collect())
}

fn expect_len(found: usize, wanted: usize) -> Result<(), String> {
    if found == wanted {
        Ok(())
    } else {
        Err(format!(
            "has {found} elements where its shape wants {wanted}"
        ))
    }
}
