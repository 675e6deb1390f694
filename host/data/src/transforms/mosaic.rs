//! Transforms that draw other samples: four images in one, and two images mixed. As in SuperGradients and YOLOX.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::detection::{fitted, letterboxed};
use super::numbers::{Size, factors, probability};
use super::{Draw, Transform};
use crate::raster::{Filter, check_size};
use crate::sample::{Fill, Move, Pixels, Sample};

/// Four images around a random middle, on a canvas of twice `input_dim`: this one above left, then three others above
/// right, below left and below right. Each is scaled into `input_dim`; parts beyond the canvas are cut. The sample comes
/// out twice as high and wide as `input_dim`: a transform that brings it back to one size, such as `DetectionRandomAffine`
/// with a `target_size`, belongs behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mosaic {
    input_dim: Size,
    #[serde(default = "always")]
    prob: f64,
    #[serde(default = "gray")]
    border_value: f32,
}

fn always() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn gray() -> f32 {
    114.0
}

impl Mosaic {
    fn joined(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        let (size, fill) = (self.size()?, Fill::gray(self.border_value));
        let canvas = size.map(|side| 2 * side);
        let middle = size.map(|side| draw.between([0.5, 1.5]) * side as f64);
        let [row, column] = middle.map(|place| place as isize);
        let first = scaled(sample, size)?;
        let [height, width] = first.size()?.map(|side| side as isize);
        let at = Move::Crop([height - row, width - column], canvas);
        let mut joined = first.moved(at, &fill)?;
        for (is_below, is_right) in [(false, true), (true, false), (true, true)] {
            let part = scaled(draw.other()?, size)?;
            let [height, width] = part.size()?.map(|side| side as isize);
            let top = if is_below { row } else { row - height };
            let left = if is_right { column } else { column - width };
            joined.absorb(part, [top, left])?;
        }
        Ok(joined)
    }

    fn size(&self) -> Result<[usize; 2]> {
        self.input_dim.sides("input_dim")
    }
}

fn scaled(sample: Sample, size: [usize; 2]) -> Result<Sample> {
    let size = fitted(sample.size()?, size);
    sample.moved(Move::Resize(size, Filter::Linear), &Fill::default())
}

impl Transform for Mosaic {
    fn joins(&self) -> bool {
        self.prob > 0.0
    }

    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        match draw.chance(self.prob) {
            true => self.joined(sample, draw),
            false => Ok(sample),
        }
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob)?;
        ensure!(
            self.border_value.is_finite(),
            "`border_value` must be finite"
        );
        let canvas = self.size()?.map(|side| 2 * side);
        check_size(canvas)?;
        // Without the mosaic the image stays as it is.
        let least = if self.prob < 1.0 {
            [height, width]
        } else {
            [0, 0]
        };
        Ok([channels, canvas[0].max(least[0]), canvas[1].max(least[1])])
    }
}

/// Half of this image and half of another one, which is scaled into `input_dim`, scaled again by chance, mirrored by
/// chance and cut at a random place. The things of both stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mixup {
    input_dim: Size,
    /// The range of the second scale.
    #[serde(default = "jitter")]
    mixup_scale: [f64; 2],
    #[serde(default = "always")]
    prob: f64,
    #[serde(default = "half")]
    flip_prob: f64,
    #[serde(default = "gray")]
    border_value: f32,
}

fn jitter() -> [f64; 2] {
    [0.5, 1.5]
}

impl Mixup {
    /// Another sample, as large as this one.
    fn other(&self, size: [usize; 2], draw: &mut Draw<'_>) -> Result<Sample> {
        let (fill, black) = (Fill::gray(self.border_value), Fill::gray(0.0));
        let other = draw.other()?;
        let factor = draw.between(self.mixup_scale);
        let is_mirrored = draw.chance(self.flip_prob);
        let input_dim = self.input_dim.sides("input_dim")?;
        let other = letterboxed(other, input_dim, &fill)?;
        let jittered = input_dim.map(|side| ((side as f64 * factor) as usize).max(1));
        let mut other = other.moved(Move::Resize(jittered, Filter::Linear), &fill)?;
        if is_mirrored {
            other = other.moved(Move::Mirror, &fill)?;
        }
        let room = [0, 1].map(|axis| jittered[axis].saturating_sub(size[axis]));
        let at = room.map(|room| draw.place(room.saturating_sub(1)) as isize);
        other.moved(Move::Crop(at, size), &black)
    }
}

impl Transform for Mixup {
    fn joins(&self) -> bool {
        self.prob > 0.0
    }

    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        if !draw.chance(self.prob) {
            return Ok(sample);
        }
        let other = self.other(sample.size()?, draw)?;
        let image = sample.image.clone();
        let mixed = image.zip(other.image.clone());
        sample.absorb(other, [0, 0])?;
        sample.image = mixed.map(|(mine, other)| halves(mine, other));
        Ok(sample)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob)?;
        probability("flip_prob", self.flip_prob)?;
        let [_, most] = factors("mixup_scale", self.mixup_scale)?;
        let size = self.input_dim.sides("input_dim")?;
        check_size(size.map(|side| (side as f64 * most) as usize))?;
        ensure!(
            self.border_value.is_finite(),
            "`border_value` must be finite"
        );
        Ok(shape)
    }
}

/// The mean of two images of one size and kind; `absorb` has refused others.
fn halves(mine: Pixels, other: Pixels) -> Pixels {
    match (mine, other) {
        (Pixels::Bytes(mut mine), Pixels::Bytes(other)) => {
            let pairs = mine.values.iter_mut().zip(other.values);
            pairs.for_each(|(mine, other)| {
                *mine = ((u16::from(*mine) + u16::from(other)) / 2) as u8
            });
            Pixels::Bytes(mine)
        }
        (Pixels::Floats(mut mine), Pixels::Floats(other)) => {
            let pairs = mine.values.iter_mut().zip(other.values);
            pairs.for_each(|(mine, other)| *mine = (*mine + other) / 2.0);
            Pixels::Floats(mine)
        }
        (mine, _) => mine,
    }
}
