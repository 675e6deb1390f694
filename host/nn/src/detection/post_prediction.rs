//! A detection network's decoded output as a list of detections an image: thresholds, suppression, a limit. Owns the
//! parameters of `post_prediction_callback`; knows neither metrics nor files.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tch::{Device, Kind, Tensor};
use torch_ext::described;

use super::Detection;
use super::boxes::centers_to_corners;
use super::suppression::Candidates;
use crate::params;

/// The name of the decoded output among those of a detection network.
pub const DECODED: &str = "decoded";

/// The numbers of a candidate on the way to the CPU: its image and class, its corners and its score.
const COLUMNS: usize = 7;

/// Turns decoded output `[B, A, 5 + C]` (center x and y, width, height, then the probabilities of an object and of each
/// class) into detections: SuperGradients' `YoloXPostPredictionCallback`, with its names and defaults.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostPrediction {
    /// Objects and scores that are not above it are left out.
    conf: f64,
    /// A box that overlaps a better one of its class by more is left out.
    iou: f64,
    /// The classes to find; all of them by default.
    classes: Option<Vec<i64>>,
    nms_type: Suppression,
    /// The most detections of an image, the best first.
    max_predictions: usize,
    /// The score is the probability of the class times that of an object, or else that of the class alone.
    with_confidence: bool,
    /// Boxes of different classes leave each other out as well.
    class_agnostic_nms: bool,
    /// A place may be several classes at once, or else the most probable one.
    multi_label_per_box: bool,
}

/// The kind of suppression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Suppression {
    #[default]
    Iterative,
}

impl Default for PostPrediction {
    fn default() -> PostPrediction {
        PostPrediction {
            conf: 0.001,
            iou: 0.6,
            classes: None,
            nms_type: Suppression::Iterative,
            max_predictions: 300,
            with_confidence: true,
            class_agnostic_nms: false,
            multi_label_per_box: true,
        }
    }
}

/// The name of the parameters in a recipe.
const NAME: &str = "YoloXPostPredictionCallback";

/// Callbacks of SuperGradients for networks that are not there.
const OTHERS: [&str; 6] = [
    "PPYoloEPostPredictionCallback",
    "SSDPostPredictCallback",
    "YoloNASPosePostPredictionCallback",
    "YoloPostPredictionCallback",
    "DEKRPoseEstimationDecodeCallback",
    "RescoringPoseEstimationDecodeCallback",
];

impl PostPrediction {
    /// The value of `post_prediction_callback`: a name, or a name with its parameters. Without a value its defaults.
    ///
    /// # Errors
    /// Another form or name; a parameter that is unknown or out of range.
    pub fn from_value(value: &Value) -> Result<PostPrediction> {
        let (name, block) = match value {
            Value::Null => return Ok(PostPrediction::default()),
            Value::String(name) => (name, &Value::Null),
            Value::Object(map) if map.len() == 1 => match map.iter().next() {
                Some(entry) => entry,
                None => return Ok(PostPrediction::default()),
            },
            other => bail!(
                "`post_prediction_callback` is a name or `{NAME}: {{parameters}}`, not {other:.200}"
            ),
        };
        check_name(name)?;
        let own: PostPrediction =
            params::read(&format!("post_prediction_callback `{NAME}`"), block)?;
        own.check()?;
        Ok(own)
    }

    fn check(&self) -> Result<()> {
        for (key, value) in [("conf", self.conf), ("iou", self.iou)] {
            ensure!(
                (0.0..=1.0).contains(&value),
                "`{NAME}`: `{key}` must be between 0 and 1, not {value}"
            );
        }
        ensure!(
            self.max_predictions >= 1,
            "`{NAME}`: `max_predictions` must be at least 1"
        );
        let classes = self.classes.as_deref().unwrap_or(&[0]);
        ensure!(
            !classes.is_empty() && classes.iter().all(|class| *class >= 0),
            "`{NAME}`: `classes` must be a list of indices from 0 on; leave it out to find all"
        );
        Ok(())
    }

    /// Parameters with another least score, between 0 and 1.
    #[must_use]
    pub fn with_conf(self, conf: f64) -> PostPrediction {
        PostPrediction { conf, ..self }
    }

    /// The detections of each image, the best first. Two waits for the device a batch: for the number of candidates and
    /// for their numbers. Suppression then runs on the CPU, class by class.
    ///
    /// # Errors
    /// Output of another shape; a class that is not there.
    pub fn detections(&self, decoded: &Tensor) -> Result<Vec<Vec<Detection>>> {
        let images = self.check_decoded(decoded)?;
        let rows = self.candidates(decoded)?;
        let mut numbers = vec![0f32; rows.numel()];
        let count = numbers.len();
        rows.f_to_device(Device::Cpu)?
            .f_contiguous()?
            .f_copy_data(&mut numbers, count)?;
        let rows = numbers.as_chunks::<COLUMNS>().0;
        let mut detections = vec![Vec::new(); images];
        for of_image in rows.chunk_by(|a, b| a[0] == b[0]) {
            detections[of_image[0][0] as usize] = self.of_image(of_image);
        }
        Ok(detections)
    }

