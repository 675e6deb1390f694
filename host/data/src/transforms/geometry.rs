//! Transforms that move pixels and targets: resize, crop, flip and turn. Owns which place is drawn; `sample` moves.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::numbers::{Size, factors, is_open, probability};
use super::{Draw, RandomCrop, Resize, Step, Transform};
use crate::raster::{Filter, check_size};
use crate::sample::{Fill, Move, Sample};

/// torchvision's `Resize`: bilinear and antialiased.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResizeTo {
    /// The length of the shorter side, or `[height, width]`.
    size: Resize,
}

impl Transform for ResizeTo {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let size = self.size.of(sample.size()?)?;
        sample.moved(Move::Resize(size, Filter::Antialiased), &Fill::default())
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let [height, width] = self.size.of([height, width])?;
        Ok([channels, height, width])
    }

    fn step(&self) -> Option<Step> {
        Some(Step::Resize(self.size))
    }
}

/// torchvision's `CenterCrop`; the odd pixel that is left over is cut at the bottom and right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CenterCrop {
    size: Size,
}

impl Transform for CenterCrop {
    fn apply(&self, sample: Sample, _: &mut Draw<'_>) -> Result<Sample> {
        let (size, old) = (self.size.sides("size")?, sample.size()?);
        fits(size, old)?;
        let at = [0, 1].map(|axis| ((old[axis] - size[axis]) / 2) as isize);
        sample.moved(Move::Crop(at, size), &Fill::default())
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let size = self.size.sides("size")?;
        fits(size, [height, width])?;
        Ok([channels, size[0], size[1]])
    }

    fn step(&self) -> Option<Step> {
        let size = self.size.sides("size").ok()?;
        (size[0] == size[1]).then_some(Step::CenterCrop(size[0]))
    }
}

/// Refuses a crop that is larger than its image.
fn fits(crop: [usize; 2], image: [usize; 2]) -> Result<()> {
    ensure!(
        crop[0] <= image[0] && crop[1] <= image[1],
        "a crop of {crop:?} pixels does not fit an image of {image:?} (padding included)\nhint: resize first"
    );
    Ok(())
}

/// torchvision's `RandomCrop`: draws the row, then the column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RandomCropTo {
    size: Size,
    /// Pixels added on each side first.
    #[serde(default)]
    padding: usize,
    /// Their brightness.
    #[serde(default)]
    fill: f32,
}

impl RandomCropTo {
    fn room(&self, image: [usize; 2]) -> Result<([usize; 2], [usize; 2])> {
        let (size, padding) = (self.size.sides("size")?, self.padding);
        let limit = crate::raster::SIDE_LIMIT;
        ensure!(padding <= limit, "`padding` is {padding}; at most {limit}");
        let padded = image.map(|side| side + 2 * padding);
        fits(size, padded)?;
        Ok((size, [padded[0] - size[0], padded[1] - size[1]]))
    }
}

impl Transform for RandomCropTo {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let (size, room) = self.room(sample.size()?)?;
        let at = room.map(|room| draw.place(room) as isize - self.padding as isize);
        sample.moved(Move::Crop(at, size), &Fill::gray(self.fill))
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        let (size, _) = self.room([height, width])?;
        Ok([channels, size[0], size[1]])
    }

    fn step(&self) -> Option<Step> {
        let [size, width] = self.size.sides("size").ok()?;
        let padding = self.padding;
        let is_plain = size == width && self.fill == 0.0;
        is_plain.then_some(Step::RandomCrop(RandomCrop { size, padding }))
    }

    fn draws(&self) -> bool {
        true
    }
}

/// torchvision's `RandomResizedCrop`: a part of random area and proportions, resized to one size. Draws the area and
/// the proportions up to ten times until the part fits, then its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RandomResizedCrop {
    size: Size,
    /// The part's share of the area.
    #[serde(default = "share")]
    scale: [f64; 2],
    /// Width over height.
    #[serde(default = "proportions")]
    ratio: [f64; 2],
    #[serde(default)]
    interpolation: Interpolation,
}

/// A curve to resize with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Interpolation {
    #[default]
    #[serde(alias = "default")]
    Bilinear,
    Bicubic,
    Nearest,
    /// Bilinear or bicubic.
    Random,
}

fn share() -> [f64; 2] {
    [0.08, 1.0]
}

fn proportions() -> [f64; 2] {
    [3.0 / 4.0, 4.0 / 3.0]
}

