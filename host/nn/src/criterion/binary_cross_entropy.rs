//! `BCEWithLogitsLoss`: sigmoid and binary cross entropy in one, for one or many labels a sample.
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use super::{comparable, full_precision, weights};

/// `criterion_params` of `BCEWithLogitsLoss`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct BceWithLogitsParams {
    /// How much a positive weighs, one number a class.
    pub pos_weight: Option<Vec<f64>>,
}

impl BceWithLogitsParams {
    pub(super) fn check(&self) -> Result<()> {
        weights::check("pos_weight", self.pos_weight.as_deref())
    }

    /// `preds` logits, `target` 0–1 of the same shape.
    pub(super) fn forward(
        &self,
        weight: Option<&Tensor>,
        preds: &Tensor,
        target: &Tensor,
    ) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = comparable(&preds, target)?;
        let (mean, none) = (Reduction::Mean, None::<&Tensor>);
        Ok(preds.f_binary_cross_entropy_with_logits(&target, none, weight, mean)?)
    }

    pub(super) fn check_target(&self, target: &Tensor) -> Result<()> {
        let outside = target.f_lt(0)?.f_logical_or(&target.f_gt(1)?)?.f_any()?;
        ensure!(
            outside.f_int64_value(&[])? == 0,
            "target must lie between 0 and 1"
        );
        Ok(())
    }
}
