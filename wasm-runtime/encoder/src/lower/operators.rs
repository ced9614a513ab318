//! One ONNX operator onto tract's, with what it must be checked for.

use super::*;

impl Lowering {
    pub(super) fn operator(
        &mut self,
        node: &NodeProto,
        attributes: &mut Attributes<'_>,
        label: &str,
    ) -> Reason<OutletId> {
        let x = self.wire(node, 0)?;
        let rank = self.rank(x)?;
        match &*node.op_type {
            "Add" | "Sub" | "Mul" | "Div" => {
                let op = match &*node.op_type {
                    "Add" => math::add(),
                    "Sub" => math::sub(),
                    "Mul" => math::mul(),
                    _ => math::div(),
                };
                let y = self.wire(node, 1)?;
                self.broadcast(label, op, &[x, y])
            }
            "Tanh" => self.add(label, math::tanh(), &[x]),
            "Sigmoid" => self.add(label, sigmoid(), &[x]),
            "Exp" => self.add(label, math::exp(), &[x]),
            "Sqrt" => self.add(label, math::sqrt(), &[x]),
            "Erf" => self.add(label, math::erf(), &[x]),
            "Neg" => self.add(label, math::neg(), &[x]),
            "Relu" => {
                let zero = self.scalar(label, 0.0)?;
                self.broadcast(label, math::max(), &[x, zero])
            }
            "Softmax" => {
                let axis = axis_of(attributes.int("axis", -1)?, rank)?;
                self.add(label, Softmax { axes: tvec!(axis), ..Softmax::default() }, &[x])
            }
            "MatMul" => {
                let y = self.wire(node, 1)?;
                self.matmul(label, x, y, false)
            }
            "Gemm" => {
                let plain = attributes.float("alpha", 1.0)? == 1.0
                    && attributes.float("beta", 1.0)? == 1.0
                    && attributes.int("transA", 0)? == 0;
                if !plain || rank != 2 {
                    return Err("is a Gemm with alpha, beta or transA, or not of matrices".into());
                }
                let transpose_b = attributes.int("transB", 0)? != 0;
                let y = self.wire(node, 1)?;
                let product = self.matmul(label, x, y, transpose_b)?;
                if !self.has(node, 2) {
                    return Ok(product);
                }
                let bias = self.wire(node, 2)?;
                self.broadcast(label, math::add(), &[product, bias])
            }
            "LayerNormalization" => {
                if axis_of(attributes.int("axis", -1)?, rank)? + 1 != rank || attributes.int("stash_type", 1)? != 1 {
                    return Err("normalises other than the last axis in f32".into());
                }
                let epsilon = attributes.float("epsilon", 1e-5)?;
                let scale = self.wire(node, 1)?;
                let last: TVec<usize> = tvec!(rank - 1);
                let mean = self.reduce(label, x, last.clone(), true)?;
                let centred = self.add(label, math::sub(), &[x, mean])?;
                let squared = self.add(label, math::mul(), &[centred, centred])?;
                let variance = self.reduce(label, squared, last, true)?;
                let epsilon = self.scalar(label, epsilon)?;
                let variance = self.broadcast(label, math::add(), &[variance, epsilon])?;
                let inverse = self.add(label, math::rsqrt(), &[variance])?;
                let normal = self.add(label, math::mul(), &[centred, inverse])?;
                let scaled = self.broadcast(label, math::mul(), &[normal, scale])?;
                if !self.has(node, 2) {
                    return Ok(scaled);
                }
                let bias = self.wire(node, 2)?;
                self.broadcast(label, math::add(), &[scaled, bias])
            }
            "ReduceMean" | "ReduceSum" => {
                let named = match attributes.ints("axes")? {
                    Some(axes) => Some(axes.to_vec()),
                    None => self.ints(node, 1)?,
                };
                let keep = attributes.int("keepdims", 1)? != 0;
                if attributes.int("noop_with_empty_axes", 0)? != 0 {
                    return Err("uses noop_with_empty_axes, which is not supported".into());
                }
                let named = named.unwrap_or_else(|| (0..rank as i64).collect());
                let mut axes: TVec<usize> = named.iter().map(|&axis| axis_of(axis, rank)).collect::<Reason<_>>()?;
                axes.sort_unstable();
                axes.dedup();
                let kept: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
                let reduced = self.reduce(label, x, axes, node.op_type == "ReduceMean")?;
                if keep { Ok(reduced) } else { self.axes(label, reduced, &kept, false) }
            }
            "Trilu" => {
                if attributes.int("upper", 1)? != 0 || self.has(node, 1) || rank < 2 {
                    return Err("is other than the lower triangle of a matrix".into());
                }
                let diagonal = self.model.unique_name(format!("{label}.diagonal"));
                let diagonal = self.model.add_const(diagonal, tensor0(0i64)).map_err(tract)?;
                self.add(label, Trilu { upper: false }, &[x, diagonal])
            }
            "Transpose" => {
                let perm: Vec<usize> = match attributes.ints("perm")? {
                    None => (0..rank).rev().collect(),
                    Some(perm) => perm.iter().map(|&axis| axis_of(axis, rank)).collect::<Reason<_>>()?,
                };
                let mut sorted = perm.clone();
                sorted.sort_unstable();
                if !sorted.iter().copied().eq(0..rank) {
                    return Err("has a 'perm' that is no permutation of its axes".into());
                }
                perm_to_ops(&perm).into_iter().try_fold(x, |wire, op| self.add(label, op, &[wire]))
            }
            "Squeeze" => {
                let axes = self.ints(node, 1)?.ok_or("names no axes to squeeze")?;
                self.axes(label, x, &axes, false)
            }
            "Unsqueeze" => {
                let axes = self.ints(node, 1)?.ok_or("names no axes to insert")?;
                self.axes(label, x, &axes, true)
            }
            "Reshape" => {
                if self.opset >= 14 && attributes.int("allowzero", 0)? != 0 {
                    return Err("uses allowzero, which is not supported".into());
                }
                let target = self.ints(node, 1)?.ok_or("lacks its shape")?;
                let inferred = target.iter().filter(|&&dim| dim == -1).count();
                let copied = target.iter().skip(rank).any(|&dim| dim == 0);
                if inferred > 1 || copied || target.iter().any(|&dim| !(-1..=MAX_DIM).contains(&dim)) {
                    return Err(format!("asks for the shape {target:?}, which cannot be made"));
                }
                let shape = self.shape(x)?;
                let target: TVec<TDim> = target.iter().map(|dim| dim.to_dim()).collect();
                let steps = to_axis_ops_with_onnx_rules(&shape, &target, false).map_err(tract)?;
                steps.into_iter().try_fold(x, |wire, op| self.add(label, op, &[wire]))
            }
            "Expand" => {
                let target = self.ints(node, 1)?.ok_or("lacks its shape")?;
                if target.iter().any(|dim| !(1..=MAX_DIM).contains(dim)) {
                    return Err(format!("asks for the shape {target:?}, which cannot be made"));
                }
                let target: TVec<TDim> = target.iter().map(|dim| dim.to_dim()).collect();
                let shape = multi_broadcast(&[self.shape(x)?, target]).map_err(tract)?;
                self.add(label, MultiBroadcastTo::new(shape.into()), &[x])
            }
            "Slice" => {
                let starts = self.ints(node, 1)?.ok_or("lacks its starts")?;
                let ends = self.ints(node, 2)?.ok_or("lacks its ends")?;
                let axes = self.ints(node, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
                let steps = self.ints(node, 4)?.unwrap_or_default();
                if ends.len() != starts.len() || axes.len() != starts.len() || steps.iter().any(|&step| step != 1) {
                    return Err("has starts, ends and axes of different lengths, or steps other than 1".into());
                }
                let mut wire = x;
                for ((&axis, &start), &end) in axes.iter().zip(&starts).zip(&ends) {
                    wire = self.slice(label, wire, axis_of(axis, rank)?, start, end)?;
                }
                Ok(wire)
            }
            "Gather" => {
                let axis = axis_of(attributes.int("axis", 0)?, rank)?;
                let indices = self.constant(node, 1)?;
                let Constant::Int(shape, values) = &*indices else {
                    return Err("gathers by indices that are not integers".into());
                };
                let [index] = **values else {
                    return Err("gathers other than one index".into());
                };
                let end = if index == -1 { i64::MAX } else { index.saturating_add(1) };
                let taken = self.slice(label, x, axis, index, end)?;
                match shape.len() {
                    0 => self.axes(label, taken, &[axis as i64], false),
                    1 => Ok(taken),
                    _ => Err("gathers by indices of more than one dimension".into()),
                }
            }
            "Concat" => {
                let axis = axis_of(attributes.int("axis", i64::MIN)?, rank)?;
                let wires: TVec<OutletId> =
                    (0..node.input.len()).map(|at| self.wire(node, at)).collect::<Reason<_>>()?;
                for &wire in &wires {
                    if self.rank(wire)? != rank {
                        return Err("joins values of different ranks".into());
                    }
                }
                self.add(label, TypedConcat::new(axis), &wires)
            }
            _ => Err("is of an operator that this encoder does not run; the documentation lists those it does".into()),
        }
    }
}
