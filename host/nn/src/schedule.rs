//! Learning rates over a run, as a pure function of the run's progress: nothing to save, nothing to restore. Owns the
//! recipe's `lr_*` keys, their checks and the warm-up; the curves are in `schedule/curve.rs`. Does not touch an
//! optimizer.
//!
//! Names and formulas are SuperGradients', those of torch-named modes PyTorch's. One difference: in SuperGradients a
//! schedule runs after a step, so a change shows one batch (or, for steps by epoch, one epoch) late. Here, as in
//! PyTorch, the learning rate belongs to the very step it is asked for.

mod curve;
#[cfg(test)]
mod tests;

pub use curve::{Anneal, MultiStep, OneCycle};

use anyhow::{Result, bail, ensure};
use curve::Curve;
use phasebox_contract::missing;
use serde::{Deserialize, Serialize};

use crate::missing::SCHEDULES;

/// The progress of a run. Steps and `steps_per_epoch` count the same thing: batches, or optimizer steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The epoch under way, from 0.
    pub epoch: u64,
    /// Steps finished since the run began, earlier parts of a resumed run included.
    pub step_in_run: u64,
    /// Steps in one epoch.
    pub steps_per_epoch: u64,
    /// Epochs in the whole run.
    pub max_epochs: u64,
}

impl Progress {
    /// The moment of a step of an epoch in a run without cut epochs.
    fn at(self, epoch: u64, step: u64) -> Progress {
        let before = epoch.saturating_mul(self.steps_per_epoch);
        Progress {
            epoch,
            step_in_run: before.saturating_add(step),
            ..self
        }
    }
}

/// The recipe's `lr_mode`: a name, or a name with its options. `null` keeps the learning rate constant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LrMode {
    /// The initial learning rate throughout.
    Constant,
    /// Times `lr_decay_factor` at each epoch of `lr_updates`, or every `step_lr_update_freq` epochs.
    #[serde(alias = "step")]
    StepLRScheduler,
    /// Times `lr_decay_factor` over each epoch, step by step.
    #[serde(alias = "exp")]
    ExponentialLRScheduler,
    /// Falls to zero as `(1 - progress)^0.9`.
    #[serde(alias = "poly")]
    PolyLRScheduler,
    /// Falls along a half cosine to `cosine_final_lr_ratio` of the initial learning rate.
    #[serde(alias = "cosine")]
    CosineLRScheduler,
    /// Falls along a half cosine to `cosine_final_lr_ratio` of the initial learning rate, which it has exactly in the
    /// epochs of the cool-down (YOLOX, Ge et al. 2021).
    #[serde(alias = "flat_cosine")]
    FlatCosineLRScheduler,
    /// `torch.optim.lr_scheduler.MultiStepLR`.
    MultiStepLR(MultiStep),
    /// `torch.optim.lr_scheduler.OneCycleLR`, over all epochs but those of the cool-down.
    OneCycleLR(OneCycle),
}

/// The names of `lr_mode`, with SuperGradients' short ones.
const MODES: &[&str] = &[
    "Constant",
    "StepLRScheduler",
    "ExponentialLRScheduler",
    "PolyLRScheduler",
    "CosineLRScheduler",
    "FlatCosineLRScheduler",
    "MultiStepLR",
    "OneCycleLR",
    "step",
    "exp",
    "poly",
    "cosine",
    "flat_cosine",
];

/// Refuses a name that no `lr_mode` has.
///
/// # Errors
/// The remedy for a schedule of SuperGradients or PyTorch that is not there yet; "did you mean" for any other name.
pub fn check_name(mode: &str) -> Result<()> {
    let is_known = MODES.contains(&mode);
    ensure!(
        is_known,
        missing::refusal("schedule", mode, MODES, SCHEDULES)
    );
    Ok(())
}

/// The recipe's `warmup_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum WarmupMode {
    /// One learning rate per epoch, for `lr_warmup_epochs`.
    #[default]
    #[serde(alias = "linear_epoch_step", alias = "linear_step")]
    LinearEpochLRWarmup,
    /// A learning rate per step, for `lr_warmup_steps` but no longer than the first epoch.
    #[serde(alias = "linear_batch_step")]
    LinearBatchLRWarmup,
    /// A learning rate per step, for `lr_warmup_epochs`: it rises with the square of the steps (YOLOX, Ge et al. 2021).
    #[serde(alias = "quadratic_batch_step")]
    QuadraticBatchLRWarmup,
}

