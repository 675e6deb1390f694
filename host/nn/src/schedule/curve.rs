//! The curves that learning rates follow once a run is warm. Pure functions; which part of a run they span is
//! decided in the module above.

use std::f64::consts::PI;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Progress, non_negative};

/// The power of `PolyLRScheduler`, fixed in SuperGradients.
const POLY_POWER: f64 = 0.9;

/// A curve with its settings.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Curve {
    Constant,
    Steps(MultiStep),
    Exponential { factor: f64 },
    Poly,
    Cosine { final_ratio: f64 },
    FlatCosine { final_ratio: f64 },
    OneCycle(OneCycle),
}

/// Options of `MultiStepLR`, with PyTorch's names and defaults. Epochs count from the start of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiStep {
    /// The epochs at which the learning rate decays.
    pub milestones: Vec<u64>,
    /// The factor of each decay.
    #[serde(default = "tenth")]
    pub gamma: f64,
}

fn tenth() -> f64 {
    0.1
}

/// The way of `OneCycleLR` from one learning rate to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Anneal {
    /// Along a half cosine.
    #[default]
    Cos,
    /// Along a line.
    Linear,
}

/// Options of `OneCycleLR`, with PyTorch's names and defaults. Source: Smith & Topin 2018.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OneCycle {
    /// The peak; unset it is the group's `initial_lr`.
    pub max_lr: Option<f64>,
    /// The part of the run in which the learning rate rises, between 0 and 1.
    pub pct_start: f64,
    /// The way to the peak and from there.
    pub anneal_strategy: Anneal,
    /// The peak over the first learning rate.
    pub div_factor: f64,
    /// The first learning rate over the last.
    pub final_div_factor: f64,
    /// The learning rate falls back as fast as it rose and then goes on to the last one.
    pub three_phase: bool,
}

impl Default for OneCycle {
    fn default() -> Self {
        Self {
            max_lr: None,
            pct_start: 0.3,
            anneal_strategy: Anneal::Cos,
            div_factor: 25.0,
            final_div_factor: 1e4,
            three_phase: false,
        }
    }
}

impl Curve {
    /// The learning rate at step `position` of `length`; steps by epoch look at `progress` alone.
    pub(super) fn learning_rate(
        &self,
        initial: f64,
        progress: Progress,
        position: u64,
        length: u64,
    ) -> f64 {
        let (position, length) = (position as f64, length as f64);
        match self {
            Self::Constant => initial,
            Self::Steps(steps) => {
                let passed = steps
                    .milestones
                    .iter()
                    .filter(|&&epoch| epoch <= progress.epoch)
                    .count();
                initial * steps.gamma.powf(passed as f64)
            }
            Self::Exponential { factor } => {
                initial * factor.powf(position / progress.steps_per_epoch.max(1) as f64)
            }
            Self::Poly => initial * (1.0 - position / length).powf(POLY_POWER),
            Self::Cosine { final_ratio } => {
                half_cosine(initial, *final_ratio, position / (length + 1.0))
            }
            Self::FlatCosine { final_ratio } => {
                half_cosine(initial, *final_ratio, position / length)
            }
            Self::OneCycle(cycle) => cycle.learning_rate(initial, position, length),
        }
    }
}

/// From `initial` down to a share of it, as `part` goes from 0 to 1.
fn half_cosine(initial: f64, final_ratio: f64, part: f64) -> f64 {
    let falling = 0.5 * (1.0 + (part * PI).cos());
    initial * (falling * (1.0 - final_ratio) + final_ratio)
}

impl OneCycle {
    pub(super) fn check(&self) -> Result<()> {
        ensure!(
            self.pct_start > 0.0 && self.pct_start < if self.three_phase { 0.5 } else { 1.0 },
            "`lr_mode.OneCycleLR.pct_start` = {}\nhint: give a number between 0 and {}",
            self.pct_start,
            if self.three_phase {
                "0.5, for there are two such phases"
            } else {
                "1"
            }
        );
        for (key, value) in [
            ("div_factor", self.div_factor),
            ("final_div_factor", self.final_div_factor),
        ] {
            ensure!(
                value > 0.0 && value.is_finite(),
                "`lr_mode.OneCycleLR.{key}` = {value}\nhint: give a number above 0"
            );
        }
        self.max_lr.map_or(Ok(()), |rate| {
            non_negative("lr_mode.OneCycleLR.max_lr", rate)
        })
    }

    fn learning_rate(&self, initial: f64, position: f64, length: f64) -> f64 {
        let max = self.max_lr.unwrap_or(initial);
        let first = max / self.div_factor;
        let last = first / self.final_div_factor;
        // As in PyTorch, phases end on whole-run fractions less one step, because steps count from 0.
        let (peak, end) = (self.pct_start * length - 1.0, length - 1.0);
        let back = 2.0 * self.pct_start * length - 2.0;
        match (position <= peak, self.three_phase) {
            (true, _) => self.anneal(first, max, position / peak),
            (false, false) => self.anneal(max, last, (position - peak) / (end - peak)),
            (false, true) if position <= back => {
                self.anneal(max, first, (position - peak) / (back - peak))
            }
            (false, true) => self.anneal(first, last, (position - back) / (end - back)),
        }
    }

    /// From `start` to `end` as `part` goes from 0 to 1.
    fn anneal(&self, start: f64, end: f64, part: f64) -> f64 {
        // A phase of no length, in a run of very few steps, is over at once.
        let part = if part.is_finite() { part } else { 1.0 };
        match self.anneal_strategy {
            Anneal::Cos => end + (start - end) / 2.0 * (1.0 + (PI * part).cos()),
            Anneal::Linear => start + (end - start) * part,
        }
    }
}
