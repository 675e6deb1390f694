//! Sizes of images with masks, as SuperGradients' `Seg…` transforms make them. Their sizes are `[width, height]`.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::numbers::{Color, Range, factors};
use super::{Draw, Transform};
use crate::raster::{Filter, SIDE_LIMIT, check_size};
use crate::sample::{Fill, Move, Sample};

/// A size: one side of a square, or `[width, height]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a size is one side in pixels or [width, height]"
)]
pub(crate) enum CropSize {
    Side(usize),
    Sides([usize; 2]),
}

impl CropSize {
    /// `[height, width]`.
    fn sides(self) -> Result<[usize; 2]> {
        let size = match self {
            CropSize::Side(side) => [side, side],
            CropSize::Sides([width, height]) => [height, width],
        };
        check_size(size)?;
        Ok(size)
    }
}

/// An exact size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegResize {
    h: usize,
    w: usize,
}

impl Transform for SegResize {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        resized(sample, [self.h, self.w])
    }

    fn output(&self, [channels, ..]: [usize; 3]) -> Result<[usize; 3]> {
        check_size([self.h, self.w])?;
        Ok([channels, self.h, self.w])
    }
}

/// Bilinear as Pillow's for the image, nearest for the mask.
fn resized(sample: Sample, size: [usize; 2]) -> Result<Sample> {
    sample.moved(Move::Resize(size, Filter::Antialiased), &Fill::default())
}

/// The sides times a factor, cut to whole pixels.
fn scaled(size: [usize; 2], factor: f64) -> Result<[usize; 2]> {
    let size = size.map(|side| (side as f64 * factor).min(1e9) as usize);
    check_size(size)?;
    Ok(size)
}

/// A size that keeps proportions: by a factor, by the shorter side or by the longer one. One of the three must be given.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rescale {
    scale_factor: Option<f64>,
    short_size: Option<usize>,
    long_size: Option<usize>,
}

impl Rescale {
    fn size(&self, size: [usize; 2]) -> Result<[usize; 2]> {
        let (short, long) = (size[0].min(size[1]), size[0].max(size[1]));
        let to = |wanted: usize, side: usize| wanted as f64 / side.max(1) as f64;
        let given = [
            self.scale_factor.is_some(),
            self.short_size.is_some(),
            self.long_size.is_some(),
        ];
        let given = given.iter().filter(|is_given| **is_given).count();
        ensure!(
            given <= 1,
            "`scale_factor`, `short_size` and `long_size` exclude each other: give one"
        );
        let by_side = self.short_size.map(|wanted| to(wanted, short));
        let by_long = self.long_size.map(|wanted| to(wanted, long));
        let factor = self.scale_factor.or(by_side).or(by_long).unwrap_or(0.0);
        ensure!(
            factor.is_finite() && factor > 0.0,
            "give `scale_factor`, `short_size` or `long_size`, above 0"
        );
        // A product such as 0.1·30 = 2.999… is meant to be the whole number beside it.
        scaled(size, factor * (1.0 + 1e-12))
    }
}

impl Transform for Rescale {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let size = self.size(sample.size()?)?;
        resized(sample, size)
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let [height, width] = self.size([height, width])?;
        Ok([channels, height, width])
    }
}

/// Both sides times a random factor; one number `s` stands for the range from `s` to 1, or from 1 to `s`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomRescale {
    scales: Range,
}

impl Default for RandomRescale {
    fn default() -> Self {
        Self {
            scales: Range::Ends([0.5, 2.0]),
        }
    }
}

impl RandomRescale {
    fn ends(&self) -> Result<[f64; 2]> {
        let ends = match self.scales {
            Range::One(scale) => [scale.min(1.0), scale.max(1.0)],
            Range::Ends(ends) => ends,
        };
        factors("scales", ends)
    }
}

impl Transform for RandomRescale {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let factor = draw.between(self.ends()?);
        let size = scaled(sample.size()?, factor)?;
        resized(sample, size)
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let [low, high] = self.ends()?;
        scaled([height, width], low)?;
        let [height, width] = scaled([height, width], high)?;
        Ok([channels, height, width])
    }

    fn otherwise(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let [low, _] = self.ends()?;
        let [height, width] = scaled([height, width], low)?;
        Ok([channels, height, width])
    }

    fn draws(&self) -> bool {
        true
    }
}

/// A part of a fixed size, at a random place or in the middle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Crop {
    crop_size: CropSize,
    mode: CropMode,
}

/// The place of a crop.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CropMode {
    Random,
    Center,
}

impl Transform for Crop {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let (wanted, old) = (self.crop_size.sides()?, sample.size()?);
        // A side that is shorter than the crop stays as it is, as in SuperGradients.
        let size = [0, 1].map(|axis| wanted[axis].min(old[axis]));
        let at = [0, 1].map(|axis| match self.mode {
            CropMode::Random => draw.place(old[axis] - size[axis]) as isize,
            CropMode::Center => ((old[axis] - size[axis]) / 2) as isize,
        });
        sample.moved(Move::Crop(at, size), &Fill::default())
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let size = self.crop_size.sides()?;
        Ok([channels, size[0].min(height), size[1].min(width)])
    }

    fn draws(&self) -> bool {
        self.mode == CropMode::Random
    }
}

/// Pads shorter sides up to a size, on both sides alike; an odd pixel goes to the top or left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PadShort {
    crop_size: CropSize,
    #[serde(default)]
    fill_mask: u8,
    #[serde(default = "black")]
    fill_image: Color,
}

fn black() -> Color {
    Color::Gray(0.0)
}

impl Transform for PadShort {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let (wanted, old) = (self.crop_size.sides()?, sample.size()?);
        let size = [0, 1].map(|axis| wanted[axis].max(old[axis]));
        let at = [0, 1].map(|axis| -((size[axis] - old[axis]).div_ceil(2) as isize));
        let fill = Fill {
            image: self.fill_image.channels(),
            mask: Some(self.fill_mask),
        };
        sample.moved(Move::Crop(at, size), &fill)
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let size = self.crop_size.sides()?;
        self.fill_image.check("fill_image", channels)?;
        ensure!(
            height.max(width) <= SIDE_LIMIT,
            "an image of [{height}, {width}] pixels is too large"
        );
        Ok([channels, size[0].max(height), size[1].max(width)])
    }
}
