//! Writes an encoder for each operator of the contract, and what it answers natively: the tests of
//! `web/` ask the browser's module the same, from which what nothing reaches was taken out.
//!
//! `cargo run -p vitrine-encoder --example operators -- web/fixture/operators.json`

#[path = "../tests/support/mod.rs"]
#[allow(dead_code, reason = "the tests use the rest of it")]
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use support::{Gru, WIDTH, bytes, encoded, floats, int, ints, list, model, node, numbers};
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto};
use vitrine_encoder::Encoder;

/// Lengths of the sessions.
const STEPS: [usize; 3] = [1, 3, 20];

fn main() {
    let path = std::env::args().nth(1).expect("a path is wanted");
    let encoders: BTreeMap<&str, serde_json::Value> = models()
        .into_iter()
        .map(|(name, model)| (name, answers(&encoded(&model))))
        .collect();
    let text = serde_json::to_string(&encoders).expect("numbers are finite");
    std::fs::write(path, text + "\n").expect("the file can be written");
}

/// The file in hexadecimal digits, and the queries of the sessions that `numbers(T, T · width)` are.
fn answers(onnx: &[u8]) -> serde_json::Value {
    let mut encoder = Encoder::new(onnx, WIDTH).expect("the contract takes it");
    let queries: Vec<Vec<f32>> = STEPS
        .iter()
        .map(|&steps| encoder.encode(&session(steps)).expect("it runs"))
        .collect();
    let sessions: Vec<Vec<f32>> = STEPS.iter().map(|&steps| session(steps)).collect();
    let mut hex = String::new();
    for byte in onnx {
        let _ = write!(hex, "{byte:02x}");
    }
    serde_json::json!({ "onnx": hex, "sessions": sessions, "queries": queries })
}

fn session(steps: usize) -> Vec<f32> {
    numbers(steps as u64, steps * WIDTH)
}

/// `[1, T, 7]` → mean over T as `x` → the nodes → `query`.
fn pooled(nodes: Vec<NodeProto>, mut weights: Vec<TensorProto>) -> ModelProto {
    let mut all = vec![node(
        "ReduceMean",
        &["session"],
        &["x"],
        &[list("axes", &[1]), int("keepdims", 0)],
    )];
    all.extend(nodes);
    weights.push(floats(
        "row",
        &[7],
        &[0.5, -2.0, 1.5, 3.0, -0.25, 0.75, 1.0],
    ));
    weights.push(ints("zero", &[1], &[0]));
    weights.push(ints("one", &[1], &[1]));
    model(all, weights)
}

