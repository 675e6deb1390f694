//! What a training step consists of: the works between its phases, in their order. Owns what each computes, from the
//! context and the settings alone and without a sync, so that it can be recorded once and repeated. What else belongs
//! to a batch (counts, schedules, the watch over the loss) is in `step`; the order with the phases is in `mod`.

use anyhow::{Context as _, Result, anyhow, ensure};
use torch_ext::{Autocast, AutocastDevice, GradientMode};

use super::Settings;
use crate::context::{Context, Split};

/// One part of a training step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Work {
    /// preds ← net(inputs)
    Forward,
    /// loss ← criterion(preds, target)
    Loss,
    /// Running metrics, of the loss that will be used.
    Metrics,
    /// Adds this batch's gradients.
    Backward,
    /// Limits the gradients' norm, if the recipe says so.
    Clip,
    /// New parameters from the gradients.
    Step,
    /// Gradients to zero.
    Clear,
}

impl Work {
    pub(super) fn name(self) -> &'static str {
        match self {
            Work::Forward => "forward",
            Work::Loss => "loss",
            Work::Metrics => "metrics",
            Work::Backward => "backward",
            Work::Clip => "clip",
            Work::Step => "step",
            Work::Clear => "clear",
        }
    }
}

/// Does one work.
pub(super) fn perform(work: Work, context: &mut Context, settings: &Settings) -> Result<()> {
    match work {
        Work::Forward => recorded(|| forward(context, settings, true)),
        Work::Loss => recorded(|| loss(context, settings)),
        Work::Metrics => metrics(context),
        // Dividing the loss is part of what the backward pass goes through.
        Work::Backward => recorded(|| backward(context)),
        Work::Clip => clip(context, settings),
        Work::Step => context.optimizer.step(),
        Work::Clear => context.optimizer.zero_grad(),
    }
}

/// What the backward pass goes through, the loss's division under accumulation included; of all else in a run, nothing
/// is recorded.
fn recorded(work: impl FnOnce() -> Result<()>) -> Result<()> {
    let _recording = GradientMode::set(true);
    work()
}

/// preds ← net(inputs), or the moving average's in evaluation.
pub(super) fn forward(context: &mut Context, settings: &Settings, train: bool) -> Result<()> {
    let _autocast = autocast(settings.autocast, context.device)?;
    let inputs = context.inputs.as_ref().context("the batch has no inputs")?;
    let net = match &context.ema_model {
        Some(ema) if context.split != Split::Train => ema.model(),
        _ => &context.net,
    };
    context.preds = Some(net.forward(inputs, train)?);
    Ok(())
}

/// loss ← criterion(preds, target)
pub(super) fn loss(context: &mut Context, settings: &Settings) -> Result<()> {
    let _autocast = autocast(settings.autocast, context.device)?;
    let preds = context
        .preds
        .as_ref()
        .context("the batch has no predictions")?;
    let target = context.target.as_ref().context("the batch has no target")?;
    let output = context.criterion.forward(preds, target)?;
    context.loss = Some(output.loss);
    context.loss_log_items = Some(output.items);
    Ok(())
}

/// Totals of the split in progress, on the device.
pub(super) fn metrics(context: &mut Context) -> Result<()> {
    let metrics = match context.split {
        Split::Train => &mut context.train_metrics,
        Split::Validation => &mut context.valid_metrics,
        Split::Test => &mut context.test_metrics,
    };
    let (Some(preds), Some(target)) = (&context.preds, &context.target) else {
        return Ok(());
    };
    if let Some(items) = &context.loss_log_items {
        metrics.update_loss(items, target.size().first().copied().unwrap_or(1))?;
    }
    metrics.update(&preds.f_detach()?, target)
}

/// The loss is divided by the batches of its group, so that accumulation over n batches is one batch n times as large.
fn backward(context: &mut Context) -> Result<()> {
    let loss = context.loss.as_ref().context("the batch has no loss")?;
    ensure!(
        loss.requires_grad(),
        "the loss does not depend on any parameter: is the whole network frozen?"
    );
    match group_size(context) {
        0 | 1 => Ok(loss.f_backward()?),
        group => Ok(loss.f_div_scalar(group as f64)?.f_backward()?),
    }
}

/// How many batches make the step that this one belongs to: the last group of an epoch may be short.
pub(super) fn group_size(context: &Context) -> u64 {
    let index = context.batch_idx.unwrap_or(0);
    let group_start = index.saturating_sub(u64::from(context.accumulated));
    let left = context
        .train_loader
        .batches()
        .saturating_sub(group_start)
        .max(1);
    left.min(u64::from(context.accumulation))
}

fn clip(context: &mut Context, settings: &Settings) -> Result<()> {
    if let Some(max_norm) = settings.clip_grad_norm {
        let _norm_before = context
            .optimizer
            .gradients()?
            .clip_grad_norm_(max_norm, 2.0)?;
    }
    Ok(())
}

/// A guard of one work alone: casts of parameters are kept no longer than that, so a recorded work makes its own.
fn autocast(wanted: bool, device: tch::Device) -> Result<Option<Autocast>> {
    if !wanted {
        return Ok(None);
    }
    let device = AutocastDevice::try_from(device).map_err(|error| anyhow!(error))?;
    Ok(Some(Autocast::on(device, tch::Kind::BFloat16)?))
}
