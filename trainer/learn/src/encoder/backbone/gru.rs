//! The recurrent layer.
//!
//! z = σ(W_z x + b_z + U_z h + c_z), r likewise, n = tanh(W_n x + b_n + r ∘ (U_n h + c_n)),
//! h ← (1 − z) ∘ n + z ∘ h. This is PyTorch's form (reset after the product) and ONNX's with
//! `linear_before_reset = 1`; the gates stand in ONNX's order z, r, h.
//!
//! burn's own `Gru` multiplies six small matrices in every step. Here the input's product is
//! taken once for all steps and the three gates share one product per step.

use crate::encoder::onnx::{Graph, numbers, transposed};
use crate::encoder::weights::Initial;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::backend::Backend;
use rand::Rng;

/// GRU weights, each `[in, out]`.
#[derive(Module, Debug)]
pub struct Gru<B: Backend> {
    /// `[W, 3H]`.
    pub input_weight: Param<Tensor<B, 2>>,
    /// `[3H]`.
    pub input_bias: Param<Tensor<B, 1>>,
    /// `[H, 3H]`.
    pub hidden_weight: Param<Tensor<B, 2>>,
    /// `[3H]`.
    pub hidden_bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> Gru<B> {
    /// Uniform weights within 1/√H, as in PyTorch.
    pub fn init(width: usize, hidden: usize, initial: &mut Initial<'_, B, impl Rng>) -> Self {
        let bound = 1.0 / (hidden as f32).sqrt();
        Self {
            input_weight: initial.uniform(width, 3 * hidden, bound),
            hidden_weight: initial.uniform(hidden, 3 * hidden, bound),
            input_bias: initial.zeros(3 * hidden),
            hidden_bias: initial.zeros(3 * hidden),
        }
    }

    /// States after each event: `[T, B, W]` → `[T × B, H]`, the first event first.
    pub fn forward(&self, input: Tensor<B, 3>) -> Tensor<B, 2> {
        let [steps, batch, width] = input.dims();
        let [h, _] = self.hidden_weight.dims();
        let gates = input
            .clone()
            .reshape([steps * batch, width])
            .matmul(self.input_weight.val())
            .add(self.input_bias.val().unsqueeze());
        let mut hidden = Tensor::<B, 2>::zeros([batch, h], &input.device());
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
    }

    /// Adds the layer: reads `session` `[1, T, W]`, gives `states` `[T, H]`.
    pub fn export(&self, graph: &mut Graph) {
        let [width, gates] = self.input_weight.dims();
        let hidden = gates / 3;
        let bias = [
            numbers(self.input_bias.val()),
            numbers(self.hidden_bias.val()),
        ]
        .concat();
        let input = transposed(&numbers(self.input_weight.val()), gates);
        let recurrent = transposed(&numbers(self.hidden_weight.val()), gates);
        graph.floats("W", &[1, gates, width], &input);
        graph.floats("R", &[1, gates, hidden], &recurrent);
        graph.floats("B", &[1, 2 * gates], &bias);
        graph.floats("initial", &[1, 1, hidden], &vec![0.0; hidden]);
        graph.ints("directions", &[1, 2]);
        graph.node("Transpose", &["session"], "events", |node| {
            node.ints("perm", &[1, 0, 2]);
        });
        graph.node(
            "GRU",
            &["events", "W", "R", "B", "", "initial"],
            "sequence",
            |node| {
                node.int("hidden_size", hidden as i64);
                node.int("linear_before_reset", 1);
            },
        );
        graph.node("Squeeze", &["sequence", "directions"], "states", |_| {});
    }
}
