//! The gated recurrent unit with a projection to the item space.
//!
//! z = σ(W_z x + b_z + U_z h + c_z), r likewise, n = tanh(W_n x + b_n + r ∘ (U_n h + c_n)),
//! h ← (1 − z) ∘ n + z ∘ h, q = P h + p. This is PyTorch's form (reset after the product) and
//! ONNX's with `linear_before_reset = 1`; the gates stand in ONNX's order z, r, h.
//!
//! burn's own `Gru` multiplies six small matrices in every step. Here the input's product is
//! taken once for all steps and the three gates share one product per step.

use super::EncoderParameters;
use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::backend::Backend;
use burn::tensor::{Tensor, TensorData};
use rand::Rng;
use vitrine_core::Action;

/// GRU weights, each `[in, out]`.
#[derive(Module, Debug)]
pub struct GruEncoder<B: Backend> {
    /// `[W, 3H]`.
    pub input_weight: Param<Tensor<B, 2>>,
    /// `[3H]`.
    pub input_bias: Param<Tensor<B, 1>>,
    /// `[H, 3H]`.
    pub hidden_weight: Param<Tensor<B, 2>>,
    /// `[3H]`.
    pub hidden_bias: Param<Tensor<B, 1>>,
    /// `[H, D]`.
    pub output_weight: Param<Tensor<B, 2>>,
    /// `[D]`.
    pub output_bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> GruEncoder<B> {
    /// Uniform weights within 1/√H, as in PyTorch, drawn from `rng`.
    pub fn init(parameters: &EncoderParameters, rng: &mut impl Rng, device: &B::Device) -> Self {
        let (d, h) = (parameters.dim, parameters.hidden);
        let width = d + Action::COUNT;
        let bound = 1.0 / (h as f32).sqrt();
        let mut uniform = |count: usize| -> Vec<f32> {
            (0..count)
                .map(|_| rng.random_range(-bound..bound))
                .collect()
        };
        let mut matrix = |rows: usize, columns: usize| {
            let data = TensorData::new(uniform(rows * columns), [rows, columns]);
            Param::from_tensor(Tensor::from_data(data, device))
        };
        Self {
            input_weight: matrix(width, 3 * h),
            hidden_weight: matrix(h, 3 * h),
            output_weight: matrix(h, d),
            input_bias: zeros(3 * h, device),
            hidden_bias: zeros(3 * h, device),
            output_bias: zeros(d, device),
        }
    }

    /// Queries after each event: `[T, B, W]` → `[T, B, D]`, the first event first.
    pub fn forward(&self, input: Tensor<B, 3>) -> Tensor<B, 3> {
        let [steps, batch, width] = input.dims();
        let [h, d] = self.output_weight.dims();
        let device = input.device();
        let gates = input
            .reshape([steps * batch, width])
            .matmul(self.input_weight.val())
            .add(self.input_bias.val().unsqueeze());
        let mut hidden = Tensor::<B, 2>::zeros([batch, h], &device);
        let mut states = Vec::with_capacity(steps);
        for step in 0..steps {
            let x = gates.clone().narrow(0, step * batch, batch);
            let u = hidden
                .clone()
                .matmul(self.hidden_weight.val())
                .add(self.hidden_bias.val().unsqueeze());
            let both = x.clone().narrow(1, 0, 2 * h) + u.clone().narrow(1, 0, 2 * h);
            let both = sigmoid(both);
            let update = both.clone().narrow(1, 0, h);
            let reset = both.narrow(1, h, h);
            let new = tanh(x.narrow(1, 2 * h, h) + reset * u.narrow(1, 2 * h, h));
            hidden = new.clone() + update * (hidden - new);
            states.push(hidden.clone());
        }
        Tensor::cat(states, 0)
            .matmul(self.output_weight.val())
            .add(self.output_bias.val().unsqueeze())
            .reshape([steps, batch, d])
    }
}

fn zeros<B: Backend>(length: usize, device: &B::Device) -> Param<Tensor<B, 1>> {
    Param::from_tensor(Tensor::zeros([length], device))
}
