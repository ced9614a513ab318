//! Small ONNX files, made from parts.

use prost::Message;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::type_proto::{Tensor, Value};
use tract_onnx::pb::*;

/// Width of an event's vector in these files, D + 3.
pub const WIDTH: usize = 7;
/// Length of the query vector, D.
pub const DIM: usize = 4;

/// The same numbers for the same seed: splitmix64, mapped to [-0.5, 0.5).
pub fn numbers(seed: u64, len: usize) -> Vec<f32> {
    (1..=len as u64)
        .map(|at| {
            let mut z = (seed << 32).wrapping_add(at.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 24) as f32 - 0.5
        })
        .collect()
}

pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Float as i32,
        raw_data: values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect(),
        ..TensorProto::default()
    }
}

pub fn ints(name: &str, dims: &[i64], values: &[i64]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Int64 as i32,
        int64_data: values.to_vec(),
        ..TensorProto::default()
    }
}

pub fn bytes(name: &str, dims: &[i64], values: &[i8]) -> TensorProto {
    TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: DataType::Int8 as i32,
        raw_data: values.iter().map(|&value| value as u8).collect(),
        ..TensorProto::default()
    }
}

pub fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Int as i32,
        i,
        ..AttributeProto::default()
    }
}

pub fn list(name: &str, ints: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        r#type: AttributeType::Ints as i32,
        ints: ints.to_vec(),
        ..AttributeProto::default()
    }
}

pub fn node(
    operator: &str,
    input: &[&str],
    output: &[&str],
    attribute: &[AttributeProto],
) -> NodeProto {
    NodeProto {
        op_type: operator.into(),
        input: input.iter().map(|&name| name.into()).collect(),
        output: output.iter().map(|&name| name.into()).collect(),
        attribute: attribute.to_vec(),
        ..NodeProto::default()
    }
}

fn info(name: &str) -> ValueInfoProto {
    let tensor = Tensor {
        elem_type: DataType::Float as i32,
        shape: None,
    };
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value: Some(Value::TensorType(tensor)),
            ..TypeProto::default()
        }),
        ..ValueInfoProto::default()
    }
}

pub fn model(node: Vec<NodeProto>, initializer: Vec<TensorProto>) -> ModelProto {
    ModelProto {
        ir_version: 8,
        opset_import: vec![OperatorSetIdProto {
            domain: String::new(),
            version: 17,
        }],
        graph: Some(GraphProto {
            name: "encoder".into(),
            node,
            initializer,
            input: vec![info("session")],
            output: vec![info("query")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
}

pub fn encoded(model: &ModelProto) -> Vec<u8> {
    model.encode_to_vec()
}

/// The weights of a GRU with H hidden units, in ONNX's order: update, reset, new.
pub struct Gru {
    pub hidden: usize,
    pub w: Vec<f32>,
    pub r: Vec<f32>,
    pub b: Vec<f32>,
    pub out: Vec<f32>,
}

impl Gru {
    pub fn new(hidden: usize) -> Self {
        Self {
            hidden,
            w: numbers(1, 3 * hidden * WIDTH),
            r: numbers(2, 3 * hidden * hidden),
            b: numbers(3, 6 * hidden),
            out: numbers(4, hidden * DIM),
        }
    }

    /// `[1, T, 7]` → GRU → last state → linear → `[1, 4]`.
    pub fn model(&self) -> ModelProto {
        let h = self.hidden as i64;
        model(
            vec![
                node(
                    "Transpose",
                    &["session"],
                    &["steps"],
                    &[list("perm", &[1, 0, 2])],
                ),
                node(
                    "GRU",
                    &["steps", "w", "r", "b"],
                    &["", "last"],
                    &[int("hidden_size", h), int("linear_before_reset", 1)],
                ),
                node("Squeeze", &["last", "axes"], &["state"], &[]),
                node("MatMul", &["state", "out"], &["query"], &[]),
            ],
            vec![
                floats("w", &[1, 3 * h, WIDTH as i64], &self.w),
                floats("r", &[1, 3 * h, h], &self.r),
                floats("b", &[1, 6 * h], &self.b),
                floats("out", &[h, DIM as i64], &self.out),
                ints("axes", &[1], &[0]),
            ],
        )
    }

    /// The same in plain loops, from ONNX's definition of GRU with `linear_before_reset`:
    /// z = σ(Wz x + Rz h + bz), r = σ(Wr x + Rr h + br),
    /// n = tanh(Wn x + bWn + r ⊙ (Rn h + bRn)), h' = (1 − z) ⊙ n + z ⊙ h.
    pub fn by_hand(&self, session: &[f32]) -> Vec<f32> {
        let h = self.hidden;
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let mut state = vec![0.0; h];
        for x in session.chunks_exact(WIDTH) {
            let input = |gate: usize, at: usize| {
                let row = gate * h + at;
                dot(&self.w[row * WIDTH..][..WIDTH], x) + self.b[row]
            };
            let before = state.clone();
            let recurrent = |gate: usize, at: usize| {
                let row = gate * h + at;
                dot(&self.r[row * h..][..h], &before) + self.b[3 * h + row]
            };
            for at in 0..h {
                let update = sigmoid(input(0, at) + recurrent(0, at));
                let reset = sigmoid(input(1, at) + recurrent(1, at));
                let new = (input(2, at) + reset * recurrent(2, at)).tanh();
                state[at] = (1.0 - update) * new + update * before[at];
            }
        }
        (0..DIM)
            .map(|column| {
                (0..h)
                    .map(|at| state[at] * self.out[at * DIM + column])
                    .sum()
            })
            .collect()
    }
}
