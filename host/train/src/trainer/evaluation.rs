//! An evaluation without training: a checkpoint's weights, averages and callbacks, and one pass over a split. Owns what
//! of a checkpoint it takes, and the form of its result; the pass itself is in `evaluate`.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::json;
use serde::Serialize;
use serde_json::{Map, Value};
use torch_ext::GradientMode;

use super::checkpointing::TrainerState;
use super::summary::{CallbackSummary, json_object};
use super::{Changed, Position, Trainer, classes, restore};
use crate::checkpoint::Snapshot;
use crate::context::Context;
use crate::control::Request;
use crate::split::Split;

/// The result of an evaluation: `evaluation.json` in its folder.
#[derive(Serialize, Debug)]
pub struct Evaluation {
    /// Version of this form.
    pub schema: u32,
    /// The split's name in metrics: "valid" or "test".
    pub split: &'static str,
    /// The checkpoint, or the file of weights; none for the weights that the recipe starts from.
    pub checkpoint: Option<PathBuf>,
    /// Epochs that the checkpoint was trained for.
    pub epochs: u32,
    /// Its optimizer steps.
    pub steps: u64,
    /// Samples seen in the pass.
    pub samples: u64,
    /// Seconds that the pass took.
    pub seconds: f64,
    /// "cpu", "cuda:0".
    pub device: String,
    /// The metrics by name, those that callbacks publish among them.
    pub metrics: Map<String, Value>,
    /// Requests of callbacks: here they change nothing.
    pub requests: Vec<Request>,
    /// The callbacks, in order.
    pub callbacks: Vec<CallbackSummary>,
    /// The folder of logs, images and artifacts of this evaluation.
    pub folder: PathBuf,
}

impl Trainer {
    /// Takes weights, averages, counts and callbacks' states from a checkpoint, a folder or a tag's link; the optimizer
    /// stays as it is.
    ///
    /// # Errors
    /// If the checkpoint does not belong to this recipe's network or callbacks. A loss and loaders that have `changed` are
    /// those of the recipe.
    pub fn look_at(&mut self, path: &Path, snapshot: Snapshot, changed: &Changed) -> Result<()> {
        self.take_weights(snapshot, changed)
            .with_context(|| format!("{} cannot be evaluated", path.display()))
    }

    fn take_weights(&mut self, snapshot: Snapshot, changed: &Changed) -> Result<()> {
        let state = &snapshot.state;
        let own: TrainerState = restore::own(state)?;
        classes::check(&self.context, &own.classes)?;
        self.restore_callbacks(snapshot.callbacks, &own.callbacks)?;
        let context = &mut *self.context;
        restore::counts(context, state, &own, &Changed::default())?;
        context.control.history.clear();
        context
            .net
            .load_state(&snapshot.model, true)
            .with_context(|| restore::another_network(changed))?;
        restore::ema(context, &snapshot.ema, &snapshot.model)?;
        restore::loss(context, state, changed)?;
        restore_loaders(context, &own.loaders, changed);
        self.stand_after(state.epoch, state.next_batch)
    }

    /// The epoch in progress is the one that was trained last.
    fn stand_after(&mut self, epoch: u64, next_batch: u64) -> Result<()> {
        let epoch = u32::try_from(epoch)?;
        let completed = next_batch == 0;
        let last = epoch.saturating_sub(u32::from(completed));
        self.position = Position {
            epoch,
            next_batch,
            ..Position::default()
        };
        self.context.epoch = Some(last);
        self.context.logger.set_epoch(u64::from(last));
        Ok(())
    }

    /// One pass over the validation or test data. Fires the phases of that pass alone, and writes `evaluation.json`.
    ///
    /// # Errors
    /// A recipe without that split, and the error that ended the pass. A callback's names the callback and the phase.
    pub fn evaluate_only(
        mut self,
        split: Split,
        checkpoint: Option<PathBuf>,
    ) -> Result<Evaluation> {
        self.context.logger.open(None)?;
        let started = Instant::now();
        let _unrecorded = GradientMode::set(false);
        self.pass_over(split)?;
        self.context.logger.flush()?;
        let evaluation = self.evaluation(split, checkpoint, started.elapsed().as_secs_f64())?;
        let text = json::pretty(&evaluation)?;
        let file = self.run.path().join("evaluation.json");
        atomic_file::write_file(&file, text.as_bytes(), Durability::Process)?;
        Ok(evaluation)
    }

    fn pass_over(&mut self, split: Split) -> Result<()> {
        match split {
            Split::Test => self.test(),
            _ => self.validate_only(),
        }
    }

    fn evaluation(
        &mut self,
        split: Split,
        checkpoint: Option<PathBuf>,
        seconds: f64,
    ) -> Result<Evaluation> {
        self.context.split = split;
        let samples = self.loader()?.samples();
        let context = &*self.context;
        Ok(Evaluation {
            schema: 1,
            split: split.metrics_prefix(),
            checkpoint,
            epochs: self.position.epoch,
            steps: context.global_step,
            samples,
            seconds,
            device: crate::device::name(context.device),
            metrics: json_object(&context.metrics_dict),
            requests: context.control.history.clone(),
            callbacks: self.callback_summaries(),
            folder: self.run.path().to_owned(),
        })
    }
}

/// Repeats what callbacks had changed of the loaders of validation and test, as far as this recipe still has it.
fn restore_loaders(context: &mut Context, states: &[Value], changed: &Changed) {
    let loaders = [
        Some((&changed.loaders.validation, &mut context.valid_loader)),
        context
            .test_loader
            .as_mut()
            .map(|loader| (&changed.loaders.test, loader)),
    ];
    let states = loaders.into_iter().zip(states.iter().skip(1));
    for ((gives_way, loader), state) in states.filter_map(|(loader, state)| Some((loader?, state)))
    {
        if let Err(error) = loader.restore(&Value::Object(gives_way.kept(state))) {
            tracing::warn!("a callback's change of the checkpoint is left out: {error:#}");
        }
    }
}
