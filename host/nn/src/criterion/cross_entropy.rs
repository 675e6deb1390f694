//! `CrossEntropyLoss`: softmax cross entropy over dimension 1, for class indices or class probabilities.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Kind, Reduction, Tensor};

use super::in_range::InRange;
use super::{Parsed, TensorLoss, class_weights, full_precision};
use crate::values;

/// `criterion_params` of `CrossEntropyLoss`: PyTorch's, and those that SuperGradients' loss of the same name has.
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
    /// The distribution over the classes that smoothing spreads, in place of an even one.
    smooth_dist: Option<Vec<f64>>,
    /// Predictions are logits; otherwise they are the logarithms of probabilities, as of `nn.NLLLoss`.
    from_logits: bool,
    /// The mean over samples, or their sum.
    reduction: Reduce,
    /// Weight of mean(logsumexp(preds)²), which keeps logits from drifting (PaLM, Chowdhery et al. 2022, §5: 1e-4).
    z_loss: f64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        CrossEntropy {
            label_smoothing: 0.0,
            ignore_index: -100,
            weight: None,
            smooth_dist: None,
            from_logits: true,
            reduction: Reduce::Mean,
            z_loss: 0.0,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Reduce {
    Mean,
    Sum,
}

/// Reads the `criterion_params`. SuperGradients' smoothing with `weight` is another mean than PyTorch's.
pub(super) fn read(owner: &str, block: &Value) -> Result<Parsed> {
    ensure!(
        block["smooth_eps"].is_null() || block["label_smoothing"].is_null(),
        "parameters of {owner}: `smooth_eps` and `label_smoothing` are two names of one parameter: remove `smooth_eps`"
    );
    let is_smoothed = block["smooth_eps"].as_f64().is_some_and(|eps| eps > 0.0);
    ensure!(
        !is_smoothed || block["weight"].is_null(),
        "parameters of {owner}: `smooth_eps` with `weight` is not there, since SuperGradients divides by the number of samples; \
         write `label_smoothing`, which divides by the sum of their weights, as PyTorch does"
    );
    let mut block = block.clone();
    if let Value::Object(keys) = &mut block {
        // None is SuperGradients' default for it.
        keys.retain(|key, value| key != "smooth_eps" || !value.is_null());
    }
    super::read::<CrossEntropy>(owner, &block)
}

impl TensorLoss for CrossEntropy {
    fn check(&self) -> Result<()> {
        ensure!(
            (0.0..=1.0).contains(&self.label_smoothing),
            "`label_smoothing` must be between 0 and 1"
        );
        ensure!(
            class_weights::is_sound(self.z_loss),
            "`z_loss` must be a number from 0 to {:e}, the largest of float32",
            f32::MAX
        );
        let is_plain =
            self.label_smoothing == 0.0 && self.z_loss == 0.0 && self.smooth_dist.is_none();
        ensure!(
            self.from_logits || is_plain,
            "`from_logits: false` has neither smoothing nor `z_loss`: remove them"
        );
        ensure!(
            self.smooth_dist.is_none() || (self.weight.is_none() && self.ignore_index < 0),
            "`smooth_dist` has neither `weight` nor `ignore_index`: remove them"
        );
        class_weights::check("smooth_dist", self.smooth_dist.as_deref())?;
        class_weights::check("weight", self.weight.as_deref())
    }

    /// The weights, or the distribution of the smoothing: there is only one of them.
    fn class_weights(&self) -> Option<&[f64]> {
        self.weight.as_deref().or(self.smooth_dist.as_deref())
    }

    /// `preds` `[N, C, …]` float; `target` `[N, …]` integer or `[N, C, …]` float.
    fn forward(&self, weights: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = classes_or_probabilities(&preds, target)?;
        if target.is_floating_point() {
            return self.of_target(weights, &preds, &target);
        }
        let target = InRange::of(target, preds.size()[1], Some(self.ignore_index))?;
        target.mark(self.of_target(weights, &preds, &target.indices)?)
    }

    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        let classes = preds.size()[1];
        if target.is_floating_point() {
            return Ok(());
        }
        let counted = target.f_masked_select(&target.f_ne(self.ignore_index)?)?;
        values::within(&counted, [0.0, (classes - 1) as f64])
    }
}

impl CrossEntropy {
    /// The loss beside classes, int64, or their probabilities.
    fn of_target(
        &self,
        weights: Option<&Tensor>,
        preds: &Tensor,
        target: &Tensor,
    ) -> Result<Tensor> {
        if !self.from_logits {
            return self.of_logarithms(weights, preds, target);
        }
        let loss = match (&self.smooth_dist, weights) {
            (Some(_), Some(spread)) => {
                let target = self.spread(preds, target, spread)?;
                preds.f_cross_entropy_loss::<&Tensor>(&target, None, self.reduction(), -100, 0.0)?
            }
            _ => preds.f_cross_entropy_loss(
                target,
                weights,
                self.reduction(),
                self.ignore_index,
                self.label_smoothing,
            )?,
        };
        if self.z_loss == 0.0 {
            return Ok(loss);
        }
        Ok(loss.f_add(&self.penalty(preds)?)?)
    }

    fn reduction(&self) -> Reduction {
        match self.reduction {
            Reduce::Mean => Reduction::Mean,
            Reduce::Sum => Reduction::Sum,
        }
    }

    /// The loss of the logarithms of probabilities.
    fn of_logarithms(
        &self,
        weights: Option<&Tensor>,
        preds: &Tensor,
        target: &Tensor,
    ) -> Result<Tensor> {
        ensure!(
            !target.is_floating_point(),
            "`from_logits: false` takes class indices, not probabilities"
        );
        let reduction = self.reduction();
        Ok(preds.f_nll_loss_nd(target, weights, reduction, self.ignore_index)?)
    }

    /// The target as probabilities `[N, C]`, of which a share is spread as `smooth_dist` says.
    fn spread(&self, preds: &Tensor, target: &Tensor, spread: &Tensor) -> Result<Tensor> {
        let classes = preds.size()[1];
        ensure!(
            preds.dim() == 2 && spread.size() == [classes],
            "`smooth_dist` must have a number for each of {classes} classes, and preds be [N, classes]"
        );
        let target = match target.is_floating_point() {
            true => target.shallow_clone(),
            false => target.f_one_hot(classes)?.f_to_kind(preds.kind())?,
        };
        let spread = spread.f_to_kind(preds.kind())?;
        let spread = spread.f_expand_as(&target)?;
        Ok(target.f_lerp(&spread, self.label_smoothing)?)
    }

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
