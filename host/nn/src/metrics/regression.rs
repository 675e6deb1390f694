//! The mean absolute and the mean squared error.

use anyhow::Result;
use serde::Deserialize;
use tch::{Kind, Tensor};

use super::{Count, Metric};
use crate::align_target::align_target;

/// Mean absolute error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mae {}

impl Metric for Mae {
    /// Sum of |preds − target|, `[1]` float64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        total(&difference(preds, target)?.f_abs()?)
    }

    fn greater_is_better(&self, _value: &str) -> Option<bool> {
        Some(false)
    }
}

/// Mean squared error.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mse {}

impl Metric for Mse {
    /// Sum of (preds − target)², `[1]` float64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        total(&difference(preds, target)?.f_square()?)
    }

    fn greater_is_better(&self, _value: &str) -> Option<bool> {
        Some(false)
    }
}

fn difference(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    let target = align_target(preds, target)?;
    Ok(preds.f_to_kind(Kind::Double)?.f_sub(&target)?)
}

fn total(errors: &Tensor) -> Result<Count> {
    Ok(Count {
        numbers: errors.f_sum(Kind::Double)?.f_reshape([1])?,
        elements: errors.numel() as i64,
    })
}
