//! The context as it was at a line of a trace. Scalars are set at every line; tensors only for lines at which a callback is
//! called, and then only those that differ from what the context has.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::printable::excerpt;
use phasebox_nn::model::Model;
use tch::{Kind, Tensor};
use torch_ext::{GradientMode, Items};

use super::capture::{self, LOSS, LOSS_ITEMS};
use super::event::{Changes, Event, Numbers, PhaseTensor};
use super::part::{Part, Parts};
use super::reader::TraceFile;
use crate::accumulation::Accumulation;
use crate::context::Context;
use crate::control::{Control, Request, StopAt};
use crate::outcome::{BatchOutcome, Ending, Outcome};

/// The values of the last line, and which of its tensors the context has.
#[derive(Default)]
pub(super) struct Position {
    /// For each part, the line that has its tensors; none before there were any.
    lines: [Option<usize>; Part::ALL.len()],
    /// For each part, the line whose tensors the context has.
    applied: [Option<usize>; Part::ALL.len()],
    /// The line that cleared the gradients, if none has had any since.
    cleared: bool,
    /// The parts that exist.
    has: Parts,
    pub(super) groups: std::collections::BTreeMap<String, Numbers>,
    pub(super) settings:
        std::collections::BTreeMap<String, serde_json::Map<String, serde_json::Value>>,
    pub(super) frozen: Vec<String>,
}

impl Position {
    /// Goes on to line `index`: sets the scalars, and notes where its tensors are.
    pub(super) fn advance(
        &mut self,
        context: &mut Context,
        trace: &TraceFile,
        index: usize,
    ) -> Result<()> {
        let (phase, event) = &trace.events[index];
        set_place(context, *phase, event)?;
        self.has = event.has.iter().copied().collect();
        let Some(new) = &event.new else {
            return Ok(());
        };
        self.note_tensors(new, index);
        if let Some(metrics) = &new.metrics {
            let metrics = metrics.iter();
            context.metrics_dict = metrics
                .map(|(name, value)| (name.clone(), value.0))
                .collect();
        }
        if let Some((value, epoch)) = new.best {
            (context.best_metric, context.best_epoch) = (Some(value.0), Some(epoch));
        }
        if let Some(groups) = &new.groups {
            self.groups.clone_from(groups);
            self.set_groups(context)?;
        }
        if let Some(settings) = &new.settings {
            self.settings.clone_from(settings);
            self.set_settings(context)?;
        }
        if let Some(frozen) = &new.frozen {
            self.frozen.clone_from(frozen);
            self.set_frozen(context)?;
        }
        Ok(())
    }

    fn note_tensors(&mut self, new: &Changes, index: usize) {
        for tensor in &new.tensors {
            self.lines[tensor.of as usize] = Some(index);
            self.cleared &= tensor.of != Part::Gradients;
        }
        if new.cleared {
            self.cleared = true;
            self.applied[Part::Gradients as usize] = None;
        }
    }

    /// Puts the optimizer's hyperparameters back to what the trace has.
    pub(super) fn set_groups(&self, context: &mut Context) -> Result<()> {
        for (group, numbers) in &self.groups {
            for (name, value) in numbers {
                let set = context.optimizer.set_hyperparameter(group, name, value.0);
                set.with_context(|| format!("`{}` of the trace", excerpt(name)))?;
            }
        }
        Ok(())
    }

    /// Puts the parameters of the loss and of the loaders back to what the trace has.
    pub(super) fn set_settings(&self, context: &mut Context) -> Result<()> {
        let now = capture::settings(context)?;
        for (part, wanted) in &self.settings {
            let known = now.get(part);
            for (key, value) in wanted {
                if known.and_then(|known| known.get(key)) != Some(value) {
                    set_one(context, part, key, value.clone())
                        .with_context(|| format!("`{}` of the trace", excerpt(key)))?;
                }
            }
        }
        Ok(())
    }

    /// Freezes the parameters that were frozen, and no others.
    pub(super) fn set_frozen(&self, context: &Context) -> Result<()> {
        for (name, parameter) in context.net.parameters() {
            let learns = !self.frozen.contains(name);
            if parameter.requires_grad() != learns {
                let _ = parameter.f_set_requires_grad(learns)?;
            }
        }
        Ok(())
    }

    /// Forgets what the context has of `parts`: a callback may have changed it.
    pub(super) fn forget(&mut self, parts: Parts) {
        for part in parts.iter() {
            self.applied[part as usize] = None;
        }
    }

