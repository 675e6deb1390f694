//! What a batch adds to accuracy, top-k and F1. No index operation: a target out of range counts as a miss and cannot
//! hurt the device.
use anyhow::{Result, bail, ensure};
use tch::{Kind, Tensor};

use super::Count;

/// Hits `[1]` int64.
pub(super) fn accuracy(preds: &Tensor, target: &Tensor) -> Result<Count> {
    let classes = Classes::of(preds, target)?;
    hits(
        &classes.predicted.f_eq_tensor(&classes.actual)?,
        classes.actual.numel(),
    )
}

/// Hits `[1]` int64.
pub(super) fn top_k(k: i64, preds: &Tensor, target: &Tensor) -> Result<Count> {
    let classes = Classes::of(preds, target)?;
    ensure!(
        k <= classes.count,
        "there are only {} classes",
        classes.count
    );
    let (_, highest) = preds.f_topk(k, 1, true, false)?;
    hits(
        &highest.f_eq_tensor(&classes.actual.f_unsqueeze(1)?)?,
        classes.actual.numel(),
    )
}

fn hits(hit: &Tensor, elements: usize) -> Result<Count> {
    Ok(Count {
        sums: hit.f_sum(Kind::Int64)?.f_reshape([1])?,
        elements: elements as i64,
    })
}

/// Per class: both predicted and actual, predicted, actual: `[3·C]` int64.
pub(super) fn confusion(preds: &Tensor, target: &Tensor) -> Result<Count> {
    let classes = Classes::of(preds, target)?;
    let names = Tensor::f_arange(classes.count, (Kind::Int64, preds.device()))?;
    let one_hot = |indices: &Tensor| indices.f_reshape([-1, 1])?.f_eq_tensor(&names);
    let (predicted, actual) = (one_hot(&classes.predicted)?, one_hot(&classes.actual)?);
    let both = predicted.f_logical_and(&actual)?;
    let sums = Tensor::f_stack(&[both, predicted, actual], 0)?;
    let sums = sums
        .f_sum_dim_intlist([1].as_slice(), false, Kind::Int64)?
        .f_reshape([-1])?;
    Ok(Count {
        sums,
        elements: classes.actual.numel() as i64,
    })
}

/// The mean of 2·TP / (predicted + actual) over the classes that occur; 0 if none does.
pub(super) fn macro_f1(sums: &[f64]) -> f64 {
    let count = sums.len() / 3;
    let (both, rest) = sums.split_at(count);
    let (predicted, actual) = rest.split_at(count);
    let occurring = (0..count).filter(|class| predicted[*class] + actual[*class] > 0.0);
    let scores: Vec<f64> = occurring
        .map(|class| 2.0 * both[class] / (predicted[class] + actual[class]))
        .collect();
    if scores.is_empty() {
        0.0
    } else {
        scores.iter().sum::<f64>() / scores.len() as f64
    }
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

    /// Two classes told apart by a logit's sign.
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
        let actual = match target.is_floating_point() && target.size() == preds.size() {
            true => target.f_argmax(1, false)?,
            false => target.shallow_clone(),
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
