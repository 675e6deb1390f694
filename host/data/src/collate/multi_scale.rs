//! A collation that changes the size of images every few batches: SuperGradients' `MultiScaleCollateFunction`, and the
//! multi-scale training of YOLOX. Boxes follow.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::ragged::Detection;
use super::{Collate, Facts, resized};
use crate::Batch;
use crate::random::Random;
use crate::raster::{Filter, check_size};
use crate::sample::{Move, Sample};

/// Keeps the draws of sizes apart from all others.
const SIZE: u64 = 0x7369_7a65;

/// One of the lengths, drawn for every few batches, for the longer side; images keep their proportions. The lengths are
/// from a least to a largest one, from 0.66 to 1.5 times one, or some steps below to some steps above that of the images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct MultiScale {
    target_size: Option<usize>,
    min_image_size: Option<usize>,
    max_image_size: Option<usize>,
    /// The steps, as in SuperGradients' `DetectionMultiscalePrePredictionCallback`.
    multiscale_range: Option<usize>,
    /// The difference of two lengths: the stride of the network.
    image_size_steps: usize,
    /// Batches of one length.
    change_frequency: u64,
}

impl Default for MultiScale {
    fn default() -> Self {
        Self {
            target_size: None,
            min_image_size: None,
            max_image_size: None,
            multiscale_range: None,
            image_size_steps: 32,
            change_frequency: 10,
        }
    }
}

impl MultiScale {
    /// The least and the largest length, in steps, for images whose longer side has `own` pixels.
    fn steps(&self, own: usize) -> Result<[usize; 2]> {
        let step = self.image_size_steps;
        ensure!(
            step > 0 && self.change_frequency > 0,
            "`image_size_steps` and `change_frequency` must be at least 1"
        );
        let ends = [self.min_image_size, self.max_image_size];
        let [least, most] = match (self.target_size, ends, self.multiscale_range) {
            (Some(size), [None, None], None) => {
                let scaled = [0.66, 1.5].map(|factor| (factor * size as f64) as usize / step);
                [scaled[0] + 1, scaled[1]]
            }
            (None, [Some(least), Some(most)], None) => [least / step, most / step],
            (None, [None, None], Some(range)) => {
                let middle = own / step;
                [middle.saturating_sub(range), middle.saturating_add(range)]
            }
            _ => anyhow::bail!(
                "one of `target_size`, `multiscale_range`, and `min_image_size` with `max_image_size` is wanted"
            ),
        };
        ensure!(
            least > 0 && least <= most,
            "the lengths are from {least} to {most} times `image_size_steps`: none is left"
        );
        let longest = most.saturating_mul(step);
        check_size([longest, longest])?;
        Ok([least, most])
    }

    /// The size of the images of a batch, which had `size` before.
    fn draw(&self, [height, width]: [usize; 2], facts: &Facts<'_>) -> Result<[usize; 2]> {
        let longer = height.max(width);
        let [least, most] = self.steps(longer)?;
        let mut random = Random::keyed(&[facts.seed, facts.number / self.change_frequency, SIZE]);
        let steps = least + random.below((most - least) as u64 + 1) as usize;
        Ok(scaled([height, width], steps * self.image_size_steps))
    }
}

/// The size with another longer side.
fn scaled(size: [usize; 2], longer: usize) -> [usize; 2] {
    let ratio = longer as f64 / size[0].max(size[1]).max(1) as f64;
    size.map(|side| ((side as f64 * ratio).round() as usize).max(1))
}

impl Collate for MultiScale {
    fn collate(
        &self,
        samples: Vec<Sample>,
        facts: &Facts<'_>,
        random: &mut Random,
    ) -> Result<Batch> {
        let Some(first) = samples.first() else {
            return Detection {}.collate(samples, facts, random);
        };
        let resize = Move::Resize(self.draw(first.size()?, facts)?, Filter::Linear);
        Detection {}.collate(resized(samples, resize)?, facts, random)
    }

    fn drawn_sizes(&self, size: [usize; 2]) -> Result<Vec<[usize; 2]>> {
        let [least, most] = self.steps(size[0].max(size[1]))?;
        let lengths = (least..=most).map(|steps| steps * self.image_size_steps);
        Ok(lengths.map(|longer| scaled(size, longer)).collect())
    }

    fn output(&self, shape: &[i64], facts: &Facts<'_>) -> Result<Vec<i64>> {
        let &[channels, height, width] = shape else {
            anyhow::bail!("it resizes images, samples here have shape {shape:?}");
        };
        let size = [height, width].map(|side| side as usize);
        let [_, most] = self.steps(size[0].max(size[1]))?;
        let [height, width] = scaled(size, most * self.image_size_steps);
        Detection {}.output(&[channels, height as i64, width as i64], facts)
    }
}
