//! The parts of a context, put back as a checkpoint has them. Owns what each part needs for that, and what gives way to a
//! recipe that has changed; the order is `resume`'s.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use phasebox_nn::optim::Optimizer;
use serde_json::Value;
use tch::{Device, Tensor};

use super::checkpointing::{Standing, TrainData, TrainerState};
use super::gives_way::GivesWay;
use super::{Changed, Position, Stage};
use crate::accumulation::Accumulation;
use crate::checkpoint::{NamedTensors, State};
use crate::context::Context;
use crate::split::PerSplit;

/// The trainer's own part of a checkpoint.
pub(super) fn own(state: &State) -> Result<TrainerState> {
    serde_json::from_value(state.trainer.clone())
        .context("its part of the trainer cannot be read: it was saved by another version")
}

pub(super) fn another_network(changed: &Changed) -> String {
    match changed.network.as_slice() {
        [] => "its network is another one".to_owned(),
        lines => format!(
            "its network is another one ({}): put back what it was, or begin a new run",
            lines.join("; ")
        ),
    }
}

pub(super) fn counts(
    context: &mut Context,
    state: &State,
    own: &TrainerState,
    changed: &Changed,
) -> Result<()> {
    context.global_step = state.global_step;
    context.samples_seen = state.samples_seen;
    context.elapsed_before = Duration::try_from_secs_f64(own.elapsed_seconds)?;
    let of_recipe = context.accumulation.planned();
    context.accumulation = restored_accumulation(state, own.accumulation)?;
    context.control.accumulation = match changed.accumulation {
        true => Some(of_recipe),
        false => own.standing.accumulation,
    };
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

/// A stop stands only while the callbacks are the same.
pub(super) fn standing(context: &mut Context, standing: Standing, changed: &Changed) {
    let control = &mut context.control;
    control.stop_epoch = standing.stop_epoch;
    control.validate = standing.validate;
    if !changed.callbacks {
        control.stop = standing.stop;
    } else if let Some((_, stop)) = standing.stop {
        tracing::info!(
            "resume: callback `{}` had asked to stop ({}); the callbacks have changed, so the run goes on",
            stop.by,
            stop.reason
        );
    }
}

/// The best value so far, and the best models, hold on only if the recipe still watches that metric, on the same
/// validation. Answers whether it does.
pub(super) fn watched(context: &mut Context, state: &State, changed: &Changed) -> Result<bool> {
    let Some(watched) = &state.watched else {
        return Ok(true);
    };
    let run = &context.run;
    let is_same = watched.metric == run.metric_to_watch
        && watched.greater_is_better == run.greater_metric_to_watch_is_better;
    if is_same && changed.validation {
        tracing::warn!(
            "resume: the data of validation, or how they are read, have changed: the best value of `{}` and the best models \
             start anew",
            run.metric_to_watch
        );
        return Ok(false);
    }
    if is_same {
        context.best_metric = watched.best;
        context.best_epoch = watched.best_epoch.map(u32::try_from).transpose()?;
    } else {
        tracing::warn!(
            "resume: the checkpoint watched `{}` ({} is better), this recipe watches `{}` ({} is better): the best value \
             and the best models start anew",
            watched.metric,
            direction(watched.greater_is_better),
            run.metric_to_watch,
            direction(run.greater_metric_to_watch_is_better),
        );
    }
    Ok(is_same)
}

fn direction(greater_is_better: bool) -> &'static str {
    match greater_is_better {
        true => "greater",
        false => "smaller",
    }
}

/// Where hyperparameters have changed, the state of the buffers that both have; others begin at zero.
pub(super) fn optimizer(
    optimizer: &mut dyn Optimizer,
    saved: NamedTensors,
    changed: &Changed,
) -> Result<()> {
    let state = match changed.hyperparameters {
        false => saved,
        true => {
            let mut saved: HashMap<String, Tensor> = saved.into_iter().collect();
            let zeros = optimizer.state().into_iter();
            zeros
                .map(|(name, zero)| {
                    let tensor = saved.remove(&name).unwrap_or(zero);
                    (name, tensor)
                })
                .collect()
        }
    };
    optimizer
        .load_state(state)
        .context("its optimizer is another one")
}

