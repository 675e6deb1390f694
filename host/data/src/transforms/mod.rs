//! The transforms between a data set and a batch: their names, their parameters, and the list that a recipe makes of them.
//!
//! A transform changes one sample, image and target together. Names and parameters are those of torchvision and
//! SuperGradients. **To add one**: a struct with its parameters that implements [`Transform`], in the file of its topic,
//! and a row of `transforms!`.
//!
//! | file | transforms |
//! |---|---|
//! | `geometry` | resize, crop, flip, turn, pad |
//! | `color` | jitter, HSV, order of channels, erased rectangles |
//! | `rand_augment` | a few operations drawn from fifteen |
//! | `values` | bytes to float32, normalization |
//! | `detection` | affine map, format of boxes |
//! | `mosaic` | several samples in one |
//! | `segmentation` | sizes of images with masks |
//! | [`mapping`](self::mapping) | the five keys of the mapping form |
//! | `idle` | those that change no sample of a data set |
//! | `scale` | the scale of pixels behind them |
//! | `list` | the ordered list, its switches, and what of it is done in one pass |

pub(crate) mod color;
pub(crate) mod detection;
mod geometry;
mod idle;
mod list;
mod mapping;
mod mosaic;
mod numbers;
pub(crate) mod rand_augment;
mod scale;
mod segmentation;
mod values;

pub(crate) use detection::fitted;
pub use idle::Idle;
pub(crate) use idle::OF_BOXES;
pub(crate) use list::one_pass;
pub use list::{TransformList, Transforms, changed_transforms};
pub use mapping::{Augmentation, ByteScale, Normalize, RandomCrop, Resize};
pub(crate) use numbers::Size;
pub use scale::Scale;

use anyhow::{Context, Result, ensure};
use phasebox_contract::missing;
use serde::{Deserialize, Serialize};

use super::Dataset;
use super::names::TRANSFORMS as NOT_THERE;
use super::random::Random;
use super::sample::Sample;

/// A change of one sample. Its parameters are what it is made of, so that two equal ones do the same.
pub(crate) trait Transform: Send + Sync {
    /// Changes image and target together. Chance comes from `draw` alone.
    ///
    /// # Errors
    /// A sample that the transform does not fit.
    fn apply(&self, sample: Sample, draw: &mut Draw<'_>) -> Result<Sample>;

    /// The `[channels, height, width]` that an image of `shape` gets, the largest where chance decides.
    ///
    /// # Errors
    /// Parameters out of range, or an image that the transform does not fit.
    fn output(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        Ok(shape)
    }

    /// Another `[channels, height, width]` that chance may give an image of `shape`; [`output`](Self::output) if there is none.
    ///
    /// # Errors
    /// As [`output`](Self::output).
    fn otherwise(&self, shape: [usize; 3]) -> Result<[usize; 3]> {
        self.output(shape)
    }

    /// True if it may make two samples of one, each by chance.
    fn draws(&self) -> bool {
        false
    }

    /// True if it puts other samples of the data set into this one.
    fn joins(&self) -> bool {
        false
    }

    /// The transform as a step of the one pass that makes a batch of stacked images, if it is one.
    fn step(&self) -> Option<Step> {
        None
    }
}

/// A step of the one pass over stacked images, in the order of the pass.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    Resize(Resize),
    CenterCrop(usize),
    RandomCrop(RandomCrop),
    Mirror(f64),
    /// Bytes become numbers in `[0, 1]`.
    Scale,
    Normalize(Normalize),
}

/// Chance, and the other samples, for the transforms of one sample.
pub(crate) struct Draw<'a> {
    pub(crate) random: Random,
    pub(crate) dataset: &'a dyn Dataset,
}

impl Draw<'_> {
    /// True with a probability. Nothing is drawn for a probability of 0.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        probability > 0.0 && self.random.unit() < probability
    }

    /// A number between two.
    pub(crate) fn between(&mut self, [low, high]: [f64; 2]) -> f64 {
        low + (high - low) * self.random.unit()
    }

    /// A place among `room + 1`.
    pub(crate) fn place(&mut self, room: usize) -> usize {
        self.random.below(room as u64 + 1) as usize
    }

    /// Some sample of the data set, as it was before any transform.
    pub(crate) fn other(&mut self) -> Result<Sample> {
        let index = self.random.below(self.dataset.len() as u64) as usize;
        let sample = self.dataset.sample(index);
        sample.with_context(|| format!("sample {index}"))
    }
}

macro_rules! transforms {
    ($($name:ident($transform:ty),)*) => {
        /// A transform in a recipe: a variant's name is the transform's, its fields are the parameters.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub(crate) enum TransformConfig { $($name($transform),)* }

        impl TransformConfig {
            pub(crate) const NAMES: &[&str] = &[$(stringify!($name),)*];

            pub(crate) fn transform(&self) -> &dyn Transform {
                match self { $(Self::$name(transform) => transform,)* }
            }

            pub(crate) fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => stringify!($name),)* }
            }
        }
    };
}

transforms! {
    Resize(geometry::ResizeTo),
    CenterCrop(geometry::CenterCrop),
    RandomCrop(geometry::RandomCropTo),
    RandomResizedCrop(geometry::RandomResizedCrop),
    RandomResizedCropAndInterpolation(geometry::RandomResizedCrop),
    RandomHorizontalFlip(geometry::Mirror),
    RandomVerticalFlip(geometry::UpsideDown),
    ColorJitter(color::ColorJitter),
    RandAugmentTransform(rand_augment::RandAugment),
    RandomErasing(color::RandomErasing),
    RandomErase(color::RandomErasing),
    ToTensor(values::ToTensor),
    Normalize(values::NormalizeScaled),
    Standardize(values::Standardize),
    DetectionMosaic(mosaic::Mosaic),
    DetectionMixup(mosaic::Mixup),
    DetectionRandomAffine(detection::RandomAffine),
    DetectionHSV(color::Hsv),
    DetectionRGB2BGR(color::SwapChannels),
    DetectionHorizontalFlip(geometry::Mirror),
    DetectionVerticalFlip(geometry::UpsideDown),
    DetectionRandomRotate90(geometry::RandomTurn),
    DetectionRescale(detection::Rescale),
    DetectionPaddedRescale(detection::PaddedRescale),
    DetectionPadToSize(detection::PadToSize),
    DetectionStandardize(values::Standardize),
    DetectionNormalize(values::NormalizeValues),
    DetectionTargetsFormatTransform(detection::TargetsFormat),
    SegRandomFlip(geometry::Mirror),
    SegResize(segmentation::SegResize),
    SegRescale(segmentation::Rescale),
    SegRandomRescale(segmentation::RandomRescale),
    SegCropImageAndMask(segmentation::Crop),
    SegPadShortToCropSize(segmentation::PadShort),
    SegColorJitter(color::ColorJitter),
    SegStandardize(values::Standardize),
    SegNormalize(values::NormalizeValues),
    SegConvertToTensor(values::ConvertToTensor),
}

/// Refuses a name that no transform has.
///
/// # Errors
/// The remedy for a transform that is known elsewhere and not there yet; "did you mean" for any other name.
pub fn check_transform_name(name: &str) -> Result<()> {
    let is_known = TransformConfig::NAMES.contains(&name);
    ensure!(
        is_known,
        missing::refusal("transform", name, TransformConfig::NAMES, NOT_THERE)
    );
    Ok(())
}
