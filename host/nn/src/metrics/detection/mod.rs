//! `DetectionMetrics` and its forms for one threshold: SuperGradients' precision, recall, mean average precision, F1 and
//! best score threshold of detections. Owns the parameters and the names of the values; `matching` compares one image,
//! `curves` makes the numbers.

pub(super) mod coco;
mod curves;
mod matching;
#[cfg(test)]
mod tests;
mod truths;

use std::collections::HashSet;
use std::rc::Rc;

use anyhow::{Result, anyhow, bail, ensure};
use serde::Deserialize;
use serde_json::Value;
use tch::{Device, Kind, Tensor};

use super::metric::{Count, Metric, Seen};
use super::totals::Rule;
use crate::detection::Detection;
use crate::detection::post_prediction::{DECODED, PostPrediction};
use crate::params;
use curves::Curves;
use matching::{Limits, Matched};
use truths::truths;

/// The most recall thresholds, and the most classes whose values have names of their own.
const MOST_POINTS: usize = 10_001;
const MOST_CLASSES: usize = 65_536;

/// The parameters as a recipe writes them, with SuperGradients' names and defaults.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    num_cls: usize,
    #[serde(default)]
    post_prediction_callback: Value,
    /// The targets are in pixels; else they are between 0 and 1.
    #[serde(default)]
    normalize_targets: bool,
    iou_thres: Option<Overlaps>,
    recall_thres: Option<Vec<f32>>,
    #[serde(default = "score_thres")]
    score_thres: f32,
    #[serde(default = "top_k_predictions")]
    top_k_predictions: usize,
    #[serde(default = "yes")]
    calc_best_score_thresholds: bool,
    #[serde(default)]
    include_classwise_ap: bool,
    class_names: Option<Vec<String>>,
}

/// Thresholds of overlap: one, or the ends of a range in steps of 0.05.
#[derive(Clone, Copy, Deserialize)]
#[serde(untagged, expecting = "a number, or a range such as `[0.5, 0.95]`")]
enum Overlaps {
    One(f64),
    Range([f64; 2]),
}

fn score_thres() -> f32 {
    0.1
}

fn top_k_predictions() -> usize {
    100
}

fn yes() -> bool {
    true
}

/// The metric, ready to compare.
struct DetectionMetrics {
    classes: usize,
    post_prediction: PostPrediction,
    in_pixels: bool,
    top_k: usize,
    overlaps: Vec<f32>,
    recalls: Vec<f32>,
    score: f32,
    best_scores: bool,
    /// The names of classes whose values are listed; empty if none is.
    listed: Vec<String>,
    /// The overlaps are a parameter, and not in the name.
    has_own_overlaps: bool,
}

/// Names of the metric, and the thresholds of overlap that each has; the first takes them as a parameter.
const FORMS: [(&str, Overlaps); 4] = [
    ("DetectionMetrics", Overlaps::Range([0.5, 0.95])),
    ("DetectionMetrics_050", Overlaps::One(0.5)),
    ("DetectionMetrics_075", Overlaps::One(0.75)),
    ("DetectionMetrics_050_095", Overlaps::Range([0.5, 0.95])),
];

/// Reads the parameters of the metric of that name.
///
/// # Errors
/// An unknown parameter; one that is out of range.
pub(super) fn read(name: &str, block: &Value) -> Result<Rc<dyn Metric>> {
    let owner = format!("metric `{name}`");
    let own: Parameters = params::read(&owner, block)?;
    let form = FORMS.iter().position(|(form, _)| *form == name);
    let form = form.unwrap_or_default();
    let metric = DetectionMetrics::of(own, form);
    let metric = metric.map_err(|error| anyhow!("parameters of {owner}: {error:#}"))?;
    Ok(Rc::new(metric))
}

