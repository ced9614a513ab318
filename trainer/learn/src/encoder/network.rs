//! The session encoder: a backbone that reads the events, and a head that answers.
//!
//! The head weighs the session's own item vectors, q = s · u/|u| with
//! u = Σ_t a_t x_t + P h_T + p and a = softmax(⟨Q h_T, K h_t⟩ / √A): items and sessions live in
//! one space (consistent representation: CORE, Hou et al., SIGIR 2022, arXiv 2204.11067), to which
//! the projection of the last state adds what no item of the session says. Vectors and answers
//! are of unit length, so that a seldom seen item is not at a disadvantage (NISER, Gupta et al.,
//! 2019, arXiv 1909.04276); the scale s is an inverse temperature.

use super::EncoderParameters;
use super::backbone::Backbone;
use super::onnx::{Graph, numbers};
use super::weights::Initial;
use burn::module::{Module, Param};
use burn::tensor::activation::softmax;
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Tensor};
use rand::Rng;
use vitrine_core::Action;

/// Keeps the length of a zero vector from being divided by.
const EPSILON: f32 = 1e-12;

/// Backbone and head; weights are `[in, out]`.
#[derive(Module, Debug)]
pub struct SessionEncoder<B: Backend> {
    /// `[T, B, W]` → `[T, B, H]`.
    pub backbone: Backbone<B>,
    /// Q, `[H, A]`.
    pub asks: Param<Tensor<B, 2>>,
    /// K, `[H, A]`.
    pub answers: Param<Tensor<B, 2>>,
    /// P, `[H, D]`.
    pub projection: Param<Tensor<B, 2>>,
    /// p, `[D]`.
    pub bias: Param<Tensor<B, 1>>,
    scale: f64,
}

impl<B: Backend> SessionEncoder<B> {
    /// First weights; the projection begins at zero, so that training begins with a mean of the
    /// session's vectors.
    pub fn init(parameters: &EncoderParameters, rng: &mut impl Rng, device: &B::Device) -> Self {
        let (d, h) = (parameters.dim, parameters.hidden);
        let mut initial = Initial { rng, device };
        let bound = 1.0 / (h as f32).sqrt();
        Self {
            backbone: Backbone::init(parameters, d + Action::COUNT, &mut initial),
            asks: initial.uniform(h, d, bound),
            answers: initial.uniform(h, d, bound),
            projection: initial.nothing(h, d),
            bias: initial.zeros(d),
            scale: 1.0 / parameters.temperature,
        }
    }

    /// Answers after each event: `[T, B, W]` → `[T × B, D]`, the first event first.
    pub fn forward(&self, input: Tensor<B, 3>) -> Tensor<B, 2> {
        let [steps, batch, width] = input.dims();
        let d = width - Action::COUNT;
        let states = self.backbone.forward(input.clone());
        // [T × B, A] → [B, T, A]
        let by_session = |product: Tensor<B, 2>| {
            let columns = product.dims()[1];
            product.reshape([steps, batch, columns]).swap_dims(0, 1)
        };
        let asks = by_session(states.clone().matmul(self.asks.val()));
        let answers = by_session(states.clone().matmul(self.answers.val()));
        let unit = 1.0 / (answers.dims()[2] as f64).sqrt();
        let future = Tensor::<B, 2, Bool>::tril_mask([steps, steps], 0, &input.device());
        let logits = asks
            .matmul(answers.swap_dims(1, 2))
            .mul_scalar(unit)
            .mask_fill(future.unsqueeze(), -1e9);
        let vectors = input.narrow(2, 0, d).swap_dims(0, 1);
        let pooled = softmax(logits, 2)
            .matmul(vectors)
            .swap_dims(0, 1)
            .reshape([steps * batch, d]);
        let sum = pooled
            + states
                .matmul(self.projection.val())
                .add(self.bias.val().unsqueeze());
        unit_rows(sum).mul_scalar(self.scale)
    }

