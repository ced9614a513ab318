//! Where each tensor of a safetensors file is, with errors that name file and tensor.

use crate::bundle::BundleError;
use safetensors::{Dtype, SafeTensors, tensor::Metadata};
use std::ops::Range;

/// The header of one file.
pub(crate) struct Header {
    file: &'static str,
    metadata: Metadata,
    /// Where the tensors begin.
    from: usize,
}

impl Header {
    /// Reads the header of `file`.
    pub(crate) fn read(file: &'static str, bytes: &[u8]) -> Result<Self, BundleError> {
        SafeTensors::read_metadata(bytes)
            .map(|(length, metadata)| Self {
                file,
                metadata,
                from: length + 8,
            })
            .map_err(|e| BundleError::content(file, format!("is not safetensors: {e}")))
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
        self.metadata.info(name).is_some()
    }

    /// Where a tensor of this type and shape is.
    pub(crate) fn range(
        &self,
        name: &str,
        dtype: Dtype,
        shape: &[usize],
    ) -> Result<Range<usize>, BundleError> {
        let Some(info) = self.metadata.info(name) else {
            return Err(self.fail(name, "is missing"));
        };
        if info.dtype != dtype || info.shape != shape {
            let (found, of) = (info.dtype, &info.shape);
            let reason = format!("is {found:?} {of:?}; {dtype:?} {shape:?} was expected");
            return Err(self.fail(name, &reason));
        }
        let (from, to) = info.data_offsets;
        Ok(self.from + from..self.from + to)
    }

    /// Bytes `[P, columns]` for a P of 1 to 4.
    pub(crate) fn planes(&self, name: &str, columns: usize) -> Result<Range<usize>, BundleError> {
        match self.metadata.info(name).map(|info| info.shape.as_slice()) {
            None => Err(self.fail(name, "is missing")),
            Some(&[planes @ 1..=4, _]) => self.range(name, Dtype::U8, &[planes, columns]),
            Some(_) => Err(self.fail(name, "must have 1 to 4 planes")),
        }
    }

    /// A list of any length.
    pub(crate) fn list(&self, name: &str, dtype: Dtype) -> Result<Range<usize>, BundleError> {
        let shape = self.metadata.info(name).map(|info| info.shape.as_slice());
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
