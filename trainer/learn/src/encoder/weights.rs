//! First weights, drawn from one seeded generator, so that a run can be made again.

use burn::module::Param;
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use rand::Rng;

/// Draws parameters on a device.
pub struct Initial<'a, B: Backend, R: Rng> {
    /// Where the numbers come from.
    pub rng: &'a mut R,
    /// Where the tensors live.
    pub device: &'a B::Device,
}

impl<B: Backend, R: Rng> Initial<'_, B, R> {
    /// `[rows, columns]` within ±`bound`.
    pub fn uniform(&mut self, rows: usize, columns: usize, bound: f32) -> Param<Tensor<B, 2>> {
        let values: Vec<f32> = (0..rows * columns)
            .map(|_| self.rng.random_range(-bound..bound))
            .collect();
        let data = TensorData::new(values, [rows, columns]);
        Param::from_tensor(Tensor::from_data(data, self.device))
    }

    /// `[rows, columns]` of zeros.
    pub fn nothing(&mut self, rows: usize, columns: usize) -> Param<Tensor<B, 2>> {
        Param::from_tensor(Tensor::zeros([rows, columns], self.device))
    }

    /// `[length]` zeros.
    pub fn zeros(&mut self, length: usize) -> Param<Tensor<B, 1>> {
        Param::from_tensor(Tensor::zeros([length], self.device))
    }
}
