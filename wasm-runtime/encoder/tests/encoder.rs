//! What a bundle's author and a browser rely on.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps fails, as it should"
)]

mod support;

use support::*;
use vitrine_encoder::{Encoder, MAX_STEPS};

fn close(found: &[f32], wanted: &[f32]) {
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(wanted) {
        assert!((found - wanted).abs() < 1e-5, "{found} is not {wanted}");
    }
}

fn refused(model: &tract_onnx::pb::ModelProto) -> String {
    Encoder::new(&encoded(model), WIDTH)
        .unwrap_err()
        .to_string()
}

#[test]
fn a_gru_computes_what_onnx_says_at_every_length() {
    let gru = Gru::new(24);
    let mut encoder = Encoder::new(&encoded(&gru.model()), WIDTH).unwrap();
    assert_eq!((encoder.dim(), encoder.width()), (DIM, WIDTH));
    for steps in [1, 2, 3, 4, 7, 20, MAX_STEPS] {
        let session = numbers(steps as u64, steps * WIDTH);
        close(&encoder.encode(&session).unwrap(), &gru.by_hand(&session));
    }
}

#[test]
fn nothing_is_carried_from_one_call_to_the_next() {
    let mut encoder = Encoder::new(&encoded(&Gru::new(64).model()), WIDTH).unwrap();
    let (first, second) = (numbers(5, 20 * WIDTH), numbers(6, 9 * WIDTH));
    let once = encoder.encode(&first).unwrap();
    encoder.encode(&second).unwrap();
    assert_eq!(encoder.encode(&first).unwrap(), once);
}

/// Per-row int8 weights (`DequantizeLinear`) are read as the f32 that they stand for:
/// (-3, 4) · 0.5 and (8, -1) · 0.25 by rows give -1.5, 2, 2, -0.25.
#[test]
fn quantised_weights_are_expanded_by_row() {
    let graph = model(
        vec![
            node(
                "DequantizeLinear",
                &["q", "scale"],
                &["rows"],
                &[int("axis", 0)],
            ),
            node(
                "Gather",
                &["session", "last"],
                &["event"],
                &[int("axis", 1)],
            ),
            node("Slice", &["event", "from", "to", "one"], &["pair"], &[]),
            node("MatMul", &["pair", "rows"], &["query"], &[]),
        ],
        vec![
            bytes("q", &[2, 2], &[-3, 4, 8, -1]),
            floats("scale", &[2], &[0.5, 0.25]),
            ints("last", &[], &[-1]),
            ints("from", &[1], &[0]),
            ints("to", &[1], &[2]),
            ints("one", &[1], &[1]),
        ],
    );
    let mut encoder = Encoder::new(&encoded(&graph), WIDTH).unwrap();
    let mut session = vec![9.0; 2 * WIDTH];
    session[WIDTH..WIDTH + 2].copy_from_slice(&[1.0, 10.0]);
    // 1 · (-1.5, 2) + 10 · (2, -0.25)
    close(&encoder.encode(&session).unwrap(), &[18.5, -0.5]);
}

/// Attention of the last event over all events, by hand: scores s_t = ⟨x_t, x_T⟩, softmax over
/// t, the weighted mean, then a layer norm of scale 2 and shift 1.
#[test]
fn attention_over_the_session_runs() {
    let width = WIDTH as i64;
    let graph = model(
        vec![
            node("Gather", &["session", "at"], &["last"], &[int("axis", 1)]),
            node(
                "Transpose",
                &["last"],
                &["column"],
                &[list("perm", &[0, 2, 1])],
            ),
            node("MatMul", &["session", "column"], &["scores"], &[]),
            node("Softmax", &["scores"], &["weights"], &[int("axis", 1)]),
            node("Mul", &["session", "weights"], &["weighted"], &[]),
            node(
                "ReduceSum",
                &["weighted", "one"],
                &["mean"],
                &[int("keepdims", 0)],
            ),
            node(
                "LayerNormalization",
                &["mean", "scale", "shift"],
                &["query"],
                &[],
            ),
        ],
        vec![
            ints("at", &[1], &[-1]),
            ints("one", &[1], &[1]),
            floats("scale", &[width], &[2.0; WIDTH]),
            floats("shift", &[width], &[1.0; WIDTH]),
        ],
    );
    let mut encoder = Encoder::new(&encoded(&graph), WIDTH).unwrap();
    for steps in [1, 5] {
        let session = numbers(11, steps * WIDTH);
        let rows: Vec<&[f32]> = session.chunks_exact(WIDTH).collect();
        let last = rows[steps - 1];
        let scores: Vec<f32> = rows
            .iter()
            .map(|row| row.iter().zip(last).map(|(a, b)| a * b).sum::<f32>().exp())
            .collect();
        let total: f32 = scores.iter().sum();
        let pooled: Vec<f32> = (0..WIDTH)
            .map(|at| {
                rows.iter()
                    .zip(&scores)
                    .map(|(row, score)| row[at] * score / total)
                    .sum()
            })
            .collect();
        let mean = pooled.iter().sum::<f32>() / WIDTH as f32;
        let variance = pooled.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / WIDTH as f32;
        let wanted: Vec<f32> = pooled
            .iter()
            .map(|x| 2.0 * (x - mean) / (variance + 1e-5).sqrt() + 1.0)
            .collect();
        close(&encoder.encode(&session).unwrap(), &wanted);
    }
}

