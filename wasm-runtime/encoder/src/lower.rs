//! ONNX nodes onto tract's typed operators, one check before each.
//!
//! Two kinds of value flow through a graph: wires, which are always f32, and constants, which
//! are weights or say how (axes, shapes, indices). A constant becomes a wire where a wire is
//! wanted. Axes and shapes must be constants, so every rank is known while the graph is built
//! and only one dimension, T, is open.

mod operators;

use crate::attributes::Attributes;
use crate::constant::{Constant, MAX_RANK, axis_of};
use crate::encoder::{EncoderError, MAX_STEPS};
use crate::recurrent;
use std::collections::HashMap;
use tract_onnx::pb::type_proto::Value as TypeValue;
use tract_onnx::pb::{ModelProto, NodeProto, ValueInfoProto, tensor_proto::DataType};
use tract_onnx::tract_core::broadcast::multi_broadcast;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::array::{MultiBroadcastTo, Slice, Trilu, TypedConcat};
use tract_onnx::tract_core::ops::cast::cast;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::math;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, Softmax, sigmoid};

/// The operator sets that are read: from 13 on axes are inputs, and 18 is tract's last.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=18;
/// The most nodes of a graph.
const MAX_NODES: usize = 1024;
/// The most elements of one value at T = [`MAX_STEPS`].
const MAX_VALUE: i64 = 1 << 23;
/// The largest size that a shape may ask for.
const MAX_DIM: i64 = 1 << 16;

type Reason<T> = Result<T, String>;

/// A named value of the graph.
#[derive(Clone)]
enum Value {
    Wire(OutletId),
    Constant(Arc<Constant>),
}

/// Builds the typed model; returns it with D.
pub(crate) fn graph(proto: &ModelProto, width: usize) -> Result<(TypedModel, usize), EncoderError> {
    let refuse = |reason: String| Err(EncoderError::Graph(reason));
    let Some(graph) = &proto.graph else {
        return refuse("holds no graph".into());
    };
    let plain = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let opset = proto
        .opset_import
        .iter()
        .find(|set| plain(&set.domain))
        .map_or(0, |set| set.version);
    if !OPSETS.contains(&opset) {
        return refuse(format!(
            "is of operator set {opset}; export it with one from 13 to 18"
        ));
    }
    if !proto.functions.is_empty() || !graph.sparse_initializer.is_empty() {
        return refuse("uses functions or sparse tensors, which are not supported".into());
    }
    if graph.node.len() > MAX_NODES {
        return refuse(format!(
            "has {} nodes; at most {MAX_NODES} are read",
            graph.node.len()
        ));
    }

    let mut lowering = Lowering {
        model: TypedModel::default(),
        values: HashMap::new(),
        opset,
    };
    for tensor in &graph.initializer {
        let named = |reason| EncoderError::Tensor {
            name: shown(&tensor.name),
            reason,
        };
        let constant = Constant::read(tensor).map_err(named)?;
        lowering
            .define(&tensor.name, Value::Constant(Arc::new(constant)))
            .map_err(named)?;
    }
    // Exporters may list the initializers among the inputs.
    let open: Vec<&ValueInfoProto> = graph
        .input
        .iter()
        .filter(|input| !lowering.values.contains_key(&input.name))
        .collect();
    let [input] = *open else {
        return refuse(format!(
            "has {} inputs; it must have one, 'session'",
            open.len()
        ));
    };
    if input.name != "session" || !is_f32(input) {
        return refuse("must have one input, 'session', of f32".into());
    }
    let [output] = &*graph.output else {
        return refuse(format!(
            "has {} outputs; it must have one, 'query'",
            graph.output.len()
        ));
    };
    if output.name != "query" {
        return refuse("must have one output, 'query'".into());
    }
    let steps = lowering.model.symbols.sym("T");
    let shape = [1.to_dim(), steps.to_dim(), width.to_dim()];
    let session = lowering
        .model
        .add_source("session", f32::fact(shape))
        .map_err(|e| EncoderError::Prepare(format!("{e:#}")))?;
    lowering
        .define("session", Value::Wire(session))
        .map_err(EncoderError::Graph)?;

    for node in &graph.node {
        lowering.node(node).map_err(|reason| EncoderError::Node {
            name: shown(name_of(node)),
            operator: shown(&node.op_type),
            reason,
        })?;
    }

    let Some(Value::Wire(query)) = lowering.values.get("query").cloned() else {
        return refuse("never computes 'query'".into());
    };
    let mut model = lowering.model;
    let shape = model
        .outlet_fact(query)
        .map(|fact| fact.shape.to_tvec())
        .unwrap_or_default();
    let dim = match &*shape {
        [batch, dim] if batch.is_one() => dim.to_usize().ok(),
        _ => None,
    };
    let Some(dim) = dim.filter(|&dim| dim > 0) else {
        return refuse(format!(
            "computes 'query' with shape {shape:?}; it must be [1, D]"
        ));
    };
    model
        .select_output_outlets(&[query])
        .map_err(|e| EncoderError::Prepare(format!("{e:#}")))?;
    Ok((model, dim))
}

