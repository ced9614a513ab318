//! A GRU over a whole session, as one operator.
//!
//! tract has one too (`ops/gru_seq.rs`), which was measured first: of 73 µs for 20 events at a
//! width of 64 a third went into adding biases and into loops over shapes of any rank, because it
//! takes any batch and any layout. Here the batch is one and all weights are known when the graph
//! is built, so a step is a product, three sums and tract's own activations. Sums are taken in one
//! order everywhere, so a machine's SIMD does not show in an answer.
//!
//! It has the reset gate after the product (`linear_before_reset`); with x the step's input and h
//! the state:
//!
//! ```text
//! z = σ(W_z x + b_z + R_z h + c_z)
//! r = σ(W_r x + b_r + R_r h + c_r)
//! n = tanh(W_n x + b_n + r ⊙ (R_n h + c_n))
//! h ← n + z ⊙ (h − n)
//! ```

use std::hash::{Hash, Hasher};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::gru_cell::gru_cell_rows;
use tract_onnx::tract_core::tract_linalg::routines::Func;
use vitrine_kernel::linear::Matrix;

/// The weights of one layer; gates in ONNX's order z, r, n.
pub(crate) struct Weights {
    /// Wᵀ, `[width, 3H]`.
    pub(crate) input: Matrix,
    /// Rᵀ, `[H, 3H]`.
    pub(crate) recurrent: Matrix,
    /// b, `[3H]`.
    pub(crate) input_bias: Vec<f32>,
    /// c, `[3H]`.
    pub(crate) recurrent_bias: Vec<f32>,
}

/// The operator. Inputs: x `[T, 1, width]` and the first state `[1, 1, H]`. Outputs: all states
/// `[T, 1, 1, H]` and the last one `[1, 1, H]`.
#[derive(Clone)]
pub(crate) struct Gru(pub(crate) Arc<Weights>);

impl Gru {
    fn hidden(&self) -> usize {
        self.0.recurrent.columns() / 3
    }
}

impl std::fmt::Debug for Gru {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gru({})", self.hidden())
    }
}

// Two layers are the same when they share their weights.
impl PartialEq for Gru {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Gru {}

impl Hash for Gru {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl Op for Gru {
    fn name(&self) -> StaticName {
        "Gru".into()
    }

    op_as_typed_op!();
}

impl EvalOp for Gru {
    op_out_of_plan!();

    fn eval(&self, _ctx: &EvalContext<'_>, inputs: TVec<TValue>) -> TractResult<TVec<TValue>> {
        let Weights {
            input,
            recurrent,
            input_bias,
            recurrent_bias,
        } = &*self.0;
        let hidden = self.hidden();
        let numbers = |at: usize| inputs[at].try_as_plain_ram()?.as_slice::<f32>();
        // The graph's shapes say so; the products would panic where they were wrong.
        let (steps, width) = match *inputs[0].shape() {
            [steps, 1, width] if width == input.inner() => (steps, width),
            ref shape => bail!("A GRU got a session of shape {shape:?}"),
        };
        ensure!(numbers(0)?.len() == steps * width && numbers(1)?.len() == hidden);

        // The inputs' part does not wait for a state: one product for all steps.
        let mut gates = input_bias.repeat(steps);
        input.add_product(numbers(0)?, &mut gates);

        let (sigmoid, tanh) = (Func::Sigmoid.ew_f32()?, Func::Tanh.ew_f32()?);
        let mut state = numbers(1)?.to_vec();
        let mut products = recurrent_bias.clone();
        let mut all = vec![0.0; steps * hidden];
        for (gates, next) in gates
            .chunks_exact_mut(3 * hidden)
            .zip(all.chunks_exact_mut(hidden))
        {
            products.copy_from_slice(recurrent_bias);
            recurrent.add_product(&state, &mut products);
            gru_cell_rows(hidden, 1, gates, &products, &state, next, &*sigmoid, &*tanh)?;
            state.copy_from_slice(next);
        }
        Ok(tvec!(
            Tensor::from_shape(&[steps, 1, 1, hidden], &all)?.into_tvalue(),
            Tensor::from_shape(&[1, 1, hidden], &state)?.into_tvalue(),
        ))
    }
}

impl TypedOp for Gru {
    as_op!();

    fn output_facts(&self, inputs: &[&TypedFact]) -> TractResult<TVec<TypedFact>> {
        let [one, hidden] = [1.to_dim(), self.hidden().to_dim()];
        let steps = inputs[0].shape[0].clone();
        Ok(tvec!(
            f32::fact([steps, one.clone(), one.clone(), hidden.clone()]),
            f32::fact([one.clone(), one, hidden]),
        ))
    }
}
