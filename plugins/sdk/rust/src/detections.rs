//! Detections of a YOLOX network, and pictures of them, for callbacks that show what a network finds. Owns the way from
//! its output and from the rows of a target to boxes with names and colors; the host leaves boxes out and draws.
//!
//! A picture costs about ten syncs an image, so a callback that draws needs the grant `sync`.

mod boxes;
mod levels;
mod shown;

use serde::Deserialize;

pub use boxes::Boxes;
pub use levels::decode;
pub use shown::{Shown, check_facts};

use crate::bindings::phasebox::train::tensor::{self, Tensor};
use crate::bindings::phasebox::train::types::{Dtype, Error};
use crate::bindings::phasebox::train::vision;
use crate::error::Result;

/// The most boxes that are drawn on an image.
const MOST_BOXES: i64 = 1024;
/// The most places of an image that may be detections, the best first: the host compares all pairs of them.
const MOST_LIKELY: i64 = 4096;
/// Lengths beyond this are none of an image.
const FAR: f64 = 1e5;

/// The way from decoded output to detections: SuperGradients' `YoloXPostPredictionCallback`, with its names and defaults.
/// Each parameter means what it means for the metrics of a recipe.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PostPrediction {
    /// Objects and scores that are not above it are left out.
    pub conf: f64,
    /// A box that overlaps a better one of its class by more is left out.
    pub iou: f64,
    /// The classes to find; all of them by default.
    pub classes: Option<Vec<i64>>,
    /// The most detections of an image, the best first.
    pub max_predictions: i64,
    /// The score is the probability of the class times that of an object, or else that of the class alone.
    pub with_confidence: bool,
    /// Boxes of different classes leave each other out as well.
    pub class_agnostic_nms: bool,
    /// A place may be several classes at once, or else the most probable one.
    pub multi_label_per_box: bool,
}

impl Default for PostPrediction {
    fn default() -> PostPrediction {
        PostPrediction {
            conf: 0.001,
            iou: 0.6,
            classes: None,
            max_predictions: 300,
            with_confidence: true,
            class_agnostic_nms: false,
            multi_label_per_box: true,
        }
    }
}

impl PostPrediction {
    /// Refuses values that are out of range. Crosses nothing.
    ///
    /// # Errors
    /// The parameter by its name.
    pub fn check(&self) -> Result<()> {
        for (name, value) in [("conf", self.conf), ("iou", self.iou)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(refused(name, "a number between 0 and 1"));
            }
        }
        if self.max_predictions < 1 {
            return Err(refused("max_predictions", "at least 1"));
        }
        match &self.classes {
            Some(classes) if classes.is_empty() || classes.iter().any(|class| *class < 0) => {
                Err(refused("classes", "a list of indices from 0 on"))
            }
            _ => Ok(()),
        }
    }

    /// The detections of an image, the best first. `decoded` is `[A, 5 + C]`, float32: center x and y, width, height, then
    /// the probabilities of an object and of each class. Syncs four times.
    ///
    /// # Errors
    /// A class to find that is not there; those of the host.
    pub fn found(&self, decoded: &Tensor) -> Result<Boxes> {
        let classes = decoded.shape()?.last().copied().unwrap_or(0) - 5;
        let (scores, order) = self.likely(decoded, classes)?;
        if length(&scores)? == 0 {
            return Boxes::none(decoded);
        }
        let rows = place_of(&order, classes)?;
        let classes = order.add(&rows, -(classes as f64))?;
        let bounds = decoded.narrow(1, 0, 4)?.index_select(0, &rows)?;
        let corners = corners(&bounds)?;
        let apart = (!self.class_agnostic_nms).then_some(&classes);
        let kept = vision::nms(&corners, &scores, apart, self.iou)?;
        let kept = first(&kept, self.max_predictions.min(MOST_BOXES))?;
        let count = length(&kept)? as u32;
        Ok(Boxes {
            corners: corners.index_select(0, &kept)?,
            classes: classes.index_select(0, &kept)?.read_s64(0, count)?,
            scores: scores.index_select(0, &kept)?.read_f32(0, count)?,
        })
    }

    /// Scores that may be detections, the best first, and their places in `[A, C]`. Syncs.
    fn likely(&self, decoded: &Tensor, classes: i64) -> Result<(Tensor, Tensor)> {
        let objects = decoded.narrow(1, 4, 1)?;
        let mut scores = decoded.narrow(1, 5, classes)?;
        if self.with_confidence {
            scores = scores.mul(&objects)?;
        }
        let mut likely = scores
            .gt_scalar(self.conf)?
            .logical_and(&objects.gt_scalar(self.conf)?)?;
        if !self.multi_label_per_box {
            let best = scores.argmax(1, false)?.one_hot(classes as u32)?;
            likely = likely.logical_and(&best)?;
        }
        if let Some(wanted) = &self.classes {
            likely = likely.logical_and(&mask_of(wanted, classes)?)?;
        }
        let scores = likely
            .choose_if_false_scalar(&scores, 0.0)?
            .reshape(&[-1])?;
        let most = length(&scores)?.min(MOST_LIKELY);
        let (scores, order) = scores.topk(most as u32, 0)?;
        let count = scores.gt_scalar(self.conf)?.count_nonzero()?.item()? as i64;
        Ok((first(&scores, count)?, first(&order, count)?))
    }
}

