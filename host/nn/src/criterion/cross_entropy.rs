//! `CrossEntropyLoss`: softmax cross entropy over dimension 1, for class indices or class probabilities.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use super::{TensorLoss, class_weights, full_precision};

/// `criterion_params` of `CrossEntropyLoss`.
#[derive(Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct CrossEntropy {
    /// Share of the target spread evenly over all classes, 0–1 (Szegedy et al. 2016). SuperGradients: `smooth_eps`.
    #[serde(alias = "smooth_eps")]
    label_smoothing: f64,
    /// Class index that counts for nothing.
    ignore_index: i64,
    /// One weight a class.
    weight: Option<Vec<f64>>,
    /// Weight of mean(logsumexp(preds)²), which keeps logits from drifting (PaLM, Chowdhery et al. 2022, §5: 1e-4).
    z_loss: f64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        CrossEntropy {
            label_smoothing: 0.0,
            ignore_index: -100,
            weight: None,
            z_loss: 0.0,
        }
    }
}

impl TensorLoss for CrossEntropy {
    fn check(&self) -> Result<()> {
        ensure!(
            (0.0..=1.0).contains(&self.label_smoothing),
            "`label_smoothing` must be between 0 and 1"
        );
        ensure!(
            self.z_loss.is_finite() && self.z_loss >= 0.0,
            "`z_loss` must be a finite number, at least 0"
        );
        class_weights::check("weight", self.class_weights())
    }

    fn class_weights(&self) -> Option<&[f64]> {
        self.weight.as_deref()
    }

    /// `preds` `[N, C, …]` float; `target` `[N, …]` integer or `[N, C, …]` float.
    fn forward(&self, weights: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = classes_or_probabilities(&preds, target)?;
        let loss = preds.f_cross_entropy_loss(
            &target,
            weights,
            Reduction::Mean,
            self.ignore_index,
            self.label_smoothing,
        )?;
        if self.z_loss == 0.0 {
            return Ok(loss);
        }
        Ok(loss.f_add(&self.penalty(&preds)?)?)
    }
}

impl CrossEntropy {
    /// The z loss with its weight, 0-d.
    fn penalty(&self, preds: &Tensor) -> Result<Tensor> {
        let log_normalizer = preds.f_logsumexp([1].as_slice(), false)?;
        let mean = log_normalizer.f_square()?.f_mean(None)?;
        Ok(mean.f_mul_scalar(self.z_loss)?)
    }
}

/// The target in the kind libtorch wants; an error names the shapes that would have done.
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