#[test]
fn a_session_of_the_wrong_form_is_refused() {
    let mut encoder = Encoder::new(&encoded(&Gru::new(8).model()), WIDTH).unwrap();
    for session in [
        vec![],
        vec![0.0; WIDTH + 1],
        vec![f32::NAN; WIDTH],
        vec![0.0; (MAX_STEPS + 1) * WIDTH],
    ] {
        assert!(
            encoder
                .encode(&session)
                .unwrap_err()
                .to_string()
                .contains("rows of 7")
        );
    }
    assert!(encoder.encode(&[0.0; WIDTH]).is_ok());
}

#[test]
fn files_outside_the_contract_are_refused_by_name() {
    let gru = Gru::new(8);
    let changed = |change: &dyn Fn(&mut tract_onnx::pb::GraphProto)| {
        let mut model = gru.model();
        change(model.graph.as_mut().unwrap());
        refused(&model)
    };
    let told = |message: String, part: &str| assert!(message.contains(part), "{message}");
    told(
        changed(&|g| g.initializer[0].raw_data[2..4].copy_from_slice(&[0xc0, 0x7f])),
        "not a finite number",
    );
    told(changed(&|g| g.initializer[1].dims[2] = 9), "tensor 'r'");
    told(
        changed(&|g| g.initializer[1].dims = vec![8, 24, 1]),
        "input weights",
    );
    told(
        changed(&|g| g.initializer[1].dims = vec![1 << 40, 1 << 40]),
        "more elements",
    );
    told(
        changed(&|g| g.initializer[4].int64_data = vec![1 << 62]),
        "names axis",
    );
    told(
        changed(&|g| g.initializer[4].int64_data = vec![2]),
        "not of size one",
    );
    told(
        changed(&|g| g.node[1].op_type = "Loop".into()),
        "node 'last' (Loop)",
    );
    told(
        changed(&|g| g.node[1].attribute.push(int("clip", 3))),
        "attribute 'clip'",
    );
    told(
        changed(&|g| g.node[0].attribute[0].ints = vec![0, 0, 2]),
        "no permutation",
    );
    told(
        changed(&|g| g.node[0].input[0] = "query".into()),
        "nothing before it computes",
    );
    told(
        changed(&|g| g.node.swap(0, 1)),
        "nothing before it computes",
    );
    told(
        changed(&|g| g.node[3].output[0] = "state".into()),
        "a second time",
    );
    told(changed(&|g| g.node.clear()), "never computes 'query'");
    told(changed(&|g| g.output.clear()), "0 outputs");
    told(changed(&|g| g.input[0].name = "x".into()), "'session'");
    told(
        changed(&|g| {
            g.initializer[0].raw_data.clear();
            g.initializer[0].data_location = Some(1);
        }),
        "outside the file",
    );
    let mut old = gru.model();
    old.opset_import[0].version = 9;
    told(refused(&old), "operator set 9");
    told(
        Encoder::new(b"not onnx", WIDTH).unwrap_err().to_string(),
        "not an ONNX file",
    );
    told(
        Encoder::new(&[], WIDTH).unwrap_err().to_string(),
        "no graph",
    );
    told(
        Encoder::new(&encoded(&gru.model()), WIDTH + 1)
            .unwrap_err()
            .to_string(),
        "input weights",
    );
}

/// A shape that asks for more memory than a page has is refused before anything is allocated.
#[test]
fn an_output_without_bounds_is_refused() {
    let graph = model(
        vec![
            node("Expand", &["session", "shape"], &["wide"], &[]),
            node("Squeeze", &["wide", "axes"], &["query"], &[]),
        ],
        vec![
            ints("shape", &[4], &[65_536, 1, 1, 1]),
            ints("axes", &[1], &[0]),
        ],
    );
    assert!(refused(&graph).contains("at most"), "{}", refused(&graph));
}

/// Each byte of a good file, changed in turn: refused or run, never a panic.
#[test]
fn altered_files_never_panic() {
    let good = encoded(&Gru::new(2).model());
    let session = numbers(1, 3 * WIDTH);
    for at in 0..good.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut bad = good.clone();
            bad[at] ^= flip;
            if let Ok(mut encoder) = Encoder::new(&bad, WIDTH) {
                let _ = encoder.encode(&session);
            }
        }
        let _ = Encoder::new(&good[..at], WIDTH);
    }
}
