//! `MSELoss`, `L1Loss` and `HuberLoss`: mean distance between predictions and numbers.
use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use super::{comparable, full_precision};

/// `criterion_params` of `MSELoss`.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct MseParams {
    /// Weight of an added L1 term, the switch a last training stage turns on (YOLOX, Ge et al. 2021). 0 is off.
    pub l1_weight: f64,
}

impl MseParams {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.l1_weight.is_finite() && self.l1_weight >= 0.0,
            "`l1_weight` must be a finite number, at least 0"
        );
        Ok(())
    }

    pub(super) fn forward(&self, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = comparable(&preds, target)?;
        let loss = preds.f_mse_loss(&target, Reduction::Mean)?;
        if self.l1_weight == 0.0 {
            return Ok(loss);
        }
        let distance = preds
            .f_l1_loss(&target, Reduction::Mean)?
            .f_mul_scalar(self.l1_weight)?;
        Ok(loss.f_add(&distance)?)
    }
}

/// `criterion_params` of `L1Loss`: none.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct L1Params {}

impl L1Params {
    pub(super) fn forward(&self, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        Ok(preds.f_l1_loss(&comparable(&preds, target)?, Reduction::Mean)?)
    }
}

/// `criterion_params` of `HuberLoss`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct HuberParams {
    /// Where the square turns into a line, in the target's unit; above 0 (Huber 1964).
    pub delta: f64,
}

impl Default for HuberParams {
    fn default() -> Self {
        HuberParams { delta: 1.0 }
    }
}

impl HuberParams {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.delta.is_finite() && self.delta > 0.0,
            "`delta` must be a finite number above 0"
        );
        Ok(())
    }

    pub(super) fn forward(&self, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        Ok(preds.f_huber_loss(&comparable(&preds, target)?, Reduction::Mean, self.delta)?)
    }
}
