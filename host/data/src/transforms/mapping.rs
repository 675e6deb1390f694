//! The mapping form of transforms: five keys in a fixed order, their checks and the shape that results. Computes no pixel;
//! `augment` does, in one pass, or the transforms of the list that the mapping is lowered to.

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::TransformConfig;
use crate::raster::SIDE_LIMIT;

/// The mapping form of a loader's transforms, applied in the order of the fields. Everything is off by default. It does
/// the same as the list `Resize`, `CenterCrop` or `RandomCrop`, `RandomHorizontalFlip`, `Normalize`, with the same draws.
///
/// All of them but `normalize` work on 8-bit pixels, so a data set that is not made of images refuses them.
/// Random choices are made anew for each sample and epoch, and depend on the seed, the epoch and the sample alone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Bilinear, antialiased resizing.
    pub resize: Option<Resize>,
    /// Keeps the middle square of this side, in pixels; the odd pixel that is left over is cut at the bottom and right.
    pub center_crop: Option<usize>,
    /// Keeps a square at a random place. Cannot be combined with `center_crop`.
    pub random_crop: Option<RandomCrop>,
    /// The probability of mirroring left and right.
    pub horizontal_flip: f64,
    /// `(value − mean) / std` on values scaled to `[0, 1]`; without it, the data set's own statistics.
    pub normalize: Option<Normalize>,
}

/// The size to resize to, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "`resize` is the length of the shorter side or [height, width], in pixels"
)]
pub enum Resize {
    /// The shorter side gets this length; the longer one follows, so that the picture keeps its proportions.
    ShorterSide(usize),
    /// `[height, width]`, whatever the proportions were.
    Exact([usize; 2]),
}

impl Resize {
    /// `[height, width]` of an image that had `size`.
    pub(super) fn of(self, size: [usize; 2]) -> Result<[usize; 2]> {
        let wanted = match self {
            Resize::Exact(wanted) => wanted,
            Resize::ShorterSide(side) => {
                let shorter = size[0].min(size[1]).max(1);
                size.map(|length| length.saturating_mul(side) / shorter)
            }
        };
        let fits = wanted.iter().all(|side| (1..=SIDE_LIMIT).contains(side));
        ensure!(
            fits,
            "`resize` gives {wanted:?} pixels; each side must be in 1..={SIDE_LIMIT}"
        );
        Ok(wanted)
    }
}

/// A square at a random place.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomCrop {
    /// Side of the square, in pixels.
    pub size: usize,
    /// Black pixels added on each side first.
    #[serde(default)]
    pub padding: usize,
}

/// Statistics of values scaled to `[0, 1]`: one number for each channel, or one for all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalize {
    /// The mean, which is subtracted.
    pub mean: Vec<f64>,
    /// The standard deviation, which is divided by.
    pub std: Vec<f64>,
}

/// The scale that makes bytes the float32 values a network takes, by channel: `byte × factor + offset`.
#[derive(Debug, Clone, PartialEq)]
pub struct ByteScale {
    /// One factor for each channel.
    pub factor: Vec<f32>,
    /// One offset for each channel.
    pub offset: Vec<f32>,
}

impl Augmentation {
    /// The shape of a sample after these transforms, without the batch dimension: `[channels, height, width]` for images.
    ///
    /// # Errors
    /// When a transform does not fit `input_shape` or its own limits; the message names the transform.
    pub(crate) fn output_shape(&self, input_shape: &[i64]) -> Result<Vec<i64>> {
        let &[channels, height, width] = input_shape else {
            ensure!(
                *self == Self::default(),
                "transforms need images, but a sample here has shape {input_shape:?}"
            );
            return Ok(input_shape.to_vec());
        };
        let probability = self.horizontal_flip;
        ensure!(
            (0.0..=1.0).contains(&probability),
            "`horizontal_flip` is a probability, not {probability}"
        );
        self.normalize
            .iter()
            .try_for_each(|normalize| normalize.check(channels as usize))?;
        let [height, width] = self.cropped([height as usize, width as usize])?;
        Ok(vec![channels, height as i64, width as i64])
    }

