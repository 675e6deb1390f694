//! Groups of tensors: parameters, gradients, copies of them.

use super::{Of, Row, own};
use crate::answers::{Answer, give};
use crate::arguments::{Arguments, Operand};

pub(super) const ROWS: &[Row] = &[
    row("names", (0, 0), |a| give(a.group()?.names())),
    row("len", (0, 0), |a| give(a.group()?.len())),
    row("get", (1, 1), |a| give(a.group()?.get(&a.text()?))),
    row("matching", (1, 1), |a| {
        give(a.group()?.matching(&a.text()?))
    }),
    row("duplicate", (0, 0), |a| give(a.group()?.duplicate())),
    row("numel", (0, 0), |a| give(a.group()?.numel())),
    row("norm", (0, 1), |a| give(a.group()?.norm(a.number_or(2.0)?))),
    row("norms", (0, 1), |a| {
        give(a.group()?.norms(a.number_or(2.0)?))
    }),
    row("relative_change", (1, 2), |a| {
        let (group, before) = (a.group()?, a.group()?);
        give(group.relative_change(&before, a.number_or(2.0)?))
    }),
    row("count_nonfinite", (0, 0), |a| {
        give(a.group()?.count_nonfinite())
    }),
    row("clip_norm_in_place", (1, 2), |a| {
        let (group, most) = (a.group()?, a.number()?);
        give(group.clip_norm_in_place(most, a.number_or(2.0)?))
    }),
    row("clip_value_in_place", (1, 1), |a| {
        give(a.group()?.clip_value_in_place(a.number()?))
    }),
    row("affine_in_place", (2, 2), |a| {
        let (group, scale) = (a.group()?, a.number()?);
        give(group.affine_in_place(scale, a.number()?))
    }),
    row("mul_in_place", (1, 1), |a| {
        let group = a.group()?;
        match a.operand()? {
            Operand::Tensor(factor) => give(group.mul_in_place(&factor)),
            Operand::Number(factor) => give(group.affine_in_place(factor, 0.0)),
        }
    }),
    row("add_in_place", (1, 2), |a| {
        let (group, other) = (a.group()?, a.group()?);
        give(group.add_in_place(&other, a.number_or(1.0)?))
    }),
    row("lerp_in_place", (2, 2), |a| {
        let (group, end) = (a.group()?, a.group()?);
        give(group.lerp_in_place(&end, a.number()?))
    }),
    row("copy_in_place", (1, 1), |a| {
        let group = a.group()?;
        give(group.copy_in_place(&*a.group()?))
    }),
    row("swap_in_place", (1, 1), |a| {
        let group = a.group()?;
        give(group.swap_in_place(&*a.group()?))
    }),
];

const fn row(
    name: &'static str,
    values: (usize, usize),
    work: fn(&mut Arguments<'_, '_>) -> Answer,
) -> Row {
    own(Of::Group, name, values, work)
}