fn name_of(node: &NodeProto) -> &str {
    if !node.name.is_empty() {
        return &node.name;
    }
    node.output
        .iter()
        .find(|output| !output.is_empty())
        .map_or("", |output| output)
}

/// A name from the file, safe to show.
fn shown(name: &str) -> String {
    name.escape_debug().take(60).collect()
}

fn is_f32(info: &ValueInfoProto) -> bool {
    let Some(TypeValue::TensorType(tensor)) = info.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return false;
    };
    tensor.elem_type == DataType::Float as i32
}

/// The graph so far.
pub(crate) struct Lowering {
    pub(crate) model: TypedModel,
    values: HashMap<String, Value>,
    opset: i64,
}

/// tract's error as the reason why a node is refused.
pub(crate) fn tract(error: TractError) -> String {
    format!("does not fit its inputs: {error:#}")
}

impl Lowering {
    fn define(&mut self, name: &str, value: Value) -> Reason<()> {
        if name.is_empty() {
            return Err("has no name".into());
        }
        match self.values.insert(name.into(), value) {
            None => Ok(()),
            Some(_) => Err(format!("defines '{}' a second time", shown(name))),
        }
    }

    /// The input at `at`, or `None` where the file leaves it out.
    fn value(&self, node: &NodeProto, at: usize) -> Reason<Option<Value>> {
        match node.input.get(at).filter(|name| !name.is_empty()) {
            None => Ok(None),
            Some(name) => match self.values.get(name) {
                Some(value) => Ok(Some(value.clone())),
                None => Err(format!(
                    "reads '{}', which nothing before it computes",
                    shown(name)
                )),
            },
        }
    }

    /// The input at `at` as a wire.
    pub(crate) fn wire(&mut self, node: &NodeProto, at: usize) -> Reason<OutletId> {
        match self.value(node, at)? {
            None => Err(format!("lacks its input {at}")),
            Some(Value::Wire(wire)) => Ok(wire),
            Some(Value::Constant(constant)) => {
                let Constant::Float(shape, values) = &*constant else {
                    return Err(format!(
                        "wants numbers of f32 as its input {at}, not integers"
                    ));
                };
                let tensor = Tensor::from_shape(shape, values).map_err(tract)?;
                let name = self
                    .model
                    .unique_name(format!("{}.weight{at}", name_of(node)));
                self.model.add_const(name, tensor).map_err(tract)
            }
        }
    }

    /// Whether the file names an input at `at`.
    pub(crate) fn has(&self, node: &NodeProto, at: usize) -> bool {
        node.input.get(at).is_some_and(|name| !name.is_empty())
    }

    /// The input at `at` as a constant.
    pub(crate) fn constant(&self, node: &NodeProto, at: usize) -> Reason<Arc<Constant>> {
        match self.value(node, at)? {
            Some(Value::Constant(constant)) => Ok(constant),
            Some(Value::Wire(_)) => {
                Err(format!("computes its input {at}, which must be a constant"))
            }
            None => Err(format!("lacks its input {at}")),
        }
    }

    /// The input at `at` as a list of integers, or `None` where the file leaves it out.
    fn ints(&self, node: &NodeProto, at: usize) -> Reason<Option<Vec<i64>>> {
        if !self.has(node, at) {
            return Ok(None);
        }
        match &*self.constant(node, at)? {
            Constant::Int(_, values) if values.len() <= MAX_RANK => Ok(Some(values.clone())),
            _ => Err(format!(
                "wants at most {MAX_RANK} integers as its input {at}"
            )),
        }
    }

    pub(crate) fn shape(&self, wire: OutletId) -> Reason<TVec<TDim>> {
        self.model
            .outlet_fact(wire)
            .map(|fact| fact.shape.to_tvec())
            .map_err(tract)
    }

    fn rank(&self, wire: OutletId) -> Reason<usize> {
        Ok(self.shape(wire)?.len())
    }

