//! The batch that a callback shows: its images, its decoded boxes, and whether a run has both.

use serde_json::Value;

use super::{Boxes, decode, length};
use crate::bindings::phasebox::train::context::PhaseContext;
use crate::bindings::phasebox::train::tensor::Tensor;
use crate::bindings::phasebox::train::types::{Dtype, Error};
use crate::error::Result;

/// The decoded output of a detection network, by its name among the predictions.
const DECODED: &str = "decoded";
/// The most images of a picture, and the most elements that the host logs.
const MOST_IMAGES: i64 = 64;
const MOST_ELEMENTS: i64 = 16 << 20;

/// The first images of a batch, with everything that pictures of them show. Handles end with the call.
pub struct Shown {
    /// The images that the network saw, `[N, C, H, W]`.
    pub inputs: Tensor,
    /// The decoded output, `[N, A, 5 + C]`.
    pub decoded: Tensor,
    /// The target of the whole batch, `[M, 6]`.
    pub target: Tensor,
}

impl Shown {
    /// The first images of the batch of a phase at which there are predictions: `most` of them, or 64, or as many as a
    /// logged picture holds, `tiles` for each.
    ///
    /// # Errors
    /// A network without decoded boxes; those of the host.
    pub fn of(ctx: &PhaseContext, most: Option<i64>, tiles: i64) -> Result<Shown> {
        let inputs = ctx.inputs()?;
        let sizes = inputs.shape()?;
        let [images, _, height, width] = sizes[..] else {
            return Err(Error::invalid(format!(
                "inputs of shape {sizes:?} are no images"
            )));
        };
        let room = MOST_ELEMENTS / (tiles * 3 * height * width).max(1);
        let most = most.unwrap_or(images).min(MOST_IMAGES).min(room);
        let images = images.min(most);
        Ok(Shown {
            inputs: inputs.narrow(0, 0, images)?,
            decoded: decoded(ctx, height)?.narrow(0, 0, images)?,
            target: ctx.target()?,
        })
    }

    /// The images from black to white, `[N, 3, H, W]` uint8: their smallest and their largest value decide.
    ///
    /// # Errors
    /// Those of the host.
    pub fn canvases(&self) -> Result<Tensor> {
        let images = self.inputs.to_dtype(Dtype::Float32)?;
        let smallest = images.min_all()?;
        let span = images.max_all()?.sub(&smallest)?.clamp(Some(1e-12), None)?;
        let shades = images.sub(&smallest)?.div(&span)?.affine(255.0, 0.0)?;
        let shades = shades.round()?.to_dtype(Dtype::Uint8)?;
        let mut sizes = shades.shape()?;
        sizes[1] = 3;
        shades.expand(&sizes)
    }

    /// The number of images.
    ///
    /// # Errors
    /// Those of the host.
    pub fn images(&self) -> Result<i64> {
        length(&self.inputs)
    }

    /// The truth of an image. `are_pixels` says what its target is in.
    ///
    /// # Errors
    /// Those of the host.
    pub fn truth(&self, image: i64, are_pixels: bool) -> Result<Boxes> {
        let sizes = self.inputs.shape()?;
        let unit = match (are_pixels, &sizes[..]) {
            (false, [_, _, height, width]) => [*width as f64, *height as f64],
            _ => [1.0, 1.0],
        };
        Boxes::of_truth(&self.target, image, unit)
    }
}

/// The decoded output of the batch, `[B, A, 5 + C]` float32. Raw levels, which a network gives in training, are decoded.
fn decoded(ctx: &PhaseContext, height: i64) -> Result<Tensor> {
    let preds = ctx.preds_group()?;
    let names = preds.names()?;
    if names.iter().any(|name| name == DECODED) {
        return preds.get(DECODED)?.to_dtype(Dtype::Float32);
    }
    let levels = names.iter().map(|name| preds.get(name));
    decode(&levels.collect::<Result<Vec<_>>>()?, height)
}

/// Refuses a run whose images or predictions cannot be shown, by the facts of `check_run`. Crosses nothing.
///
/// # Errors
/// The fact that stands against it.
pub fn check_facts(facts: &Value) -> Result<()> {
    let inputs = facts["inputs"].as_array().map_or(&[][..], Vec::as_slice);
    if let [only] = inputs
        && let Some([channels, _, _]) = only["shape"].as_array().map(Vec::as_slice)
        && matches!(channels.as_u64(), Some(1 | 3))
    {
        let preds = facts["preds"].as_array();
        let has_boxes = preds.is_none_or(|preds| preds.iter().any(|name| name == DECODED));
        return match has_boxes {
            true => Ok(()),
            false => Err(Error::invalid(format!(
                "the network `{}` gives no `{DECODED}` boxes: the callback is for networks such as `yolox_s`",
                facts["network"]["architecture"]
                    .as_str()
                    .unwrap_or_default()
            ))),
        };
    }
    Err(Error::invalid(
        "a sample of this run is no single image of 1 or 3 channels",
    ))
}
