//! GRU and LSTM, after a check of every shape they rely on: the GRU that the trainer writes as an
//! operator of its own ([`Gru`]), what else there is as tract's layers.
//!
//! tract's layer takes its inputs' shapes on trust when it is wired directly, skips the
//! attributes `activations` and `clip`, and panics on a batch of unknown size. So all of that is
//! settled here: one direction, batch one, the standard activations, weights from the file.

use crate::attributes::Attributes;
use crate::constant::Constant;
use crate::gru::{Gru, Weights};
use crate::lower::{Lowering, tract};
use tract_onnx::ops::rec::common::{CommonRec, WireBody};
use tract_onnx::ops::rec::{gru::GRU, lstm::LSTM};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::{math, nn};
use tract_onnx::tract_hir::ops::expandable::Expansion;
use vitrine_kernel::linear::Matrix;

/// Adds the layer; returns a wire per named output.
pub(crate) fn lower(
    lowering: &mut Lowering,
    node: &NodeProto,
    attributes: &mut Attributes<'_>,
) -> Result<TVec<OutletId>, String> {
    let is_gru = node.op_type == "GRU";
    let gates = if is_gru { 3 } else { 4 };
    let x = lowering.wire(node, 0)?;
    let shape = lowering.shape(x)?;
    let [_, batch, width] = &*shape else {
        return Err("wants an input of three dimensions, [T, 1, width]".into());
    };
    if !batch.is_one() {
        return Err(format!(
            "wants a batch of one, not {batch}; transpose to [T, 1, width] first"
        ));
    }
    let width = width
        .to_usize()
        .map_err(|_| "wants an input of constant width")?;

    let recurrence = lowering.constant(node, 2)?;
    let hidden = recurrence.shape().last().copied().unwrap_or(0);
    if hidden == 0 || hidden > 4096 {
        return Err("wants a hidden size of 1 to 4096".into());
    }
    let expect = |at: usize, what: &str, wanted: &[usize]| {
        let constant = lowering.constant(node, at)?;
        if constant.shape() == wanted {
            Ok(())
        } else {
            Err(format!(
                "has {what} of shape {:?} where {wanted:?} is wanted",
                constant.shape()
            ))
        }
    };
    expect(1, "input weights", &[1, gates * hidden, width])?;
    expect(2, "recurrent weights", &[1, gates * hidden, hidden])?;
    if lowering.has(node, 3) {
        expect(3, "a bias", &[1, 2 * gates * hidden])?;
    }
    if lowering.has(node, 4) {
        return Err("has sequence lengths; one session is as long as it is".into());
    }
    if lowering.has(node, 7) || (is_gru && lowering.has(node, 6)) || node.input.len() > 8 {
        return Err("has peepholes, which are not supported".into());
    }

    let standard: &[&str] = if is_gru {
        &["sigmoid", "tanh"]
    } else {
        &["sigmoid", "tanh", "tanh"]
    };
    if let Some(named) = attributes.texts("activations")?
        && !named
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .eq(standard.iter().map(|name| name.as_bytes().to_vec()))
    {
        return Err("has activations other than sigmoid and tanh".into());
    }
    if attributes
        .text("direction")?
        .is_some_and(|direction| direction != b"forward")
    {
        return Err("runs backwards; a session is read forwards".into());
    }
    if attributes.int("hidden_size", hidden as i64)? != hidden as i64
        || attributes.int("layout", 0)? != 0
    {
        return Err("has a hidden_size or layout that does not fit its weights".into());
    }
    let reset_after = is_gru && attributes.int("linear_before_reset", 0)? != 0;

    let mut inputs: TVec<OutletId> = tvec!();
    for at in 0..node.input.len() {
        if lowering.has(node, at) {
            let wire = lowering.wire(node, at)?;
            if at >= 5 && *lowering.shape(wire)? != [1.to_dim(), 1.to_dim(), hidden.to_dim()] {
                return Err(format!("wants an initial state of shape [1, 1, {hidden}]"));
            }
            inputs.push(wire);
        }
    }
    let outputs = node.output.iter().filter(|name| !name.is_empty()).count();
    if outputs == 0 || node.output.len() > gates - 1 {
        return Err("has no output, or too many".into());
    }

    let label = node
        .output
        .iter()
        .find(|name| !name.is_empty())
        .map_or("", |name| name);
    let prefix = lowering.model.unique_name(format!("{label}.layer"));
    if reset_after {
        let named = |at: usize| node.output.get(at).is_some_and(|name| !name.is_empty());
        let initial = lowering.has(node, 5).then(|| inputs[inputs.len() - 1]);
        let weights = weights_of(lowering, node, hidden, width)?;
        let [all, last] = whole_session(lowering, &prefix, weights, x, initial)?;
        let wires: TVec<OutletId> = [(0, all), (1, last)]
            .into_iter()
            .filter(|&(at, _)| named(at))
            .map(|(_, wire)| wire)
            .collect();
        for &wire in &wires {
            lowering.bound(wire)?;
        }
        return Ok(wires);
    }

    let f = Box::new(nn::sigmoid());
    let g = Box::new(math::tanh());
    let body: Box<dyn WireBody> = if is_gru {
        Box::new(GRU {
            f,
            g,
            linear_before_reset: reset_after,
        })
    } else {
        Box::new(LSTM {
            f,
            g: g.clone(),
            h: g,
        })
    };
    let layer = CommonRec::from_node_and_options(node, 3, 0, body).map_err(tract)?;
    let wires = layer
        .wire(&prefix, &mut lowering.model, &inputs)
        .map_err(tract)?;
    for &wire in &wires {
        lowering.bound(wire)?;
    }
    if wires.len() != outputs {
        return Err("has outputs that tract does not compute".into());
    }
    Ok(wires)
}

/// The weights of a GRU, whose shapes have been checked.
fn weights_of(
    lowering: &Lowering,
    node: &NodeProto,
    hidden: usize,
    width: usize,
) -> Result<Weights, String> {
    let numbers = |at: usize| match &*lowering.constant(node, at)? {
        Constant::Float(_, values) => Ok(values.clone()),
        Constant::Int(..) => Err(format!("wants numbers of f32 as its input {at}")),
    };
    let mut input_bias = vec![0.0; 6 * hidden];
    if lowering.has(node, 3) {
        input_bias = numbers(3)?;
    }
    let recurrent_bias = input_bias.split_off(3 * hidden);
    Ok(Weights {
        input: Matrix::of_transpose(&numbers(1)?, width),
        recurrent: Matrix::of_transpose(&numbers(2)?, hidden),
        input_bias,
        recurrent_bias,
    })
}

/// A GRU whose reset gate comes after the product. Returns Y `[T, 1, 1, H]` and the last state
/// `[1, 1, H]`.
fn whole_session(
    lowering: &mut Lowering,
    prefix: &str,
    weights: Weights,
    x: OutletId,
    initial: Option<OutletId>,
) -> Result<[OutletId; 2], String> {
    let hidden = weights.recurrent.columns() / 3;
    let model = &mut lowering.model;
    let initial = match initial {
        Some(initial) => initial,
        None => {
            let zero = Tensor::zero::<f32>(&[1, 1, hidden]).map_err(tract)?;
            let name = format!("{prefix}.start");
            model.add_const(name, zero).map_err(tract)?
        }
    };
    let wires = model
        .wire_node(prefix, Gru(Arc::new(weights)), &[x, initial])
        .map_err(tract)?;
    Ok([wires[0], wires[1]])
}
