//! Going on from a checkpoint: everything is as it was when that was saved. Owns the order in which state is put back;
//! `checkpointing` owns what is saved. On the CPU a resumed run gives, bit for bit, the results of an uninterrupted one.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tch::Tensor;

use super::checkpointing::{Bits, CallbackExtras, SavedGroup, TrainerState};
use super::{Position, Trainer};
use crate::accumulation::Accumulation;
use crate::checkpoint::{self, NamedTensors, SavedCallback, Snapshot, State};
use crate::context::Context;
use crate::logger::Logged;

impl Trainer {
    /// Goes on from a checkpoint, a folder or a tag's link. Changes nothing on disk, so that a run which is refused can
    /// be resumed otherwise.
    ///
    /// # Errors
    /// If the checkpoint does not belong to this recipe's network, optimizer or callbacks; names the first that differs.
    pub fn resume(&mut self, path: &Path) -> Result<()> {
        let snapshot = checkpoint::load(path)?;
        let logged = Logged {
            step: snapshot.state.global_step,
            bytes: snapshot.state.metrics_bytes,
        };
        self.restore(snapshot)
            .with_context(|| format!("the run cannot go on from {}", path.display()))?;
        self.resumed = Some(logged);
        Ok(())
    }

    fn restore(&mut self, snapshot: Snapshot) -> Result<()> {
        let state = &snapshot.state;
        let own = read_own(state)?;
        self.position = Position {
            epoch: u32::try_from(state.epoch)?,
            next_batch: state.next_batch,
        };
        self.schedule.restore(&own.scheduled_rates);
        let best_values: Vec<f64> = own.best_values.iter().map(Bits::value).collect();
        self.best_models.restore(snapshot.best_models, &best_values);
        self.restore_callbacks(snapshot.callbacks, &own.callbacks)?;
        let context = &mut *self.context;
        restore_counts(context, state, &own)?;
        restore_watched(context, state)?;
        context
            .net
            .load_state(&snapshot.model, true)
            .context("its network is another one")?;
        context
            .optimizer
            .load_state(snapshot.optimizer)
            .context("its optimizer is another one")?;
        restore_ema(context, &snapshot.ema)?;
        restore_groups(context, &own.groups)?;
        context.criterion.restore(&state.criterion)?;
        restore_loaders(context, &own.loaders)?;
        let metrics = &mut context.running_metrics.train;
        metrics.load_state(&snapshot.metrics, context.device)?;
        restore_gradients(context, &snapshot.gradients)?;
        for name in &own.frozen {
            context.net.freeze(name)?;
        }
        // Last: building and loading may have drawn random numbers.
        for (_, rng) in &snapshot.rng {
            torch_ext::set_rng_state(context.device, rng)?;
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

/// The trainer's own part of a checkpoint.
pub(super) fn read_own(state: &State) -> Result<TrainerState> {
    serde_json::from_value(state.trainer.clone())
        .context("its part of the trainer cannot be read: it was saved by another version")
}

pub(super) fn restore_counts(
    context: &mut Context,
    state: &State,
    own: &TrainerState,
) -> Result<()> {
    context.global_step = state.global_step;
    context.samples_seen = state.samples_seen;
    context.elapsed_before = Duration::try_from_secs_f64(own.elapsed_seconds)?;
    context.accumulation = restored_accumulation(state, own.accumulation)?;
    context.control.history.clone_from(&own.asked);
    let metrics = own.metrics.iter();
    context.metrics_dict = metrics
        .map(|(name, value)| (name.clone(), value.value()))
        .collect();
    Ok(())
}

fn restored_accumulation(state: &State, planned: u32) -> Result<Accumulation> {
    let waiting = &state.accumulation;
    let contributed = u32::try_from(waiting.batches)?;
    let without_skips = state.next_batch.saturating_sub(waiting.batches);
    let first_batch = waiting.first_batch.unwrap_or(without_skips);
    Ok(Accumulation::resumed(planned, contributed, first_batch))
}

/// The best value so far holds on only if the recipe still watches that metric.
fn restore_watched(context: &mut Context, state: &State) -> Result<()> {
    let Some(watched) = &state.watched else {
        return Ok(());
    };
    if watched.metric == context.run.metric_to_watch {
        context.best_metric = watched.best;
        context.best_epoch = watched.best_epoch.map(u32::try_from).transpose()?;
    } else {
        tracing::warn!(
            "the checkpoint watched `{}`, this recipe watches `{}`: the best value starts anew",
            watched.metric,
            context.run.metric_to_watch
        );
    }
    Ok(())
}

pub(super) fn restore_ema(context: &mut Context, saved: &NamedTensors) -> Result<()> {
    if let Some(ema) = &mut context.ema_model {
        ema.model_mut()
            .load_state(saved, true)
            .context("its moving average is another one")?;
    }
    Ok(())
}

fn restore_groups(context: &mut Context, groups: &[SavedGroup]) -> Result<()> {
    for group in groups {
        for (name, value) in &group.hyperparameters {
            context
                .optimizer
                .set_hyperparameter(&group.name, name, *value)?;
        }
    }
    Ok(())
}

/// The states are in the order in which `checkpointing` takes them.
fn restore_loaders(context: &mut Context, states: &[serde_json::Value]) -> Result<()> {
    let loaders = [
        Some(&mut context.train_loader),
        Some(&mut context.valid_loader),
        context.test_loader.as_mut(),
    ];
    for (loader, state) in loaders.into_iter().flatten().zip(states) {
        loader.restore(state)?;
    }
    Ok(())
}

/// Gradients exist only after a backward pass: one of zero makes them, then the saved values go in.
fn restore_gradients(context: &mut Context, saved: &NamedTensors) -> Result<()> {
    if saved.is_empty() {
        return Ok(());
    }
    make_gradients(context)?;
    let _unrecorded = tch::no_grad_guard();
    let parameters = context.net.parameters();
    for (name, value) in saved {
        let parameter = parameters.iter().find(|(known, _)| known == name);
        let (_, parameter) = parameter
            .with_context(|| format!("it has a gradient of `{name}`, which the network lacks"))?;
        parameter.grad().f_copy_(value)?;
    }
    Ok(())
}

/// Gives a gradient of zero to every parameter that learns.
fn make_gradients(context: &Context) -> Result<()> {
    let mut sums = Vec::new();
    for (_, parameter) in context.net.parameters() {
        if parameter.requires_grad() {
            sums.push(parameter.f_sum(tch::Kind::Float)?);
        }
    }
    Tensor::f_stack(&sums, 0)?
        .f_sum(tch::Kind::Float)?
        .f_mul_scalar(0.0)?
        .f_backward()?;
    Ok(())
}
