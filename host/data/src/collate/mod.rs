//! Collations: how samples become a batch. Their names are SuperGradients'.
//!
//! **To add one**: a struct with its parameters that implements [`Collate`], in the file of its topic, and a row of
//! `collations!`.
//!
//! | file | collations |
//! |---|---|
//! | `stack` | samples of one shape, stacked |
//! | `ragged` | boxes and other things of which samples have different numbers |
//! | `sizes` | a size of images that is drawn for each batch |
//! | `multi_scale` | a size of images that is drawn for every few batches |
//! | `mixup` | two images and their classes mixed, or one cut into the other |

mod mixup;
mod multi_scale;
pub(crate) mod ragged;
mod sizes;
mod stack;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use phasebox_contract::missing;
use serde::{Deserialize, Deserializer, Serialize};

use super::Batch;
use super::names::COLLATIONS as NOT_THERE;
use super::random::Random;
use super::sample::{Fill, Move, Sample};
use super::transforms::Normalize;
use crate::named::Named;

/// A way to make a batch of samples. Its parameters are what it is made of.
pub(crate) trait Collate: Send + Sync {
    /// The batch. Chance, one draw a batch, comes from `random` alone.
    ///
    /// # Errors
    /// Samples that differ, or that the collation does not fit; the message says the remedy.
    fn collate(
        &self,
        samples: Vec<Sample>,
        facts: &Facts<'_>,
        random: &mut Random,
    ) -> Result<Batch>;

    /// The sizes that images of `[height, width]` may get, where chance decides; none where they keep theirs.
    ///
    /// # Errors
    /// Parameters out of range.
    fn drawn_sizes(&self, _size: [usize; 2]) -> Result<Vec<[usize; 2]>> {
        Ok(Vec::new())
    }

    /// The largest `[channels, height, width]` that images of `shape` may get.
    ///
    /// # Errors
    /// Parameters out of range.
    fn output(&self, shape: &[i64], _facts: &Facts<'_>) -> Result<Vec<i64>> {
        Ok(shape.to_vec())
    }
}

/// The facts about a data set that a collation needs.
pub(crate) struct Facts<'a> {
    /// The statistics for images that no transform has made float32 of.
    pub(crate) normalize: &'a Normalize,
    /// The number of classes, if there are any.
    pub(crate) classes: Option<usize>,
    /// Some boxes are around crowds.
    pub(crate) has_crowds: bool,
    /// Images that are bytes stay so, for the receiver to normalize.
    pub(crate) keeps_bytes: bool,
    /// The seed of the epoch, and the number of the batch in it: several batches share what is drawn from them.
    pub(crate) seed: u64,
    pub(crate) number: u64,
}

macro_rules! collations {
    ($($(#[$doc:meta])* $name:ident($collation:ty) = $written:literal,)*) => {
        /// A collation in a recipe: a variant's name is the collation's, its fields are the parameters.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub(crate) enum Collation { $($(#[$doc])* #[serde(rename = $written)] $name($collation),)* }

        impl Collation {
            const NAMES: &[&str] = &[$($written,)*];

            pub(crate) fn collate(&self) -> &dyn Collate {
                match self { $(Self::$name(collation) => collation,)* }
            }

            pub(crate) fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $written,)* }
            }
        }
    };
}

collations! {
    Default(stack::Stack) = "default",
    Detection(ragged::Detection) = "DetectionCollateFN",
    CrowdDetection(ragged::CrowdDetection) = "CrowdDetectionCollateFN",
    Sizes(sizes::RandomSize<ragged::Detection>) = "PPYoloECollateFN",
    MultiScale(multi_scale::MultiScale) = "MultiScaleCollateFunction",
    CrowdSizes(sizes::RandomSize<ragged::CrowdDetection>) = "CrowdDetectionPPYoloECollateFN",
    Mixup(mixup::Mixup) = "CollateMixup",
}

/// The samples of a batch, resized.
///
/// # Errors
/// A sample that cannot be, with its file.
fn resized(samples: Vec<Sample>, resize: Move) -> Result<Vec<Sample>> {
    let samples = samples.into_iter();
    let resized = samples.map(|sample| {
        let file = sample.file.clone();
        let moved = sample.moved(resize, &Fill::default());
        moved.with_context(|| shown(file.as_deref()))
    });
    resized.collect()
}

/// A sample's file for a message, or words for a sample without one.
fn shown(file: Option<&Path>) -> String {
    file.map_or("a sample".to_owned(), |file| file.display().to_string())
}

/// Refuses a name that no collation has.
///
/// # Errors
/// The remedy for a collation that is known elsewhere and not there yet; "did you mean" for any other name.
pub fn check_collation_name(name: &str) -> Result<()> {
    let is_known = Collation::NAMES.contains(&name);
    ensure!(
        is_known,
        missing::refusal("collation", name, Collation::NAMES, NOT_THERE)
    );
    Ok(())
}

impl Default for Collation {
    fn default() -> Self {
        Collation::Default(stack::Stack {})
    }
}

impl Collation {
    /// Reads a name, or a name with its parameters.
    pub(crate) fn named<'de, D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        Named::<Self>::deserialize(reader).map(|named| named.0)
    }
}
