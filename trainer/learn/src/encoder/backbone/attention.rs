//! Causal self-attention.
//!
//! SASRec's blocks (Kang & McAuley, ICDM 2018, arXiv 1808.09781), normalised before each part.
//! What came later weighs more by a slope for each head, learned from ALiBi's first values (Press,
//! Smith & Lewis, ICLR 2022, arXiv 2108.12409), instead of learned positions: so a session may be
//! longer than those that were trained on.

use super::normal::{Affine, Normal, export_input};
use crate::encoder::onnx::{Graph, numbers};
use crate::encoder::weights::Initial;
use burn::module::{Module, Param};
use burn::tensor::activation::{relu, softmax};
use burn::tensor::backend::Backend;
use burn::tensor::{Bool, Tensor, TensorData};
use rand::Rng;
use vitrine_core::Action;

/// How far below the others the logit of a later event is.
const FAR: f64 = 1e9;

/// Blocks of attention.
#[derive(Module, Debug)]
pub struct Attention<B: Backend> {
    input: Affine<B>,
    blocks: Vec<Block<B>>,
    last: Normal<B>,
}

/// Attention, then two affine layers, each added to its input.
#[derive(Module, Debug)]
pub struct Block<B: Backend> {
    before: Normal<B>,
    asks: Affine<B>,
    answers: Affine<B>,
    values: Affine<B>,
    /// How much an event's logit rises with its place, for each head; `[heads]`.
    slopes: Param<Tensor<B, 1>>,
    mixes: Affine<B>,
    between: Normal<B>,
    widens: Affine<B>,
    narrows: Affine<B>,
}

impl<B: Backend> Attention<B> {
    /// `layers` blocks of `heads`, by which `hidden` can be divided.
    pub fn init(
        width: usize,
        hidden: usize,
        layers: usize,
        heads: usize,
        initial: &mut Initial<'_, B, impl Rng>,
    ) -> Self {
        Self {
            input: Affine::init(width, hidden, initial),
            blocks: (0..layers)
                .map(|_| Block::init(hidden, heads, initial))
                .collect(),
            last: Normal::init(hidden, initial.device),
        }
    }

    /// States after each event: `[T, B, W]` → `[T × B, H]`, the first event first.
    pub fn forward(&self, input: Tensor<B, 3>) -> Tensor<B, 2> {
        let [steps, batch, width] = input.dims();
        let states = self.input.forward(input.reshape([steps * batch, width]));
        let states = self
            .blocks
            .iter()
            .fold(states, |states, block| block.forward(states, steps, batch));
        self.last.forward(states)
    }

    /// Adds the layers: reads `session` `[1, T, W]`, gives `states` `[T, H]`.
    pub fn export(&self, graph: &mut Graph) {
        export_input(graph, &self.input);
        export_places(graph);
        let mut states = "input".to_owned();
        for (at, block) in self.blocks.iter().enumerate() {
            let name = format!("block{at}");
            block.export(graph, &states, &name);
            states = name;
        }
        self.last.export(graph, &states, "states");
    }
}

impl<B: Backend> Block<B> {
    fn init(hidden: usize, heads: usize, initial: &mut Initial<'_, B, impl Rng>) -> Self {
        let slopes: Vec<f32> = (1..=heads)
            .map(|head| (-8.0 * head as f32 / heads as f32).exp2())
            .collect();
        let slopes = TensorData::new(slopes, [heads]);
        Self {
            before: Normal::init(hidden, initial.device),
            asks: Affine::init(hidden, hidden, initial),
            answers: Affine::init(hidden, hidden, initial),
            values: Affine::init(hidden, hidden, initial),
            slopes: Param::from_tensor(Tensor::from_data(slopes, initial.device)),
            mixes: Affine::init(hidden, hidden, initial),
            between: Normal::init(hidden, initial.device),
            widens: Affine::init(hidden, 2 * hidden, initial),
            narrows: Affine::init(2 * hidden, hidden, initial),
        }
    }

    /// `[T × B, H]` → `[T × B, H]`.
    fn forward(&self, states: Tensor<B, 2>, steps: usize, batch: usize) -> Tensor<B, 2> {
        let [count, hidden] = states.dims();
        let heads = self.slopes.dims()[0];
        let each = hidden / heads;
        // [T × B, H] → [B, heads, T, H / heads]
        let by_head = |rows: Tensor<B, 2>| {
            rows.reshape([steps, batch, heads, each])
                .permute([1, 2, 0, 3])
        };
        let rows = self.before.forward(states.clone());
        let asks = by_head(self.asks.forward(rows.clone()));
        let answers = by_head(self.answers.forward(rows.clone()));
        let values = by_head(self.values.forward(rows));
        let logits = asks
            .matmul(answers.swap_dims(2, 3))
            .mul_scalar((each as f64).sqrt().recip())
            + self.bias(steps, &states.device());
        let mixed = softmax(logits, 3)
            .matmul(values)
            .permute([2, 0, 1, 3])
            .reshape([count, hidden]);
        let states = states + self.mixes.forward(mixed);
        let rows = self.between.forward(states.clone());
        states + self.narrows.forward(relu(self.widens.forward(rows)))
    }