impl RandomResizedCrop {
    /// The corner and the size of the part.
    fn part(&self, [height, width]: [usize; 2], draw: &mut Draw<'_>) -> ([usize; 2], [usize; 2]) {
        let area = (height * width) as f64;
        for _ in 0..10 {
            let target = area * draw.between(self.scale);
            let ratio = draw.between(self.ratio.map(f64::ln)).exp();
            let size = [(target / ratio).sqrt(), (target * ratio).sqrt()];
            let size = size.map(|side| side.round_ties_even() as usize);
            if (1..=height).contains(&size[0]) && (1..=width).contains(&size[1]) {
                let top = draw.place(height - size[0]);
                return ([top, draw.place(width - size[1])], size);
            }
        }
        self.middle([height, width])
    }

    /// The middle part, with proportions as near as the image has them.
    fn middle(&self, [height, width]: [usize; 2]) -> ([usize; 2], [usize; 2]) {
        let own = width as f64 / height as f64;
        let size = if own < self.ratio[0] {
            [
                (width as f64 / self.ratio[0]).round_ties_even() as usize,
                width,
            ]
        } else if own > self.ratio[1] {
            [
                height,
                (height as f64 * self.ratio[1]).round_ties_even() as usize,
            ]
        } else {
            [height, width]
        };
        let size = [size[0].clamp(1, height), size[1].clamp(1, width)];
        ([(height - size[0]) / 2, (width - size[1]) / 2], size)
    }

    fn filter(&self, draw: &mut Draw<'_>) -> Filter {
        match self.interpolation {
            Interpolation::Bilinear => Filter::Antialiased,
            Interpolation::Bicubic => Filter::Bicubic,
            Interpolation::Nearest => Filter::Nearest,
            Interpolation::Random if draw.chance(0.5) => Filter::Bicubic,
            Interpolation::Random => Filter::Antialiased,
        }
    }
}

impl Transform for RandomResizedCrop {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let (at, size) = self.part(sample.size()?, draw);
        let filter = self.filter(draw);
        let part = Move::Crop(at.map(|place| place as isize), size);
        let sample = sample.moved(part, &Fill::default())?;
        let size = self.size.sides("size")?;
        sample.moved(Move::Resize(size, filter), &Fill::default())
    }

    fn output(&self, [channels, ..]: [usize; 3]) -> Result<[usize; 3]> {
        factors("scale", self.scale)?;
        factors("ratio", self.ratio)?;
        let [height, width] = self.size.sides("size")?;
        Ok([channels, height, width])
    }

    fn draws(&self) -> bool {
        true
    }
}

/// Exchanges left and right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mirror {
    #[serde(alias = "p")]
    prob: f64,
}

/// Exchanges top and bottom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UpsideDown {
    #[serde(alias = "p")]
    prob: f64,
}

/// Turns by 0°, 90°, 180° or 270° to the left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomTurn {
    #[serde(alias = "p")]
    prob: f64,
}

impl Default for Mirror {
    fn default() -> Self {
        Self { prob: 0.5 }
    }
}

impl Default for UpsideDown {
    fn default() -> Self {
        Self { prob: 0.5 }
    }
}

impl Default for RandomTurn {
    fn default() -> Self {
        Self { prob: 0.5 }
    }
}

impl Transform for Mirror {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        match draw.chance(self.prob) {
            true => sample.moved(Move::Mirror, &Fill::default()),
            false => Ok(sample),
        }
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob).map(|()| shape)
    }

    fn step(&self) -> Option<Step> {
        Some(Step::Mirror(self.prob))
    }

    fn draws(&self) -> bool {
        is_open(self.prob)
    }
}

impl Transform for UpsideDown {
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        match draw.chance(self.prob) {
            true => sample.moved(Move::UpsideDown, &Fill::default()),
            false => Ok(sample),
        }
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob).map(|()| shape)
    }

    fn draws(&self) -> bool {
        is_open(self.prob)
    }
}

impl Transform for RandomTurn {
    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        if draw.chance(self.prob) {
            for _ in 0..draw.place(3) {
                sample = sample.moved(Move::Turn, &Fill::default())?;
            }
        }
        Ok(sample)
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob)?;
        let longest = height.max(width);
        check_size([longest, longest])?;
        Ok([channels, height, width])
    }

    fn otherwise(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        Ok(match self.draws() {
            true => [channels, width, height],
            false => [channels, height, width],
        })
    }

    fn draws(&self) -> bool {
        self.prob > 0.0
    }
}
