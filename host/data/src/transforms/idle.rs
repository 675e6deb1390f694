//! Transforms that change no sample, because images have the size already or the parameters ask for nothing. Owns the
//! conditions; everything else about transforms is elsewhere.

use anyhow::Result;
use serde_json::Value;

use super::{TransformConfig, Transforms};
use crate::Dataset;

/// A transform that changes no sample.
pub struct Idle {
    /// Its name in a list of transforms.
    pub name: &'static str,
    /// Its key in the mapping form.
    pub key: &'static str,
    /// The number of transforms of the same name before it.
    pub before: usize,
    /// The reason, in words.
    pub reason: String,
}

/// Transforms that make a size, and the keys of those that the mapping form has.
const SIZED: &[(&str, &str)] = &[
    ("Resize", "resize"),
    ("CenterCrop", "center_crop"),
    ("RandomCrop", "random_crop"),
    ("DetectionRescale", ""),
    ("DetectionPadToSize", ""),
    ("SegResize", ""),
    ("SegRescale", ""),
    ("SegCropImageAndMask", ""),
    ("SegPadShortToCropSize", ""),
];

/// Added to the sides of the first image where others may have another size.
const OTHER_SIDES: [usize; 2] = [17, 31];

impl Transforms {
    /// The transforms that change no sample of a data set.
    ///
    /// # Errors
    /// Those of transforms that do not fit the data set.
    pub(crate) fn idle(&self, dataset: &dyn Dataset) -> Result<Vec<Idle>> {
        let &[channels, height, width] = dataset.input_shape().as_slice() else {
            return Ok(Vec::new());
        };
        let shape = [channels, height, width].map(|side| side as usize);
        // Two images of different sizes: where both leave a transform alike, all do.
        let mut shapes = [shape; 2];
        if dataset.decodes() {
            shapes[1] = [
                shape[0],
                shape[1] + OTHER_SIDES[0],
                shape[2] + OTHER_SIDES[1],
            ];
        }
        let (mut idle, mut names) = (Vec::new(), Vec::new());
        let steps = self.steps()?;
        let lacks_boxes = lacks_boxes(&steps, dataset)?;
        for step in steps {
            let (name, [before, other]) = (step.name(), shapes);
            shapes[0] = step.transform().output(before)?;
            // An image that somebody made up may be too large.
            shapes[1] = step.transform().output(other).unwrap_or(other);
            let reason = match before == other && shapes[0] == before {
                true => same_size(&step, before).or_else(|| no_tone(&step, before[0])),
                false => no_tone(&step, before[0]),
            };
            let reason = reason.or_else(|| no_boxes(&step, lacks_boxes));
            let before = names.iter().filter(|known| **known == name).count();
            idle.extend(reason.map(|reason| Idle {
                name,
                key: key(name),
                before,
                reason,
            }));
            names.push(name);
        }
        Ok(idle)
    }
}

fn key(name: &str) -> &'static str {
    let row = SIZED.iter().find(|(known, _)| *known == name);
    row.map_or("", |(_, key)| key)
}

/// The parameters of a transform.
pub(super) fn parameters(step: &TransformConfig) -> Value {
    let written = serde_json::to_value(step).unwrap_or_default();
    written.get(step.name()).cloned().unwrap_or_default()
}

/// A transform to the size that images have.
fn same_size(step: &TransformConfig, [_, height, width]: [usize; 3]) -> Option<String> {
    let is_sized = SIZED.iter().any(|(name, _)| *name == step.name());
    let is_padded = parameters(step)["padding"].as_u64().unwrap_or(0) > 0;
    let reason = || format!("images are {height}×{width} there already");
    (is_sized && !is_padded).then(reason)
}

/// The transform that only changes boxes.
pub(crate) const OF_BOXES: &str = "DetectionTargetsFormatTransform";

/// True if a transform asks for boxes that the first sample does not have.
fn lacks_boxes(steps: &[TransformConfig], dataset: &dyn Dataset) -> Result<bool> {
    let asks = steps.iter().any(|step| step.name() == OF_BOXES);
    Ok(asks && dataset.sample(0)?.boxes_mut().next().is_none())
}

/// A form of boxes for samples that have none.
fn no_boxes(step: &TransformConfig, lacks_boxes: bool) -> Option<String> {
    let is_idle = lacks_boxes && step.name() == OF_BOXES;
    is_idle.then(|| "samples here have no boxes".to_owned())
}

/// A jitter of nothing, or of the colors of gray images.
fn no_tone(step: &TransformConfig, channels: usize) -> Option<String> {
    if !step.name().ends_with("ColorJitter") {
        return None;
    }
    let parameters = parameters(step);
    let is_off = |key: &str| parameters[key].is_null() || parameters[key].as_f64() == Some(0.0);
    let has_light = !is_off("brightness") || !is_off("contrast");
    let has_color = !is_off("saturation") || !is_off("hue");
    match (has_light, has_color) {
        (false, false) => Some("none of its ranges is given".to_owned()),
        (false, true) if channels != 3 => {
            Some("gray images have neither saturation nor hue".to_owned())
        }
        _ => None,
    }
}
