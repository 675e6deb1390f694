//! What a batch adds to the mean absolute and the mean squared error.
use anyhow::Result;
use tch::{Kind, Tensor};

use super::Count;
use crate::align_target::align_target;

/// Sum of |preds − target|, `[1]` float64.
pub(super) fn absolute(preds: &Tensor, target: &Tensor) -> Result<Count> {
    total(&difference(preds, target)?.f_abs()?)
}

/// Sum of (preds − target)², `[1]` float64.
pub(super) fn squared(preds: &Tensor, target: &Tensor) -> Result<Count> {
    total(&difference(preds, target)?.f_square()?)
}

fn difference(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    Ok(preds
        .f_to_kind(Kind::Double)?
        .f_sub(&align_target(preds, target)?)?)
}

fn total(errors: &Tensor) -> Result<Count> {
    Ok(Count {
        sums: errors.f_sum(Kind::Double)?.f_reshape([1])?,
        elements: errors.numel() as i64,
    })
}
