//! One step of training: loss and gradients of a batch, its parts side by side.
//!
//! In main memory the small products of a network keep one core busy at best. So half of the
//! sessions are worked on by one core and half by another; what is added up stands in a fixed
//! order, so that the result does not depend on the machine.

use super::batches::{Batch, Part};
use super::loss::{cross_entropy, in_main_memory};
use super::network::{SessionEncoder, unit_rows};
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::backend::AutodiffBackend;
use burn::tensor::{Int, Tensor, TensorData};
use vitrine_core::Action;

/// Parts of a batch in main memory.
const PARTS: usize = 2;

/// How many parts a backend takes a batch in.
pub fn parts<B: AutodiffBackend>() -> usize {
    if in_main_memory::<B::InnerBackend>() {
        PARTS
    } else {
        1
    }
}

/// Loss and gradients of a batch.
pub struct Gradients {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Of the vectors of the batch's rows, `[rows, D]`.
    pub vectors: Vec<f32>,
    /// Of the network.
    pub network: GradientsParams,
}

/// Gradients at `vectors` `[rows, D]`, those of the batch's rows.
pub fn gradients<B: AutodiffBackend>(
    network: &SessionEncoder<B>,
    vectors: &[f32],
    mut batch: Batch,
    device: &B::Device,
) -> Gradients {
    let labels = batch.labels();
    let parts = std::mem::take(&mut batch.parts);
    let batch = &batch;
    // Threads and parameters of their own. A worker of rayon's that waits for a product would begin
    // with the other part, and wait there for a lock that it holds itself; and graphs that share a
    // parameter are one graph to burn, behind one lock.
    let found: Vec<Gradients> = std::thread::scope(|scope| {
        let running: Vec<_> = parts
            .into_iter()
            .map(|part| {
                let network = network.clone().fork(device);
                scope.spawn(move || of_part(network, vectors, batch, part, labels, device))
            })
            .collect();
        let ended = running.into_iter().map(|thread| thread.join());
        ended
            .map(|found| found.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut sum = Gradients {
        loss: 0.0,
        vectors: vec![0.0; vectors.len()],
        network: GradientsParams::new(),
    };
    let mut of_network = GradientsAccumulator::new();
    for part in found {
        sum.loss += part.loss;
        for (sum, g) in sum.vectors.iter_mut().zip(&part.vectors) {
            *sum += g;
        }
        of_network.accumulate(network, part.network);
    }
    sum.network = of_network.grads();
    sum
}

fn of_part<B: AutodiffBackend>(
    network: SessionEncoder<B>,
    vectors: &[f32],
    batch: &Batch,
    part: Part,
    labels: usize,
    device: &B::Device,
) -> Gradients {
    let d = vectors.len() / batch.rows.len().max(1);
    let flat = part.steps * part.sessions;
    let rows = TensorData::new(vectors.to_vec(), [batch.rows.len(), d]);
    let rows = Tensor::<B, 2>::from_data(rows, device).require_grad();
    let unit = unit_rows(rows.clone());
    let ints = |values: Vec<i32>| {
        let count = values.len();
        Tensor::<B, 1, Int>::from_data(TensorData::new(values, [count]), device)
    };
    let mut input = unit.clone().select(0, ints(part.input));
    if !part.dropout.is_empty() {
        input = input * Tensor::from_data(TensorData::new(part.dropout, [flat, d]), device);
    }
    let actions = TensorData::new(part.actions, [flat, Action::COUNT]);
    let input = Tensor::cat(vec![input, Tensor::from_data(actions, device)], 1).reshape([
        part.steps,
        part.sessions,
        d + Action::COUNT,
    ]);
    let queries = network.forward(input).select(0, ints(part.labelled));
    let candidates = unit.narrow(0, 0, batch.candidates);
    let loss = cross_entropy(
        queries.clone().inner(),
        candidates.clone().inner(),
        &part.labels,
        &batch.log_expected,
        labels,
    );
    // A sum of products with constants has these constants for its gradient.
    let handed_on = (queries * Tensor::from_inner(loss.queries)).sum()
        + (candidates * Tensor::from_inner(loss.vectors)).sum();
    let mut gradients = handed_on.backward();
    let of_rows = rows.grad_remove(&mut gradients);
    Gradients {
        loss: loss.value,
        vectors: of_rows.map_or_else(Vec::new, |g| g.into_data().iter::<f32>().collect()),
        network: GradientsParams::from_grads(gradients, &network),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoder::EncoderParameters;
    use crate::encoder::batches::{Negatives, Numbering};
    use crate::encoder::features::Features;
    use burn::backend::Autodiff;
    use burn_flex::{Flex, FlexDevice};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use vitrine_core::score::Event;

    type B = Autodiff<Flex>;
    const ITEMS: usize = 60;

    struct Case {
        parameters: EncoderParameters,
        network: SessionEncoder<B>,
        sessions: Vec<Vec<Event>>,
    }

    fn case() -> Case {
        let parameters = EncoderParameters {
            dim: 16,
            hidden: 24,
            dropout: 0.0,
            negatives: 20,
            ..EncoderParameters::default()
        };
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let event = |row: usize| Event {
            row: Some(row as u32),
            action: Action::View,
        };
        Case {
            network: SessionEncoder::init(&parameters, &mut rng, &FlexDevice),
            sessions: (0..65)
                .map(|at| {
                    let steps = 0..2 + at % 9;
                    steps
                        .map(|step| event((at * 5 + step * 3) % ITEMS))
                        .collect()
                })
                .collect(),
            parameters,
        }
    }

    /// Rows, loss, and the gradients of the rows' vectors and of the bias.
    fn found(case: &Case, parts: usize) -> (Vec<u32>, f64, Vec<f32>, Vec<f32>) {
        let negatives = Negatives::new(&[2.0; ITEMS], &Features::none(ITEMS), &case.parameters);
        let sessions: Vec<&[Event]> = case.sessions.iter().map(Vec::as_slice).collect();
        let mut numbering = Numbering::new(ITEMS);
        let batch = numbering.lay_out(&sessions, parts, &negatives, &case.parameters, 9);
        assert_eq!(batch.parts.len(), parts);
        let of_row = |&row: &u32| (0..16).map(move |d| ((row * 7 + d * 3) % 11) as f32 - 5.0);
        let vectors: Vec<f32> = batch.rows.iter().flat_map(of_row).collect();
        let rows = batch.rows.clone();
        let found = gradients::<B>(&case.network, &vectors, batch, &FlexDevice);
        let bias = found.network.get::<Flex, 1>(case.network.bias.id);
        let bias = bias.map_or_else(Vec::new, |g| g.into_data().iter::<f32>().collect());
        (rows, found.loss, found.vectors, bias)
    }

    #[test]
    fn parts_together_give_what_the_whole_gives() {
        let case = case();
        let (whole, parts) = (found(&case, 1), found(&case, 2));
        assert_eq!(whole.0, parts.0, "the same rows in the same order");
        assert!((whole.1 - parts.1).abs() < 1e-5, "{} {}", whole.1, parts.1);
        assert_eq!(whole.3.len(), 16);
        let vectors = whole.2.iter().zip(&parts.2);
        for (a, b) in vectors.chain(whole.3.iter().zip(&parts.3)) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn parts_side_by_side_give_the_same_bits_every_time() {
        // Before parameters were forked, two backward passes soon waited for each other.
        let case = case();
        let first = found(&case, 2);
        for _ in 0..100 {
            assert_eq!(found(&case, 2), first);
        }
    }
}