/// The recipe's learning-rate keys, with SuperGradients' names and defaults; `initial_lr` belongs to the optimizer's
/// groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScheduleConfig {
    /// The curve.
    pub lr_mode: Option<LrMode>,
    /// Epochs at which `StepLRScheduler` decays; a fraction decays at the next whole epoch.
    pub lr_updates: Vec<f64>,
    /// The factor of `StepLRScheduler` and `ExponentialLRScheduler`.
    pub lr_decay_factor: Option<f64>,
    /// Epochs between the decays of `StepLRScheduler`, in place of `lr_updates`; may be a fraction.
    pub step_lr_update_freq: Option<f64>,
    /// The end of `CosineLRScheduler` and `FlatCosineLRScheduler`, relative to the initial learning rate.
    pub cosine_final_lr_ratio: f64,
    /// The kind of warm-up.
    pub warmup_mode: Option<WarmupMode>,
    /// Epochs of warm-up, for `LinearEpochLRWarmup` and `QuadraticBatchLRWarmup`; under `LinearBatchLRWarmup` the epoch in which the curve begins.
    pub lr_warmup_epochs: u64,
    /// Steps of warm-up, for `LinearBatchLRWarmup`. The cosine begins so many steps later, whatever the warm-up.
    pub lr_warmup_steps: u64,
    /// The first learning rate of the warm-up; unset it is `initial_lr / (length of the warm-up + 1)`, and 0 for
    /// `QuadraticBatchLRWarmup`.
    pub warmup_initial_lr: Option<f64>,
    /// Epochs at the end of the run in which the learning rate no longer changes.
    pub lr_cooldown_epochs: u64,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            lr_mode: None,
            lr_updates: Vec::new(),
            lr_decay_factor: None,
            step_lr_update_freq: None,
            cosine_final_lr_ratio: 0.01,
            warmup_mode: Some(WarmupMode::default()),
            lr_warmup_epochs: 0,
            lr_warmup_steps: 0,
            warmup_initial_lr: None,
            lr_cooldown_epochs: 0,
        }
    }
}

/// A checked schedule. Stateless: the same progress always gives the same learning rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    curve: Curve,
    warmup_mode: WarmupMode,
    warmup_epochs: u64,
    warmup_steps: u64,
    warmup_initial_lr: Option<f64>,
    cooldown_epochs: u64,
}

impl ScheduleConfig {
    /// Checks the keys against each other and the length of the run.
    ///
    /// # Errors
    /// Keys that exclude each other, are missing or are out of range; the message names the key and the remedy.
    pub fn build(&self, max_epochs: u64) -> Result<Schedule> {
        self.check_warmup(max_epochs)?;
        Ok(Schedule {
            curve: self.curve(max_epochs)?,
            warmup_mode: self.warmup_mode.unwrap_or_default(),
            warmup_epochs: self.lr_warmup_epochs,
            warmup_steps: self.lr_warmup_steps,
            warmup_initial_lr: self.warmup_initial_lr,
            cooldown_epochs: self.lr_cooldown_epochs,
        })
    }

    /// True if rates stay as they are once a warm-up is over.
    pub fn ends_constant(&self) -> bool {
        matches!(self.lr_mode, None | Some(LrMode::Constant))
    }

    fn check_warmup(&self, max_epochs: u64) -> Result<()> {
        let (warmup, cooldown) = (self.lr_warmup_epochs, self.lr_cooldown_epochs);
        ensure!(
            warmup.saturating_add(cooldown) <= max_epochs,
            "`lr_warmup_epochs` ({warmup}) and `lr_cooldown_epochs` ({cooldown}) exceed `max_epochs` ({max_epochs})\n\
             hint: shorten them or train for longer"
        );
        let is_cosine = self.lr_mode == Some(LrMode::CosineLRScheduler);
        let is_constant = self.ends_constant();
        match self.warmup_mode {
            Some(WarmupMode::LinearBatchLRWarmup) if warmup > 0 && is_constant => {
                bail!(
                    "`lr_warmup_epochs` has no effect with `warmup_mode: LinearBatchLRWarmup`\nhint: set `lr_warmup_steps`"
                )
            }
            Some(WarmupMode::LinearEpochLRWarmup) | None
                if self.lr_warmup_steps > 0 && !is_cosine =>
            {
                bail!(
                    "`lr_warmup_steps` needs `warmup_mode: LinearBatchLRWarmup`\nhint: set it, or use `lr_warmup_epochs`"
                )
            }
            Some(WarmupMode::QuadraticBatchLRWarmup) if self.lr_warmup_steps > 0 => {
                bail!(
                    "`lr_warmup_steps` is not for `warmup_mode: QuadraticBatchLRWarmup`\nhint: use `lr_warmup_epochs`"
                )
            }
            None if warmup > 0 => {
                bail!(
                    "`lr_warmup_epochs` needs a `warmup_mode`\nhint: set `warmup_mode: LinearEpochLRWarmup`"
                )
            }
            _ => self
                .warmup_initial_lr
                .map_or(Ok(()), |rate| non_negative("warmup_initial_lr", rate)),
        }
    }

