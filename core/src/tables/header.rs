//! Where each tensor of a safetensors file is, with errors that name file and tensor.

use crate::bundle::BundleError;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;

/// Types of numbers that a bundle's files have.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) enum Dtype {
    U8,
    I8,
    U16,
    BF16,
    U32,
    F32,
}

impl Dtype {
    /// Bytes of one number.
    fn width(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::U16 | Self::BF16 => 2,
            Self::U32 | Self::F32 => 4,
        }
    }
}

/// What the header says of one tensor.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tensor {
    dtype: Dtype,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

/// The header of one file.
///
/// The format is a length (u64, little-endian), that many bytes of JSON, and the tensors' bytes.
/// Read here, because the `safetensors` crate's reader adds kilobytes to the ranker's module, which
/// a page waits for; files are written by that crate.
pub(crate) struct Header {
    file: &'static str,
    tensors: BTreeMap<String, Tensor>,
    /// Where the tensors' bytes are.
    data: Range<usize>,
}

impl Header {
    /// Reads the header of `file`.
    pub(crate) fn read(file: &'static str, bytes: &[u8]) -> Result<Self, BundleError> {
        let fail =
            |reason: &str| BundleError::content(file, format!("is not safetensors: {reason}"));
        let (length, rest) = bytes
            .split_first_chunk()
            .ok_or_else(|| fail("it has no header"))?;
        let json = usize::try_from(u64::from_le_bytes(*length))
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or_else(|| fail("its header ends too early"))?;
        let tensors = serde_json::from_slice(json).map_err(|e| fail(&e.to_string()))?;
        Ok(Self {
            file,
            tensors,
            data: 8 + json.len()..bytes.len(),
        })
    }

    /// An error about a tensor.
    pub(crate) fn fail(&self, tensor: &str, reason: &str) -> BundleError {
        BundleError::content(self.file, format!("tensor '{tensor}' {reason}"))
    }

    /// `value`, when it is a number.
    pub(crate) fn finite(&self, tensor: &str, at: usize, value: f32) -> Result<f32, BundleError> {
        if value.is_finite() {
            return Ok(value);
        }
        let what = if value.is_nan() { "NaN" } else { "infinity" };
        Err(self.fail(tensor, &format!("holds {what} at {at}")))
    }

    /// Whether there is such a tensor.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Where a tensor of this type and shape is.
    pub(crate) fn range(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
    ) -> Result<Range<usize>, BundleError> {
        let Some(tensor) = self.tensors.get(name) else {
            return Err(self.fail(name, "is missing"));
        };
        if tensor.dtype != dtype || tensor.shape != shape {
            let (found, of) = (tensor.dtype, &tensor.shape);
            let reason = format!("is {found:?} {of:?}; {dtype:?} {shape:?} was expected");
            return Err(self.fail(name, &reason));
        }
        let [from, to] = tensor.data_offsets;
        let length = shape
            .iter()
            .try_fold(dtype.width(), |bytes, &n| bytes.checked_mul(n));
        if to > self.data.len() || from > to || Some(to - from) != length {
            return Err(self.fail(name, "is not where its shape has room"));
        }
        Ok(self.data.start + from..self.data.start + to)
    }

    /// Bytes `[P, columns]` for a P of 1 to 4.
    pub(crate) fn planes(&self, name: &str, columns: usize) -> Result<Range<usize>, BundleError> {
        match self.tensors.get(name).map(|tensor| tensor.shape.as_slice()) {
            None => Err(self.fail(name, "is missing")),
            Some(&[planes @ 1..=4, _]) => self.range(name, Dtype::U8, &[planes, columns]),
            Some(_) => Err(self.fail(name, "must have 1 to 4 planes")),
        }
    }

    /// A list of any length.
    pub(crate) fn list(&self, name: &str, dtype: Dtype) -> Result<Range<usize>, BundleError> {
        let shape = self.tensors.get(name).map(|tensor| tensor.shape.as_slice());
        let length = shape.and_then(|shape| shape.first()).copied();
        self.range(name, dtype, &[length.unwrap_or(0)])
    }

    /// A small tensor.
    pub(crate) fn f32s(
        &self,
        bytes: &[u8],
        name: &str,
        shape: &[usize],
    ) -> Result<Vec<f32>, BundleError> {
        let range = self.range(name, Dtype::F32, shape)?;
        let (values, _) = bytes[range].as_chunks::<4>();
        let values = values.iter().map(|&bytes| f32::from_le_bytes(bytes));
        let checked = values
            .enumerate()
            .map(|(at, value)| self.finite(name, at, value));
        checked.collect()
    }
}
