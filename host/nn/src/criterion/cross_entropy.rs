//! `CrossEntropyLoss`: softmax cross entropy over dimension 1, for class indices or class probabilities.
use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use super::{full_precision, weights};

/// `criterion_params` of `CrossEntropyLoss`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrossEntropyParams {
    /// Share of the target spread evenly over all classes, 0–1 (Szegedy et al. 2016). SuperGradients: `smooth_eps`.
    #[serde(alias = "smooth_eps")]
    pub label_smoothing: f64,
    /// Class index that counts for nothing.
    pub ignore_index: i64,
    /// One weight a class.
    pub weight: Option<Vec<f64>>,
    /// Weight of mean(logsumexp(preds)²), which keeps logits from drifting (PaLM, Chowdhery et al. 2022, §5: 1e-4).
    pub z_loss: f64,
}

impl Default for CrossEntropyParams {
    fn default() -> Self {
        CrossEntropyParams {
            label_smoothing: 0.0,
            ignore_index: -100,
            weight: None,
            z_loss: 0.0,
        }
    }
}

impl CrossEntropyParams {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            (0.0..=1.0).contains(&self.label_smoothing),
            "`label_smoothing` must be between 0 and 1"
        );
        ensure!(
            self.z_loss.is_finite() && self.z_loss >= 0.0,
            "`z_loss` must be a finite number, at least 0"
        );
        weights::check("weight", self.weight.as_deref())
    }

    /// `preds` `[N, C, …]` float; `target` `[N, …]` integer or `[N, C, …]` float.
    pub(super) fn forward(
        &self,
        weight: Option<&Tensor>,
        preds: &Tensor,
        target: &Tensor,
    ) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = classes_or_probabilities(&preds, target)?;
        let (mean, ignored) = (Reduction::Mean, self.ignore_index);
        let loss =
            preds.f_cross_entropy_loss(&target, weight, mean, ignored, self.label_smoothing)?;
        if self.z_loss == 0.0 {
            return Ok(loss);
        }
        let log_normaliser = preds.f_logsumexp([1].as_slice(), false)?;
        let penalty = log_normaliser
            .f_square()?
            .f_mean(None)?
            .f_mul_scalar(self.z_loss)?;
        Ok(loss.f_add(&penalty)?)
    }

    pub(super) fn check_target(&self, target: &Tensor, classes: i64) -> Result<()> {
        if target.is_floating_point() {
            return Ok(());
        }
        let outside = target.f_lt(0)?.f_logical_or(&target.f_ge(classes)?)?;
        let wrong =
            target.f_masked_select(&outside.f_logical_and(&target.f_ne(self.ignore_index)?)?)?;
        ensure!(
            wrong.numel() == 0,
            "target holds class {} where there are classes 0 to {}",
            wrong.f_reshape([-1])?.f_int64_value(&[0])?,
            classes - 1,
        );
        Ok(())
    }
}

/// The target in the kind libtorch wants, or which shapes would have done.
fn classes_or_probabilities(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    let size = preds.size();
    ensure!(size.len() >= 2, "preds must be [N, classes, …]");
    let mut indices = size.clone();
    indices.remove(1);
    match (target.is_floating_point(), target.size()) {
        (false, shape) if shape == indices => Ok(target.f_to_kind(Kind::Int64)?),
        (true, shape) if shape == size => Ok(target.f_to_kind(preds.kind())?),
        _ => bail!(
            "target must be class indices {indices:?} int64 or class probabilities {size:?} float"
        ),
    }
}