/// An average that the checkpoint lacks begins with the network's weights.
pub(super) fn ema(context: &mut Context, saved: &NamedTensors, model: &NamedTensors) -> Result<()> {
    if let Some(ema) = &mut context.ema_model {
        let state = if saved.is_empty() { model } else { saved };
        ema.model_mut()
            .load_state(state, true)
            .context("its moving average is another one")?;
    }
    Ok(())
}

/// The loss's parameters, but for those that the recipe has changed.
pub(super) fn loss(context: &mut Context, state: &State, changed: &Changed) -> Result<()> {
    match &changed.loss {
        GivesWay::Everything => Ok(()),
        gives_way => {
            let kept = gives_way.kept(&state.criterion["parameters"]);
            context.criterion.restore(&state.criterion["name"], &kept)
        }
    }
}

/// The states are in the order in which `checkpointing` takes them.
pub(super) fn loaders(context: &mut Context, states: &[Value], changed: &Changed) -> Result<()> {
    let PerSplit {
        train,
        validation,
        test,
    } = &changed.loaders;
    let loaders = [
        Some((train, &mut context.train_loader)),
        Some((validation, &mut context.valid_loader)),
        context.test_loader.as_mut().map(|loader| (test, loader)),
    ];
    for ((gives_way, loader), state) in loaders.into_iter().flatten().zip(states) {
        loader.restore(&Value::Object(gives_way.kept(state)))?;
    }
    Ok(())
}

pub(super) const REMEDY: &str =
    "put back what it was, or go on from a checkpoint of an epoch's end";

/// True if batches of an epoch are left to train on.
pub(super) fn is_inside_training(position: Position) -> bool {
    position.next_batch > 0 && position.stage == Stage::Train
}

/// Refuses data in which a position inside an epoch means something else than it did.
pub(super) fn check_data(
    context: &Context,
    position: Position,
    saved: Option<TrainData>,
) -> Result<()> {
    if !is_inside_training(position) {
        return Ok(());
    }
    let now = TrainData::of(&context.train_loader);
    let saved = saved.unwrap_or(now);
    let Position {
        epoch, next_batch, ..
    } = position;
    ensure!(
        now.samples == saved.samples,
        "it stands inside epoch {epoch} of {} training samples, and there are {} now: {REMEDY}",
        saved.samples,
        now.samples
    );
    ensure!(
        now.batch_size == saved.batch_size,
        "it stands inside epoch {epoch} of batches of {}, and `batch_size` is {} now: {REMEDY}",
        saved.batch_size,
        now.batch_size
    );
    let batches = context.train_loader.batches();
    ensure!(
        next_batch <= batches,
        "it stands at batch {next_batch} of epoch {epoch}, and an epoch has {batches} batches now: {REMEDY}"
    );
    Ok(())
}

/// The generator of another kind of device has another state: random numbers then begin with the seed.
pub(super) fn random_numbers(context: &Context, saved: &NamedTensors) -> Result<()> {
    for (device, state) in saved {
        let was_on_cpu = device == "cpu";
        if was_on_cpu == (context.device == Device::Cpu) {
            torch_ext::set_rng_state(context.device, state)?;
        } else {
            tracing::warn!(
                "resume: the checkpoint was made on {device}, the run goes on on {}: random numbers begin anew",
                crate::device::name(context.device)
            );
        }
    }
    Ok(())
}

/// Gradients exist only after a backward pass: one of zero makes them, then the saved values go in.
pub(super) fn gradients(context: &mut Context, saved: &NamedTensors) -> Result<()> {
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
        let mut gradient = parameter.grad();
        let fits = gradient.defined() && gradient.size() == value.size();
        ensure!(fits, "its gradient of `{name}` does not fit the network");
        gradient.f_copy_(value)?;
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
