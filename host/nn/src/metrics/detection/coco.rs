//! `CocoMetrics`: the twelve numbers of pycocotools for boxes, computed by the crate `hotcoco`. Owns the names and the
//! rows that are kept; the matching is the crate's.

use std::collections::BTreeSet;

use anyhow::{Context, Result, anyhow, bail, ensure};
use hotcoco::params::IouType;
use hotcoco::{Annotation, COCO, COCOeval, Category, Dataset, Image};
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::Deserialize;
use serde_json::Value;
use tch::Tensor;

use super::super::metric::{Count, Metric, Seen};
use super::super::totals::Rule;
use super::truths::{Truth, truths};
use super::{check_classes, found, to_count, yes};
use crate::detection::Detection;
use crate::detection::post_prediction::{DECODED, PostPrediction};

/// The values in pycocotools' order: average precision over all overlaps, at 0.50 and at 0.75, of small, medium and
/// large boxes; average recall of 1, 10 and 100 detections an image, and of small, medium and large boxes.
const NAMES: [&str; 12] = [
    "AP",
    "AP50",
    "AP75",
    "AP_small",
    "AP_medium",
    "AP_large",
    "AR1",
    "AR10",
    "AR100",
    "AR_small",
    "AR_medium",
    "AR_large",
];

/// The twelve numbers of the COCO challenge. A value without any truth is −1, as in pycocotools. Boxes are in pixels of
/// the network's input, so areas are too; the area of a truth is that of its box.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct CocoMetrics {
    num_cls: usize,
    #[serde(default)]
    post_prediction_callback: Value,
    /// The targets are in pixels; else they are between 0 and 1.
    #[serde(default = "yes")]
    normalize_targets: bool,
}

/// The most classes: 3 GB where each has a truth.
const MOST_CLASSES: usize = 16_384;

/// The numbers of a row: its kind, the class, left, top, width, height and score.
const COLUMNS: usize = 7;

/// The kinds of rows. Those of an image follow its first.
const IMAGE: f32 = 0.0;
const TRUTH: f32 = 1.0;
const CROWD: f32 = 2.0;
const FOUND: f32 = 3.0;

impl Metric for CocoMetrics {
    fn check(&self) -> Result<()> {
        check_classes(self.num_cls)?;
        ensure!(
            self.num_cls <= MOST_CLASSES,
            "`num_cls` is {}, and at most {MOST_CLASSES} classes are compared: hotcoco takes 190 kB of memory for each; use \
             `DetectionMetrics_050_095`, which takes none",
            self.num_cls
        );
        let post_prediction = PostPrediction::from_value(&self.post_prediction_callback)?;
        post_prediction.check_for_metric(self.num_cls)
    }

    fn value_names(&self) -> Vec<String> {
        NAMES.map(str::to_owned).to_vec()
    }

