//! `MSELoss`, `L1Loss` and `HuberLoss`: mean distances between predictions and numbers.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use super::{TensorLoss, class_weights, comparable, full_precision};

/// `criterion_params` of `MSELoss`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Mse {
    /// Weight of an added L1 term; 0 is off. YOLOX switches it on for the last epochs (Ge et al. 2021).
    l1_weight: f64,
}

impl TensorLoss for Mse {
    fn check(&self) -> Result<()> {
        ensure!(
            class_weights::is_sound(self.l1_weight),
            "`l1_weight` must be a number from 0 to {:e}, the largest of float32",
            f32::MAX
        );
        Ok(())
    }

    fn forward(&self, _: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = comparable(&preds, target)?;
        let loss = preds.f_mse_loss(&target, Reduction::Mean)?;
        if self.l1_weight == 0.0 {
            return Ok(loss);
        }
        let distance = preds.f_l1_loss(&target, Reduction::Mean)?;
        Ok(loss.f_add(&distance.f_mul_scalar(self.l1_weight)?)?)
    }
}

/// `criterion_params` of `L1Loss`: none.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct L1 {}

impl TensorLoss for L1 {
    fn forward(&self, _: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = comparable(&preds, target)?;
        Ok(preds.f_l1_loss(&target, Reduction::Mean)?)
    }
}

/// `criterion_params` of `HuberLoss`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Huber {
    /// The distance at which the square turns into a line, in the target's unit; above 0 (Huber 1964).
    delta: f64,
}

impl Default for Huber {
    fn default() -> Self {
        Huber { delta: 1.0 }
    }
}

impl TensorLoss for Huber {
    fn check(&self) -> Result<()> {
        ensure!(
            class_weights::is_sound(self.delta) && self.delta > 0.0,
            "`delta` must be a number above 0, up to {:e}, the largest of float32",
            f32::MAX
        );
        Ok(())
    }

    fn forward(&self, _: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = comparable(&preds, target)?;
        Ok(preds.f_huber_loss(&target, Reduction::Mean, self.delta)?)
    }
}
