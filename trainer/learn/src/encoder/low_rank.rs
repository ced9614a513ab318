//! Narrower item vectors: the D' directions in which the vectors of a trained encoder vary most.
//!
//! With R the first eigenvectors of VᵀV, `[D, D']`, the catalogue ships V·R, and the encoder
//! widens what it reads by Rᵀ and narrows its answer by R. Of all projections this keeps the most
//! of V (Eckart & Young, 1936).

use super::onnx::{append, prepend};
use super::train::TrainedEncoder;
use vitrine_core::Action;

/// Sweeps of Jacobi's method at most; it converges quadratically.
const SWEEPS: usize = 30;

/// The encoder with vectors of `dim` numbers; unchanged where they are not wider.
pub fn narrowed(encoder: &TrainedEncoder, dim: usize) -> TrainedEncoder {
    let wide = encoder.dim;
    if dim == 0 || dim >= wide {
        return encoder.clone();
    }
    let rotation = directions(&encoder.vectors, wide, dim);
    let mut vectors = Vec::with_capacity(encoder.vectors.len() / wide * dim);
    for vector in encoder.vectors.chunks_exact(wide) {
        for to in 0..dim {
            let sum: f64 = vector
                .iter()
                .enumerate()
                .map(|(from, &v)| f64::from(v) * rotation[from * dim + to])
                .sum();
            vectors.push(sum as f32);
        }
    }
    TrainedEncoder {
        dim,
        vectors,
        onnx: narrowed_onnx(&encoder.onnx, &rotation, wide, dim),
    }
}

/// The first `dim` eigenvectors of VᵀV, `[wide, dim]` row by row, for V `[N, wide]`.
fn directions(vectors: &[f32], wide: usize, dim: usize) -> Vec<f64> {
    let mut gram = vec![0.0; wide * wide];
    for vector in vectors.chunks_exact(wide) {
        for (row, &a) in vector.iter().enumerate() {
            for (column, &b) in vector.iter().enumerate().take(row + 1) {
                gram[row * wide + column] += f64::from(a) * f64::from(b);
            }
        }
    }
    for row in 0..wide {
        for column in 0..row {
            gram[column * wide + row] = gram[row * wide + column];
        }
    }
    let (values, basis) = eigen(gram, wide);
    let mut order: Vec<usize> = (0..wide).collect();
    order.sort_by(|&a, &b| values[b].total_cmp(&values[a]));
    (0..wide)
        .flat_map(|row| order[..dim].iter().map(move |&at| (row, at)))
        .map(|(row, at)| basis[row * wide + at])
        .collect()
}

/// Eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi's cyclic rotations.
fn eigen(mut matrix: Vec<f64>, n: usize) -> (Vec<f64>, Vec<f64>) {
    let mut basis = vec![0.0; n * n];
    (0..n).for_each(|i| basis[i * n + i] = 1.0);
    let scale: f64 = matrix.iter().map(|v| v * v).sum();
    for _ in 0..SWEEPS {
        let off: f64 = (0..n)
            .flat_map(|p| (0..p).map(move |q| (p, q)))
            .map(|(p, q)| matrix[p * n + q].powi(2))
            .sum();
        if off <= scale * 1e-24 {
            break;
        }
        for p in 0..n {
            for q in p + 1..n {
                let apq = matrix[p * n + q];
                if apq == 0.0 {
                    continue;
                }
                let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * apq);
                let t = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
                let t = if theta == 0.0 { 1.0 } else { t };
                let c = 1.0 / (t * t + 1.0).sqrt();
                let s = t * c;
                for k in 0..n {
                    let (a, b) = (matrix[k * n + p], matrix[k * n + q]);
                    matrix[k * n + p] = c * a - s * b;
                    matrix[k * n + q] = s * a + c * b;
                }
                for k in 0..n {
                    let (a, b) = (matrix[p * n + k], matrix[q * n + k]);
                    matrix[p * n + k] = c * a - s * b;
                    matrix[q * n + k] = s * a + c * b;
                    let (a, b) = (basis[k * n + p], basis[k * n + q]);
                    basis[k * n + p] = c * a - s * b;
                    basis[k * n + q] = s * a + c * b;
                }
            }
        }
    }
    ((0..n).map(|i| matrix[i * n + i]).collect(), basis)
}

