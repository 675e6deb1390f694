//! `PresenceLoss`: which classes an image shows, learned from boxes: binary cross entropy of one logit a class, where a
//! class is present if any box of the image is of it.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use super::{TensorLoss, class_weights, full_precision};
use crate::values;

/// `criterion_params` of `PresenceLoss`.
#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Presence {
    /// Weight of the classes that are present, one number a class.
    pos_weight: Option<Vec<f64>>,
}

impl TensorLoss for Presence {
    fn check(&self) -> Result<()> {
        class_weights::check("pos_weight", self.class_weights())
    }

    fn class_weights(&self) -> Option<&[f64]> {
        self.pos_weight.as_deref()
    }

    /// The class stands in the second column for some formats of boxes alone, and coordinates would count as no class.
    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        let classes = preds.size().last().copied().unwrap_or_default();
        let column = target.f_narrow(1, 1, 1)?;
        values::within(&column, [0.0, (classes - 1) as f64])
            .and_then(|()| values::whole(&column))
            .context(
                "the second column is the class: let `DetectionTargetsFormatTransform` write an `output_format` that \
                 begins with `LABEL`",
            )
    }

    /// `preds` logits `[N, C]`; `target` rows `[M, k]` with the image's index and the class first. Rows of no image, such
    /// as padding, count for nothing. The same kernels run whatever M and the rows are.
    fn forward(&self, weights: Option<&Tensor>, preds: &Tensor, target: &Tensor) -> Result<Tensor> {
        let preds = full_precision(preds)?;
        let present = presence(&preds, target)?;
        let loss = preds.f_binary_cross_entropy_with_logits(
            &present,
            None::<&Tensor>,
            weights,
            Reduction::Mean,
        )?;
        Ok(loss)
    }
}

/// 1 where an image has a row of a class, else 0: `[N, C]`.
fn presence(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    let (&[images, classes], &[_, columns]) = (preds.size().as_slice(), target.size().as_slice())
    else {
        anyhow::bail!("preds must be [N, classes], and target [M, 2 or more]");
    };
    ensure!(
        columns >= 2,
        "target must have an index and a class in each row"
    );
    let of_image = one_hot(target, 0, images)?;
    let of_class = one_hot(target, 1, classes)?;
    let counts = of_image.f_tr()?.f_matmul(&of_class)?;
    Ok(counts.f_clamp_max(1.0)?.f_to_kind(preds.kind())?)
}

/// `[M, count]` float32: 1 where column `column` of a row is the number of the place.
fn one_hot(target: &Tensor, column: i64, count: i64) -> Result<Tensor> {
    let numbers = Tensor::f_arange(count, (target.kind(), target.device()))?;
    let values = target.f_narrow(1, column, 1)?;
    Ok(values.f_eq_tensor(&numbers)?.f_to_kind(Kind::Float)?)
}
