//! Writes graphs as ONNX: IR 8, opset 17.

use burn::tensor::Tensor;
use burn::tensor::backend::Backend;
use prost::Message;
use tract_onnx::pb;

const OPSET: i64 = 17;
const IR_VERSION: i64 = 8;

/// The numbers of a tensor, row by row.
pub fn numbers<B: Backend, const D: usize>(tensor: Tensor<B, D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

/// `[rows, columns]` → `[columns, rows]`.
pub fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| matrix.iter().skip(column).step_by(columns).copied())
        .collect()
}

/// A graph from `session` to `query`, node by node.
#[derive(Default)]
pub struct Graph(pb::GraphProto);

/// A node's attributes.
pub struct Node<'a>(&'a mut pb::NodeProto);

impl Graph {
    /// A constant of f32.
    pub fn floats(&mut self, name: &str, dims: &[usize], values: &[f32]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(name, dims, pb::tensor_proto::DataType::Float, bytes);
    }

    /// A constant list of integers.
    pub fn ints(&mut self, name: &str, values: &[i64]) {
        let bytes = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let kind = pb::tensor_proto::DataType::Int64;
        self.constant(name, &[values.len()], kind, bytes);
    }

    fn constant(
        &mut self,
        name: &str,
        dims: &[usize],
        kind: pb::tensor_proto::DataType,
        raw_data: Vec<u8>,
    ) {
        self.0.initializer.push(pb::TensorProto {
            name: name.into(),
            dims: dims.iter().map(|&dim| dim as i64).collect(),
            data_type: kind as i32,
            raw_data,
            ..Default::default()
        });
    }

    /// An operator with one output.
    pub fn node(
        &mut self,
        operator: &str,
        inputs: &[&str],
        output: &str,
        attributes: impl FnOnce(&mut Node<'_>),
    ) {
        let mut node = pb::NodeProto {
            op_type: operator.into(),
            name: output.into(),
            input: inputs.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..Default::default()
        };
        attributes(&mut Node(&mut node));
        self.0.node.push(node);
    }

    /// The file: input `session` `[1, T, width]`, output `query` `[1, dim]`.
    pub fn to_bytes(mut self, width: usize, dim: usize) -> Vec<u8> {
        self.0.name = "vitrine session encoder".into();
        self.0.input = vec![value("session", &[Some(1), None, Some(width)])];
        self.0.output = vec![value("query", &[Some(1), Some(dim)])];
        pb::ModelProto {
            ir_version: IR_VERSION,
            producer_name: "vitrine".into(),
            producer_version: env!("CARGO_PKG_VERSION").into(),
            opset_import: vec![pb::OperatorSetIdProto {
                domain: String::new(),
                version: OPSET,
            }],
            graph: Some(self.0),
            ..Default::default()
        }
        .encode_to_vec()
    }
}

/// A file of this crate's with operators before its first: they read `session` `[1, T, width]`
/// and write what the graph has read so far; `build` gets the two names.
pub fn prepend(onnx: &[u8], width: usize, build: impl FnOnce(&mut Graph, &str, &str)) -> Vec<u8> {
    extend(onnx, |graph| {
        let (input, output) = ("session", "session.wide");
        for name in graph.node.iter_mut().flat_map(|node| &mut node.input) {
            if name == input {
                *name = output.into();
            }
        }
        let mut before = Graph::default();
        build(&mut before, input, output);
        graph.initializer.extend(before.0.initializer);
        graph.node.splice(0..0, before.0.node);
        graph.input = vec![value(input, &[Some(1), None, Some(width)])];
    })
}

/// A file of this crate's with operators after its last: they read what the graph has answered so
/// far and write `query` `[1, dim]`; `build` gets the two names.
pub fn append(onnx: &[u8], dim: usize, build: impl FnOnce(&mut Graph, &str, &str)) -> Vec<u8> {
    extend(onnx, |graph| {
        let (input, output) = ("query.wide", "query");
        for name in graph.node.iter_mut().flat_map(|node| &mut node.output) {
            if name == output {
                *name = input.into();
            }
        }
        let mut after = Graph::default();
        build(&mut after, input, output);
        graph.initializer.extend(after.0.initializer);
        graph.node.extend(after.0.node);
        graph.output = vec![value(output, &[Some(1), Some(dim)])];
    })
}

fn extend(onnx: &[u8], change: impl FnOnce(&mut pb::GraphProto)) -> Vec<u8> {
    // What this crate wrote is read back: anything else would be a fault here, and the encoder
    // that is loaded afterwards would refuse it.
    let mut model = pb::ModelProto::decode(onnx).unwrap_or_default();
    change(model.graph.get_or_insert_default());
    model.encode_to_vec()
}

impl Node<'_> {
    /// An integer.
    pub fn int(&mut self, name: &str, value: i64) {
        self.0.attribute.push(pb::AttributeProto {
            name: name.into(),
            r#type: pb::attribute_proto::AttributeType::Int as i32,
            i: value,
            ..Default::default()
        });
    }

    /// A number.
    pub fn float(&mut self, name: &str, value: f32) {
        self.0.attribute.push(pb::AttributeProto {
            name: name.into(),
            r#type: pb::attribute_proto::AttributeType::Float as i32,
            f: value,
            ..Default::default()
        });
    }

    /// A list of integers.
    pub fn ints(&mut self, name: &str, values: &[i64]) {
        self.0.attribute.push(pb::AttributeProto {
            name: name.into(),
            r#type: pb::attribute_proto::AttributeType::Ints as i32,
            ints: values.to_vec(),
            ..Default::default()
        });
    }
}

/// A tensor of f32 with a symbolic `T` where a dimension is `None`.
fn value(name: &str, dims: &[Option<usize>]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = dims
        .iter()
        .map(|dim| Dimension {
            value: Some(match dim {
                Some(size) => Value::DimValue(*size as i64),
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