    /// Gives the context the kept tensors of the line, and notes those that it had and the trace has not.
    pub(super) fn apply_tensors(
        &mut self,
        context: &mut Context,
        trace: &TraceFile,
        phase: Phase,
    ) -> Result<()> {
        let keeps = trace.keeps();
        let mut all = self.has;
        all.insert(Part::Parameters);
        if !context.net.buffers().is_empty() {
            all.insert(Part::Buffers);
        }
        context.untraced = Some(all.without(keeps));
        for part in keeps.iter() {
            let line = self.lines[part as usize].filter(|_| all.contains(part));
            match line {
                None => self.remove(context, part),
                Some(line) if self.is_stale(part, line, phase) => {
                    let named = self.read(trace, part, line)?;
                    put(context, part, named, phase)?;
                    self.applied[part as usize] = Some(line);
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// True if the context lacks the tensors of `line`. Those that a backward pass goes through are made for each phase.
    fn is_stale(&self, part: Part, line: usize, phase: Phase) -> bool {
        let may_be_leaf = matches!(part, Part::Preds | Part::Loss);
        let is_recorded = may_be_leaf && PhaseSet::FORWARD_TO_BACKWARD.contains(phase);
        is_recorded || self.applied[part as usize] != Some(line)
    }

    fn remove(&mut self, context: &mut Context, part: Part) {
        self.applied[part as usize] = None;
        match part {
            Part::Inputs => context.inputs = None,
            Part::Target => context.target = None,
            Part::Preds => context.preds = None,
            Part::Loss => (context.loss, context.loss_log_items) = (None, None),
            Part::Additional => context.additional_batch_items = Items::NONE,
            Part::Gradients | Part::Parameters | Part::Buffers => {}
        }
    }

    fn read(&self, trace: &TraceFile, part: Part, line: usize) -> Result<Vec<(String, Tensor)>> {
        let (_, event) = &trace.events[line];
        let all = event.new.iter().flat_map(|new| &new.tensors);
        let mut named = Vec::new();
        for PhaseTensor { stored, .. } in all.filter(|tensor| tensor.of == part) {
            let mut tensor = trace.tensor(stored)?;
            if part == Part::Gradients && self.cleared {
                let _ = tensor.f_zero_()?;
            }
            named.push((stored.name.clone(), tensor));
        }
        Ok(named)
    }
}

fn set_place(context: &mut Context, phase: Phase, event: &Event) -> Result<()> {
    context.phase = phase;
    context.split = event.split.into();
    context.epoch = event.epoch;
    context.batch_idx = event.batch;
    context.global_step = event.step;
    context.samples_seen = event.samples;
    context.batch_size = event.batch_size;
    context.is_last_batch = event.is_last;
    context.is_accumulation_boundary = event.is_boundary;
    context.accumulation = Accumulation::new(event.accumulate);
    context.outcome = event.outcome.as_deref().map(outcome).transpose()?;
    context.started = Instant::now();
    context.elapsed_before = Duration::try_from_secs_f64(event.elapsed.0).unwrap_or_default();
    context.control = Control::default();
    context.control.global_step = event.step;
    context.control.stop = event.is_stopping.then(|| (StopAt::Epoch, of_trace()));
    if let Some(epoch) = event.epoch {
        context.logger.set_epoch(u64::from(epoch));
    }
    Ok(())
}

/// The request that somebody made in the run.
fn of_trace() -> Request {
    Request {
        verb: "stop-training".to_owned(),
        by: "recipe".to_owned(),
        reason: "it was asked for in the run".to_owned(),
        global_step: 0,
    }
}

/// The end that its text stands for.
fn outcome(text: &str) -> Result<Outcome> {
    const BATCHES: [BatchOutcome; 5] = [
        BatchOutcome::Stepped,
        BatchOutcome::Accumulated,
        BatchOutcome::SkippedBatch,
        BatchOutcome::SkippedBackward,
        BatchOutcome::SkippedStep,
    ];
    if let Some(batch) = BATCHES.into_iter().find(|batch| batch.name() == text) {
        return Ok(Outcome::Batch(batch));
    }
    if let Some(signal) = crate::interrupt::signal_named(text) {
        return Ok(Outcome::Signal(signal));
    }
    let after = |beginning: &str| text.strip_prefix(beginning).map(str::to_owned);
    Ok(Outcome::Run(match text {
        "completed" => Ending::Completed,
        "interrupted" => Ending::Interrupted,
        _ => match (after("stopped: "), after("failed: ")) {
            (Some(reason), _) => Ending::Stopped(reason),
            (_, Some(error)) => Ending::Failed(error),
            _ => bail!("nothing ends as `{}`", excerpt(text)),
        },
    }))
}

fn set_one(context: &mut Context, part: &str, key: &str, value: serde_json::Value) -> Result<()> {
    let loader = match part {
        capture::CRITERION => return context.criterion.set(key, value),
        "train" => Some(&mut context.train_loader),
        "validation" => Some(&mut context.valid_loader),
        "test" => context.test_loader.as_mut(),
        _ => None,
    };
    let loader = loader.with_context(|| format!("there is no `{}`", excerpt(part)))?;
    loader.set(key, value)
}

/// Puts tensors of a trace in their place.
fn put(
    context: &mut Context,
    part: Part,
    named: Vec<(String, Tensor)>,
    phase: Phase,
) -> Result<()> {
    let is_recorded = PhaseSet::FORWARD_TO_BACKWARD.contains(phase);
    match part {
        Part::Inputs => context.inputs = Some(items(named)?),
        Part::Target => context.target = Some(items(named)?),
        Part::Additional => context.additional_batch_items = items(named)?,
        Part::Preds if is_recorded => context.preds = Some(items(learning(named)?)?),
        Part::Preds => context.preds = Some(items(named)?),
        Part::Loss => put_loss(context, named, is_recorded)?,
        Part::Gradients => put_gradients(&context.net, named)?,
        Part::Parameters => copy_into(context.net.parameters(), named)?,
        Part::Buffers => copy_into(context.net.buffers(), named)?,
    }
    Ok(())
}

fn items(mut named: Vec<(String, Tensor)>) -> Result<Items> {
    match named.as_slice() {
        [(name, _)] if name.is_empty() => Ok(named.remove(0).1.into()),
        _ => Ok(Items::named(named)?),
    }
}

/// Tensors that a backward pass may begin from and goes on beyond, as those of the network do.
fn learning(named: Vec<(String, Tensor)>) -> Result<Vec<(String, Tensor)>> {
    let _recording = GradientMode::set(true);
    let named = named.into_iter();
    named
        .map(|(name, tensor)| Ok((name, learning_one(tensor)?)))
        .collect()
}

fn learning_one(tensor: Tensor) -> Result<Tensor> {
    if !tensor.is_floating_point() {
        return Ok(tensor);
    }
    let leaf = tensor.f_set_requires_grad(true)?;
    // A leaf could not be changed in place.
    Ok(leaf.f_multiply_scalar(1.0)?)
}

fn put_loss(context: &mut Context, named: Vec<(String, Tensor)>, is_recorded: bool) -> Result<()> {
    (context.loss, context.loss_log_items) = (None, None);
    for (name, tensor) in named {
        match name.as_str() {
            LOSS if is_recorded => {
                let _recording = GradientMode::set(true);
                context.loss = Some(learning_one(tensor)?);
            }
            LOSS => context.loss = Some(tensor),
            LOSS_ITEMS => context.loss_log_items = Some(tensor),
            _ => bail!("the loss has no part `{}`", excerpt(&name)),
        }
    }
    Ok(())
}

/// Gives parameters these gradients.
fn put_gradients(net: &Model, named: Vec<(String, Tensor)>) -> Result<()> {
    for (name, gradient) in named {
        let parameter = member(net.parameters(), &name, &gradient)?;
        let mut there = parameter.grad();
        if there.defined() {
            let _unrecorded = GradientMode::set(false);
            there.f_copy_(&gradient)?;
        } else if parameter.requires_grad() {
            let _recording = GradientMode::set(true);
            parameter
                .f_mul(&gradient)?
                .f_sum(None::<Kind>)?
                .f_backward()?;
        }
    }
    Ok(())
}

fn copy_into(members: &[(String, Tensor)], named: Vec<(String, Tensor)>) -> Result<()> {
    let _unrecorded = GradientMode::set(false);
    for (name, value) in named {
        let mut there = member(members, &name, &value)?.shallow_clone();
        there.f_copy_(&value)?;
    }
    Ok(())
}

/// The tensor of that name, which must be as `value` is.
fn member<'a>(members: &'a [(String, Tensor)], name: &str, value: &Tensor) -> Result<&'a Tensor> {
    let found = members.iter().find(|(known, _)| known == name);
    let (_, found) = found.with_context(|| {
        format!(
            "the network has no `{}`: the recipe is not that of the trace",
            excerpt(name)
        )
    })?;
    ensure!(
        found.size() == value.size() && found.kind() == value.kind(),
        "`{}` is {} in the network and {} in the trace",
        excerpt(name),
        torch_ext::described(found),
        torch_ext::described(value)
    );
    Ok(found)
}
