//! Transforms that draw other samples: four images in one, and two images mixed. As in SuperGradients and YOLOX.

use anyhow::{Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::detection::{fitted, letterboxed};
use super::numbers::{BYTES, Size, factors, is_open, probability};
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
    /// False is off, whatever the probability.
    #[serde(default = "on")]
    enable_mosaic: bool,
    #[serde(default = "gray")]
    border_value: f32,
}

fn on() -> bool {
    true
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

    fn chance(&self) -> f64 {
        if self.enable_mosaic { self.prob } else { 0.0 }
    }
}

fn scaled(sample: Sample, size: [usize; 2]) -> Result<Sample> {
    let size = fitted(sample.size()?, size);
    sample.moved(Move::Resize(size, Filter::Linear), &Fill::default())
}

impl Transform for Mosaic {
    fn joins(&self) -> bool {
        self.chance() > 0.0
    }

    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        match draw.chance(self.chance()) {
            true => self.joined(sample, draw),
            false => Ok(sample),
        }
    }

    fn output(&self, [channels, height, width]: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob)?;
        ensure!(
            BYTES.contains(&self.border_value),
            "`border_value` must be in 0 to 255, as pixels are"
        );
        let canvas = self.size()?.map(|side| 2 * side);
        check_size(canvas)?;
        // Without the mosaic the image stays as it is.
        let least = if self.chance() < 1.0 {
            [height, width]
        } else {
            [0, 0]
        };
        Ok([channels, canvas[0].max(least[0]), canvas[1].max(least[1])])
    }

    fn otherwise(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        match is_open(self.chance()) {
            true => Ok(shape),
            false => self.output(shape),
        }
    }

    fn draws(&self) -> bool {
        self.chance() > 0.0
    }
}

/// Half of this image and half of another one, which is mirrored by chance, scaled into `input_dim`, scaled again by chance
/// and cut at a random place. The things of both stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mixup {
    /// The image's own if it is empty.
    input_dim: Option<Size>,
    /// False is off, whatever the probability.
    #[serde(default = "on")]
    enable_mixup: bool,
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
    fn chance(&self) -> f64 {
        if self.enable_mixup { self.prob } else { 0.0 }
    }

    /// Another sample, as large as this one.
    fn other(&self, size: [usize; 2], draw: &mut Draw<'_>) -> Result<Sample> {
        let (fill, black) = (Fill::gray(self.border_value), Fill::gray(0.0));
        let mut other = draw.other()?;
        if draw.chance(self.flip_prob) {
            other = other.moved(Move::Mirror, &fill)?;
        }
        let factor = draw.between(self.mixup_scale);
        let input_dim = self.input_dim.map(|size| size.sides("input_dim"));
        let input_dim = input_dim.unwrap_or(Ok(size))?;
        let other = letterboxed(other, input_dim, &fill)?;
        let jittered = input_dim.map(|side| ((side as f64 * factor) as usize).max(1));
        let room = [0, 1].map(|axis| jittered[axis].saturating_sub(size[axis]));
        let at = room.map(|room| draw.place(room.saturating_sub(1)));
        let inner = [0, 1].map(|axis| size[axis].min(jittered[axis] - at[axis]));
        let other = other.moved(Move::Part(jittered, inner, at), &fill)?;
        other.moved(Move::Crop([0, 0], size), &black)
    }
}

impl Transform for Mixup {
    fn joins(&self) -> bool {
        self.chance() > 0.0
    }

    fn apply(&self, mut sample: Sample, draw: &mut Draw<'_>) -> Result<Sample> {
        if !draw.chance(self.chance()) {
            return Ok(sample);
        }
        let size = sample.size()?;
        let other = self.other(size, draw)?;
        if let Some((mine, other)) = sample.image.take().zip(other.image) {
            sample.image = Some(halves(mine, other)?);
        }
        sample.absorb_targets(other.target, [0, 0], size)?;
        Ok(sample)
    }

    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        probability("prob", self.prob)?;
        probability("flip_prob", self.flip_prob)?;
        let [_, most] = factors("mixup_scale", self.mixup_scale)?;
        let size = self.input_dim.map(|size| size.sides("input_dim"));
        let size = size.unwrap_or(Ok([shape[1], shape[2]]))?;
        check_size(size.map(|side| (side as f64 * most) as usize))?;
        ensure!(
            BYTES.contains(&self.border_value),
            "`border_value` must be in 0 to 255, as pixels are"
        );
        Ok(shape)
    }

    fn draws(&self) -> bool {
        self.chance() > 0.0
    }
}

/// The mean of two images of one size.
///
/// # Errors
/// Images that differ in kind.
fn halves(mine: Pixels, other: Pixels) -> Result<Pixels> {
    match (mine, other) {
        (Pixels::Bytes(mut mine), Pixels::Bytes(other)) if mine.shape == other.shape => {
            let pairs = mine.values.iter_mut().zip(other.values);
            pairs.for_each(|(mine, other)| {
                *mine = ((u16::from(*mine) + u16::from(other)) / 2) as u8
            });
            Ok(Pixels::Bytes(mine))
        }
        (Pixels::Floats(mut mine), Pixels::Floats(other)) if mine.shape == other.shape => {
            let pairs = mine.values.iter_mut().zip(other.values);
            pairs.for_each(|(mine, other)| *mine = (*mine + other) / 2.0);
            Ok(Pixels::Floats(mine))
        }
        _ => bail!(
            "images of different channels, or of bytes and of float32, cannot be joined\n\
             hint: join them before the transform that makes float32"
        ),
    }
}
