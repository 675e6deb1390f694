//! The share of chance in a loader: sizes that its transforms and its collation draw, and all that draws. Owns no draw.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::DataLoader;
use super::collate::Collation;
use super::transforms::TransformConfig;

impl DataLoader {
    /// The shapes `[channels, height, width]` that the collation may give to images of [`input_shapes`](Self::input_shapes),
    /// where chance decides; none where they keep theirs.
    ///
    /// # Errors
    /// As [`input_shapes`](Self::input_shapes).
    pub fn drawn_shapes(&self) -> Result<Vec<Vec<i64>>> {
        let shapes = self.input_shapes()?;
        let [(_, shape)] = shapes.as_slice() else {
            return Ok(Vec::new());
        };
        let &[channels, height, width] = shape.as_slice() else {
            return Ok(Vec::new());
        };
        let collation = self.config.collate_fn.collate();
        let sizes = collation.drawn_sizes([height, width].map(|side| side as usize))?;
        let shaped = |[height, width]: [usize; 2]| vec![channels, height as i64, width as i64];
        Ok(sizes.into_iter().map(shaped).collect())
    }

    /// Refuses a transform that changes the size of some samples by chance, where a batch needs all of one size.
    ///
    /// # Errors
    /// The transform, with both sizes and the remedy.
    pub fn check_one_size(&self) -> Result<()> {
        let &[channels, height, width] = self.dataset().input_shape().as_slice() else {
            return Ok(());
        };
        if self.batch_size() < 2 || !self.drawn_shapes()?.is_empty() {
            return Ok(());
        }
        let shape = [channels, height, width].map(|side| side as usize);
        let steps = self.transforms.steps()?;
        let [_, sides @ ..] = behind(shape, &steps, None)?;
        for (place, step) in steps.iter().enumerate() {
            let name = step.name();
            let [_, others @ ..] = behind(shape, &steps, Some(place))
                .with_context(|| format!("another size that `{name}` may give"))?;
            ensure!(
                others == sides,
                "`{name}` gives samples a size by chance, {sides:?} or {others:?}, which no batch can hold: put a transform \
                 behind it that makes one size, such as `DetectionPaddedRescale`"
            );
        }
        Ok(())
    }

    /// The names of the transforms, and of the collation, that may change a sample by chance and differently in each epoch.
    ///
    /// # Errors
    /// As [`input_shapes`](Self::input_shapes).
    pub fn drawing(&self) -> Result<Vec<&'static str>> {
        let steps = self.transforms.steps()?;
        let drawing = steps.iter().filter(|step| step.transform().draws());
        let mut names: Vec<&str> = drawing.map(TransformConfig::name).collect();
        let collation = &self.config.collate_fn;
        let sizes: BTreeSet<Vec<i64>> = self.drawn_shapes()?.into_iter().collect();
        if sizes.len() > 1 || matches!(collation, Collation::Mixup(_)) {
            names.push(collation.name());
        }
        Ok(names)
    }
}

/// The shape behind all transforms, where the one at `otherwise` gives the other that it may.
fn behind(
    shape: [usize; 3],
    steps: &[TransformConfig],
    otherwise: Option<usize>,
) -> Result<[usize; 3]> {
    let mut steps = steps.iter().enumerate();
    steps.try_fold(shape, |shape, (place, step)| {
        let transform = step.transform();
        let behind = match otherwise == Some(place) {
            true => transform.otherwise(shape),
            false => transform.output(shape),
        };
        behind.with_context(|| format!("`{}`", step.name()))
    })
}
