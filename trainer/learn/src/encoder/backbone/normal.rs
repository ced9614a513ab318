//! Layer normalisation (Ba, Kiros & Hinton, 2016, arXiv 1607.06450) and affine layers.

use crate::encoder::onnx::{Graph, numbers};
use crate::encoder::weights::Initial;
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use rand::Rng;

const EPSILON: f64 = 1e-5;

/// Rows of mean 0 and variance 1, scaled and shifted.
#[derive(Module, Debug)]
pub struct Normal<B: Backend> {
    /// `[H]`.
    scale: Param<Tensor<B, 1>>,
    /// `[H]`.
    shift: Param<Tensor<B, 1>>,
}

impl<B: Backend> Normal<B> {
    /// Scales of one, shifts of zero.
    pub fn init(hidden: usize, device: &B::Device) -> Self {
        Self {
            scale: Param::from_tensor(Tensor::ones([hidden], device)),
            shift: Param::from_tensor(Tensor::zeros([hidden], device)),
        }
    }

    /// `[rows, H]` → `[rows, H]`.
    pub fn forward(&self, rows: Tensor<B, 2>) -> Tensor<B, 2> {
        let centred = rows.clone() - rows.mean_dim(1);
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        centred / variance.add_scalar(EPSILON).sqrt() * self.scale.val().unsqueeze()
            + self.shift.val().unsqueeze()
    }

    /// Adds the operator, which reads `input` and gives `name`.
    pub fn export(&self, graph: &mut Graph, input: &str, name: &str) {
        let (scale, shift) = (format!("{name}.scale"), format!("{name}.shift"));
        let hidden = self.scale.val().dims()[0];
        graph.floats(&scale, &[hidden], &numbers(self.scale.val()));
        graph.floats(&shift, &[hidden], &numbers(self.shift.val()));
        graph.node(
            "LayerNormalization",
            &[input, &scale, &shift],
            name,
            |node| {
                node.float("epsilon", EPSILON as f32);
            },
        );
    }
}

/// x W + b.
#[derive(Module, Debug)]
pub struct Affine<B: Backend> {
    /// `[in, out]`.
    weight: Param<Tensor<B, 2>>,
    /// `[out]`.
    bias: Param<Tensor<B, 1>>,
}

impl<B: Backend> Affine<B> {
    /// Uniform weights within 1/√in, as in PyTorch.
    pub fn init(width: usize, out: usize, initial: &mut Initial<'_, B, impl Rng>) -> Self {
        Self {
            weight: initial.uniform(width, out, 1.0 / (width as f32).sqrt()),
            bias: initial.zeros(out),
        }
    }

    /// Numbers of a row that it reads.
    pub fn inputs(&self) -> usize {
        self.weight.dims()[0]
    }

    /// `[rows, in]` → `[rows, out]`.
    pub fn forward(&self, rows: Tensor<B, 2>) -> Tensor<B, 2> {
        rows.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }

    /// Adds the operators, which read `input` and give `name`.
    pub fn export(&self, graph: &mut Graph, input: &str, name: &str) {
        let [width, out] = self.weight.dims();
        let (weight, bias, product) = (
            format!("{name}.weight"),
            format!("{name}.bias"),
            format!("{name}.product"),
        );
        graph.floats(&weight, &[width, out], &numbers(self.weight.val()));
        graph.floats(&bias, &[out], &numbers(self.bias.val()));
        graph.node("MatMul", &[input, &weight], &product, |_| {});
        graph.node("Add", &[&product, &bias], name, |_| {});
    }
}

/// Adds the operators of every backbone's beginning: `session` `[1, T, W]` → `input` `[T, H]`.
pub fn export_input<B: Backend>(graph: &mut Graph, layer: &Affine<B>) {
    graph.ints("first", &[0]);
    graph.node("Squeeze", &["session", "first"], "events", |_| {});
    layer.export(graph, "events", "input");
}
