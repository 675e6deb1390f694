//! Going on from a checkpoint: everything is as it was when that was saved. Owns the order in which state is put back;
//! `checkpointing` owns what is saved. A resumed run gives, bit for bit, the results of an uninterrupted one: on the CPU, and
//! on a GPU with `deterministic_kernels`.

use anyhow::{Context as _, Result, ensure};

use super::checkpointing::{Bits, CallbackExtras, SavedGroup, TrainerState};
use super::gives_way::GivesWay;
use super::{Position, Stage, Summary, Trainer, classes, restore};
use crate::checkpoint::{SavedCallback, Snapshot};
use crate::control::StopAt;
use crate::logger::Logged;
use crate::outcome::Ending;
use crate::split::PerSplit;

/// The parts of a checkpoint that give way to the recipe, because it has changed since. The default takes everything from
/// the checkpoint.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// Anything: rates that depend on it are those of the recipe from the next step on.
    pub recipe: bool,
    /// The optimizer's state begins anew.
    pub optimizer_state: bool,
    /// Hyperparameters of the optimizer, but for learning rates.
    pub hyperparameters: bool,
    /// Learning rates.
    pub learning_rates: bool,
    /// The loss and its parameters, those included that callbacks have set.
    pub loss: GivesWay,
    /// Batches of a step, from the next step on.
    pub accumulation: bool,
    /// Metrics of the training batches: those of an epoch under way begin anew.
    pub train_metrics: bool,
    /// Parameters of loaders and transforms that callbacks have set.
    pub loaders: PerSplit<GivesWay>,
    /// The transforms, batches or samples of validation: values that were measured before are of another kind.
    pub validation: bool,
    /// The list of callbacks: a stop that one has asked for no longer stands.
    pub callbacks: bool,
    /// How the network differs, in the words of the recipe, should the checkpoint not fit.
    pub network: Vec<String>,
}

impl Trainer {
    /// Goes on from a checkpoint. Changes nothing on disk, so that a run which is refused can be resumed otherwise.
    ///
    /// # Errors
    /// If the checkpoint does not belong to this recipe's network, optimizer, callbacks or data; names the first that
    /// differs.
    pub fn resume(&mut self, snapshot: Snapshot, changed: &Changed) -> Result<()> {
        let logged = Logged {
            step: snapshot.state.global_step,
            bytes: snapshot.state.metrics_bytes,
        };
        self.restore(snapshot, changed)?;
        self.resumed = Some(logged);
        self.earlier = self.summary_if_over();
        Ok(())
    }

    /// True if a resumed run was over already: it will train nothing and change nothing.
    pub fn is_over(&self) -> bool {
        self.earlier.is_some()
    }

    /// True if the checkpoint stands at the end of its run, and nothing is left to train.
    fn is_at_end(&self) -> bool {
        let is_past = self.position.epoch >= self.settings.max_epochs;
        let is_stopped = self.context.control.stop_after(StopAt::Epoch).is_some();
        self.position.is_at_start() && (is_past || is_stopped)
    }

    /// Refuses a new run that would begin where its checkpoint's run has ended.
    ///
    /// # Errors
    /// If nothing is left to train, with the remedy.
    pub fn check_something_is_left(&self) -> Result<()> {
        let remedy = self.remedy();
        ensure!(
            !self.is_at_end(),
            "nothing is left to train after it: {remedy}, or name an earlier checkpoint"
        );
        Ok(())
    }

