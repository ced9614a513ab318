//! Writes the encoder as ONNX: IR 8, opset 17.
//!
//! Input `session` `[1, T, D + 3]`, output `query` `[1, D]`; the item table is not inside.

use super::checkpoint::CheckpointError;
use super::gru::GruEncoder;
use burn::tensor::backend::Backend;
use prost::Message;
use tract_onnx::pb;
use vitrine_core::Action;

const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// The GRU's numbers, `[in, out]` row by row, gates in the order z, r, h.
#[derive(Clone, Debug, PartialEq)]
pub struct GruWeights {
    /// D.
    pub dim: usize,
    /// H.
    pub hidden: usize,
    /// `[D + 3, 3H]`.
    pub input_weight: Vec<f32>,
    /// `[3H]`.
    pub input_bias: Vec<f32>,
    /// `[H, 3H]`.
    pub hidden_weight: Vec<f32>,
    /// `[3H]`.
    pub hidden_bias: Vec<f32>,
    /// `[H, D]`.
    pub output_weight: Vec<f32>,
    /// `[D]`.
    pub output_bias: Vec<f32>,
}

const PARTS: [&str; 6] = [
    "best.input_weight",
    "best.input_bias",
    "best.hidden_weight",
    "best.hidden_bias",
    "best.output_weight",
    "best.output_bias",
];

impl GruWeights {
    /// Takes the numbers out of a network.
    pub fn of<B: Backend>(network: &GruEncoder<B>) -> Self {
        let [hidden, dim] = network.output_weight.dims();
        let matrix = |tensor: burn::tensor::Tensor<B, 2>| tensor.into_data().iter().collect();
        let vector = |tensor: burn::tensor::Tensor<B, 1>| tensor.into_data().iter().collect();
        Self {
            dim,
            hidden,
            input_weight: matrix(network.input_weight.val()),
            input_bias: vector(network.input_bias.val()),
            hidden_weight: matrix(network.hidden_weight.val()),
            hidden_bias: vector(network.hidden_bias.val()),
            output_weight: matrix(network.output_weight.val()),
            output_bias: vector(network.output_bias.val()),
        }
    }

    /// Names and numbers, for a checkpoint.
    pub(crate) fn parts(&self) -> [(&'static str, &[f32]); 6] {
        let parts = [
            &self.input_weight,
            &self.input_bias,
            &self.hidden_weight,
            &self.hidden_bias,
            &self.output_weight,
            &self.output_bias,
        ];
        std::array::from_fn(|at| (PARTS[at], parts[at].as_slice()))
    }

    /// The reverse of [`GruWeights::parts`].
    pub(crate) fn from_parts(
        dim: usize,
        hidden: usize,
        read: impl Fn(&str) -> Result<Vec<f32>, CheckpointError>,
    ) -> Result<Self, CheckpointError> {
        Ok(Self {
            dim,
            hidden,
            input_weight: read(PARTS[0])?,
            input_bias: read(PARTS[1])?,
            hidden_weight: read(PARTS[2])?,
            hidden_bias: read(PARTS[3])?,
            output_weight: read(PARTS[4])?,
            output_bias: read(PARTS[5])?,
        })
    }

    /// The ONNX file.
    pub fn to_onnx(&self) -> Vec<u8> {
        let (d, h) = (self.dim as i64, self.hidden as i64);
        let width = d + Action::COUNT as i64;
        let gates = 3 * self.hidden;
        let bias = [self.input_bias.as_slice(), &self.hidden_bias].concat();
        let graph = pb::GraphProto {
            name: "vitrine session encoder".into(),
            node: vec![
                node(
                    "Transpose",
                    &["session"],
                    &["events"],
                    vec![ints("perm", &[1, 0, 2])],
                ),
                node(
                    "GRU",
                    &["events", "W", "R", "B", "", "initial"],
                    &["", "state"],
                    vec![int("hidden_size", h), int("linear_before_reset", 1)],
                ),
                node("Squeeze", &["state", "first"], &["last"], vec![]),
                node("MatMul", &["last", "P"], &["projected"], vec![]),
                node("Add", &["projected", "p"], &["query"], vec![]),
            ],
            initializer: vec![
                floats(
                    "W",
                    &[1, 3 * h, width],
                    &transpose(&self.input_weight, gates),
                ),
                floats("R", &[1, 3 * h, h], &transpose(&self.hidden_weight, gates)),
                floats("B", &[1, 6 * h], &bias),
                floats("initial", &[1, 1, h], &vec![0.0; self.hidden]),
                pb::TensorProto {
                    name: "first".into(),
                    dims: vec![1],
                    data_type: pb::tensor_proto::DataType::Int64 as i32,
                    raw_data: 0_i64.to_le_bytes().to_vec(),
                    ..Default::default()
                },
                floats("P", &[h, d], &self.output_weight),
                floats("p", &[d], &self.output_bias),
            ],
            input: vec![value("session", &[Some(1), None, Some(width)])],
            output: vec![value("query", &[Some(1), Some(d)])],
            ..Default::default()
        };
        pb::ModelProto {
            ir_version: IR_VERSION,
            producer_name: "vitrine".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            opset_import: vec![pb::OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            graph: Some(graph),
            ..Default::default()
        }
        .encode_to_vec()
    }
}

/// `[rows, columns]` → `[columns, rows]`.
fn transpose(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| matrix.iter().skip(column).step_by(columns).copied())
        .collect()
}

fn node(
    op: &str,
    input: &[&str],
    output: &[&str],
    attribute: Vec<pb::AttributeProto>,
) -> pb::NodeProto {
    let names = |names: &[&str]| names.iter().map(|&name| name.into()).collect();
    pb::NodeProto {
        op_type: op.into(),
        name: op.to_lowercase(),
        input: names(input),
        output: names(output),
        attribute,
        ..Default::default()
    }
}

fn int(name: &str, value: i64) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.into(),
        r#type: pb::attribute_proto::AttributeType::Int as i32,
        i: value,
        ..Default::default()
    }
}

fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.into(),
        r#type: pb::attribute_proto::AttributeType::Ints as i32,
        ints: values.to_vec(),
        ..Default::default()
    }
}

fn floats(name: &str, dims: &[i64], values: &[f32]) -> pb::TensorProto {
    pb::TensorProto {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: pb::tensor_proto::DataType::Float as i32,
        raw_data: values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ..Default::default()
    }
}

/// A tensor of f32 with a symbolic `T` where a dimension is `None`.
fn value(name: &str, dims: &[Option<i64>]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = dims
        .iter()
        .map(|dim| Dimension {
            value: Some(match dim {
                Some(size) => Value::DimValue(*size),
                None => Value::DimParam("T".into()),
            }),
            ..Default::default()
        })
        .collect();
    pb::ValueInfoProto {
        name: name.into(),
        r#type: Some(pb::TypeProto {
            value: Some(pb::type_proto::Value::TensorType(pb::type_proto::Tensor {
                elem_type: pb::tensor_proto::DataType::Float as i32,
                shape: Some(pb::TensorShapeProto { dim }),
            })),
            ..Default::default()
        }),
        ..Default::default()
    }
}
