//! The meaning of a network's output for one image: boxes in its pixels, or classes with probabilities. Decides which of
//! the two it is; writes nothing.

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_data::Picture;
use phasebox_nn::detection::Detection;
use phasebox_nn::detection::post_prediction::{DECODED, PostPrediction};
use phasebox_train::trainer::Predictor;
use serde::Serialize;
use tch::{Device, Kind, Tensor};
use torch_ext::Items;

/// The most classes that are told of an image.
const MOST_CLASSES: usize = 5;

/// Losses whose classes do not exclude each other.
const SEPARATE: [&str; 2] = ["BCEWithLogitsLoss", "PresenceLoss"];

/// The predictions for one image.
pub(super) enum Outcome {
    Boxes(Vec<Boxed>),
    Classes(Vec<Likely>),
}

/// A thing that was found.
#[derive(Serialize)]
pub(super) struct Boxed {
    pub(super) class: String,
    /// The index of the class.
    pub(super) index: i64,
    pub(super) score: f64,
    /// Left, top, right and bottom, in pixels of the image.
    #[serde(rename = "box")]
    pub(super) corners: [f64; 4],
}

impl Boxed {
    /// False for a box in the border that transforms lay around an image.
    fn is_inside(&self) -> bool {
        let [x1, y1, x2, y2] = self.corners;
        x1 < x2 && y1 < y2
    }
}

/// A class that the image may have.
#[derive(Serialize)]
pub(super) struct Likely {
    pub(super) class: String,
    /// The index of the class.
    index: usize,
    pub(super) probability: f64,
}

/// Refuses numbers that are none, in which no box and no class is found.
fn check_numbers(found: &Tensor) -> Result<()> {
    let is_broken = found.f_isnan()?.f_any()?.f_int64_value(&[])? != 0;
    ensure!(
        !is_broken,
        "the network's output is not a number: its weights have diverged; choose another checkpoint with `--checkpoint`"
    );
    Ok(())
}

/// The meaning of `preds`; boxes have a score of `conf` at least.
///
/// # Errors
/// Output that is neither; an image that the transforms cut or turn, where boxes are wanted.
pub(super) fn of(
    predictor: &Predictor,
    picture: &Picture,
    preds: &Items,
    conf: f64,
) -> Result<Outcome> {
    let names = predictor.class_names().unwrap_or_default();
    if let Ok(decoded) = preds.get(DECODED) {
        check_numbers(decoded)?;
        let post_prediction = predictor.post_prediction().unwrap_or_default();
        return boxes(&post_prediction.with_conf(conf), decoded, picture, names);
    }
    match preds.one() {
        Some(scores) if scores.dim() <= 2 && !names.is_empty() => {
            classes(scores, names, predictor.loss())
        }
        _ => bail!(
            "the network gives {}, which is neither boxes nor the classes of an image",
            preds.described()
        ),
    }
}

fn boxes(
    post_prediction: &PostPrediction,
    decoded: &Tensor,
    picture: &Picture,
    names: &[String],
) -> Result<Outcome> {
    let place = picture.place.context(
        "the transforms of validation cut or turn the image, so places in it cannot be told",
    )?;
    let found = post_prediction.detections(decoded)?;
    let boxed = |found: &Detection| Boxed {
        class: name(names, found.class),
        index: found.class,
        score: f64::from(found.score),
        corners: place.back(found.corners).map(f64::from),
    };
    let boxes = found.iter().flatten().map(boxed);
    Ok(Outcome::Boxes(boxes.filter(Boxed::is_inside).collect()))
}

/// The name of a class; its number where it has none.
fn name(names: &[String], class: i64) -> String {
    let place = usize::try_from(class).ok();
    let name = place.and_then(|place| names.get(place));
    name.cloned().unwrap_or_else(|| class.to_string())
}

fn classes(scores: &Tensor, names: &[String], loss: &str) -> Result<Outcome> {
    let scores = scores.f_reshape([-1])?.f_to_kind(Kind::Float)?;
    let is_alone = scores.size() == [1];
    let probabilities = match is_alone || SEPARATE.contains(&loss) {
        true => scores.f_sigmoid()?,
        false => scores.f_softmax(0, Kind::Float)?,
    };
    check_numbers(&probabilities)?;
    let here = probabilities.f_to_device(Device::Cpu)?;
    let mut all: Vec<f64> = Vec::try_from(&here.f_to_kind(Kind::Double)?)?;
    if is_alone {
        // One logit is the second class against the first.
        all.insert(0, 1.0 - all[0]);
    }
    let mut likely: Vec<Likely> = all
        .into_iter()
        .enumerate()
        .map(|(index, probability)| Likely {
            class: name(names, index as i64),
            index,
            probability,
        })
        .collect();
    likely.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    likely.truncate(MOST_CLASSES);
    Ok(Outcome::Classes(likely))
}