    fn curve(&self, max_epochs: u64) -> Result<Curve> {
        Ok(match self.lr_mode.as_ref().unwrap_or(&LrMode::Constant) {
            LrMode::Constant => Curve::Constant,
            LrMode::StepLRScheduler => Curve::Steps(MultiStep {
                milestones: self.updates(max_epochs)?,
                gamma: self.decay_factor()?,
            }),
            LrMode::ExponentialLRScheduler => Curve::Exponential {
                factor: self.decay_factor()?,
            },
            LrMode::PolyLRScheduler => Curve::Poly,
            LrMode::CosineLRScheduler => Curve::Cosine {
                final_ratio: self.final_ratio()?,
            },
            LrMode::FlatCosineLRScheduler => Curve::FlatCosine {
                final_ratio: self.final_ratio()?,
            },
            LrMode::MultiStepLR(steps) => {
                non_negative("lr_mode.MultiStepLR.gamma", steps.gamma)?;
                Curve::Steps(steps.clone())
            }
            LrMode::OneCycleLR(cycle) => {
                ensure!(
                    self.lr_warmup_epochs == 0 && self.lr_warmup_steps == 0,
                    "`OneCycleLR` warms up by itself\nhint: set `lr_warmup_epochs` and `lr_warmup_steps` to 0"
                );
                cycle.check()?;
                Curve::OneCycle(*cycle)
            }
        })
    }

    fn final_ratio(&self) -> Result<f64> {
        non_negative("cosine_final_lr_ratio", self.cosine_final_lr_ratio)?;
        Ok(self.cosine_final_lr_ratio)
    }

    fn decay_factor(&self) -> Result<f64> {
        let Some(factor) = self.lr_decay_factor else {
            bail!("this `lr_mode` needs `lr_decay_factor`\nhint: set it, for example to 0.1");
        };
        non_negative("lr_decay_factor", factor)?;
        Ok(factor)
    }

    /// The epochs at which `StepLRScheduler` decays; with a frequency, those before the cool-down.
    fn updates(&self, max_epochs: u64) -> Result<Vec<u64>> {
        match (self.step_lr_update_freq, self.lr_updates.is_empty()) {
            (None, false) => self.lr_updates.iter().map(whole_epoch).collect(),
            (None, true) => bail!(
                "`StepLRScheduler` needs `lr_updates`, epochs to decay at\nhint: set it or `step_lr_update_freq`"
            ),
            (Some(_), false) => {
                bail!("`lr_updates` and `step_lr_update_freq` exclude each other\nhint: remove one")
            }
            (Some(every), true) => {
                ensure!(
                    every > 0.0 && every.is_finite(),
                    "`step_lr_update_freq` = {every}\nhint: give epochs above 0"
                );
                let scheduled = self.lr_warmup_epochs..max_epochs - self.lr_cooldown_epochs;
                let epochs = (1..scheduled.end).map(|count| (every * count as f64).ceil() as u64);
                Ok(epochs.filter(|epoch| scheduled.contains(epoch)).collect())
            }
        }
    }
}

impl Schedule {
    /// The learning rate of the step that comes next, for a group whose learning rate starts at `initial`.
    pub fn learning_rate(&self, initial: f64, progress: Progress) -> f64 {
        self.warmup(initial, progress).unwrap_or_else(|| {
            let (position, length) = self.position(progress);
            self.curve
                .learning_rate(initial, progress, position, length)
        })
    }

    /// Looks at the rates of a whole run, by epoch: at the first and the last step of each, of 10,000 epochs at most.
    ///
    /// # Errors
    /// A rate that a float32 cannot hold, with its epoch.
    pub fn check_run(&self, initial: f64, run: Progress) -> Result<()> {
        for epoch in looked_at(run.max_epochs) {
            for step in [0, run.steps_per_epoch.saturating_sub(1)] {
                let rate = self.learning_rate(initial, run.at(epoch, step));
                ensure!(
                    (rate as f32).is_finite(),
                    "`lr_mode`: the learning rate is {rate:e} in epoch {epoch}, beyond what a number can be\n\
                     hint: let it grow less"
                );
            }
        }
        Ok(())
    }

