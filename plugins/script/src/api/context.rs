//! The state of training that a phase is lent, and what is logged of it: `phase-context` and `logger` of the contract.

use phasebox_sdk::bindings::phasebox::train::context::PhaseContext;
use phasebox_sdk::serde_json;

use super::{Row, context, property};
use crate::answers::{Answer, IntoScript as _, give};
use crate::arguments::{Arguments, Operand};
use crate::fault::{Fault, refused};
use crate::json;

pub(super) const ROWS: &[Row] = &[
    property("phase", |ctx| Ok(ctx.phase().into())),
    property("epoch", |ctx| Ok(ctx.epoch().into_script())),
    property("batch_idx", |ctx| Ok(ctx.batch_idx().into_script())),
    property("global_step", |ctx| Ok(ctx.global_step().into_script())),
    property("samples_seen", |ctx| Ok(ctx.samples_seen().into_script())),
    property("max_epochs", |ctx| Ok(ctx.max_epochs().into_script())),
    property("steps_per_epoch", |ctx| {
        Ok(ctx.steps_per_epoch().into_script())
    }),
    property("max_steps", |ctx| Ok(ctx.max_steps().into_script())),
    property("is_last_batch", |ctx| Ok(ctx.is_last_batch().into())),
    property("is_accumulation_boundary", |ctx| {
        Ok(ctx.is_accumulation_boundary().into())
    }),
    property("elapsed_seconds", |ctx| Ok(ctx.elapsed_seconds().into())),
    property("rank", |ctx| Ok(ctx.rank().into_script())),
    property("world_size", |ctx| Ok(ctx.world_size().into_script())),
    property("seed", |ctx| Ok(ctx.seed().into_script())),
    property("batch_size", |ctx| Ok(ctx.batch_size().into_script())),
    property("metrics", |ctx| Ok(ctx.metrics_dict().into_script())),
    property("metric_to_watch", |ctx| Ok(ctx.metric_to_watch().into())),
    property("greater_metric_to_watch_is_better", |ctx| {
        Ok(ctx.greater_metric_to_watch_is_better().into())
    }),
    property("best_metric", |ctx| Ok(ctx.best_metric().into_script())),
    property("best_epoch", |ctx| Ok(ctx.best_epoch().into_script())),
    property("lr_warmup_epochs", |ctx| {
        Ok(ctx.lr_warmup_epochs().into_script())
    }),
    property("device", |ctx| Ok(ctx.device().into())),
    property("experiment_name", |ctx| Ok(ctx.experiment_name().into())),
    property("ckpt_dir", |ctx| Ok(ctx.ckpt_dir().into())),
    property("architecture", |ctx| Ok(ctx.architecture().into())),
    property("training_params", |ctx| parsed(&ctx.training_params())),
    property("checkpoint_params", |ctx| parsed(&ctx.checkpoint_params())),
    property("arch_params", |ctx| parsed(&ctx.arch_params())),
    property("stop_training", |ctx| Ok(ctx.stop_training().into())),
    property("outcome", |ctx| Ok(ctx.outcome().into_script())),
    context("inputs", (0, 0), |ctx, _| give(ctx.inputs())),
    context("inputs_group", (0, 0), |ctx, _| give(ctx.inputs_group())),
    context("target", (0, 0), |ctx, _| give(ctx.target())),
    context("target_group", (0, 0), |ctx, _| give(ctx.target_group())),
    context("preds", (0, 0), |ctx, _| give(ctx.preds())),
    context("preds_group", (0, 0), |ctx, _| give(ctx.preds_group())),
    context("loss", (0, 0), |ctx, _| give(ctx.loss())),
    context("loss_log_items", (0, 0), |ctx, _| {
        give(ctx.loss_log_items())
    }),
    context("loss_logging_items_names", (0, 0), |ctx, _| {
        Ok(ctx.loss_logging_items_names().into_script())
    }),
    context("additional_batch_items", (0, 0), |ctx, _| {
        Ok(ctx.additional_batch_items().into_script())
    }),
    context("additional_batch_item", (1, 1), |ctx, a| {
        give(ctx.additional_batch_item(&a.text()?))
    }),
    context("loss_avg_meter", (0, 0), |ctx, _| {
        give(ctx.loss_avg_meter())
    }),
    context("net", (0, 0), |ctx, _| give(ctx.net())),
    context("ema_model", (0, 0), |ctx, _| give(ctx.ema_model())),
    context("optimizer", (0, 0), |ctx, _| give(ctx.optimizer())),
    context("criterion", (0, 0), |ctx, _| give(ctx.criterion())),
    context("train_loader", (0, 0), |ctx, _| give(ctx.train_loader())),
    context("valid_loader", (0, 0), |ctx, _| give(ctx.valid_loader())),
    context("test_loader", (0, 0), |ctx, _| give(ctx.test_loader())),
    context("parameters", (0, 0), |ctx, _| give(ctx.parameters())),
    context("gradients", (0, 0), |ctx, _| give(ctx.gradients())),
    context("buffers", (0, 0), |ctx, _| give(ctx.buffers())),
    context("learning_rate", (0, 1), |ctx, a| {
        give(ctx.learning_rate(&a.text_or("")?))
    }),
    context("metric", (1, 1), |ctx, a| {
        Ok(ctx.metric(&a.text()?).into_script())
    }),
    context("batch_metric", (1, 1), |ctx, a| {
        give(ctx.batch_metric(&as_json(a)?))
    })
    .needs(&["sync"]),
    context("metrics_compute_fn", (0, 0), |ctx, _| {
        give(ctx.metrics_compute_fn())
    }),
    context("valid_metrics", (0, 0), |ctx, _| give(ctx.valid_metrics())),
    context("publish_metric", (2, 2), publish_metric),
    context("log_scalar", (2, 2), log_scalar),
    context("log_histogram", (3, 3), |ctx, a| {
        let (name, values, bins) = (a.text()?, a.tensor()?, a.count()?);
        give(
            ctx.sg_logger()
                .and_then(|log| log.histogram(&name, &values, bins)),
        )
    })
    .needs(&["sync"]),
    context("log_image", (2, 2), |ctx, a| {
        let (name, image) = (a.text()?, a.tensor()?);
        give(ctx.sg_logger().and_then(|log| log.image(&name, &image)))
    })
    .needs(&["sync"]),
    context("log_text", (2, 2), |ctx, a| {
        let (name, text) = (a.text()?, a.text()?);
        give(ctx.sg_logger().and_then(|log| log.text(&name, &text)))
    }),
    context("artifact", (2, 2), |ctx, a| {
        let (name, text) = (a.text()?, a.text()?);
        give(
            ctx.sg_logger()
                .and_then(|log| log.artifact(&name, text.as_bytes())),
        )
    })
    .needs(&["files"]),
    context("image_file", (2, 2), |ctx, a| {
        let (name, image) = (a.text()?, a.tensor()?);
        give(
            ctx.sg_logger()
                .and_then(|log| log.image_file(&name, &image)),
        )
    })
    .needs(&["files", "sync"]),
];

fn parsed(json: &str) -> Answer {
    let value = serde_json::from_str(json).unwrap_or_default();
    Ok(json::to_script(&value))
}

/// The JSON of the value that comes next.
pub(super) fn as_json(a: &mut Arguments<'_, '_>) -> Result<String, Fault> {
    match json::from_script(a.value()?) {
        Some(value) => Ok(value.to_string()),
        None => refused(
            "a parameter is a number, a text, true, false, `()`, or lists and maps of them"
                .to_owned(),
        ),
    }
}

/// A number, or a tensor of one element that is logged once its value has arrived.
fn log_scalar(ctx: &PhaseContext, a: &mut Arguments<'_, '_>) -> Answer {
    let name = a.text()?;
    match a.operand()? {
        Operand::Number(value) => give(ctx.log_scalar(&name, value)),
        Operand::Tensor(value) => give(ctx.log_scalar_tensor(&name, &value)),
    }
}

fn publish_metric(ctx: &PhaseContext, a: &mut Arguments<'_, '_>) -> Answer {
    let name = a.text()?;
    match a.operand()? {
        Operand::Number(value) => give(ctx.publish_metric(&name, value)),
        Operand::Tensor(value) => give(ctx.publish_metric_tensor(&name, &value)),
    }
}