    /// Adds an operator; its outputs must stay within bounds at the longest session.
    pub(crate) fn add(
        &mut self,
        label: &str,
        op: impl Into<Box<dyn TypedOp>>,
        inputs: &[OutletId],
    ) -> Reason<OutletId> {
        let name = self.model.unique_name(label.to_string());
        let wires = self.model.wire_node(name, op, inputs).map_err(tract)?;
        let wire = *wires.first().ok_or("has no output")?;
        self.bound(wire)?;
        Ok(wire)
    }

    pub(crate) fn bound(&self, wire: OutletId) -> Reason<()> {
        let longest = SymbolValues::default().with(&self.model.symbols.sym("T"), MAX_STEPS as i64);
        let mut len = 1i64;
        for dim in self.shape(wire)? {
            let dim = dim
                .eval(&longest)
                .to_i64()
                .map_err(|_| "has an output whose size depends on values")?;
            if dim < 0 {
                return Err("has an output of negative size".into());
            }
            len = len.saturating_mul(dim);
        }
        if len > MAX_VALUE {
            return Err(format!(
                "has an output of {len} numbers; at most {MAX_VALUE} are allowed"
            ));
        }
        Ok(())
    }

    /// `op` over inputs whose ranks may differ, aligned at the last axis as ONNX has it.
    fn broadcast(
        &mut self,
        label: &str,
        op: impl Into<Box<dyn TypedOp>>,
        inputs: &[OutletId],
    ) -> Reason<OutletId> {
        let shapes = inputs
            .iter()
            .map(|&wire| self.shape(wire))
            .collect::<Reason<Vec<_>>>()?;
        multi_broadcast(&shapes).map_err(tract)?;
        let wires = wire_rank_broadcast(label, &mut self.model, inputs).map_err(tract)?;
        self.add(label, op, &wires)
    }

    /// Takes axes away (each must be of size one) or puts new ones in.
    fn axes(
        &mut self,
        label: &str,
        mut wire: OutletId,
        axes: &[i64],
        insert: bool,
    ) -> Reason<OutletId> {
        let rank = self.rank(wire)?;
        let reach = if insert { rank + axes.len() } else { rank };
        if reach > MAX_RANK {
            return Err(format!(
                "has an output of {reach} dimensions; at most {MAX_RANK} are allowed"
            ));
        }
        let mut at: Vec<usize> = axes
            .iter()
            .map(|&axis| axis_of(axis, reach))
            .collect::<Reason<_>>()?;
        at.sort_unstable();
        at.dedup();
        if at.len() != axes.len() {
            return Err("names an axis twice".into());
        }
        if insert {
            for &axis in &at {
                wire = self.add(label, AxisOp::Add(axis), &[wire])?;
            }
            return Ok(wire);
        }
        let shape = self.shape(wire)?;
        for &axis in at.iter().rev() {
            if !shape[axis].is_one() {
                return Err(format!("squeezes axis {axis}, which is not of size one"));
            }
            wire = self.add(label, AxisOp::Rm(axis), &[wire])?;
        }
        Ok(wire)
    }

    /// `wire[start..end]` along an axis. On an axis that depends on T only "all", "the first", "the
    /// last" and "all but the last n" are the same for every session, so only those are allowed.
    fn slice(
        &mut self,
        label: &str,
        wire: OutletId,
        axis: usize,
        start: i64,
        end: i64,
    ) -> Reason<OutletId> {
        let dim = self.shape(wire)?[axis].clone();
        let (start, end) = match dim.to_i64() {
            Ok(size) => {
                let at = |place: i64| {
                    if place < 0 {
                        place.saturating_add(size)
                    } else {
                        place
                    }
                    .clamp(0, size)
                };
                (at(start).to_dim(), at(end).to_dim())
            }
            Err(_) => {
                let open = end > MAX_STEPS as i64;
                match (start, end) {
                    (0, _) if open => return Ok(wire),
                    (0, 1) => (0.to_dim(), 1.to_dim()),
                    (-1, _) if open => (dim.clone() - 1, dim),
                    (0, _) if end < 0 && self.shortest(&dim) > end.saturating_neg() => {
                        (0.to_dim(), dim + end)
                    }
                    _ => {
                        return Err(
                            "cuts the axis of events elsewhere than at its first or near its last"
                                .into(),
                        );
                    }
                }
            }
        };
        if start
            .to_i64()
            .ok()
            .zip(end.to_i64().ok())
            .is_some_and(|(start, end)| start >= end)
        {
            return Err("has an empty output".into());
        }
        self.add(label, Slice { axis, start, end }, &[wire])
    }