    /// The first epoch from which on the rate is 0 to the end of the run. An epoch whose last step alone is 0 is none.
    pub fn ends_at_zero(&self, initial: f64, run: Progress) -> Option<u64> {
        let is_zero = |epoch: &u64| self.learning_rate(initial, run.at(*epoch, 0)) as f32 == 0.0;
        let epochs: Vec<u64> = looked_at(run.max_epochs).collect();
        let zero = epochs.iter().rev().take_while(|epoch| is_zero(epoch));
        zero.last().copied()
    }

    /// The learning rate before the curve begins.
    fn warmup(&self, initial: f64, progress: Progress) -> Option<f64> {
        let is_early = progress.epoch < self.warmup_epochs;
        match self.warmup_mode {
            // As in SuperGradients, the cosine ends the warm-up after its steps, and stays at its start until it is due.
            WarmupMode::LinearEpochLRWarmup if is_early && !self.cosine_is_due(progress) => {
                let epochs = self.warmup_epochs;
                Some(self.ramp(initial, progress.epoch, epochs, epochs))
            }
            WarmupMode::LinearEpochLRWarmup => None,
            WarmupMode::QuadraticBatchLRWarmup => {
                is_early.then(|| self.parabola(initial, progress))
            }
            WarmupMode::LinearBatchLRWarmup => {
                let steps = self.warmup_steps.min(progress.steps_per_epoch);
                if progress.step_in_run < steps {
                    let span = (steps - 1).max(1);
                    return Some(self.ramp(initial, progress.step_in_run, steps, span));
                }
                is_early.then_some(initial)
            }
        }
    }

    /// By epoch, the last of the warm-up is one short of the initial learning rate; by step, the last one has it.
    fn ramp(&self, initial: f64, position: u64, length: u64, span: u64) -> f64 {
        let start = self
            .warmup_initial_lr
            .unwrap_or(initial / (length + 1) as f64);
        start + (initial - start) * position as f64 / span as f64
    }

    /// From the first learning rate to the initial one, with the square of the part that is done.
    fn parabola(&self, initial: f64, progress: Progress) -> f64 {
        let start = self.warmup_initial_lr.unwrap_or(0.0);
        let steps = self.warmup_epochs.saturating_mul(progress.steps_per_epoch);
        let part = progress.step_in_run as f64 / steps.max(1) as f64;
        start + (initial - start) * part.min(1.0).powi(2)
    }

    fn cosine_is_due(&self, progress: Progress) -> bool {
        let is_cosine = matches!(self.curve, Curve::Cosine { .. });
        is_cosine && self.warmup_steps > 0 && progress.step_in_run >= self.warmup_steps
    }

    /// The number of steps of the curve that are done, and its length in steps. The cool-down stays at the last step.
    fn position(&self, progress: Progress) -> (u64, u64) {
        // SuperGradients lets the other curves run on beneath a warm-up by steps; only a cosine starts after it.
        let warmup_steps = match self.curve {
            Curve::Cosine { .. } | Curve::FlatCosine { .. } => self.warmup_steps,
            _ => 0,
        };
        let skipped = self
            .warmup_epochs
            .saturating_mul(progress.steps_per_epoch)
            .saturating_add(warmup_steps);
        let epochs = progress.max_epochs.saturating_sub(self.cooldown_epochs);
        let end = epochs.saturating_mul(progress.steps_per_epoch);
        let length = end.saturating_sub(skipped).max(1);
        // The flat cosine reaches its end, where the others keep the rate of their last step.
        let last = match self.curve {
            Curve::FlatCosine { .. } => length,
            _ => length - 1,
        };
        let position = progress.step_in_run.saturating_sub(skipped);
        (position.min(last), length)
    }
}

/// The most epochs whose rates are looked at.
const MOST_LOOKED_AT: u64 = 10_000;

/// The epochs of a run, or as many of them, spread evenly, with the last.
fn looked_at(epochs: u64) -> impl Iterator<Item = u64> {
    let stride = epochs.div_ceil(MOST_LOOKED_AT).max(1);
    let spread = (0..epochs).step_by(stride as usize);
    spread.chain(epochs.checked_sub(1))
}

/// The first epoch that is no earlier.
fn whole_epoch(epoch: &f64) -> Result<u64> {
    non_negative("lr_updates", *epoch)?;
    Ok(epoch.ceil() as u64)
}

/// Refuses NaN, infinities and negative numbers.
fn non_negative(key: &str, value: f64) -> Result<()> {
    ensure!(
        value >= 0.0 && value.is_finite(),
        "`{key}` = {value}\nhint: give a finite number of at least 0"
    );
    Ok(())
}