fn refused(name: &str, needed: &str) -> Error {
    Error::invalid(format!(
        "parameter `post_prediction_callback`: `{name}` must be {needed}"
    ))
}

/// The row of each place in `[A, columns]`.
fn place_of(order: &Tensor, columns: i64) -> Result<Tensor> {
    let columns = columns as f64;
    // From the middle of a place, no rounding leads into the row before.
    let rows = order.to_dtype(Dtype::Float64)?;
    let rows = rows.affine(1.0 / columns, 0.5 / columns)?;
    rows.floor()?.to_dtype(Dtype::Int64)
}

/// 1 for the wanted classes, `[C]`.
fn mask_of(wanted: &[i64], classes: i64) -> Result<Tensor> {
    if let Some(class) = wanted.iter().find(|class| **class >= classes) {
        return Err(Error::invalid(format!(
            "parameter `post_prediction_callback`: `classes` has {class}, and the network has {classes}, from 0 on"
        )));
    }
    let wanted = tensor::from_s64(&[wanted.len() as i64], wanted, "")?;
    wanted.one_hot(classes as u32)?.amax(&[0], false)
}

/// Left, top, right and bottom of boxes by center and size, all of them finite.
fn corners(bounds: &Tensor) -> Result<Tensor> {
    let bounds = bounds.to_dtype(Dtype::Float32)?;
    let bounds = bounds.nan_to_num(0.0, Some(FAR), Some(-FAR))?;
    let sizes = bounds.narrow(1, 2, 2)?.clamp(Some(0.0), Some(FAR))?;
    let centers = bounds.narrow(1, 0, 2)?.clamp(Some(-FAR), Some(FAR))?;
    let bounds = tensor::cat(&[&centers, &sizes], 1)?;
    vision::box_convert(&bounds, "cxcywh", "xyxy")
}

fn length(rows: &Tensor) -> Result<i64> {
    Ok(rows.shape()?.first().copied().unwrap_or(0))
}

/// The first rows, `most` of them at most.
fn first(rows: &Tensor, most: i64) -> Result<Tensor> {
    rows.narrow(0, 0, length(rows)?.min(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_out_of_range_are_refused_by_name() {
        for (json, named) in [
            (r#"{"conf": 1.5}"#, "`conf`"),
            (r#"{"iou": -0.1}"#, "`iou`"),
            (r#"{"max_predictions": 0}"#, "`max_predictions`"),
            (r#"{"classes": []}"#, "`classes`"),
            (r#"{"classes": [-1]}"#, "`classes`"),
            (r#"{"classes": [3], "conf": 0}"#, ""),
        ] {
            let read: PostPrediction = serde_json::from_str(json).expect("its keys");
            let message = read
                .check()
                .map_or_else(|error| error.message, |()| String::new());
            assert_eq!(message.is_empty(), named.is_empty(), "{json}: {message}");
            assert!(message.contains(named), "{json}: {message}");
        }
    }
}