fn models() -> Vec<(&'static str, ModelProto)> {
    let mut models = Vec::new();
    for name in ["Tanh", "Sigmoid", "Exp", "Erf", "Neg", "Relu", "Identity"] {
        models.push((
            name,
            pooled(vec![node(name, &["x"], &["query"], &[])], vec![]),
        ));
    }
    for name in ["Add", "Sub", "Mul", "Div"] {
        let node = node(name, &["x", "row"], &["query"], &[]);
        models.push((name, pooled(vec![node], vec![])));
    }
    let root = vec![
        node("Mul", &["x", "x"], &["squares"], &[]),
        node("Sqrt", &["squares"], &["query"], &[]),
    ];
    models.push(("Sqrt", pooled(root, vec![])));
    let softmax = vec![node("Softmax", &["x"], &["query"], &[int("axis", 1)])];
    models.push(("Softmax", pooled(softmax, vec![])));
    let (wide, narrow) = (numbers(1, 7 * 33), numbers(2, 33 * 5));
    let gemm = vec![
        node("MatMul", &["x", "wide"], &["hidden"], &[]),
        node(
            "Gemm",
            &["hidden", "narrow", "bias"],
            &["query"],
            &[int("transB", 1)],
        ),
    ];
    models.push((
        "MatMul, Gemm",
        pooled(
            gemm,
            vec![
                floats("wide", &[7, 33], &wide),
                floats("narrow", &[5, 33], &narrow),
                floats("bias", &[5], &numbers(3, 5)),
            ],
        ),
    ));
    let norm = node("LayerNormalization", &["x", "row", "row"], &["query"], &[]);
    models.push(("LayerNormalization", pooled(vec![norm], vec![])));
    let shapes = vec![
        node("Unsqueeze", &["x", "one"], &["x1"], &[]),
        node("Expand", &["x1", "three"], &["x3"], &[]),
        node("Reshape", &["x3", "flat"], &["x21"], &[]),
        node("Slice", &["x21", "from", "to", "one"], &["cut"], &[]),
        node("Concat", &["cut", "x"], &["query"], &[int("axis", 1)]),
    ];
    models.push((
        "Unsqueeze, Expand, Reshape, Slice, Concat",
        pooled(
            shapes,
            vec![
                ints("three", &[3], &[1, 3, 7]),
                ints("flat", &[2], &[1, 21]),
                ints("from", &[1], &[5]),
                ints("to", &[1], &[9]),
            ],
        ),
    ));
    models.push(("Transpose, Trilu, Gather, Squeeze, ReduceSum", attention()));
    let dequantised = vec![
        node(
            "DequantizeLinear",
            &["q", "scale"],
            &["rows"],
            &[int("axis", 0)],
        ),
        node("MatMul", &["x", "rows"], &["query"], &[]),
    ];
    let units: Vec<i8> = numbers(5, 7 * 4)
        .iter()
        .map(|v| (200.0 * v) as i8)
        .collect();
    models.push((
        "DequantizeLinear",
        pooled(
            dequantised,
            vec![
                bytes("q", &[7, 4], &units),
                floats("scale", &[7], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
            ],
        ),
    ));
    models.push(("GRU", Gru::new(8).model()));
    models.push(("GRU, wide", recurrent("GRU", 3, 20, 0)));
    models.push(("GRU, not fused", recurrent("GRU", 3, 6, 1)));
    models.push(("LSTM", recurrent("LSTM", 4, 6, 1)));
    models
}

/// Causal attention of every event over those before it; the last one's answer.
fn attention() -> ModelProto {
    model(
        vec![
            node(
                "Transpose",
                &["session"],
                &["turned"],
                &[list("perm", &[0, 2, 1])],
            ),
            node("MatMul", &["session", "turned"], &["scores"], &[]),
            node("Trilu", &["scores"], &["lower"], &[int("upper", 0)]),
            node("MatMul", &["lower", "session"], &["mixed"], &[]),
            node("Gather", &["mixed", "last"], &["at"], &[int("axis", 1)]),
            node(
                "ReduceSum",
                &["mixed", "one"],
                &["sum"],
                &[int("keepdims", 1)],
            ),
            node("Squeeze", &["sum", "one"], &["all"], &[]),
            node("Squeeze", &["at", "one"], &["own"], &[]),
            node("Add", &["all", "own"], &["query"], &[]),
        ],
        vec![ints("last", &[1], &[-1]), ints("one", &[1], &[1])],
    )
}

/// A recurrent layer of H hidden units, whose last state is the query. The reset gate is applied
/// after the product or before it, as `before` says; an LSTM has no such attribute.
fn recurrent(name: &str, gates: i64, h: i64, before: i64) -> ModelProto {
    let mut attributes = vec![int("hidden_size", h)];
    if name == "GRU" {
        attributes.push(int("linear_before_reset", 1 - before));
    }
    let count = |n: i64| n as usize;
    model(
        vec![
            node(
                "Transpose",
                &["session"],
                &["steps"],
                &[list("perm", &[1, 0, 2])],
            ),
            node(name, &["steps", "w", "r", "b"], &["", "state"], &attributes),
            node("Squeeze", &["state", "first"], &["query"], &[]),
        ],
        vec![
            floats("w", &[1, gates * h, 7], &numbers(1, count(gates * h * 7))),
            floats("r", &[1, gates * h, h], &numbers(2, count(gates * h * h))),
            floats("b", &[1, 2 * gates * h], &numbers(3, count(2 * gates * h))),
            ints("first", &[1], &[0]),
        ],
    )
}