    /// `[height, width]` of an image of `size` after `resize`.
    pub(crate) fn resized(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        self.resize.map_or(Ok(size), |resize| resize.of(size))
    }

    /// The list that does the same.
    pub(super) fn lowered(&self) -> Result<Vec<TransformConfig>> {
        let flip = (self.horizontal_flip > 0.0).then_some(self.horizontal_flip);
        let steps: [(&str, Option<Value>); 5] = [
            ("Resize", self.resize.map(|size| json!({ "size": size }))),
            (
                "CenterCrop",
                self.center_crop.map(|size| json!({ "size": size })),
            ),
            ("RandomCrop", self.random_crop.map(|crop| json!(crop))),
            (
                "RandomHorizontalFlip",
                flip.map(|prob| json!({ "prob": prob })),
            ),
            (
                "Normalize",
                self.normalize.as_ref().map(|normalize| json!(normalize)),
            ),
        ];
        let given = steps
            .into_iter()
            .filter_map(|(name, step)| Some((name, step?)));
        given
            .map(|(name, step)| Ok(serde_json::from_value(json!({ name: step }))?))
            .collect()
    }

    /// `[height, width]` of an image of `size` after `resize` and the crop.
    pub(crate) fn cropped(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        let resized = self.resized(size)?;
        let (name, side, padding) = match (self.center_crop, self.random_crop) {
            (None, None) => return Ok(resized),
            (Some(side), None) => ("center_crop", side, 0),
            (None, Some(RandomCrop { size, padding })) => ("random_crop", size, padding),
            (Some(_), Some(_)) => {
                bail!("`center_crop` and `random_crop` exclude each other: set one of them")
            }
        };
        ensure!(
            side > 0 && padding <= SIDE_LIMIT,
            "`{name}` needs a size of at least 1 and padding up to {SIDE_LIMIT}"
        );
        let room = resized.map(|length| length + 2 * padding);
        ensure!(
            side <= room[0].min(room[1]),
            "`{name}` of {side} pixels does not fit an image of {room:?} (padding included)\nhint: resize first"
        );
        Ok([side, side])
    }
}

/// The value of one channel; the first value stands for those that are not given.
fn of_channel(values: &[f64], channel: usize) -> Option<f32> {
    let value = values.get(channel).or(values.first());
    value.map(|value| *value as f32)
}

impl Normalize {
    /// The statistics `(mean, std)` of one channel.
    pub(crate) fn channel(&self, channel: usize) -> Result<(f32, f32)> {
        let mean = of_channel(&self.mean, channel);
        mean.zip(of_channel(&self.std, channel))
            .context("`normalize` needs a mean and a std")
    }

    /// The statistics as a scale of bytes, of which `white` is the brightest.
    pub(crate) fn of_bytes(&self, channels: usize, white: f32) -> Result<ByteScale> {
        let statistics = (0..channels)
            .map(|channel| self.channel(channel))
            .collect::<Result<Vec<_>>>()?;
        let factor = statistics
            .iter()
            .map(|(_, std)| 1.0 / (white * std))
            .collect();
        let offset = statistics.iter().map(|(mean, std)| -mean / std).collect();
        Ok(ByteScale { factor, offset })
    }

    /// Statistics that change nothing.
    pub(crate) fn identity() -> Self {
        Self {
            mean: vec![0.0],
            std: vec![1.0],
        }
    }

    /// Refuses statistics that are not numbers, or not as many as channels.
    pub(super) fn check(&self, channels: usize) -> Result<()> {
        for (name, values) in [("mean", &self.mean), ("std", &self.std)] {
            let count = values.len();
            ensure!(
                count == 1 || count == channels,
                "`normalize.{name}` has {count} numbers for {channels} channels\nhint: give one per channel, or one for all"
            );
            ensure!(
                values.iter().all(|value| value.is_finite()),
                "`normalize.{name}` must be finite: {values:?}"
            );
        }
        ensure!(
            self.std.iter().all(|&std| std > 0.0),
            "`normalize.std` must be positive: {:?}",
            self.std
        );
        Ok(())
    }
}
