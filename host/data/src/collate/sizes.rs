//! A collation that draws a size of images for each batch, and leaves the rest to another collation: SuperGradients'
//! `PPYoloECollateFN`.

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Collate, Facts, resized};
use crate::Batch;
use crate::random::Random;
use crate::raster::{Filter, check_size};
use crate::sample::{Move, Sample};

/// One of the sides and one of the modes, drawn for each batch: images become squares of that side, boxes follow.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RandomSize<C> {
    /// Sides in pixels; without them images keep their size.
    random_resize_sizes: Option<Vec<usize>>,
    /// OpenCV's numbers: 0 is nearest, 1 linear.
    random_resize_modes: Option<Vec<usize>>,
    #[serde(skip)]
    then: C,
}

impl<C> RandomSize<C> {
    fn modes(&self) -> &[usize] {
        self.random_resize_modes.as_deref().unwrap_or(&[1])
    }

    /// The side and the mode of a batch.
    fn draw(&self, random: &mut Random) -> Option<(usize, Filter)> {
        let sizes = self.random_resize_sizes.as_deref()?;
        let side = *sizes.get(random.below(sizes.len() as u64) as usize)?;
        let modes = self.modes();
        let mode = modes.get(random.below(modes.len() as u64) as usize)?;
        let filter = if *mode == 0 {
            Filter::Nearest
        } else {
            Filter::Linear
        };
        Some((side, filter))
    }
}

impl<C: Collate> Collate for RandomSize<C> {
    fn collate(
        &self,
        samples: Vec<Sample>,
        facts: &Facts<'_>,
        random: &mut Random,
    ) -> Result<Batch> {
        let Some((side, filter)) = self.draw(random) else {
            return self.then.collate(samples, facts, random);
        };
        let resize = Move::Resize([side, side], filter);
        self.then.collate(resized(samples, resize)?, facts, random)
    }

    fn drawn_sizes(&self, _: [usize; 2]) -> Result<Vec<[usize; 2]>> {
        let sizes = self.random_resize_sizes.iter().flatten();
        Ok(sizes.map(|side| [*side, *side]).collect())
    }

    fn output(&self, shape: &[i64], facts: &Facts<'_>) -> Result<Vec<i64>> {
        let modes = self.modes();
        ensure!(
            !modes.is_empty() && modes.iter().all(|mode| *mode <= 1),
            "`random_resize_modes` may be 0 (nearest) and 1 (linear), they are {modes:?}"
        );
        let Some(sizes) = &self.random_resize_sizes else {
            return self.then.output(shape, facts);
        };
        ensure!(!sizes.is_empty(), "`random_resize_sizes` is empty");
        sizes
            .iter()
            .try_for_each(|&side| check_size([side, side]))?;
        let most = sizes.iter().max().map_or(0, |&side| side as i64);
        match shape {
            &[channels, _, _] => self.then.output(&[channels, most, most], facts),
            other => self.then.output(other, facts),
        }
    }
}
