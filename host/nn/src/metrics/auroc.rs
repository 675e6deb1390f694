//! `AUROC`: the area under the receiver operating characteristic, exact, from all samples of a pass.

use anyhow::{Result, bail};
use serde::Deserialize;
use tch::{Kind, Tensor};

use super::classification::{self, Classes};
use super::{Count, Metric, Rule};

/// The probability that a sample of a class scores higher for it than a sample of another does; ties count half
/// (Hanley and McNeil 1982). With several classes it is the mean over those that have samples on both sides, one class
/// against the rest, on softmax probabilities (macro, as scikit-learn's `roc_auc_score` with `multi_class="ovr"`).
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Auroc {}

impl Metric for Auroc {
    fn look_at(&self, preds: &Tensor, target: &Tensor) -> Result<()> {
        classification::look_at(preds, target)
    }

    fn rule(&self) -> Rule {
        Rule::Append
    }

    /// For each sample its scores and then its class: `[N, scores + 1]` float32.
    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        let scores = match preds.size().as_slice() {
            [_] | [_, 1] => preds.f_reshape([-1, 1])?.f_to_kind(Kind::Float)?,
            [_, _] => preds.f_softmax(1, Kind::Float)?,
            _ => bail!("preds must be [N], [N, 1] or [N, classes]"),
        };
        let classes = Classes::of(preds, target)?.actual;
        let classes = classes.f_reshape([-1, 1])?.f_to_kind(Kind::Float)?;
        Ok(Count {
            elements: scores.size()[0],
            numbers: Tensor::f_cat(&[scores, classes], 1)?,
        })
    }

    fn values(&self, totals: &[f64], elements: f64) -> Result<Vec<f64>> {
        let width = totals.len() / elements.max(1.0) as usize;
        let rows: Vec<&[f64]> = totals.chunks_exact(width.max(2)).collect();
        let columns = width.saturating_sub(1);
        // One score a sample tells two classes apart, several have a class each.
        let first = usize::from(columns == 1);
        let areas: Vec<f64> = (0..columns)
            .filter_map(|column| area(&rows, column, (column + first) as f64))
            .collect();
        Ok(vec![areas.iter().sum::<f64>() / areas.len() as f64])
    }
}

/// The area for one class; nothing where all samples are of it, or none is. Not a number if a score is none.
fn area(rows: &[&[f64]], column: usize, class: f64) -> Option<f64> {
    if rows.iter().any(|row| row[column].is_nan()) {
        return Some(f64::NAN);
    }
    let mut scored: Vec<(f64, bool)> = rows
        .iter()
        .map(|row| (row[column], row[row.len() - 1] == class))
        .collect();
    scored.sort_by(|left, right| left.0.total_cmp(&right.0));
    let (mut wins, mut below, mut of_class) = (0.0, 0.0, 0.0);
    for tied in scored.chunk_by(|left, right| left.0 == right.0) {
        let members = tied.iter().filter(|(_, is_of_class)| *is_of_class).count() as f64;
        let others = tied.len() as f64 - members;
        wins += members * (below + others / 2.0);
        below += others;
        of_class += members;
    }
    let pairs = of_class * below;
    (pairs > 0.0).then(|| wins / pairs)
}