    /// The ONNX file: input `session` `[1, T, D + 3]`, output `query` `[1, D]`; the item table is
    /// not inside.
    pub fn to_onnx(&self) -> Vec<u8> {
        let [hidden, d] = self.projection.dims();
        let [_, a] = self.asks.dims();
        let unit = 1.0 / (a as f32).sqrt();
        let asks: Vec<f32> = numbers(self.asks.val()).iter().map(|v| v * unit).collect();
        let mut graph = Graph::default();
        self.backbone.export(&mut graph);
        graph.ints("zero", &[0]);
        graph.ints("one", &[1]);
        graph.ints("two", &[2]);
        graph.ints("last", &[-1]);
        graph.ints("end", &[i64::MAX]);
        graph.ints("width", &[d as i64]);
        graph.floats("Q", &[hidden, a], &asks);
        graph.floats("K", &[hidden, a], &numbers(self.answers.val()));
        graph.floats("P", &[hidden, d], &numbers(self.projection.val()));
        graph.floats("p", &[d], &numbers(self.bias.val()));
        graph.floats("epsilon", &[1], &[EPSILON]);
        graph.floats("scale", &[1], &[self.scale as f32]);
        graph.node("Slice", &["states", "last", "end", "zero"], "state", |_| {});
        graph.node("MatMul", &["state", "Q"], "asks", |_| {});
        graph.node("MatMul", &["states", "K"], "answers", |_| {});
        graph.node("Transpose", &["answers"], "columns", |node| {
            node.ints("perm", &[1, 0]);
        });
        graph.node("MatMul", &["asks", "columns"], "logits", |_| {});
        graph.node("Softmax", &["logits"], "weights", |node| {
            node.int("axis", -1);
        });
        graph.node(
            "Slice",
            &["session", "zero", "width", "two"],
            "items",
            |_| {},
        );
        graph.node("Squeeze", &["items", "zero"], "vectors", |_| {});
        graph.node("MatMul", &["weights", "vectors"], "pooled", |_| {});
        graph.node("MatMul", &["state", "P"], "projected", |_| {});
        graph.node("Add", &["projected", "p"], "beside", |_| {});
        graph.node("Add", &["pooled", "beside"], "sum", |_| {});
        graph.node("Mul", &["sum", "sum"], "squares", |_| {});
        graph.node("ReduceSum", &["squares", "one"], "total", |_| {});
        graph.node("Add", &["total", "epsilon"], "positive", |_| {});
        graph.node("Sqrt", &["positive"], "length", |_| {});
        graph.node("Div", &["sum", "length"], "direction", |_| {});
        graph.node("Mul", &["direction", "scale"], "query", |_| {});
        graph.to_bytes(d + Action::COUNT, d)
    }
}

