//! The share of chance in a loader: sizes that its collation draws, and transforms that draw. Owns no draw.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};

use super::DataLoader;
use super::collate::Collation;
use super::transforms::{TransformConfig, parameters};

/// Transforms that draw, whatever their parameters but the probability are.
const DRAWING: [&str; 20] = [
    "RandomCrop",
    "RandomResizedCrop",
    "RandomResizedCropAndInterpolation",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "ColorJitter",
    "RandAugmentTransform",
    "RandomErasing",
    "RandomErase",
    "DetectionMosaic",
    "DetectionMixup",
    "DetectionRandomAffine",
    "DetectionHSV",
    "DetectionRGB2BGR",
    "DetectionHorizontalFlip",
    "DetectionVerticalFlip",
    "DetectionRandomRotate90",
    "SegRandomFlip",
    "SegRandomRescale",
    "SegColorJitter",
];

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
        let [_, sides @ ..] = sized(shape, steps.iter())?;
        for (place, step) in steps
            .iter()
            .enumerate()
            .filter(|(_, step)| is_by_chance(step))
        {
            let others = steps
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != place);
            let name = step.name();
            let [_, without @ ..] = sized(shape, others.map(|(_, step)| step))
                .with_context(|| format!("without `{name}`, which chance may pass over"))?;
            ensure!(
                without == sides,
                "`{name}` gives samples a size by chance, {sides:?} with it and {without:?} without, which no batch can \
                 hold: put a transform behind it that makes one size, such as `DetectionPaddedRescale`"
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
        let drawing = steps.iter().filter(|step| draws(step));
        let mut names: Vec<&str> = drawing.map(TransformConfig::name).collect();
        let collation = &self.config.collate_fn;
        let sizes: BTreeSet<Vec<i64>> = self.drawn_shapes()?.into_iter().collect();
        if sizes.len() > 1 || matches!(collation, Collation::Mixup(_)) {
            names.push(collation.name());
        }
        Ok(names)
    }
}

/// Transforms that always do the same where their probability is 1.
const SWITCHES: [&str; 5] = [
    "DetectionRGB2BGR",
    "RandomHorizontalFlip",
    "RandomVerticalFlip",
    "DetectionHorizontalFlip",
    "DetectionVerticalFlip",
];

/// The transform that may lay an image on its side, whatever its probability is.
const TURN: &str = "DetectionRandomRotate90";

/// The shape behind some transforms, of images that are laid on their side where they may be.
fn sized<'a>(
    shape: [usize; 3],
    mut steps: impl Iterator<Item = &'a TransformConfig>,
) -> Result<[usize; 3]> {
    steps.try_fold(shape, |shape, step| {
        let output = step.transform().output(shape);
        let [channels, height, width] = output.with_context(|| format!("`{}`", step.name()))?;
        Ok(match step.name() == TURN {
            true => [channels, width, height],
            false => [channels, height, width],
        })
    })
}

/// True for a transform that changes some samples, and others not.
fn is_by_chance(step: &TransformConfig) -> bool {
    let parameters = parameters(step);
    let probabilities = ["prob", "p", "probability"].iter();
    let given = probabilities.filter_map(|key| parameters[key].as_f64());
    let is_sure = |given: f64| given == 0.0 || (given == 1.0 && step.name() != TURN);
    let mut open = given.filter(|given| !is_sure(*given));
    open.next().is_some() && draws(step)
}

fn draws(step: &TransformConfig) -> bool {
    let parameters = parameters(step);
    let probabilities = ["prob", "p", "probability"].iter();
    let mut given = probabilities.filter_map(|key| parameters[key].as_f64());
    let is_switch = SWITCHES.contains(&step.name());
    let is_sure = given.any(|given| given == 0.0 || (given == 1.0 && is_switch));
    let mut switches = ["enable_mosaic", "enable_mixup"].iter();
    let is_off = switches.any(|key| parameters[key].as_bool() == Some(false));
    DRAWING.contains(&step.name()) && !is_sure && !is_off
}
