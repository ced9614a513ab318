//! Causal dilated convolutions.
//!
//! A block adds to its input what two convolutions of width 3 say of it, the second with twice the
//! dilation of the first: NextItNet's residual block (Yuan et al., WSDM 2019, arXiv 1808.05163),
//! normalised before each convolution. Two blocks see 2 · (1 + 2 + 4 + 8) = 30 events back.

use super::normal::{Affine, Normal, export_input};
use crate::encoder::onnx::Graph;
use crate::encoder::weights::Initial;
use burn::module::Module;
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::backend::Backend;
use rand::Rng;

/// Events that a convolution looks at.
const WIDTH: usize = 3;

/// Blocks of convolutions.
#[derive(Module, Debug)]
pub struct Convolution<B: Backend> {
    input: Affine<B>,
    layers: Vec<Layer<B>>,
}

/// Normalisation, rectifier, convolution.
#[derive(Module, Debug)]
pub struct Layer<B: Backend> {
    normal: Normal<B>,
    /// `[WIDTH × H, H]`: the event itself first, then further and further back.
    taps: Affine<B>,
    dilation: usize,
}

impl<B: Backend> Convolution<B> {
    /// `blocks` of two layers each.
    pub fn init(
        width: usize,
        hidden: usize,
        blocks: usize,
        initial: &mut Initial<'_, B, impl Rng>,
    ) -> Self {
        Self {
            input: Affine::init(width, hidden, initial),
            layers: (0..2 * blocks)
                .map(|layer| Layer {
                    normal: Normal::init(hidden, initial.device),
                    taps: Affine::init(WIDTH * hidden, hidden, initial),
                    dilation: 1 << layer,
                })
                .collect(),
        }
    }

    /// States after each event: `[T, B, W]` → `[T × B, H]`, the first event first.
    pub fn forward(&self, input: Tensor<B, 3>) -> Tensor<B, 2> {
        let [steps, batch, width] = input.dims();
        let mut states = self.input.forward(input.reshape([steps * batch, width]));
        for block in self.layers.chunks(2) {
            let inner = block
                .iter()
                .fold(states.clone(), |rows, layer| layer.forward(rows, batch));
            states = states + inner;
        }
        relu(states)
    }

    /// Adds the layers: reads `session` `[1, T, W]`, gives `states` `[T, H]`.
    pub fn export(&self, graph: &mut Graph) {
        export_input(graph, &self.input);
        let mut states = "input".to_owned();
        for (block, layers) in self.layers.chunks(2).enumerate() {
            let mut rows = states.clone();
            for (at, layer) in layers.iter().enumerate() {
                let name = format!("convolution{block}.{at}");
                layer.export(graph, &rows, &name);
                rows = name;
            }
            let sum = format!("block{block}");
            graph.node("Add", &[&states, &rows], &sum, |_| {});
            states = sum;
        }
        graph.node("Relu", &[&states], "states", |_| {});
    }
}

impl<B: Backend> Layer<B> {
    /// `[T × B, H]` → `[T × B, H]`.
    fn forward(&self, rows: Tensor<B, 2>, batch: usize) -> Tensor<B, 2> {
        let rows = relu(self.normal.forward(rows));
        let [count, hidden] = rows.dims();
        let back = |events: usize| {
            let missing = (events * self.dilation * batch).min(count);
            let nothing = Tensor::zeros([missing, hidden], &rows.device());
            if missing == count {
                return nothing;
            }
            Tensor::cat(vec![nothing, rows.clone().narrow(0, 0, count - missing)], 0)
        };
        let seen = (1..WIDTH).map(back);
        let seen = std::iter::once(rows.clone()).chain(seen).collect();
        self.taps.forward(Tensor::cat(seen, 1))
    }

    fn export(&self, graph: &mut Graph, input: &str, name: &str) {
        let of = |part: &str| format!("{name}.{part}");
        let (normal, rows, start) = (of("normal"), of("rows"), of("start"));
        self.normal.export(graph, input, &normal);
        graph.node("Relu", &[&normal], &rows, |_| {});
        graph.ints(&start, &[0]);
        let hidden = self.taps.inputs() / WIDTH;
        let mut seen = vec![rows.clone()];
        for events in 1..WIDTH {
            let missing = events * self.dilation;
            let (nothing, longer, end, back) = (
                of(&format!("nothing{events}")),
                of(&format!("longer{events}")),
                of(&format!("end{events}")),
                of(&format!("back{events}")),
            );
            graph.floats(&nothing, &[missing, hidden], &vec![0.0; missing * hidden]);
            graph.node("Concat", &[&nothing, &rows], &longer, |node| {
                node.int("axis", 0);
            });
            graph.ints(&end, &[-(missing as i64)]);
            graph.node("Slice", &[&longer, &start, &end, &start], &back, |_| {});
            seen.push(back);
        }
        let (seen, wide): (Vec<&str>, String) = (seen.iter().map(|s| &**s).collect(), of("seen"));
        graph.node("Concat", &seen, &wide, |node| node.int("axis", 1));
        self.taps.export(graph, &wide, name);
    }
}