impl DetectionMetrics {
    fn of(own: Parameters, form: usize) -> Result<DetectionMetrics> {
        let overlaps = match (own.iou_thres, form) {
            (Some(overlaps), 0) => overlaps,
            (Some(_), _) => {
                bail!("`iou_thres` is in its name: remove it, or use `DetectionMetrics`")
            }
            (None, _) => FORMS[form].1,
        };
        check_classes(own.num_cls)?;
        ensure!(
            own.top_k_predictions >= 1,
            "`top_k_predictions` must be at least 1"
        );
        ensure!(
            (0.0..=1.0).contains(&own.score_thres),
            "`score_thres` must be between 0 and 1, not {}",
            own.score_thres
        );
        let post_prediction = PostPrediction::from_value(&own.post_prediction_callback)?;
        post_prediction.check_for_metric(own.num_cls)?;
        Ok(DetectionMetrics {
            listed: listed(&own)?,
            has_own_overlaps: own.iou_thres.is_some(),
            classes: own.num_cls,
            post_prediction,
            in_pixels: own.normalize_targets,
            top_k: own.top_k_predictions,
            overlaps: overlaps.thresholds()?,
            recalls: recalls(own.recall_thres)?,
            score: own.score_thres,
            best_scores: own.calc_best_score_thresholds,
        })
    }

    /// `@0.50`, or `@0.50:0.95`.
    fn range(&self) -> String {
        let last = self.overlaps.len() - 1;
        match last {
            0 => format!("@{:.2}", self.overlaps[0]),
            _ => format!("@{:.2}:{:.2}", self.overlaps[0], self.overlaps[last]),
        }
    }
}

fn check_classes(count: usize) -> Result<()> {
    ensure!(
        (1..=MOST_CLASSES).contains(&count),
        "`num_cls` must be between 1 and {MOST_CLASSES}, not {count}"
    );
    Ok(())
}

/// The names of the classes to list.
fn listed(own: &Parameters) -> Result<Vec<String>> {
    let count = own.num_cls;
    let names = match &own.class_names {
        None => (0..count).map(|class| format!("class_{class}")).collect(),
        Some(names) => names.clone(),
    };
    ensure!(
        names.len() == count,
        "`class_names` has {} names, and `num_cls` is {count}",
        names.len()
    );
    let mut seen = HashSet::new();
    let twice = names.iter().find(|name| !seen.insert(*name));
    ensure!(
        twice.is_none(),
        "`class_names` has `{}` twice: give each class a name of its own",
        twice.map_or("", String::as_str)
    );
    ensure!(
        own.include_classwise_ap || own.class_names.is_none(),
        "`class_names` are for values of each class: set `include_classwise_ap: true`, or remove them"
    );
    Ok(match own.include_classwise_ap {
        true => names,
        false => Vec::new(),
    })
}

impl Overlaps {
    /// As SuperGradients makes them, in float32: 21 at most, fewer than a float32 has bits to count with.
    fn thresholds(self) -> Result<Vec<f32>> {
        let [low, high] = match self {
            Overlaps::One(at) => [at, at],
            Overlaps::Range(ends) => ends,
        };
        ensure!(
            0.0 < low && low <= high && high < 1.0,
            "`iou_thres` must lie between 0 and 1, the lower end first, not {low} to {high}"
        );
        let count = ((high - low) / 0.05).round() as usize + 1;
        even(low, high, count)
    }
}

fn recalls(written: Option<Vec<f32>>) -> Result<Vec<f32>> {
    let Some(recalls) = written else {
        return even(0.0, 1.0, 101);
    };
    ensure!(
        (1..=MOST_POINTS).contains(&recalls.len())
            && recalls.is_sorted()
            && recalls.iter().all(|recall| (0.0..=1.0).contains(recall)),
        "`recall_thres` must be 1 to {MOST_POINTS} numbers between 0 and 1 that do not decrease"
    );
    Ok(recalls)
}

/// `torch.linspace`, whose float32 decide at the border.
fn even(low: f64, high: f64, count: usize) -> Result<Vec<f32>> {
    let options = (Kind::Float, Device::Cpu);
    let numbers = Tensor::f_linspace(low, high, count as i64, options)?;
    Ok(Vec::try_from(&numbers)?)
}

/// The first letters of values that are no measure: the score at which F1 is best.
const BEST_SCORE: &str = "Best_score_threshold";

impl Metric for DetectionMetrics {
    /// Two of these with different overlaps are two metrics.
    fn key(&self) -> Option<String> {
        let key = || format!("DetectionMetrics{}", self.range());
        self.has_own_overlaps.then(key)
    }