    /// Refuses parameters that find nothing among so many classes.
    ///
    /// # Errors
    /// A least score that none is above; a class that is not there.
    pub fn check_for_metric(&self, count: usize) -> Result<()> {
        ensure!(
            self.conf < 1.0,
            "`{NAME}`: `conf` is 1, and no score is above it: give less, such as 0.01"
        );
        self.check_classes(count)
    }

    /// Refuses a class that is not there.
    fn check_classes(&self, count: usize) -> Result<()> {
        let wanted = self.classes.iter().flatten().max();
        let stranger = wanted.filter(|class| **class >= count as i64);
        ensure!(
            stranger.is_none(),
            "`{NAME}`: `classes` has {}, and the last of {count} classes is {}",
            stranger.copied().unwrap_or_default(),
            count.saturating_sub(1)
        );
        Ok(())
    }

    /// The number of images.
    fn check_decoded(&self, decoded: &Tensor) -> Result<usize> {
        let classes = match decoded.size()[..] {
            [_, _, columns] if columns > 5 && decoded.is_floating_point() => columns - 5,
            _ => bail!(
                "decoded boxes are [B, A, 5 + classes], floating point, not {}",
                described(decoded)
            ),
        };
        self.check_classes(classes as usize)?;
        Ok(decoded.size()[0] as usize)
    }

    /// Rows `[n, 7]` of all images, float32 on the device, in the order of images and places. Waits for their number.
    fn candidates(&self, decoded: &Tensor) -> Result<Tensor> {
        let decoded = decoded.f_detach()?.f_to_kind(Kind::Float)?;
        let objects = decoded.f_narrow(2, 4, 1)?;
        let mut scores = decoded.f_narrow(2, 5, decoded.size()[2] - 5)?;
        if self.with_confidence {
            scores = scores.f_mul(&objects)?;
        }
        let mut likely = scores
            .f_gt(self.conf)?
            .f_logical_and(&objects.f_gt(self.conf)?)?;
        if !self.multi_label_per_box {
            likely = likely.f_logical_and(&most_probable(&scores)?)?;
        }
        if let Some(classes) = &self.classes {
            likely = likely.f_logical_and(&mask_of(classes, &scores)?)?;
        }
        let places = likely.f_nonzero()?;
        let [image, anchor, class] = [0, 1, 2].map(|column| places.f_select(1, column));
        let (image, anchor, class) = (image?, anchor?, class?);
        let boxes = centers_to_corners(&decoded.f_narrow(2, 0, 4)?)?;
        let boxes = boxes.f_index(&[Some(&image), Some(&anchor)])?;
        let scores = scores.f_index(&[Some(&image), Some(&anchor), Some(&class)])?;
        let column = |tensor: &Tensor| tensor.f_to_kind(Kind::Float)?.f_unsqueeze(1);
        let parts = [column(&image)?, column(&class)?, boxes, column(&scores)?];
        Ok(Tensor::f_cat(&parts, 1)?)
    }

    fn of_image(&self, rows: &[[f32; COLUMNS]]) -> Vec<Detection> {
        let all: Vec<Detection> = rows.iter().map(detection).collect();
        let classes = match self.class_agnostic_nms {
            true => Vec::new(),
            false => all.iter().map(|found| found.class).collect(),
        };
        let candidates = Candidates {
            boxes: all.iter().map(|found| found.corners).collect(),
            scores: all.iter().map(|found| found.score).collect(),
            classes,
        };
        let kept = candidates.remaining(self.iou, self.max_predictions);
        kept.into_iter().map(|place| all[place]).collect()
    }
}

fn check_name(name: &str) -> Result<()> {
    if OTHERS.contains(&name) {
        bail!(
            "`post_prediction_callback: {name}` belongs to networks that are not there; for YOLOX use `{NAME}`"
        );
    }
    ensure!(
        name == NAME,
        "unknown `post_prediction_callback` `{name:.200}`: use `{NAME}`"
    );
    Ok(())
}

/// True at the first of the most probable classes of each place.
fn most_probable(scores: &Tensor) -> Result<Tensor> {
    let best = scores.f_argmax(2, true)?;
    let classes = Tensor::f_arange(scores.size()[2], (Kind::Int64, scores.device()))?;
    Ok(best.f_eq_tensor(&classes)?)
}

/// True for the wanted classes, `[C]`.
fn mask_of(classes: &[i64], scores: &Tensor) -> Result<Tensor> {
    let count = scores.size()[2];
    let wanted: Vec<bool> = (0..count).map(|class| classes.contains(&class)).collect();
    Ok(Tensor::f_from_slice(&wanted)?.f_to_device(scores.device())?)
}

fn detection(row: &[f32; COLUMNS]) -> Detection {
    let [_, class, x1, y1, x2, y2, score] = *row;
    Detection {
        corners: [x1, y1, x2, y2],
        score,
        class: class as i64,
    }
}
