//! `yolox_n`, `yolox_t`, `yolox_s`, `yolox_m`, `yolox_l`, `yolox_x` and `custom_yolox` (Ge et al. 2021): CSPDarknet, a
//! path aggregation network and decoupled heads at strides 8, 16 and 32. Owns their `arch_params` and sizes.
//!
//! Tensors have the names and shapes of the public checkpoints, with `stem_type: focus`. SuperGradients' stem is the
//! default here: a 6×6 convolution, which computes the same from weights in another order.
//!
//! In training a network answers its raw levels `p3`, `p4` and `p5`, `[B, 5 + C, h, w]`. In evaluation `decoded`
//! `[B, A, 5 + C]` stands before them: cx, cy, w and h in pixels of the input, the probability of an object, and those of
//! the classes.

mod backbone;
mod blocks;
mod head;
mod neck;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, ensure};
use serde::Deserialize;
use serde_json::Value;
use torch_ext::{Items, Shape};

use self::backbone::Backbone;
use self::blocks::Kernel;
use self::head::Head;
use self::neck::Neck;
use super::blueprint::Blueprint;
use super::variables::Variables;
use super::{Architecture, Network};
use crate::detection::post_prediction::DECODED;
use crate::params;

/// The sides of the cells of the three levels, in pixels of the input.
const STRIDES: [i64; 3] = [8, 16, 32];
/// The decoded boxes, and the raw levels.
const OUTPUTS: [&str; 4] = [DECODED, "p3", "p4", "p5"];

/// `arch_params` of the networks.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    /// The first layer; a 6×6 convolution by default.
    stem_type: Option<Stem>,
    /// 3×3 convolutions are depthwise, with a 1×1 behind each. By default so in `yolox_n` alone.
    depthwise: Option<bool>,
    /// The channels of images, which the data say too.
    channels_in: Option<i64>,
    /// The channels in a head; by default 256 times the width.
    xhead_inter_channels: Option<i64>,
    /// The depth of `custom_yolox`.
    depth_mult_factor: Option<f64>,
    /// The width of `custom_yolox`.
    width_mult_factor: Option<f64>,
}

/// The first layer, which halves the sides twice with the one behind it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
enum Stem {
    /// A 6×6 convolution of stride 2, as in SuperGradients.
    #[default]
    #[serde(rename = "6x6", alias = "conv")]
    Conv,
    /// Four pixels become channels, and a 3×3 convolution follows, as in the public checkpoints.
    #[serde(rename = "focus")]
    Focus,
}

/// The sizes of a network.
struct YoloX {
    stem: Stem,
    depth: f64,
    width: f64,
    kernel: Kernel,
    image_channels: Option<i64>,
    head_channels: Option<i64>,
}

/// The numbers that stand behind a name.
#[derive(Clone, Copy)]
struct Named {
    depth: f64,
    width: f64,
    is_depthwise: bool,
}

impl Named {
    const fn dense(depth: f64, width: f64) -> Named {
        Named {
            depth,
            width,
            is_depthwise: false,
        }
    }
}

const NANO: Named = Named {
    is_depthwise: true,
    ..Named::dense(0.33, 0.25)
};

/// Reads the `arch_params` of `yolox_n`.
pub(super) fn read_n(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    named(NANO, owner, block)
}

/// Reads the `arch_params` of `yolox_t`.
pub(super) fn read_t(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    named(Named::dense(0.33, 0.375), owner, block)
}

/// Reads the `arch_params` of `yolox_s`.
pub(super) fn read_s(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    named(Named::dense(0.33, 0.5), owner, block)
}

/// Reads the `arch_params` of `yolox_m`.
pub(super) fn read_m(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    named(Named::dense(0.67, 0.75), owner, block)
}

/// Reads the `arch_params` of `yolox_l`.
pub(super) fn read_l(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    named(Named::dense(1.0, 1.0), owner, block)
}

/// Reads the `arch_params` of `yolox_x`.
pub(super) fn read_x(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    named(Named::dense(1.33, 1.25), owner, block)
}

/// Reads the `arch_params` of `custom_yolox`, which has the depth and the width that are written.
pub(super) fn read_custom(owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    let written: Written = params::read(owner, block)?;
    let depth = factor("depth_mult_factor", written.depth_mult_factor)?;
    let width = factor("width_mult_factor", written.width_mult_factor)?;
    YoloX::architecture(Named::dense(depth, width), written)
}