/// Rows of unit length.
pub fn unit_rows<B: Backend>(rows: Tensor<B, 2>) -> Tensor<B, 2> {
    let squares = rows.clone().powi_scalar(2).sum_dim(1);
    rows / squares.add_scalar(EPSILON).sqrt()
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use crate::encoder::backbone::BackboneKind;
    use crate::encoder::low_rank::narrowed;
    use crate::encoder::train::TrainedEncoder;
    use burn::tensor::TensorData;
    use burn_flex::{Flex, FlexDevice};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use vitrine_encoder::Encoder;

    const D: usize = 6;

    fn network(backbone: BackboneKind) -> SessionEncoder<Flex> {
        let parameters = EncoderParameters {
            backbone,
            dim: D,
            hidden: 10,
            heads: 5,
            ..EncoderParameters::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut network = SessionEncoder::init(&parameters, &mut rng, &FlexDevice);
        let mut initial = Initial {
            rng: &mut rng,
            device: &FlexDevice,
        };
        network.projection = initial.uniform(10, D, 0.3);
        network
    }

    /// Four events: vectors `[4, D]` within a space of three dimensions, and one-hot actions.
    fn session() -> (Vec<f32>, Vec<f32>) {
        let vectors: Vec<f32> = (0..4 * D)
            .map(|at| ((at % D % 3 + 1) * (at / D + 1)) as f32 * 0.05)
            .collect();
        let input = vectors
            .chunks(D)
            .enumerate()
            .flat_map(|(step, vector)| {
                let action = [0, 1, 2].map(|a| f32::from(u8::from(a == step % 3)));
                [vector, &action].concat()
            })
            .collect();
        (vectors, input)
    }

    #[test]
    fn the_exported_file_answers_as_the_trained_network() {
        for kind in [
            BackboneKind::Gru,
            BackboneKind::Cnn,
            BackboneKind::Attention,
        ] {
            let network = network(kind);
            let (_, input) = session();
            let mut onnx = Encoder::new(&network.to_onnx(), D + Action::COUNT).unwrap();
            for steps in 1..=4 {
                let part = &input[..steps * (D + Action::COUNT)];
                let data = TensorData::new(part.to_vec(), [steps, 1, D + Action::COUNT]);
                let all = numbers(network.forward(Tensor::from_data(data, &FlexDevice)));
                let shipped = onnx.encode(part).unwrap();
                for (a, b) in all[(steps - 1) * D..].iter().zip(&shipped) {
                    assert!(
                        (a - b).abs() < 1e-4,
                        "{kind:?}: {a} {b} after {steps} events"
                    );
                }
            }
        }
    }

    #[test]
    fn a_long_session_has_the_answer_of_the_trained_network() {
        for kind in BackboneKind::ALL {
            let network = network(kind);
            let input = session().1.repeat(125);
            let data = TensorData::new(input.clone(), [500, 1, D + Action::COUNT]);
            let all = numbers(network.forward(Tensor::from_data(data, &FlexDevice)));
            let mut onnx = Encoder::new(&network.to_onnx(), D + Action::COUNT).unwrap();
            let shipped = onnx.encode(&input).unwrap();
            for (a, b) in all[499 * D..].iter().zip(&shipped) {
                assert!((a - b).abs() < 1e-3, "{kind:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn an_answer_does_not_depend_on_later_events() {
        for kind in [BackboneKind::Cnn, BackboneKind::Attention] {
            let network = network(kind);
            let (_, input) = session();
            let answers = |steps: usize| {
                let part = input[..steps * (D + Action::COUNT)].to_vec();
                let data = TensorData::new(part, [steps, 1, D + Action::COUNT]);
                numbers(network.forward(Tensor::from_data(data, &FlexDevice)))
            };
            for (a, b) in answers(2).iter().zip(&answers(4)) {
                assert!((a - b).abs() < 1e-5, "{kind:?}: {a} {b}");
            }
        }
    }

    #[test]
    fn narrower_vectors_of_low_rank_give_the_same_scores() {
        let (vectors, input) = session();
        let whole = TrainedEncoder {
            dim: D,
            vectors,
            onnx: network(BackboneKind::Gru).to_onnx(),
        };
        let narrow = narrowed(&whole, 3);
        let narrow_input: Vec<f32> = input
            .chunks(D + Action::COUNT)
            .zip(narrow.vectors.chunks(3))
            .flat_map(|(event, vector)| [vector, &event[D..]].concat())
            .collect();
        let scores = |encoder: &TrainedEncoder, input: &[f32]| -> Vec<f32> {
            let mut onnx = Encoder::new(&encoder.onnx, encoder.dim + Action::COUNT).unwrap();
            let query = onnx.encode(input).unwrap();
            let rows = encoder.vectors.chunks(encoder.dim);
            rows.map(|row| row.iter().zip(&query).map(|(a, b)| a * b).sum())
                .collect()
        };
        let (a, b) = (scores(&whole, &input), scores(&narrow, &narrow_input));
        for (a, b) in a.iter().zip(&b) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
