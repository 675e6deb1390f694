//! Accuracy, top-k, F1, precision and recall. No operation here indexes by class: a target out of range counts as a miss and cannot
//! hurt the device.

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use tch::{Kind, Tensor};

use super::{Count, Metric};
use crate::values;

/// Refuses targets that are no classes, where one logit a sample tells two apart: any number is on one side of 0.5.
pub(super) fn look_at(preds: &Tensor, target: &Tensor) -> Result<()> {
    match is_one_logit(preds) {
        true => values::within(target, [0.0, 1.0])
            .context("for one logit a sample a target is 0 or 1; numbers need `MAE` or `MSE`"),
        false => Ok(()),
    }
}

fn is_one_logit(preds: &Tensor) -> bool {
    matches!(preds.size().as_slice(), [_] | [_, 1])
}

/// Share of samples whose highest prediction is the target; for one logit a sample, of those whose sign is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accuracy {}

impl Metric for Accuracy {
    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        look_at(preds, target)
    }

    /// Hits `[1]` int64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        Classes::of(preds, target)?.hits()
    }
}

/// Share of samples whose target is among the `k` highest predictions; for one logit a sample, `k` is 1 and this is
/// `Accuracy`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TopK {
    /// At least 1, at most the number of classes.
    pub(super) k: i64,
}

impl Metric for TopK {
    fn check(&self) -> Result<()> {
        ensure!(self.k > 0, "`k` must be at least 1");
        Ok(())
    }

    fn key(&self) -> Option<String> {
        Some(format!("Top{}", self.k))
    }

    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        look_at(preds, target)
    }

    /// Hits `[1]` int64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        let classes = Classes::of(preds, target)?;
        ensure!(
            self.k <= classes.count,
            "there are only {} classes",
            classes.count
        );
        if is_one_logit(preds) {
            ensure!(
                self.k == 1,
                "one logit a sample tells two classes apart, and a target is always one of both: use `Accuracy`"
            );
            return classes.hits();
        }
        let (_, highest) = preds.f_topk(self.k, 1, true, false)?;
        let hit = highest.f_eq_tensor(&classes.actual.f_unsqueeze(1)?)?;
        hits(&hit, classes.actual.numel())
    }
}

fn hits(hit: &Tensor, elements: usize) -> Result<Count> {
    Ok(Count {
        numbers: hit.f_sum(Kind::Int64)?.f_reshape([1])?,
        elements: elements as i64,
    })
}

/// F1 score of each class present in predictions or target, averaged (macro, as scikit-learn).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct F1 {}

impl Metric for F1 {
    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        look_at(preds, target)
    }

    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        by_class(preds, target)
    }

    /// The mean of 2·TP / (predicted + actual) over the classes that occur; 0 if none does.
    fn values(&self, totals: &[f64], _elements: f64) -> Result<Vec<f64>> {
        Ok(vec![mean_over_classes(totals, |class| {
            2.0 * class.both / (class.predicted + class.actual)
        })])
    }
}

/// Precision and recall of each class present in predictions or target, each averaged (macro, as scikit-learn with
/// `zero_division=0`). Two values: `Precision` and `Recall`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PrecisionRecall {}

impl Metric for PrecisionRecall {
    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        look_at(preds, target)
    }

    fn value_names(&self) -> Vec<String> {
        ["Precision", "Recall"].map(str::to_owned).to_vec()
    }

    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        by_class(preds, target)
    }

    /// The means of TP / predicted and of TP / actual over the classes that occur; 0 if none does.
    fn values(&self, totals: &[f64], _elements: f64) -> Result<Vec<f64>> {
        Ok(vec![
            mean_over_classes(totals, |class| class.both / class.predicted.max(1.0)),
            mean_over_classes(totals, |class| class.both / class.actual.max(1.0)),
        ])
    }
}

/// How often a class is predicted and actual, predicted, actual.
struct OfClass {
    both: f64,
    predicted: f64,
    actual: f64,
}

/// The numbers of [`OfClass`] for all classes: `[3·C]` int64.
fn by_class(preds: &Tensor, target: &Tensor) -> Result<Count> {
    let classes = Classes::of(preds, target)?;
    let names = Tensor::f_arange(classes.count, (Kind::Int64, preds.device()))?;
    let predicted = one_hot(&classes.predicted, &names)?;
    let actual = one_hot(&classes.actual, &names)?;
    let both = predicted.f_logical_and(&actual)?;
    let stacked = Tensor::f_stack(&[both, predicted, actual], 0)?;
    let sums = stacked.f_sum_dim_intlist([1].as_slice(), false, Kind::Int64)?;
    Ok(Count {
        numbers: sums.f_reshape([-1])?,
        elements: classes.actual.numel() as i64,
    })
}

/// The mean of a score over the classes that are predicted or actual; 0 if none is.
fn mean_over_classes(totals: &[f64], score: impl Fn(OfClass) -> f64) -> f64 {
    let count = totals.len() / 3;
    let mut scores = Vec::with_capacity(count);
    for class in 0..count {
        let class = OfClass {
            both: totals[class],
            predicted: totals[count + class],
            actual: totals[2 * count + class],
        };
        if class.predicted + class.actual > 0.0 {
            scores.push(score(class));
        }
    }
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

/// `[elements, classes]` bool: where an index is the class of the column.
fn one_hot(indices: &Tensor, names: &Tensor) -> Result<Tensor> {
    Ok(indices.f_reshape([-1, 1])?.f_eq_tensor(names)?)
}

/// Predicted and actual class of every element, int64 and of one shape.
pub(super) struct Classes {
    predicted: Tensor,
    pub(super) actual: Tensor,
    count: i64,
}

impl Classes {
    pub(super) fn of(preds: &Tensor, target: &Tensor) -> Result<Classes> {
        match preds.size().as_slice() {
            [_] | [_, 1] => Classes::of_one_logit(preds, target),
            [_, count, ..] => Classes::of_many(preds, target, *count),
            [] => bail!("preds must be [N, classes, …]"),
        }
    }

    /// Predictions that are right, `[1]` int64.
    fn hits(&self) -> Result<Count> {
        let hit = self.predicted.f_eq_tensor(&self.actual)?;
        hits(&hit, self.actual.numel())
    }

    /// Two classes, told apart by the sign of one logit.
    fn of_one_logit(preds: &Tensor, target: &Tensor) -> Result<Classes> {
        ensure!(
            preds.numel() == target.numel(),
            "for one logit a sample, target must be [N] or [N, 1]"
        );
        let predicted = preds.f_reshape([-1])?.f_gt(0)?.f_to_kind(Kind::Int64)?;
        let actual = target.f_reshape([-1])?.f_gt(0.5)?.f_to_kind(Kind::Int64)?;
        Ok(Classes {
            predicted,
            actual,
            count: 2,
        })
    }

    fn of_many(preds: &Tensor, target: &Tensor, count: i64) -> Result<Classes> {
        let predicted = preds.f_argmax(1, false)?;
        let are_probabilities = target.is_floating_point() && target.size() == preds.size();
        let actual = if are_probabilities {
            target.f_argmax(1, false)?
        } else {
            target.shallow_clone()
        };
        ensure!(
            !actual.is_floating_point() && actual.size() == predicted.size(),
            "target must be class indices {:?} int64 or class probabilities {:?} float",
            predicted.size(),
            preds.size(),
        );
        Ok(Classes {
            predicted,
            actual,
            count,
        })
    }
}
