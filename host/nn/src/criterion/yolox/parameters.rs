//! The `criterion_params` of `YoloXDetectionLoss`, with SuperGradients' names and defaults.

use std::ops::RangeInclusive;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::class_weights;
use super::simota::Rule;

/// The parameters.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// The sides of the cells of each level, in pixels of the input.
    #[serde(default = "strides")]
    pub(super) strides: Vec<i64>,
    pub(super) num_classes: i64,
    /// Compares the raw numbers of boxes too: YOLOX does so in its last epochs.
    #[serde(default)]
    pub(super) use_l1: bool,
    /// The cells that a box may match.
    #[serde(default)]
    candidates: Candidates,
    /// Half of the side of a center, in cells. 2.5, or 1.5 where centers alone are candidates.
    #[serde(default)]
    center_sampling_radius: Option<f64>,
    #[serde(default)]
    pub(super) iou_type: Overlap,
    #[serde(default = "five")]
    pub(super) iou_weight: f64,
    #[serde(default = "one")]
    pub(super) obj_weight: f64,
    #[serde(default = "one")]
    pub(super) cls_weight: f64,
    /// Weight of a box's own class against all others: one number, or one a class.
    #[serde(default)]
    pub(super) cls_pos_weight: Option<PosWeight>,
}

/// The cells that a box may match.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Candidates {
    /// Those in a box or near its center; those in both go before (the paper, SuperGradients).
    #[default]
    BoxOrCenter,
    /// Those near a center of any box; those near its own go before (the paper's code since 2022).
    Center,
}

/// The measure of two boxes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Overlap {
    /// Intersection over union; the loss is 1 − IoU².
    #[default]
    Iou,
    /// Generalized (Rezatofighi et al. 2019); the loss is 1 − GIoU.
    Giou,
}

/// One weight for all classes, or one for each.
#[derive(Deserialize, Serialize)]
#[serde(untagged, expecting = "a number, or a list with one a class")]
pub(super) enum PosWeight {
    All(f64),
    Each(Vec<f64>),
}

impl PosWeight {
    pub(super) fn list(&self) -> Vec<f64> {
        match self {
            PosWeight::All(weight) => vec![*weight],
            PosWeight::Each(weights) => weights.clone(),
        }
    }
}

fn strides() -> Vec<i64> {
    vec![8, 16, 32]
}

fn one() -> f64 {
    1.0
}

fn five() -> f64 {
    5.0
}

/// The most classes.
const MOST_CLASSES: i64 = 65_536;
/// Half of the side of a center, in cells. Below the least a box may have no cell; the most reaches over 2,048 pixels.
const RADII: RangeInclusive<f64> = 0.5..=64.0;

impl Parameters {
    /// Fills in what depends on other parameters; answers the names of the levels.
    ///
    /// # Errors
    /// Numbers out of range, with their key.
    pub(super) fn complete(&mut self) -> Result<Vec<String>> {
        let radius = match self.candidates {
            Candidates::BoxOrCenter => 2.5,
            Candidates::Center => 1.5,
        };
        let radius = *self.center_sampling_radius.get_or_insert(radius);
        ensure!(
            RADII.contains(&radius),
            "`center_sampling_radius` = {radius}: give 0.5 to 64, in cells; 2.5 is the paper's"
        );
        ensure!(
            (1..=MOST_CLASSES).contains(&self.num_classes),
            "`num_classes` = {}: give 1 to {MOST_CLASSES}",
            self.num_classes
        );
        self.check_weights()?;
        self.check_pos_weight()?;
        let names = self.strides.iter().map(|stride| level_name(*stride));
        let names: Vec<String> = names.collect::<Option<_>>().context(
            "`strides` are powers of two from 2 on, each greater than the one before: [8, 16, 32]",
        )?;
        let rises = self.strides.is_sorted_by(|a, b| a < b);
        ensure!(
            rises && !names.is_empty(),
            "`strides` rise from level to level: [8, 16, 32]"
        );
        Ok(names)
    }

    fn check_weights(&self) -> Result<()> {
        let weights = [
            ("iou_weight", self.iou_weight),
            ("obj_weight", self.obj_weight),
            ("cls_weight", self.cls_weight),
        ];
        for (key, weight) in weights {
            ensure!(
                class_weights::is_sound(weight),
                "`{key}` = {weight}: give a number from 0 to {:e}, the largest of float32",
                f32::MAX
            );
        }
        let is_any = weights.iter().any(|(_, weight)| (*weight as f32) > 0.0);
        ensure!(
            is_any || self.use_l1,
            "`iou_weight`, `obj_weight` and `cls_weight` are 0, and nothing is trained: give one of them a number above 0"
        );
        Ok(())
    }

    fn check_pos_weight(&self) -> Result<()> {
        let weights = self.cls_pos_weight.as_ref().map(PosWeight::list);
        class_weights::check("cls_pos_weight", weights.as_deref())?;
        if let Some(PosWeight::Each(weights)) = &self.cls_pos_weight {
            let classes = self.num_classes;
            ensure!(
                weights.len() as i64 == classes,
                "`cls_pos_weight` has {} numbers for {classes} classes",
                weights.len()
            );
        }
        Ok(())
    }

    /// The rule by which cells match.
    pub(super) fn rule(&self) -> Rule {
        Rule {
            needs_center: self.candidates == Candidates::Center,
            radius: self.center_sampling_radius.unwrap_or_default(),
        }
    }
}

/// `p3` for a stride of 8 = 2³.
fn level_name(stride: i64) -> Option<String> {
    let is_power = (2..=1024).contains(&stride) && stride.count_ones() == 1;
    is_power.then(|| format!("p{}", stride.trailing_zeros()))
}