    /// The change by which a run that is over goes on.
    fn remedy(&self) -> &'static str {
        match self.position.epoch >= self.settings.max_epochs {
            true => "raise `max_epochs` to go on",
            false => "change the entry of `phase_callbacks` that stopped it to go on",
        }
    }

    /// The summary that the run has, if it came to its end and nothing is left to train.
    fn summary_if_over(&self) -> Option<Summary> {
        if !self.is_at_end() {
            return None;
        }
        let summary = Summary::read(&self.run).ok()?;
        let is_of_this_end = summary.has_ended() && summary.steps == self.context.global_step;
        is_of_this_end.then_some(summary)
    }

    /// Answers with the summary of a run that is over, and says so.
    pub(super) fn leave_as_it_is(&mut self, summary: Summary) -> Result<Summary> {
        let remedy = self.remedy();
        tracing::info!(
            "the run is over ({}): nothing is left to train, and nothing was changed; {remedy}",
            summary.stop_reason
        );
        self.progress.finish(&serde_json::to_value(&summary)?);
        Ok(summary)
    }

    /// Refuses to call a run complete that stands within an epoch beyond its last.
    fn check_epochs(&self) -> Result<()> {
        let Position { epoch, .. } = self.position;
        let max_epochs = self.settings.max_epochs;
        ensure!(
            self.position.is_at_start() || epoch < max_epochs,
            "it stands within epoch {}, and `max_epochs` is {max_epochs}: write at least {}",
            epoch + 1,
            epoch + 1
        );
        Ok(())
    }

    /// The end that was due when the checkpoint was taken, but had not come.
    pub(super) fn standing_stop(&mut self) -> Option<Ending> {
        let is_between_steps = self.context.accumulation.contributed() == 0;
        let completed = match self.position {
            position if position.is_at_start() => StopAt::Epoch,
            Position {
                stage: Stage::Train,
                ..
            } if is_between_steps => StopAt::Step,
            Position {
                stage: Stage::Train,
                ..
            } => StopAt::Batch,
            _ => return None,
        };
        self.context.control.stop_after(completed).map(Ending::of)
    }

    /// Does what was still to be done when a checkpoint was taken between two batches. Answers whether a callback has
    /// ended the epoch's training part.
    pub(super) fn resume_between_batches(&mut self) -> Result<bool> {
        if std::mem::take(&mut self.context.control.validate) {
            self.validate_within_epoch()?;
        }
        Ok(std::mem::take(&mut self.context.control.stop_epoch))
    }

    fn restore(&mut self, snapshot: Snapshot, changed: &Changed) -> Result<()> {
        let state = &snapshot.state;
        let own = restore::own(state)?;
        self.position = Position {
            epoch: u32::try_from(state.epoch)?,
            next_batch: state.next_batch,
            stage: own.stage,
        };
        self.check_epochs()?;
        own.data.check_train(self.data(), self.position)?;
        let changed = &Changed {
            validation: changed.validation || own.data.has_other_validation(self.data()),
            ..changed.clone()
        };
        classes::check(&self.context, &own.classes)?;
        self.restore_callbacks(snapshot.callbacks, &own.callbacks)?;
        self.restore_rates(&own, changed)?;
        self.metrics_of.clone_from(&own.metrics_of);
        let context = &mut *self.context;
        context
            .net
            .load_state(&snapshot.model, true)
            .with_context(|| restore::another_network(changed))?;
        restore::counts(context, state, &own, changed)?;
        restore::standing(context, own.standing, changed);
        if restore::watched(context, state, changed)? {
            let best_values: Vec<f64> = own.best_values.iter().map(Bits::value).collect();
            let best_models = &mut self.best_models;
            best_models.restore(snapshot.best_models, &best_values, &snapshot.model)?;
        }
        if !changed.optimizer_state {
            restore::optimizer(context.optimizer.as_mut(), snapshot.optimizer, changed)?;
        }
        restore::ema(context, &snapshot.ema, &snapshot.model)?;
        restore::loss(context, state, changed)?;
        restore::loaders(context, &own.loaders, changed)?;
        restore::check_data(context, self.position, own.train_data)?;
        if changed.loss.is_nothing() && !changed.train_metrics {
            let metrics = &mut context.running_metrics.train;
            metrics.load_state(&snapshot.metrics, context.device)?;
        }
        restore::gradients(context, &snapshot.gradients)?;
        for name in &own.frozen {
            context.net.freeze(name)?;
        }
        if changed.recipe {
            self.apply_schedule();
        }
        // Last: building and loading may have drawn random numbers.
        restore::random_numbers(&self.context, &snapshot.rng)
    }

    /// Hyperparameters first: which state the optimizer keeps depends on them.
    fn restore_rates(&mut self, own: &TrainerState, changed: &Changed) -> Result<()> {
        if !changed.learning_rates {
            self.schedule.restore(&own.scheduled_rates);
        }
        let optimizer = self.context.optimizer.as_mut();
        for SavedGroup {
            name,
            hyperparameters,
        } in &own.groups
        {
            for (key, value) in hyperparameters {
                let gives_way = match key.as_str() {
                    "lr" => changed.learning_rates,
                    _ => changed.hyperparameters || changed.optimizer_state,
                };
                if !gives_way {
                    optimizer.set_hyperparameter(name, key, *value)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn restore_callbacks(
        &mut self,
        mut callbacks: Vec<SavedCallback>,
        extras: &[CallbackExtras],
    ) -> Result<()> {
        for SavedCallback { name, state } in &mut callbacks {
            if let Some(extras) = extras.iter().find(|extras| extras.name == *name) {
                state.random_draws = extras.random_draws;
                state.bytes = state.bytes.take().filter(|_| extras.has_bytes);
            }
            for (_, tensor) in &mut state.tensors {
                *tensor = tensor.f_to_device(self.context.device)?;
            }
        }
        for name in self.callbacks.load_states(callbacks)? {
            tracing::warn!(
                "the checkpoint holds state of callback `{name}`, which the recipe no longer has: left out"
            );
        }
        Ok(())
    }
}