/// The same graph between a widening of its input and a narrowing of its answer.
fn narrowed_onnx(onnx: &[u8], rotation: &[f64], wide: usize, dim: usize) -> Vec<u8> {
    let narrow: Vec<f32> = rotation.iter().map(|&v| v as f32).collect();
    let widen = super::onnx::transposed(&narrow, dim);
    let onnx = prepend(onnx, dim + Action::COUNT, |graph, input, output| {
        graph.ints("narrow.zero", &[0]);
        graph.ints("narrow.items", &[dim as i64]);
        graph.ints("narrow.all", &[i64::MAX]);
        graph.ints("narrow.axis", &[2]);
        graph.floats("narrow.widen", &[dim, wide], &widen);
        let cut = |graph: &mut super::onnx::Graph, from: &str, to: &str, name: &str| {
            graph.node("Slice", &[input, from, to, "narrow.axis"], name, |_| {});
        };
        cut(graph, "narrow.zero", "narrow.items", "narrow.vectors");
        cut(graph, "narrow.items", "narrow.all", "narrow.actions");
        let inputs = ["narrow.vectors", "narrow.widen"];
        graph.node("MatMul", &inputs, "narrow.widened", |_| {});
        let inputs = ["narrow.widened", "narrow.actions"];
        graph.node("Concat", &inputs, output, |node| node.int("axis", 2));
    });
    append(&onnx, dim, |graph, input, output| {
        graph.floats("narrow.answer", &[wide, dim], &narrow);
        graph.node("MatMul", &[input, "narrow.answer"], output, |_| {});
    })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]
mod tests {
    use super::*;
    use prost::Message;
    use tract_onnx::pb;

    #[test]
    fn eigenvectors_of_a_two_by_two_matrix() {
        // [2 1; 1 2] has the eigenvalues 3 and 1 along (1, 1) and (1, −1).
        let (values, basis) = eigen(vec![2.0, 1.0, 1.0, 2.0], 2);
        let first = usize::from(values[1] > values[0]);
        assert!((values[first] - 3.0).abs() < 1e-12);
        assert!((basis[first] - basis[2 + first]).abs() < 1e-12);
    }

    #[test]
    fn vectors_of_low_rank_lose_nothing() {
        // Vectors in a plane of three dimensions: inner products stay.
        let vectors = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0, 1.0, 2.0_f32];
        let rotation = directions(&vectors, 3, 2);
        let project = |v: &[f32]| -> Vec<f64> {
            let at = |to: usize| (0..3).map(|k| f64::from(v[k]) * rotation[k * 2 + to]).sum();
            vec![at(0), at(1)]
        };
        let (a, b) = (project(&vectors[..3]), project(&vectors[3..6]));
        assert!((a[0] * b[0] + a[1] * b[1] - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_graph_keeps_its_contract() {
        let mut graph = super::super::onnx::Graph::default();
        graph.node("Identity", &["session"], "query", |_| {});
        let onnx = graph.to_bytes(3 + Action::COUNT, 3);
        let narrow = narrowed_onnx(&onnx, &[1.0, 0.0, 0.0, 1.0, 0.0, 0.0], 3, 2);
        let graph = pb::ModelProto::decode(narrow.as_slice())
            .unwrap()
            .graph
            .unwrap();
        assert_eq!(graph.input.len(), 1);
        assert_eq!(graph.input[0].name, "session");
        assert_eq!(graph.output[0].name, "query");
        assert_eq!(graph.node.first().unwrap().input[0], "session");
        assert_eq!(graph.node.last().unwrap().output[0], "query");
    }
}
