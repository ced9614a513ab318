//! The loss: cross-entropy over candidates, and its gradient.
//!
//! The gradient is written out: with shares s = softmax(logits), the logits' is s − [label], over
//! the number of positions. The automatic one would read and write what is as large as the logits
//! several times more.

use burn::tensor::backend::Backend;
use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use burn_flex::Flex;
use pulp::Arch;
use rayon::prelude::*;
use std::any::TypeId;

/// The mean loss, and where it falls.
pub struct Loss<B: Backend> {
    /// This part's share of the mean cross-entropy, in nats.
    pub value: f64,
    /// Its gradient by the queries, `[P, D]`.
    pub queries: Tensor<B, 2>,
    /// Its gradient by the candidates' vectors, `[C, D]`.
    pub vectors: Tensor<B, 2>,
}

/// Cross-entropy of `labels` (places among the candidates, one for each query) under logits
/// ⟨query, vector⟩ − correction, summed and divided by `of`: the labels of all parts of a step.
///
/// `queries` are `[P, D]` and `vectors` `[C, D]`; `corrections` are `[C]`, or empty for none. The
/// logits must stay within ±88, so that no exponential overflows: they are an inverse temperature
/// times cosines, and no maximum has to be taken away first.
pub fn cross_entropy<B: Backend>(
    queries: Tensor<B, 2>,
    vectors: Tensor<B, 2>,
    labels: &[i32],
    corrections: &[f32],
    of: usize,
) -> Loss<B> {
    let in_memory = in_main_memory::<B>();
    let logit_gradient = if in_memory { on_host } else { on_device };
    let unit = 1.0 / of as f32;
    let of_block = |(at, labels): (usize, &[i32])| {
        let queries = queries.clone().narrow(0, at * BLOCK, labels.len());
        let logits = queries.clone().matmul(vectors.clone().transpose());
        let (value, gradient) = logit_gradient(logits, labels, corrections, unit);
        let by_vectors = gradient.clone().transpose().matmul(queries);
        (value, gradient.matmul(vectors.clone()), by_vectors)
    };
    let blocks: Vec<_> = if in_memory {
        labels.par_chunks(BLOCK).enumerate().map(of_block).collect()
    } else {
        vec![of_block((0, labels))]
    };
    let mut value = 0.0;
    let mut by_vectors = vectors.zeros_like();
    let mut by_queries = Vec::with_capacity(blocks.len());
    for (of_block, by_query, by_vector) in blocks {
        value += of_block;
        by_vectors = by_vectors + by_vector;
        by_queries.push(by_query);
    }
    Loss {
        value,
        queries: Tensor::cat(by_queries, 0),
        vectors: by_vectors,
    }
}

/// Whether a backend computes in main memory, on this program's threads.
pub fn in_main_memory<B: Backend>() -> bool {
    TypeId::of::<B>() == TypeId::of::<Flex>()
}

/// Queries that are worked on at a time in main memory: few enough for their logits to stay in the
/// cache.
const BLOCK: usize = 128;

/// Loss and gradient of `logits` `[P, C]`, both times `unit`, in the backend's own operations.
fn on_device<B: Backend>(
    logits: Tensor<B, 2>,
    labels: &[i32],
    corrections: &[f32],
    unit: f32,
) -> (f64, Tensor<B, 2>) {
    let device = logits.device();
    let [positions, candidates] = logits.dims();
    let logits = if corrections.is_empty() {
        logits
    } else {
        let corrections = TensorData::new(corrections.to_vec(), [1, candidates]);
        logits - Tensor::from_data(corrections, &device)
    };
    let labels = TensorData::new(labels.to_vec(), [positions, 1]);
    let labels = Tensor::<B, 2, Int>::from_data(labels, &device);
    let own = logits.clone().gather(1, labels.clone());
    let weights = logits.exp();
    let totals = weights.clone().sum_dim(1);
    let value = (totals.clone().log() - own).sum().mul_scalar(unit);
    let minus_one = Tensor::<B, 2>::ones([positions, 1], &device).neg();
    let gradient = (weights / totals)
        .scatter(1, labels, minus_one, IndexingUpdateOp::Add)
        .mul_scalar(unit);
    let value = value.into_data().iter::<f64>().next();
    (value.unwrap_or(f64::NAN), gradient)
}

/// The same in main memory, row by row: each is in the cache while it is worked on.
fn on_host<B: Backend>(
    logits: Tensor<B, 2>,
    labels: &[i32],
    corrections: &[f32],
    unit: f32,
) -> (f64, Tensor<B, 2>) {
    let device = logits.device();
    let [positions, candidates] = logits.dims();
    let Ok(mut numbers) = logits.into_data().into_vec::<f32>() else {
        return (f64::NAN, Tensor::zeros([positions, candidates], &device));
    };
    let arch = Arch::new();
    let mut value = 0.0;
    for (row, &label) in numbers.chunks_exact_mut(candidates).zip(labels) {
        if !corrections.is_empty() {
            arch.dispatch(|| row.iter_mut().zip(corrections).for_each(|(r, c)| *r -= c));
        }
        let own = row[label as usize];
        let total = arch.dispatch(|| exponentials(row));
        let scale = unit / total;
        arch.dispatch(|| row.iter_mut().for_each(|share| *share *= scale));
        row[label as usize] -= unit;
        value += f64::from((total.ln() - own) * unit);
    }
    let gradient = TensorData::new(numbers, [positions, candidates]);
    (value, Tensor::from_data(gradient, &device))
}