    fn reads(&self) -> Option<&'static str> {
        Some(DECODED)
    }

    fn post_prediction(&self) -> Option<PostPrediction> {
        PostPrediction::from_value(&self.post_prediction_callback).ok()
    }

    fn rule(&self) -> Rule {
        Rule::Append
    }

    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        self.rows(&Seen::of_pair(preds, target))
    }

    fn rows(&self, seen: &Seen<'_>) -> Result<Count> {
        let post_prediction = PostPrediction::from_value(&self.post_prediction_callback)?;
        let found = found(&post_prediction, self.num_cls, seen)?;
        let truths = truths(seen, found.len(), self.num_cls, self.normalize_targets)?;
        let mut rows = Vec::new();
        for (found, truths) in found.iter().zip(&truths) {
            rows.push([IMAGE, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
            rows.extend(truths.regular.iter().map(|truth| of_truth(TRUTH, truth)));
            rows.extend(truths.crowds.iter().map(|truth| of_truth(CROWD, truth)));
            rows.extend(found.iter().map(of_detection));
        }
        to_count(&rows, seen)
    }

    fn values(&self, totals: &[f64], _rows: f64) -> Result<Vec<f64>> {
        let sets = Sets::of(totals.as_chunks::<COLUMNS>().0)?;
        let numbers = threads()?.install(|| sets.numbers());
        numbers.map_err(|error| anyhow!("hotcoco cannot evaluate: {error:#}"))
    }
}

/// As many threads as libtorch computes with, for hotcoco, which would take all cores.
fn threads() -> Result<ThreadPool> {
    let count = usize::try_from(tch::get_num_threads()).unwrap_or(1);
    Ok(ThreadPoolBuilder::new().num_threads(count.max(1)).build()?)
}

fn of_truth(kind: f32, truth: &Truth) -> [f32; COLUMNS] {
    let [x, y, width, height] = truth.bounds;
    let [left, top] = [x - width * 0.5, y - height * 0.5];
    [kind, truth.class as f32, left, top, width, height, 0.0]
}

fn of_detection(found: &Detection) -> [f32; COLUMNS] {
    let [x1, y1, x2, y2] = found.corners;
    let (class, score) = (found.class as f32, found.score);
    [FOUND, class, x1, y1, x2 - x1, y2 - y1, score]
}

/// Truths and detections as hotcoco takes them. Ids are from 1 on: pycocotools takes 0 for "no match".
struct Sets {
    truths: Dataset,
    found: Vec<Annotation>,
}

impl Sets {
    /// Classes without any truth are left out with their detections: they are in none of the numbers, and hotcoco takes
    /// 190 kB for each.
    fn of(rows: &[[f64; COLUMNS]]) -> Result<Sets> {
        let truth = |row: &&[f64; COLUMNS]| [TRUTH, CROWD].contains(&(row[0] as f32));
        let classes: BTreeSet<usize> = rows.iter().filter(truth).map(class).collect();
        let mut truths = Dataset {
            categories: classes.iter().copied().map(category).collect(),
            ..Dataset::default()
        };
        let mut found = Vec::new();
        for row in rows {
            if row[0] as f32 == IMAGE {
                let id = truths.images.len() as u64 + 1;
                truths.images.push(Image {
                    id,
                    ..Image::default()
                });
                continue;
            }
            let mut annotation = annotation(row, truths.images.len());
            match row[0] as f32 {
                FOUND if !classes.contains(&class(row)) => {}
                FOUND => found.push(annotation),
                TRUTH | CROWD => {
                    annotation.id = truths.annotations.len() as u64 + 1;
                    truths.annotations.push(annotation);
                }
                kind => {
                    bail!("a saved row is of kind {kind}: the checkpoint is not of this metric")
                }
            }
        }
        Ok(Sets { truths, found })
    }

    fn numbers(self) -> Result<Vec<f64>> {
        if self.truths.annotations.is_empty() {
            return Ok(vec![-1.0; NAMES.len()]);
        }
        let truths = COCO::from_dataset(self.truths);
        let found = truths.load_res_anns(self.found)?;
        let mut evaluation = COCOeval::new(truths, found, IouType::Bbox);
        evaluation.evaluate()?;
        evaluation.accumulate();
        // `run` would print them.
        let _lines = evaluation.summarize_lines();
        let numbers = evaluation.stats().context("there are no numbers")?;
        Ok(numbers.to_vec())
    }
}

/// The index of a row's class.
fn class(row: &[f64; COLUMNS]) -> usize {
    row[1] as usize
}

/// A class. Without a name, hotcoco would write to standard error.
fn category(class: usize) -> Category {
    Category {
        id: class as u64 + 1,
        name: format!("class_{class}"),
        ..Category::default()
    }
}

/// The box of a row, in the image of that id.
fn annotation(row: &[f64; COLUMNS], image: usize) -> Annotation {
    let [kind, class, x, y, width, height, score] = *row;
    let is_found = kind as f32 == FOUND;
    Annotation {
        image_id: image as u64,
        category_id: class as u64 + 1,
        bbox: Some([x, y, width, height]),
        area: Some(width * height),
        iscrowd: kind as f32 == CROWD,
        score: is_found.then_some(score),
        ..Annotation::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hotcoco_has_the_threads_of_libtorch() {
        let pool = threads().expect("some threads");
        let found = pool.install(rayon::current_num_threads);
        assert_eq!(found as i64, i64::from(tch::get_num_threads()));
    }
}
