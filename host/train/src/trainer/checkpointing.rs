//! Checkpoints: when one is due, and what goes into it. The format is `checkpoint`'s; `resume` goes on from one.

use anyhow::Result;
use phasebox_contract::phase::Phase;
use phasebox_data::DataLoader;
use serde::{Deserialize, Serialize};

use super::{KnownData, Stage, Trainer, classes};
use crate::checkpoint::{
    self, AccumulationState, LATEST, NamedTensors, SavedCallback, Snapshot, State, Watched,
};
use crate::context::Context;
use crate::control::{Request, StopAt};

/// The trainer's own state, beside what `checkpoint::State` names.
#[derive(Serialize, Deserialize)]
pub(super) struct TrainerState {
    pub(super) elapsed_seconds: f64,
    /// Batches that a step is to have.
    pub(super) accumulation: u32,
    pub(super) scheduled_rates: Vec<f64>,
    pub(super) groups: Vec<SavedGroup>,
    pub(super) frozen: Vec<String>,
    pub(super) best_values: Vec<Bits>,
    pub(super) metrics: Vec<(String, Bits)>,
    pub(super) loaders: Vec<serde_json::Value>,
    pub(super) asked: Vec<Request>,
    pub(super) callbacks: Vec<CallbackExtras>,
    /// New in schema 2, as all that follows.
    #[serde(default)]
    pub(super) stage: Stage,
    #[serde(default)]
    pub(super) standing: Standing,
    #[serde(default)]
    pub(super) train_data: Option<TrainData>,
    /// The prefix under which the metrics were logged.
    #[serde(default)]
    pub(super) metrics_of: String,
    #[serde(default)]
    pub(super) classes: Vec<String>,
    #[serde(default)]
    pub(super) data: KnownData,
}

/// The requests of callbacks that were not yet fulfilled.
#[derive(Serialize, Deserialize, Default)]
pub(super) struct Standing {
    pub(super) stop: Option<(StopAt, Request)>,
    pub(super) stop_epoch: bool,
    pub(super) validate: bool,
    pub(super) accumulation: Option<u32>,
}

/// The data that positions inside an epoch count in.
#[derive(Serialize, Deserialize, PartialEq, Eq, Clone, Copy)]
pub(super) struct TrainData {
    pub(super) samples: u64,
    pub(super) batch_size: u64,
}

impl TrainData {
    pub(super) fn of(loader: &DataLoader) -> TrainData {
        TrainData {
            samples: loader.dataset().len() as u64,
            batch_size: loader.batch_size() as u64,
        }
    }
}

/// The hyperparameters of a parameter group.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedGroup {
    pub(super) name: String,
    pub(super) hyperparameters: Vec<(String, f64)>,
}

/// Facts about a callback's state that have no place in the checkpoint's own list of callbacks.
#[derive(Serialize, Deserialize)]
pub(super) struct CallbackExtras {
    pub(super) name: String,
    pub(super) random_draws: u64,
    /// The callback saved bytes of its own: none is another answer than an empty list.
    pub(super) has_bytes: bool,
}

/// A number by its bits: JSON has neither NaN nor infinity, and metrics may be either.
#[derive(Serialize, Deserialize)]
pub(super) struct Bits(u64);

