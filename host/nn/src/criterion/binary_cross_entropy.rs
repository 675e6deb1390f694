//! `BCEWithLogitsLoss`: sigmoid and binary cross entropy in one, for one or many labels a sample.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tch::{Reduction, Tensor};

use super::{TensorLoss, class_weights, comparable, full_precision};
use crate::values;

/// `criterion_params` of `BCEWithLogitsLoss`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct BceWithLogits {
    /// Weight of the positives, one number a class.
    pos_weight: Option<Vec<f64>>,
}

impl TensorLoss for BceWithLogits {
    fn check(&self) -> Result<()> {
        class_weights::check("pos_weight", self.class_weights())
    }

    fn class_weights(&self) -> Option<&[f64]> {
        self.pos_weight.as_deref()
    }

    fn look_at(&self, _: &Tensor, target: &Tensor) -> Result<()> {
        values::within(target, [0.0, 1.0])
            .context("a label is 0 or 1, or a probability; class indices need `CrossEntropyLoss`")
    }

    /// `preds` logits, `target` 0–1 of the same shape.
    fn forward(&self, weights: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let target = comparable(&preds, target)?;
        let loss = preds.f_binary_cross_entropy_with_logits(
            &target,
            None::<&Tensor>,
            weights,
            Reduction::Mean,
        )?;
        Ok(loss)
    }
}
