//! The shape of tensors, their dtype and device, and elements by index.

use phasebox_sdk::prelude::*;

use super::{Of, Row, own, own_property};
use crate::answers::{Answer, IntoScript as _, give};
use crate::arguments::{Arguments, DTYPES, Operand};
use crate::fault::thrown;

pub(super) const ROWS: &[Row] = &[
    own_property(Of::Tensor, "shape", |a| Ok(info(a)?.shape.into_script())),
    own_property(Of::Tensor, "dtype", |a| {
        Ok(dtype_name(info(a)?.dtype).into())
    }),
    own_property(Of::Tensor, "device", |a| Ok(info(a)?.device.into())),
    own_property(Of::Tensor, "requires_grad", |a| {
        Ok(info(a)?.requires_grad.into())
    }),
    row("reshape", (1, 1), |a| {
        give(a.tensor()?.reshape(&a.wholes()?))
    }),
    row("permute", (1, 1), |a| {
        give(a.tensor()?.permute(&a.wholes()?))
    }),
    row("transpose", (2, 2), |a| {
        let (tensor, first) = (a.tensor()?, a.whole()?);
        give(tensor.transpose(first, a.whole()?))
    }),
    row("squeeze", (1, 1), |a| give(a.tensor()?.squeeze(a.whole()?))),
    row("unsqueeze", (1, 1), |a| {
        give(a.tensor()?.unsqueeze(a.whole()?))
    }),
    row("expand", (1, 1), |a| give(a.tensor()?.expand(&a.wholes()?))),
    row("narrow", (3, 3), |a| {
        let (tensor, dim, start) = (a.tensor()?, a.whole()?, a.whole()?);
        give(tensor.narrow(dim, start, a.whole()?))
    }),
    row("select", (2, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole()?);
        give(tensor.select(dim, a.whole()?))
    }),
    row("flip", (1, 1), |a| give(a.tensor()?.flip(&a.wholes()?))),
    row("roll", (2, 2), |a| {
        let (tensor, shift) = (a.tensor()?, a.whole()?);
        give(tensor.roll(shift, a.whole()?))
    }),
    row("pad", (1, 3), |a| {
        let (tensor, padding, mode) = (a.tensor()?, a.wholes()?, a.text_or("constant")?);
        give(tensor.pad(&padding, &mode, a.number_or(0.0)?))
    }),
    row("interpolate", (2, 3), |a| {
        let (tensor, height, width) = (a.tensor()?, a.count()?, a.count()?);
        give(tensor.interpolate(height, width, &a.text_or("bilinear")?))
    }),
    row("matmul", (1, 1), |a| {
        let left = a.tensor()?;
        give(left.matmul(&*a.tensor()?))
    }),
    row("one_hot", (1, 1), |a| give(a.tensor()?.one_hot(a.count()?))),
    row("to_dtype", (1, 1), |a| {
        give(a.tensor()?.to_dtype(a.dtype_or(Dtype::Float32)?))
    }),
    row("to_device", (1, 1), |a| {
        give(a.tensor()?.to_device(&a.text()?))
    }),
    row("contiguous", (0, 0), |a| give(a.tensor()?.contiguous())),
    row("detach", (0, 0), |a| give(a.tensor()?.detach())),
    row("duplicate", (0, 0), |a| give(a.tensor()?.duplicate())),
    row("keep", (0, 0), |a| give(a.tensor()?.keep())),
    row("index_select", (2, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole()?);
        give(tensor.index_select(dim, &*a.tensor()?))
    }),
    row("gather", (2, 2), |a| {
        let (tensor, dim) = (a.tensor()?, a.whole()?);
        give(tensor.gather(dim, &*a.tensor()?))
    }),
    row("scatter", (3, 3), |a| {
        let (tensor, dim, indices) = (a.tensor()?, a.whole()?, a.tensor()?);
        match a.operand()? {
            Operand::Tensor(source) => give(tensor.scatter(dim, &indices, &source)),
            Operand::Number(value) => give(tensor.scatter_scalar(dim, &indices, value)),
        }
    }),
    row("scatter_add", (3, 3), |a| {
        let (tensor, dim, indices) = (a.tensor()?, a.whole()?, a.tensor()?);
        give(tensor.scatter_add(dim, &indices, &*a.tensor()?))
    }),
    row("masked_select", (1, 1), |a| {
        let tensor = a.tensor()?;
        give(tensor.masked_select(&*a.tensor()?))
    })
    .needs(&["sync"]),
];

const fn row(
    name: &'static str,
    values: (usize, usize),
    work: fn(&mut Arguments<'_, '_>) -> Answer,
) -> Row {
    own(Of::Tensor, name, values, work)
}

fn info(a: &mut Arguments<'_, '_>) -> Result<TensorInfo, crate::fault::Fault> {
    a.tensor()?.info().map_err(thrown)
}

/// PyTorch's name; `other` for one that no tensor of a script can have.
fn dtype_name(dtype: Dtype) -> &'static str {
    let row = DTYPES.iter().find(|(known, _)| *known == dtype);
    row.map_or("other", |(_, name)| name)
}