    fn greater_is_better(&self, value: &str) -> Option<bool> {
        (!value.starts_with(BEST_SCORE)).then_some(true)
    }

    fn value_names(&self) -> Vec<String> {
        let range = self.range();
        let means = ["Precision", "Recall", "mAP", "F1"];
        let mut names: Vec<String> = means.map(|mean| format!("{mean}{range}")).to_vec();
        let listed = self.listed.iter();
        names.extend(listed.clone().map(|class| format!("AP{range}_{class}")));
        if self.best_scores {
            names.push(BEST_SCORE.to_owned());
            names.extend(listed.map(|class| format!("{BEST_SCORE}_{class}")));
        }
        names
    }

    fn reads(&self) -> Option<&'static str> {
        Some(DECODED)
    }

    fn post_prediction(&self) -> Option<PostPrediction> {
        Some(self.post_prediction.clone())
    }

    fn rule(&self) -> Rule {
        Rule::Append
    }

    fn count(&self, preds: &Tensor, target: &Tensor) -> Result<Count> {
        self.rows(&Seen::of_pair(preds, target))
    }

    /// A row for each detection, and for each truth.
    fn rows(&self, seen: &Seen<'_>) -> Result<Count> {
        let found = found(&self.post_prediction, self.classes, seen)?;
        let truths = truths(seen, found.len(), self.classes, self.in_pixels)?;
        let limits = Limits {
            overlaps: &self.overlaps,
            top_k: self.top_k,
            size: seen.size(),
        };
        let mut rows = vec![Matched::IMAGE];
        for (found, truths) in found.iter().zip(&truths) {
            rows.extend(matching::matched(found, truths, &limits));
            rows.extend(
                truths
                    .regular
                    .iter()
                    .map(|truth| Matched::truth(truth.class)),
            );
        }
        let rows: Vec<[f32; Matched::COLUMNS]> = rows.iter().map(Matched::row).collect();
        to_count(&rows, seen)
    }

    fn values(&self, totals: &[f64], _rows: f64) -> Result<Vec<f64>> {
        let rows = totals.as_chunks::<{ Matched::COLUMNS }>().0;
        let rows = rows.iter().map(Matched::of_row).collect();
        let curves = Curves {
            overlaps: self.overlaps.len(),
            recalls: &self.recalls,
            score: self.score,
            scores: &even(0.0, 1.0, self.recalls.len())?,
        };
        let summary = curves.summary(rows);
        let mut values = summary.means.to_vec();
        let classes = 0..self.listed.len() as i64;
        values.extend(
            classes
                .clone()
                .map(|class| summary.of_class(class).precision),
        );
        if self.best_scores {
            values.push(summary.best_score);
            values.extend(classes.map(|class| summary.of_class(class).best_score));
        }
        Ok(values)
    }
}

impl<'a> Seen<'a> {
    fn of_pair(preds: &'a Tensor, target: &'a Tensor) -> Seen<'a> {
        Seen {
            preds,
            target,
            inputs: None,
            additional: None,
        }
    }

    /// Width and height of the network's input, if it is an image.
    fn size(&self) -> Option<[f32; 2]> {
        match self.inputs?.size()[..] {
            [_, _, height, width] => Some([width as f32, height as f32]),
            _ => None,
        }
    }
}

/// The detections of each image.
fn found(
    post_prediction: &PostPrediction,
    classes: usize,
    seen: &Seen<'_>,
) -> Result<Vec<Vec<Detection>>> {
    let found = post_prediction.detections(seen.preds)?;
    let given = seen.preds.size()[2] - 5;
    ensure!(
        given == classes as i64,
        "`num_cls` is {classes}, and the network has {given} classes"
    );
    Ok(found)
}

/// Rows as they are kept, on the device of the predictions.
fn to_count<const N: usize>(rows: &[[f32; N]], seen: &Seen<'_>) -> Result<Count> {
    let numbers = Tensor::f_from_slice(rows.as_flattened())?;
    let numbers = numbers.f_view([rows.len() as i64, N as i64])?;
    Ok(Count {
        numbers: numbers.f_to_device(seen.preds.device())?,
        elements: rows.len() as i64,
    })
}