/// Numbers that are added side by side, so that the sum can be taken in SIMD registers.
const LANES: usize = 16;

/// Takes the exponential of every number; gives their sum.
#[inline(always)]
fn exponentials(row: &mut [f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let mut chunks = row.chunks_exact_mut(LANES);
    for chunk in &mut chunks {
        for (number, sum) in chunk.iter_mut().zip(&mut sums) {
            *number = exponential(*number);
            *sum += *number;
        }
    }
    for number in chunks.into_remainder() {
        *number = exponential(*number);
        sums[0] += *number;
    }
    sums.iter().sum()
}

/// e^x to within 3 units in the last place for x from −87 to 88, which it is brought into.
///
/// 2^n · e^r with n = round(x / ln 2) and |r| ≤ ln 2 / 2, as in Cody & Waite, *Software Manual for
/// the Elementary Functions* (1980); e^r by its Taylor polynomial. Unlike the C library's, this
/// can be done on many numbers at once.
#[inline(always)]
fn exponential(x: f32) -> f32 {
    /// 1.5 · 2^23: a sum with it is rounded to a whole number, which stands in its last bits.
    const ROUNDING: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 88.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUNDING;
    let n = rounded - ROUNDING;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let polynomial = [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ]
    .into_iter()
    .fold(0.0, |sum, coefficient| sum * r + coefficient);
    f32::from_bits(polynomial.to_bits().wrapping_add(rounded.to_bits() << 23))
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use burn::backend::Autodiff;
    use burn_flex::FlexDevice;
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    /// More than a block.
    const POSITIONS: usize = BLOCK + 7;
    const CANDIDATES: usize = 37;
    const D: usize = 5;

    fn example() -> (Vec<f32>, Vec<f32>, Vec<i32>, Vec<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut draw = |count: usize, bound: f32| -> Vec<f32> {
            (0..count)
                .map(|_| rng.random_range(-bound..bound))
                .collect()
        };
        let (queries, vectors) = (draw(POSITIONS * D, 3.0), draw(CANDIDATES * D, 1.0));
        let corrections = draw(CANDIDATES, 2.0);
        let labels = (0..POSITIONS as i32).map(|at| at * 5 % 37).collect();
        (queries, vectors, labels, corrections)
    }

    fn close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn the_gradient_is_the_automatic_one_in_memory_and_on_a_device() {
        let (queries, vectors, labels, corrections) = example();
        let queries = TensorData::new(queries, [POSITIONS, D]);
        let vectors = TensorData::new(vectors, [CANDIDATES, D]);
        for corrections in [corrections, Vec::new()] {
            type B = Autodiff<Flex>;
            let q = Tensor::<B, 2>::from_data(queries.clone(), &FlexDevice).require_grad();
            let v = Tensor::<B, 2>::from_data(vectors.clone(), &FlexDevice).require_grad();
            let mut logits = q.clone().matmul(v.clone().transpose());
            if !corrections.is_empty() {
                let c = TensorData::new(corrections.clone(), [1, CANDIDATES]);
                logits = logits - Tensor::from_data(c, &FlexDevice);
            }
            let at = TensorData::new(labels.clone(), [POSITIONS, 1]);
            let own = logits.clone().gather(1, Tensor::from_data(at, &FlexDevice));
            let loss = (logits.exp().sum_dim(1).log() - own).mean();
            let expected = loss.clone().into_scalar();
            let gradients = loss.backward();
            let (by_query, by_vector) = (q.grad(&gradients).unwrap(), v.grad(&gradients).unwrap());

            let q = Tensor::<Flex, 2>::from_data(queries.clone(), &FlexDevice);
            let v = Tensor::<Flex, 2>::from_data(vectors.clone(), &FlexDevice);
            let loss = cross_entropy(q.clone(), v.clone(), &labels, &corrections, POSITIONS);
            assert!((loss.value as f32 - expected).abs() < 1e-5);
            close(&numbers(loss.queries), &numbers(by_query));
            close(&numbers(loss.vectors), &numbers(by_vector));

            let logits = q.matmul(v.transpose());
            let (host, in_memory) = on_host(logits.clone(), &labels, &corrections, 0.1);
            let (device, on_device) = on_device(logits, &labels, &corrections, 0.1);
            assert!((host - device).abs() < 1e-5);
            close(&numbers(in_memory), &numbers(on_device));
        }
    }

    fn numbers<B: Backend>(tensor: Tensor<B, 2>) -> Vec<f32> {
        tensor.into_data().iter().collect()
    }

    #[test]
    fn a_loss_that_is_no_number_is_seen() {
        let logits = Tensor::<Flex, 2>::from_floats([[f32::NAN, 1.0]], &FlexDevice);
        assert!(on_host(logits, &[0], &[], 1.0).0.is_nan());
    }

    #[test]
    fn exponentials_are_exact_to_a_few_units_in_the_last_place() {
        for step in -8_700..=8_800 {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exponential(x)) - exact).abs() / exact;
            assert!(error < 3.0 * f64::from(f32::EPSILON), "e^{x}: {error}");
        }
        let mut row: Vec<f32> = (0..21).map(|at| at as f32 / 10.0).collect();
        let exact: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        assert!((f64::from(exponentials(&mut row)) - exact).abs() < 1e-4);
    }
}
