//! Changes of tensors in place. A tensor of the trainer needs the grant of what it is, which shows when the line runs.

use super::{Of, Row, own};
use crate::answers::{Answer, give};
use crate::arguments::{Arguments, Operand};

pub(super) const ROWS: &[Row] = &[
    row("copy_in_place", (1, 1), |a| {
        let tensor = a.tensor()?;
        give(tensor.copy_in_place(&*a.tensor()?))
    }),
    row("add_in_place", (1, 2), |a| {
        let tensor = a.tensor()?;
        match a.operand()? {
            Operand::Tensor(other) => give(tensor.add_in_place(&other, a.number_or(1.0)?)),
            Operand::Number(other) => give(tensor.affine_in_place(1.0, other * a.number_or(1.0)?)),
        }
    }),
    row("mul_in_place", (1, 1), |a| {
        let tensor = a.tensor()?;
        match a.operand()? {
            Operand::Tensor(other) => give(tensor.mul_in_place(&other)),
            Operand::Number(other) => give(tensor.affine_in_place(other, 0.0)),
        }
    }),
    row("affine_in_place", (2, 2), |a| {
        let (tensor, scale) = (a.tensor()?, a.number()?);
        give(tensor.affine_in_place(scale, a.number()?))
    }),
    row("lerp_in_place", (2, 2), |a| {
        let (tensor, end) = (a.tensor()?, a.tensor()?);
        give(tensor.lerp_in_place(&end, a.number()?))
    }),
    row("clamp_in_place", (2, 2), |a| {
        let (tensor, min) = (a.tensor()?, a.bound()?);
        give(tensor.clamp_in_place(min, a.bound()?))
    }),
    row("fill_in_place", (1, 1), |a| {
        give(a.tensor()?.fill_in_place(a.number()?))
    }),
    row("normal_in_place", (2, 2), |a| {
        let (tensor, mean) = (a.tensor()?, a.number()?);
        give(tensor.normal_in_place(mean, a.number()?))
    })
    .needs(&["random"]),
    row("masked_fill_in_place", (2, 2), |a| {
        let (tensor, mask) = (a.tensor()?, a.tensor()?);
        give(tensor.masked_fill_in_place(&mask, a.number()?))
    }),
];

const fn row(
    name: &'static str,
    values: (usize, usize),
    work: fn(&mut Arguments<'_, '_>) -> Answer,
) -> Row {
    own(Of::Tensor, name, values, work)
}