/// A factor of a custom network; 1 by default.
fn factor(key: &str, written: Option<f64>) -> Result<f64> {
    let factor = written.unwrap_or(1.0);
    ensure!(
        (0.01..=16.0).contains(&factor),
        "`{key}` = {factor}: give a number from 0.01 to 16"
    );
    Ok(factor)
}

fn named(sizes: Named, owner: &str, block: &Value) -> Result<Arc<dyn Architecture>> {
    let written: Written = params::read(owner, block)?;
    for (key, factor, own) in [
        ("depth_mult_factor", written.depth_mult_factor, sizes.depth),
        ("width_mult_factor", written.width_mult_factor, sizes.width),
    ] {
        ensure!(
            factor.is_none_or(|factor| factor == own),
            "parameters of {owner}: `{key}` is {own} in this network: remove it, or use `custom_yolox`"
        );
    }
    YoloX::architecture(sizes, written).with_context(|| format!("parameters of {owner}"))
}

impl YoloX {
    fn architecture(sizes: Named, written: Written) -> Result<Arc<dyn Architecture>> {
        let head_channels = written.xhead_inter_channels;
        ensure!(
            head_channels.is_none_or(|channels| (1..=65_536).contains(&channels)),
            "`xhead_inter_channels` must be from 1 to 65536"
        );
        Ok(Arc::new(YoloX {
            stem: written.stem_type.unwrap_or_default(),
            depth: sizes.depth,
            width: sizes.width,
            kernel: Kernel::of(written.depthwise.unwrap_or(sizes.is_depthwise)),
            image_channels: written.channels_in,
            head_channels,
        }))
    }

    /// Channels at this width, rounded down as in the paper's code.
    fn channels(&self, full: i64) -> i64 {
        ((full as f64 * self.width) as i64).max(1)
    }

    /// Blocks in a layer that has `full` of them at depth 1. Halves are rounded to even numbers, as Python does.
    fn blocks(&self, full: i64) -> i64 {
        let blocks = (full as f64 * self.depth).round_ties_even();
        (blocks as i64).max(1)
    }

    /// The channels of images.
    ///
    /// # Errors
    /// Others than `channels_in`.
    fn inputs(&self, (channels, ..): (i64, i64, i64)) -> Result<i64> {
        ensure!(
            self.image_channels
                .is_none_or(|written| written == channels),
            "`channels_in` is {}, and the data's images have {channels} channels: remove the key",
            self.image_channels.unwrap_or_default()
        );
        Ok(channels)
    }
}

/// Refuses sides that 32 does not divide: levels would not lie over one another.
fn check_sides(sides: &[i64]) -> Result<()> {
    ensure!(
        sides.iter().all(|side| side % 32 == 0 && *side > 0),
        "takes images whose sides 32 divides, and these are of {sides:?}"
    );
    Ok(())
}

impl Architecture for YoloX {
    /// Names: those of the public checkpoints.
    fn build(&self, variables: &mut Variables, blueprint: &Blueprint) -> Result<Box<dyn Network>> {
        let sizes = blueprint.sizes()?;
        let image_channels = self.inputs(sizes.image()?)?;
        Ok(Box::new(Detector {
            backbone: Backbone::new(variables, self, image_channels)?,
            neck: Neck::new(variables, self)?,
            head: Head::new(variables, self, sizes.outputs)?,
        }))
    }

    fn outputs(&self) -> &'static [&'static str] {
        &OUTPUTS
    }
}

/// The network.
struct Detector {
    backbone: Backbone,
    neck: Neck,
    head: Head,
}

impl Network for Detector {
    fn takes(&self, sides: [i64; 2]) -> Result<bool> {
        check_sides(&sides).map(|()| true)
    }

    fn forward(&self, inputs: &Items, train: bool) -> Result<Items> {
        let images = inputs.single("inputs")?;
        if let [_, _, sides @ ..] = &*Shape::of(images) {
            check_sides(sides)
                .map_err(|error| anyhow!("{error}: pad or scale them, as `DetectionPaddedRescale: {{input_dim: […]}}` does"))?;
        }
        let features = self.backbone.forward(images, train)?;
        let features = self.neck.forward(features, train)?;
        self.head.forward(&features, train)
    }
}
