//! Accuracy, top-k and F1. No operation here indexes by class: a target out of range counts as a miss and cannot
//! hurt the device.

use anyhow::{Result, bail, ensure};
use serde::Deserialize;
use tch::{Kind, Tensor};

use super::{Count, Metric};

/// Share of samples whose highest prediction is the target; for one logit a sample, of those whose sign is right.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accuracy {}

impl Metric for Accuracy {
    /// Hits `[1]` int64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        let classes = Classes::of(preds, target)?;
        let hit = classes.predicted.f_eq_tensor(&classes.actual)?;
        hits(&hit, classes.actual.numel())
    }
}

/// Share of samples whose target is among the `k` highest predictions.
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

    /// Hits `[1]` int64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        let classes = Classes::of(preds, target)?;
        ensure!(
            self.k <= classes.count,
            "there are only {} classes",
            classes.count
        );
        let (_, highest) = preds.f_topk(self.k, 1, true, false)?;
        let hit = highest.f_eq_tensor(&classes.actual.f_unsqueeze(1)?)?;
        hits(&hit, classes.actual.numel())
    }
}

fn hits(hit: &Tensor, elements: usize) -> Result<Count> {
    Ok(Count {
        sums: hit.f_sum(Kind::Int64)?.f_reshape([1])?,
        elements: elements as i64,
    })
}

/// F1 score of each class present in predictions or target, averaged (macro, as scikit-learn).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct F1 {}

impl Metric for F1 {
    /// For each class how often it is predicted and actual, predicted, actual: `[3·C]` int64.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        let classes = Classes::of(preds, target)?;
        let names = Tensor::f_arange(classes.count, (Kind::Int64, preds.device()))?;
        let predicted = one_hot(&classes.predicted, &names)?;
        let actual = one_hot(&classes.actual, &names)?;
        let both = predicted.f_logical_and(&actual)?;
        let stacked = Tensor::f_stack(&[both, predicted, actual], 0)?;
        let sums = stacked.f_sum_dim_intlist([1].as_slice(), false, Kind::Int64)?;
        Ok(Count {
            sums: sums.f_reshape([-1])?,
            elements: classes.actual.numel() as i64,
        })
    }

    /// The mean of 2·TP / (predicted + actual) over the classes that occur; 0 if none does.
    fn value(&self, sums: &[f64], _elements: f64) -> f64 {
        let count = sums.len() / 3;
        let (both, rest) = sums.split_at(count);
        let (predicted, actual) = rest.split_at(count);
        let mut scores = Vec::with_capacity(count);
        for class in 0..count {
            let either = predicted[class] + actual[class];
            if either > 0.0 {
                scores.push(2.0 * both[class] / either);
            }
        }
        if scores.is_empty() {
            return 0.0;
        }
        scores.iter().sum::<f64>() / scores.len() as f64
    }
}

/// `[elements, classes]` bool: where an index is the class of the column.
fn one_hot(indices: &Tensor, names: &Tensor) -> Result<Tensor> {
    Ok(indices.f_reshape([-1, 1])?.f_eq_tensor(names)?)
}

/// Predicted and actual class of every element, int64 and of one shape.
struct Classes {
    predicted: Tensor,
    actual: Tensor,
    count: i64,
}

impl Classes {
    fn of(preds: &Tensor, target: &Tensor) -> Result<Classes> {
        match preds.size().as_slice() {
            [_] | [_, 1] => Classes::of_one_logit(preds, target),
            [_, count, ..] => Classes::of_many(preds, target, *count),
            [] => bail!("preds must be [N, classes, …]"),
        }
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
