//! GRU and LSTM: tract's own layers, after a check of every shape they rely on.
//!
//! tract's layer takes its inputs' shapes on trust when it is wired directly, skips the
//! attributes `activations` and `clip`, and panics on a batch of unknown size. So all of that is
//! settled here: one direction, batch one, the standard activations, weights from the file.

use crate::attributes::Attributes;
use crate::lower::{Lowering, tract};
use tract_onnx::ops::rec::common::{CommonRec, WireBody};
use tract_onnx::ops::rec::{gru::GRU, lstm::LSTM};
use tract_onnx::pb::NodeProto;
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::gru_seq::GruSeq;
use tract_onnx::tract_core::ops::{math, nn};
use tract_onnx::tract_hir::ops::expandable::Expansion;

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
        let has_bias = lowering.has(node, 3);
        let op = GruSeq {
            hidden,
            has_bias,
            chunk: 1,
            emit_y: named(0),
            reset_every_turn: true,
            projected: false,
            packed_r: None,
        };
        let given = &inputs[..3 + usize::from(has_bias)];
        let [all, last] = whole_sequence(lowering, &prefix, op, given, initial)?;
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

/// A GRU whose reset gate comes after the product, as tract's operator for a whole sequence: it
/// runs twice as fast as the loop over a graph that tract makes of a sequence of unknown length.
/// `given` are x, W, R and B. Returns Y `[T, 1, 1, H]` and the last state `[1, 1, H]`.
fn whole_sequence(
    lowering: &mut Lowering,
    prefix: &str,
    op: GruSeq,
    given: &[OutletId],
    initial: Option<OutletId>,
) -> Result<[OutletId; 2], String> {
    let hidden = op.hidden;
    let model = &mut lowering.model;
    let add = |model: &mut TypedModel, name: &str, op: AxisOp, wire: OutletId| {
        let wires = model.wire_node(format!("{prefix}.{name}"), op, &[wire]);
        wires.map(|wires| wires[0]).map_err(tract)
    };
    let mut inputs = tvec!(
        add(model, "steps", AxisOp::Move(1, 0), given[0])?,
        add(model, "w", AxisOp::Rm(0), given[1])?,
        add(model, "r", AxisOp::Rm(0), given[2])?
    );
    inputs.extend(given[3..].iter().copied());
    inputs.push(match initial {
        Some(initial) => initial,
        None => {
            let zero = Tensor::zero::<f32>(&[1, 1, hidden]).map_err(tract)?;
            let name = format!("{prefix}.start");
            model.add_const(name, zero).map_err(tract)?
        }
    });
    let wires = model.wire_node(prefix, op, &inputs).map_err(tract)?;
    let steps = add(model, "y.steps", AxisOp::Move(1, 0), wires[0])?;
    Ok([add(model, "y", AxisOp::Add(1), steps)?, wires[1]])
}