impl Bits {
    pub(super) fn value(&self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Bits {
    fn from(value: f64) -> Bits {
        Bits(value.to_bits())
    }
}

impl Trainer {
    /// Saves at the end of an epoch: as latest, and under the tags the epoch has earned. One checkpoint, however many
    /// tags.
    pub(super) fn save_epoch(&mut self, is_best: bool) -> Result<()> {
        let saving = &self.settings.saving;
        let mut tags = vec![LATEST.to_owned()];
        if is_best {
            tags.push(saving.best_tag.clone());
        }
        if saving.epochs.contains(&self.position.epoch) {
            tags.push(format!("epoch_{}", self.position.epoch));
        }
        tags.append(&mut self.context.control.checkpoints);
        self.save(&tags)
    }

    /// Saves between two batches, if callbacks have asked for it or so many steps are done.
    pub(super) fn save_within_epoch(&mut self, stepped: bool) -> Result<()> {
        let mut tags = std::mem::take(&mut self.context.control.checkpoints);
        if stepped && self.is_step_saved() {
            tags.push(LATEST.to_owned());
        }
        if tags.is_empty() {
            return Ok(());
        }
        self.save(&tags)
    }

    fn is_step_saved(&self) -> bool {
        let every = self.settings.saving.every_steps;
        every.is_some_and(|every| self.context.global_step.is_multiple_of(every))
    }

    /// Saves the state as it is after on-checkpoint-save-start. Syncs.
    pub(super) fn save(&mut self, tags: &[String]) -> Result<()> {
        let durability = self.settings.saving.durability;
        if !self.settings.saving.enabled {
            return Ok(());
        }
        self.fire(Phase::CheckpointSaveStart)?;
        self.context.logger.flush()?;
        let snapshot = self.snapshot()?;
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let saved = checkpoint::save(self.run.path(), &tags, &snapshot, durability);
        if saved.is_err() {
            self.unsaved = tags.into_iter().map(str::to_owned).collect();
        }
        saved?;
        self.fire(Phase::CheckpointSaveEnd)
    }

    fn snapshot(&mut self) -> Result<Snapshot> {
        let callbacks = self.callbacks.save_states(self.context.global_step)?;
        let validated = std::mem::take(&mut self.validated);
        let context = &*self.context;
        let (best_models, best_values) = self.best_models.state();
        let own = TrainerState {
            elapsed_seconds: context.elapsed().as_secs_f64(),
            accumulation: context.accumulation.planned(),
            scheduled_rates: self.schedule.state().to_vec(),
            groups: groups(context)?,
            frozen: frozen(context),
            best_values: best_values.into_iter().map(Bits::from).collect(),
            metrics: metric_bits(&context.metrics_dict),
            loaders: loaders(context),
            asked: context.control.history.clone(),
            callbacks: callbacks.iter().map(extras).collect(),
            stage: self.position.stage,
            standing: standing(context),
            train_data: Some(TrainData::of(&context.train_loader)),
            metrics_of: self.metrics_of.clone(),
            classes: classes::of(&context.train_loader),
            data: self.data().clone(),
        };
        Ok(Snapshot {
            state: self.state(serde_json::to_value(own)?)?,
            model: context.net.state(),
            optimizer: context.optimizer.state(),
            ema: ema(context),
            validated,
            metrics: self.metrics_within_epoch()?,
            rng: vec![(
                crate::device::name(context.device),
                torch_ext::rng_state(context.device)?,
            )],
            gradients: waiting_gradients(context),
            best_models,
            callbacks,
        })
    }

    fn state(&self, trainer: serde_json::Value) -> Result<State> {
        let context = &*self.context;
        Ok(State {
            epoch: u64::from(self.position.epoch),
            next_batch: self.position.next_batch,
            global_step: context.global_step,
            samples_seen: context.samples_seen,
            metrics_bytes: self.logged_bytes()?,
            watched: Some(Watched {
                metric: context.run.metric_to_watch.clone(),
                greater_is_better: context.run.greater_metric_to_watch_is_better,
                best: context.best_metric,
                best_epoch: context.best_epoch.map(u64::from),
            }),
            accumulation: self.accumulation_state(),
            criterion: context.criterion.state(),
            recipe: self.settings.recipe.clone(),
            trainer,
            ..State::default()
        })
    }

    /// The part of the log that a resumed run does not log anew, in bytes.
    fn logged_bytes(&self) -> Result<u64> {
        self.pass_began
            .map_or_else(|| self.context.logger.metrics_bytes(), Ok)
    }

    fn accumulation_state(&self) -> AccumulationState {
        let group = &self.context.accumulation;
        let next_batch = self.position.next_batch;
        let batches = u64::from(group.contributed());
        let first_batch = group.first_batch().min(next_batch);
        let has_skipped = batches > 0 && first_batch != next_batch.saturating_sub(batches);
        AccumulationState {
            batches,
            first_batch: has_skipped.then_some(first_batch),
            ..AccumulationState::default()
        }
    }

    /// The running metrics of training, unless the next batch begins an epoch, which resets them.
    fn metrics_within_epoch(&self) -> Result<NamedTensors> {
        if self.position.is_at_start() {
            return Ok(Vec::new());
        }
        self.context.running_metrics.train.state()
    }
}

fn standing(context: &Context) -> Standing {
    let control = &context.control;
    Standing {
        stop: control.stop.clone(),
        stop_epoch: control.stop_epoch,
        validate: control.validate,
        accumulation: control.accumulation,
    }
}

fn extras(saved: &SavedCallback) -> CallbackExtras {
    CallbackExtras {
        name: saved.name.clone(),
        random_draws: saved.state.random_draws,
        has_bytes: saved.state.bytes.is_some(),
    }
}

fn metric_bits(metrics: &[(String, f64)]) -> Vec<(String, Bits)> {
    let metrics = metrics.iter();
    metrics
        .map(|(name, value)| (name.clone(), Bits::from(*value)))
        .collect()
}

fn groups(context: &Context) -> Result<Vec<SavedGroup>> {
    let optimizer = &context.optimizer;
    let mut groups = Vec::new();
    for group in optimizer.groups() {
        let mut hyperparameters = Vec::new();
        for name in optimizer.hyperparameter_names() {
            let value = optimizer.hyperparameter(&group.name, name)?;
            hyperparameters.push(((*name).to_owned(), value));
        }
        groups.push(SavedGroup {
            name: group.name.clone(),
            hyperparameters,
        });
    }
    Ok(groups)
}

/// Parameters that do not learn. A name is also a glob that matches itself alone: parameter names hold no wildcards.
fn frozen(context: &Context) -> Vec<String> {
    let parameters = context.net.parameters().iter();
    parameters
        .filter(|(_, tensor)| !tensor.requires_grad())
        .map(|(name, _)| name.clone())
        .collect()
}

/// The states of the loaders of train, validation and test; the last may be missing.
fn loaders(context: &Context) -> Vec<serde_json::Value> {
    let mut states = vec![context.train_loader.state(), context.valid_loader.state()];
    states.extend(context.test_loader.as_ref().map(|loader| loader.state()));
    states
}

fn ema(context: &Context) -> NamedTensors {
    match &context.ema_model {
        Some(ema) => ema.model().state(),
        None => Vec::new(),
    }
}

/// Gradients that wait for more batches of their step.
fn waiting_gradients(context: &Context) -> NamedTensors {
    if context.accumulation.contributed() == 0 {
        return Vec::new();
    }
    let mut gradients = Vec::new();
    for (name, parameter) in context.net.parameters() {
        let gradient = parameter.grad();
        if gradient.defined() {
            gradients.push((name.clone(), gradient));
        }
    }
    gradients
}