    /// What is added to the logits: the later an event the more, and far less for those that have
    /// not happened yet; `[1, heads, T, T]`.
    fn bias(&self, steps: usize, device: &B::Device) -> Tensor<B, 4> {
        let heads = self.slopes.dims()[0];
        let places: Vec<f32> = (0..steps).map(|place| place as f32).collect();
        let places = Tensor::<B, 3>::from_data(TensorData::new(places, [1, 1, steps]), device);
        let slopes = self.slopes.val().reshape([heads, 1, 1]);
        let future = Tensor::<B, 2, Bool>::tril_mask([steps, steps], 0, device);
        (places * slopes)
            .expand([heads, steps, steps])
            .mask_fill(future.unsqueeze(), -FAR)
            .unsqueeze()
    }

    fn export(&self, graph: &mut Graph, input: &str, name: &str) {
        let of = |part: &str| format!("{name}.{part}");
        let heads = self.slopes.dims()[0];
        let each = self.asks.inputs() / heads;
        let normal = of("before");
        self.before.export(graph, input, &normal);
        let shape = of("shape");
        graph.ints(&shape, &[0, heads as i64, each as i64]);
        // [T, H] → [heads, T, H / heads], or with the last two axes exchanged.
        let parts = [
            ("asks", &self.asks, [1, 0, 2]),
            ("answers", &self.answers, [1, 2, 0]),
            ("values", &self.values, [1, 0, 2]),
        ];
        for (part, layer, perm) in parts {
            let (flat, split) = (of(&format!("{part}.flat")), of(&format!("{part}.split")));
            layer.export(graph, &normal, &flat);
            graph.node("Reshape", &[&flat, &shape], &split, |_| {});
            graph.node("Transpose", &[&split], &of(part), |node| {
                node.ints("perm", &perm);
            });
        }
        let slopes = numbers(self.slopes.val());
        graph.floats(&of("slopes"), &[heads, 1, 1], &slopes);
        graph.floats(&of("root"), &[1], &[(each as f32).sqrt()]);
        graph.ints(&of("joined"), &[0, (heads * each) as i64]);
        let add = |graph: &mut Graph, operator: &str, inputs: [&str; 2], output: &str| {
            graph.node(operator, &inputs, output, |_| {});
        };
        add(
            graph,
            "MatMul",
            [&of("asks"), &of("answers")],
            &of("products"),
        );
        add(graph, "Div", [&of("products"), &of("root")], &of("similar"));
        add(graph, "Mul", [&of("slopes"), "places"], &of("late"));
        add(graph, "Add", [&of("similar"), &of("late")], &of("logits"));
        add(graph, "Add", [&of("logits"), "future"], &of("past"));
        graph.node("Softmax", &[&of("past")], &of("weights"), |node| {
            node.int("axis", -1);
        });
        add(
            graph,
            "MatMul",
            [&of("weights"), &of("values")],
            &of("by head"),
        );
        graph.node("Transpose", &[&of("by head")], &of("by event"), |node| {
            node.ints("perm", &[1, 0, 2]);
        });
        let (flat, mixed, sum) = (of("flat"), of("mixed"), of("sum"));
        graph.node("Reshape", &[&of("by event"), &of("joined")], &flat, |_| {});
        self.mixes.export(graph, &flat, &mixed);
        graph.node("Add", &[input, &mixed], &sum, |_| {});
        let (normal, wide, rectified, narrow) =
            (of("between"), of("wide"), of("rectified"), of("narrow"));
        self.between.export(graph, &sum, &normal);
        self.widens.export(graph, &normal, &wide);
        graph.node("Relu", &[&wide], &rectified, |_| {});
        self.narrows.export(graph, &rectified, &narrow);
        graph.node("Add", &[&sum, &narrow], name, |_| {});
    }
}

/// Adds what every block reads: `future` `[T, T]`, 0 for an event and those before it and far below
/// for later ones, and `places` `[1, T]`, which count the events. A session's length is not a constant of the
/// graph; each event's one-hot action gives a column of ones.
fn export_places(graph: &mut Graph) {
    graph.ints("actions.from", &[-(Action::COUNT as i64)]);
    graph.ints("actions.to", &[i64::MAX]);
    graph.ints("actions.axis", &[1]);
    let cut = ["events", "actions.from", "actions.to", "actions.axis"];
    graph.node("Slice", &cut, "actions", |_| {});
    graph.node("ReduceSum", &["actions", "actions.axis"], "ones", |_| {});
    graph.node("Transpose", &["ones"], "ones.across", |node| {
        node.ints("perm", &[1, 0]);
    });
    graph.node("MatMul", &["ones", "ones.across"], "all", |_| {});
    graph.node("Trilu", &["all"], "past", |node| node.int("upper", 0));
    graph.node("ReduceSum", &["past", "actions.axis"], "counts", |_| {});
    graph.node("Transpose", &["counts"], "places", |node| {
        node.ints("perm", &[1, 0]);
    });
    // Before the softmax, as in training: of all events and later ones the sum may be so much
    // greater that nothing is left of the past.
    graph.floats("far", &[1], &[FAR as f32]);
    graph.node("Sub", &["past", "all"], "later", |_| {});
    graph.node("Mul", &["later", "far"], "future", |_| {});
}