    /// A size in a session of one event.
    fn shortest(&self, dim: &TDim) -> i64 {
        let one = SymbolValues::default().with(&self.model.symbols.sym("T"), 1);
        dim.eval(&one).to_i64().unwrap_or(0)
    }

    /// Mean or sum over axes, which are kept with size one.
    fn reduce(
        &mut self,
        label: &str,
        wire: OutletId,
        axes: TVec<usize>,
        mean: bool,
    ) -> Reason<OutletId> {
        let shape = self.shape(wire)?;
        let rank = shape.len();
        let count: TDim = axes.iter().map(|&axis| shape[axis].clone()).product();
        let sum = self.add(label, Reduce::new(axes, Reducer::Sum), &[wire])?;
        if !mean {
            return Ok(sum);
        }
        let count = tensor0(count).broadcast_into_rank(rank).map_err(tract)?;
        let name = self.model.unique_name(format!("{label}.count"));
        let count = self.model.add_const(name, count).map_err(tract)?;
        let count = self.add(label, cast(f32::datum_type()), &[count])?;
        self.add(label, math::div(), &[sum, count])
    }

    fn scalar(&mut self, label: &str, value: f32) -> Reason<OutletId> {
        let name = self.model.unique_name(format!("{label}.scalar"));
        self.model.add_const(name, tensor0(value)).map_err(tract)
    }

    /// `a · b` over the last two axes.
    fn matmul(
        &mut self,
        label: &str,
        a: OutletId,
        b: OutletId,
        transpose_b: bool,
    ) -> Reason<OutletId> {
        let (ranks, shapes) = (
            (self.rank(a)?, self.rank(b)?),
            (self.shape(a)?, self.shape(b)?),
        );
        if ranks.0 < 2 || ranks.1 < 2 {
            return Err("multiplies matrices of fewer than two dimensions".into());
        }
        let from_end = if transpose_b { 1 } else { 2 };
        let (k_a, k_b) = (&shapes.0[ranks.0 - 1], &shapes.1[ranks.1 - from_end]);
        if k_a != k_b {
            return Err(format!(
                "multiplies matrices of inner sizes {k_a} and {k_b}"
            ));
        }
        multi_broadcast(&[&shapes.0[..ranks.0 - 2], &shapes.1[..ranks.1 - 2]]).map_err(tract)?;
        let wires = wire_rank_broadcast(label, &mut self.model, &[a, b]).map_err(tract)?;
        let outer: String = ('a'..).take(ranks.0.max(ranks.1) - 2).collect();
        let right = if transpose_b { "nk" } else { "kn" };
        let axes = format!("{outer}mk,{outer}{right}->{outer}mn")
            .parse()
            .map_err(tract)?;
        self.add(label, EinSum::new(axes, f32::datum_type()), &wires)
    }

    fn node(&mut self, node: &NodeProto) -> Reason<()> {
        if !node.domain.is_empty() && node.domain != "ai.onnx" {
            return Err(format!(
                "is of domain '{}', which is not supported",
                shown(&node.domain)
            ));
        }
        let mut given = Attributes::of(node);
        let attributes = &mut given;
        let label = name_of(node);
        let value = match &*node.op_type {
            "GRU" | "LSTM" => {
                let outputs = recurrent::lower(self, node, attributes)?;
                given.finish()?;
                for (name, wire) in node
                    .output
                    .iter()
                    .filter(|name| !name.is_empty())
                    .zip(outputs)
                {
                    self.define(name, Value::Wire(wire))?;
                }
                return Ok(());
            }
            "Constant" => {
                let tensor = attributes
                    .tensor("value")?
                    .ok_or("lacks the attribute 'value'")?;
                Value::Constant(Arc::new(Constant::read(tensor)?))
            }
            "DequantizeLinear" => {
                let axis = attributes.int("axis", 1)?;
                let zero = if self.has(node, 2) {
                    Some(self.constant(node, 2)?)
                } else {
                    None
                };
                let (input, scale) = (self.constant(node, 0)?, self.constant(node, 1)?);
                Value::Constant(Arc::new(input.dequantize(&scale, zero.as_deref(), axis)?))
            }
            "Identity" => self.value(node, 0)?.ok_or("lacks its input 0")?,
            _ => Value::Wire(self.operator(node, attributes, label)?),
        };
        given.finish()?;
        match &*node.output {
            [output] => self.define(output, value),
            _ => Err("must have one output".into()),
        }
    }
}
