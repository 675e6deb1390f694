//! Precision and recall of all detections of a pass, and what is read off them, in SuperGradients' float32.

use std::collections::BTreeMap;

use super::matching::Matched;
use crate::detection::suppression::highest_first;

/// Where the curves are read.
pub(super) struct Curves<'a> {
    /// The number of thresholds of overlap.
    pub(super) overlaps: usize,
    /// The recalls at which precision is averaged.
    pub(super) recalls: &'a [f32],
    /// The score at which precision, recall and F1 are read.
    pub(super) score: f32,
    /// The scores among which the best threshold is.
    pub(super) scores: &'a [f32],
}

/// The values of a pass.
pub(super) struct Summary {
    /// Precision, recall, mean average precision and F1; −1 if there was no truth.
    pub(super) means: [f64; 4],
    /// The score with the best mean F1; −1 if there was no truth.
    pub(super) best_score: f64,
    classes: BTreeMap<i64, OfClass>,
}

/// The values of one class.
#[derive(Clone, Copy, Default)]
pub(super) struct OfClass {
    /// The average precision.
    pub(super) precision: f64,
    /// The score with the best F1.
    pub(super) best_score: f64,
}

impl Summary {
    /// The values of a class, which are 0 if it has no truth.
    pub(super) fn of_class(&self, class: i64) -> OfClass {
        self.classes.get(&class).copied().unwrap_or_default()
    }
}

/// The curves of one class, read.
struct Read {
    /// Means over the thresholds of overlap: precision, recall, average precision and F1.
    means: [f64; 4],
    /// F1 at each of the scores, a mean over the thresholds of overlap.
    f1: Vec<f64>,
}

impl Curves<'_> {
    /// The values of all rows.
    pub(super) fn summary(&self, rows: Vec<Matched>) -> Summary {
        let mut by_class: BTreeMap<i64, (usize, Vec<Matched>)> = BTreeMap::new();
        for row in rows {
            let (truths, found) = by_class.entry(row.class).or_default();
            match row.is_truth() {
                true => *truths += 1,
                false => found.push(row),
            }
        }
        by_class.retain(|_, (truths, _)| *truths > 0);
        let count = by_class.len() as f64;
        let mut summary = Summary {
            means: [-1.0; 4],
            best_score: -1.0,
            classes: BTreeMap::new(),
        };
        if by_class.is_empty() {
            return summary;
        }
        summary.means = [0.0; 4];
        let mut f1 = vec![0.0; self.scores.len()];
        for (class, (truths, found)) in by_class {
            let read = self.of_class(truths, found);
            add(&mut summary.means, &read.means, count);
            add(&mut f1, &read.f1, count);
            let own = OfClass {
                precision: read.means[2],
                best_score: self.best_of(&read.f1),
            };
            summary.classes.insert(class, own);
        }
        summary.best_score = self.best_of(&f1);
        summary
    }

    /// The first of the scores with the highest F1.
    fn best_of(&self, f1: &[f64]) -> f64 {
        let mut best = 0;
        for (place, value) in f1.iter().enumerate() {
            if *value > f1[best] {
                best = place;
            }
        }
        f64::from(self.scores[best])
    }

    fn of_class(&self, truths: usize, mut found: Vec<Matched>) -> Read {
        let mut read = Read {
            means: [0.0; 4],
            f1: vec![0.0; self.scores.len()],
        };
        found.sort_by(|a, b| highest_first(a.score, b.score));
        let above = |score: f32| found.partition_point(|row| row.score >= score);
        let at: Vec<usize> = self.scores.iter().map(|score| above(*score)).collect();
        let count = self.overlaps as f64;
        for threshold in 0..self.overlaps {
            let curve = Curve::of(&found, threshold, truths);
            let [precision, recall] = curve.at(above(self.score));
            let average = curve.average_precision(self.recalls);
            let f1 = f1_of([precision, recall]);
            let values = [precision, recall, average, f1].map(f64::from);
            add(&mut read.means, &values, count);
            let f1 = at.iter().map(|place| f64::from(f1_of(curve.at(*place))));
            add(&mut read.f1, &f1.collect::<Vec<_>>(), count);
        }
        read
    }
}

/// Adds `values` / `count` to `sums`, place by place.
fn add(sums: &mut [f64], values: &[f64], count: f64) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value / count;
    }
}

fn f1_of([precision, recall]: [f32; 2]) -> f32 {
    2.0 * recall * precision / (recall + precision + 1e-16)
}

/// Precision and recall of the first 1, 2, … detections of a class at one threshold of overlap.
struct Curve {
    /// Precision, made to decrease: the highest that this or a greater recall has.
    precision: Vec<f32>,
    recall: Vec<f32>,
}

impl Curve {
    fn of(found: &[Matched], threshold: usize, truths: usize) -> Curve {
        let (mut hits, mut misses) = (0.0f32, 0.0f32);
        let mut curve = Curve {
            precision: Vec::with_capacity(found.len()),
            recall: Vec::with_capacity(found.len()),
        };
        for row in found {
            let is_hit = row.hits >> threshold & 1 == 1;
            let is_ignored = row.ignored >> threshold & 1 == 1;
            hits += f32::from(u8::from(is_hit));
            misses += f32::from(u8::from(!is_hit && !is_ignored));
            let counted = hits + misses + f64::EPSILON as f32;
            curve.precision.push(hits / counted);
            curve.recall.push(hits / truths as f32);
        }
        let mut highest = 0.0f32;
        for precision in curve.precision.iter_mut().rev() {
            highest = highest.max(*precision);
            *precision = highest;
        }
        curve
    }

    /// Precision and recall of the first `count` detections; zeros for none.
    fn at(&self, count: usize) -> [f32; 2] {
        match count.checked_sub(1) {
            Some(last) => [self.precision[last], self.recall[last]],
            None => [0.0, 0.0],
        }
    }

    /// The mean precision where each recall is first reached, 0 where it is not.
    fn average_precision(&self, recalls: &[f32]) -> f32 {
        let at = |recall: &f32| {
            let place = self.recall.partition_point(|reached| reached < recall);
            self.precision.get(place).copied().unwrap_or(0.0)
        };
        let sum: f64 = recalls.iter().map(|recall| f64::from(at(recall))).sum();
        (sum / recalls.len() as f64) as f32
    }
}
