//! The requests to the trainer, and what is replaced in a batch.

use phasebox_sdk::bindings::phasebox::train::context::PhaseContext;
use phasebox_sdk::prelude::*;

use super::{Row, context};
use crate::answers::{Answer, give};
use crate::arguments::Arguments;
use crate::fault::Fault;

const STOP: &[&str] = &["stop"];
const SKIP: &[&str] = &["skip"];

pub(super) const ROWS: &[Row] = &[
    context("request_stop", (1, 2), |ctx, a| {
        let at = first_of_two(a, "epoch")?;
        give(ctx.request_stop(&at, &a.text()?))
    })
    .needs(STOP),
    context("stop_if_above", (3, 3), |ctx, a| {
        let (value, threshold) = (a.tensor()?, a.number()?);
        give(ctx.stop_if_above(&value, threshold, &a.text()?))
    })
    .needs(STOP),
    context("stop_if_nonfinite", (2, 2), |ctx, a| {
        give(ctx.stop_if_nonfinite(&*a.tensor()?, &a.text()?))
    })
    .needs(STOP),
    context("stop_epoch", (1, 1), |ctx, a| {
        give(ctx.stop_epoch(&a.text()?))
    })
    .needs(STOP),
    context("abort", (1, 1), |ctx, a| give(ctx.abort(&a.text()?))).needs(STOP),
    context("skip_batch", (1, 1), |ctx, a| {
        give(ctx.skip_batch(&a.text()?))
    })
    .needs(SKIP),
    context("skip_backward", (1, 1), |ctx, a| {
        give(ctx.skip_backward(&a.text()?))
    })
    .needs(SKIP),
    context("skip_step", (1, 1), |ctx, a| {
        give(ctx.skip_step(&a.text()?))
    })
    .needs(SKIP),
    context("request_validation", (0, 0), |ctx, _| {
        give(ctx.request_validation())
    })
    .needs(&["validate"]),
    context("request_checkpoint", (1, 1), |ctx, a| {
        give(ctx.request_checkpoint(&a.text()?))
    })
    .needs(&["checkpoint"]),
    context("set_accumulation", (1, 1), |ctx, a| {
        give(ctx.set_accumulation(a.count()?))
    })
    .needs(&["optimizer"]),
    context("disable_self", (1, 1), |ctx, a| {
        give(ctx.disable_self(&a.text()?))
    }),
    context("set_learning_rate", (1, 2), |ctx, a| {
        let group = first_of_two(a, "")?;
        give(ctx.set_learning_rate(&group, a.number()?))
    })
    .needs(&["optimizer"]),
    context("clip_gradients", (1, 2), |ctx, a| {
        let max_norm = a.number()?;
        give(ctx.clip_gradients(max_norm, a.number_or(2.0)?))
    })
    .needs(&["gradients"]),
    context("set_inputs", (1, 2), |ctx, a| {
        replace(
            a,
            |value| ctx.set_inputs(value),
            |name, value| ctx.set_inputs_item(name, value),
        )
    })
    .needs(&["inputs"]),
    context("set_target", (1, 2), |ctx, a| {
        replace(
            a,
            |value| ctx.set_target(value),
            |name, value| ctx.set_target_item(name, value),
        )
    })
    .needs(&["target"]),
    context("set_loss", (1, 1), |ctx, a| {
        give(ctx.set_loss(&*a.tensor()?))
    })
    .needs(&["loss"]),
    context("repeat_backward", (0, 0), |ctx, _| {
        give(ctx.repeat_backward())
    })
    .needs(&["passes", "gradients"]),
    context("gradient_penalty", (2, 2), gradient_penalty).needs(&["passes"]),
];

/// The text before the last value, or `default` if there is one value alone.
pub(super) fn first_of_two(a: &mut Arguments<'_, '_>, default: &str) -> Result<String, Fault> {
    match a.left() {
        0 | 1 => Ok(default.to_owned()),
        _ => a.text().map(|text| text.to_string()),
    }
}

/// The only tensor of its kind, or the one of a name.
fn replace(
    a: &mut Arguments<'_, '_>,
    only: impl FnOnce(&Tensor) -> Result<(), Error>,
    named: impl FnOnce(&str, &Tensor) -> Result<(), Error>,
) -> Answer {
    if a.left() == 1 {
        return give(only(&*a.tensor()?));
    }
    let name = a.text()?;
    give(named(&name, &*a.tensor()?))
}

fn gradient_penalty(ctx: &PhaseContext, a: &mut Arguments<'_, '_>) -> Answer {
    let inputs = a.tensors()?;
    let inputs: Vec<&Tensor> = inputs.iter().map(|input| &**input).collect();
    give(ctx.gradient_penalty(&inputs, a.number()?))
}
