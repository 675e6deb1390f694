//! The operations of a training step, in their order. Owns what each computes, from the context and the settings alone
//! and without a sync, so that a step can be recorded once and replayed. Counts, schedules and the watch over the loss
//! are in `bookkeeping`; the order of operations and phases is in `mod`.

use anyhow::{Context as _, Result, anyhow, ensure};
use phasebox_nn::criterion::LossOutput;
use phasebox_nn::metrics::BatchItems;
use tch::Tensor;
use torch_ext::{Autocast, AutocastDevice, GradientMode, Items};

use super::Settings;
use crate::context::Context;
use crate::split::Split;

/// One operation of a training step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum StepOp {
    /// preds ← net(inputs)
    Forward,
    /// loss ← criterion(preds, target)
    Loss,
    /// Running metrics, of the loss that will be used.
    Metrics,
    /// Adds this batch's gradients, or writes the first of a step.
    Backward,
    /// Limits the gradients' norm, if the recipe says so.
    Clip,
    /// New parameters from the gradients.
    Step,
    /// Gradients to zero.
    Clear,
}

impl StepOp {
    pub(super) fn name(self) -> &'static str {
        match self {
            StepOp::Forward => "forward",
            StepOp::Loss => "loss",
            StepOp::Metrics => "metrics",
            StepOp::Backward => "backward",
            StepOp::Clip => "clip",
            StepOp::Step => "step",
            StepOp::Clear => "clear",
        }
    }
}

/// Does one operation eagerly.
pub(super) fn perform(op: StepOp, context: &mut Context, settings: &Settings) -> Result<()> {
    // Gradient mode is on for what the backward pass goes through, dividing the loss included. It is off everywhere
    // else in a run.
    let _recording = GradientMode::set(matches!(
        op,
        StepOp::Forward | StepOp::Loss | StepOp::Backward
    ));
    match op {
        StepOp::Forward => forward(context, true),
        StepOp::Loss => loss(context),
        StepOp::Metrics => metrics(context),
        StepOp::Backward => backward(context),
        StepOp::Clip => clip(context, settings),
        StepOp::Step => context.optimizer.step(),
        StepOp::Clear => context.optimizer.zero_grad(),
    }
}

/// preds ← net(inputs), or the moving average's in evaluation.
pub(super) fn forward(context: &mut Context, train: bool) -> Result<()> {
    let _autocast = autocast(context.run.autocast, context.device)?;
    let inputs = context.inputs.as_ref().context("the batch has no inputs")?;
    let net = match &context.ema_model {
        Some(ema) if context.split != Split::Train => ema.model(),
        _ => &context.net,
    };
    context.preds = Some(net.forward(inputs, train)?);
    Ok(())
}

/// loss ← criterion(preds, target)
pub(super) fn loss(context: &mut Context) -> Result<()> {
    let preds = context.preds.as_ref();
    let preds = preds.context("the batch has no predictions")?;
    let output = loss_of(context, preds)?;
    context.loss = Some(output.loss);
    context.loss_log_items = Some(output.items);
    Ok(())
}

/// criterion(preds, target)
pub(super) fn loss_of(context: &Context, preds: &Items) -> Result<LossOutput> {
    let _autocast = autocast(context.run.autocast, context.device)?;
    let target = context.target.as_ref().context("the batch has no target")?;
    context.criterion.forward(preds, target)
}

/// Adds the batch to the totals of its split, on the device.
pub(super) fn metrics(context: &mut Context) -> Result<()> {
    let metrics = &mut context.running_metrics[context.split];
    let (Some(preds), Some(target)) = (&context.preds, &context.target) else {
        return Ok(());
    };
    if let Some(items) = &context.loss_log_items {
        metrics.update_loss(items, context.batch_size as i64)?;
    }
    metrics.update(&preds.try_map(Tensor::f_detach)?, target)
}

/// Adds the batch to the metrics of its split that gather rows. They grow, so this is part of no recording.
pub(super) fn gather(context: &mut Context) -> Result<()> {
    let metrics = &mut context.running_metrics[context.split];
    match (&context.preds, &context.target) {
        (Some(preds), Some(target)) if metrics.gathers() => metrics.gather(&BatchItems {
            preds,
            target,
            inputs: context.inputs.as_ref(),
            additional: Some(&context.additional_batch_items),
        }),
        _ => Ok(()),
    }
}

/// The loss is divided by the batches of its step, so that accumulation over n batches is one batch n times as large.
fn backward(context: &mut Context) -> Result<()> {
    let loss = context.loss.as_ref().context("the batch has no loss")?;
    ensure!(
        loss.requires_grad(),
        "the loss does not depend on any parameter: is the whole network frozen?"
    );
    let loss = match context.loss_divisor() {
        1 => loss.shallow_clone(),
        divisor => loss.f_div_scalar(divisor as f64)?,
    };
    if context.accumulation.writes_gradients() {
        context.optimizer.free_gradients()?;
    }
    loss.f_backward()?;
    context.optimizer.restore_gradients()
}

fn clip(context: &mut Context, settings: &Settings) -> Result<()> {
    if let Some(max_norm) = settings.clip_grad_norm {
        let gradients = context.optimizer.gradients()?;
        let _norm_before = gradients.clip_grad_norm_(max_norm, 2.0)?;
    }
    Ok(())
}

/// A guard for one operation alone: casts of parameters live no longer than the guard, so a recorded operation makes
/// its own.
pub(super) fn autocast(wanted: bool, device: tch::Device) -> Result<Option<Autocast>> {
    if !wanted {
        return Ok(None);
    }
    let device = AutocastDevice::try_from(device).map_err(|error| anyhow!(error))?;
    Ok(Some(Autocast::on(device, tch::Kind::BFloat16)?))
}
