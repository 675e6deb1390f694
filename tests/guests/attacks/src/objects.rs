//! Attacks with handles: old, forged and twice dropped ones.

use std::mem::{ManuallyDrop, forget};

use phasebox_sdk::prelude::*;

use crate::{Held, attacks};

attacks! {
    Start: uses_a_stale_tensor uses_a_stale_group uses_a_deferred_value_later forges_a_handle
        takes_a_group_for_a_tensor drops_twice keeps_the_context_without_keeping_it gives_back_what_was_lent
        fails_with_a_novel fails_with_a_forged_line fails_with_a_panic_that_draws;
}

/// # Safety
/// None: that the host does not need it is what is tested.
fn forged(number: u32) -> ManuallyDrop<Tensor> {
    // SAFETY: the host has to refuse what is no handle.
    ManuallyDrop::new(unsafe { Tensor::from_handle(number) })
}

fn uses_a_stale_tensor(held: &mut Held, ctx: &PhaseContext) -> Result<()> {
    if held.calls == 1 {
        held.tensors.push(ctx.inputs()?);
        held.again = true;
        return Ok(());
    }
    held.tensors[0].info().map(drop)
}

fn uses_a_stale_group(held: &mut Held, ctx: &PhaseContext) -> Result<()> {
    if held.calls == 1 {
        held.groups.push(ctx.net()?.parameters()?);
        held.again = true;
        return Ok(());
    }
    held.groups[0].names().map(drop)
}

/// The one handle that lasts: its number was read when it was made.
fn uses_a_deferred_value_later(held: &mut Held, _: &PhaseContext) -> Result<()> {
    let value = tensor::full(&[1], 7.0, Dtype::Float32, "")?.defer()?;
    held.calls = 0;
    match value.poll()? {
        Some(7.0) | None => Ok(()),
        other => Err(Error::other(format!("{other:?}"))),
    }
}

fn forges_a_handle(_: &mut Held, _: &PhaseContext) -> Result<()> {
    forged(3000).info().map(drop)
}

fn takes_a_group_for_a_tensor(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let group = ctx.net()?.parameters()?;
    forged(group.handle()).info().map(drop)
}

/// The SDK gives handles back several at a time.
fn drops_twice(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    for _ in 0..16 {
        let once = ctx.inputs()?;
        drop(ManuallyDrop::into_inner(forged(once.handle())));
        drop(once);
    }
    Ok(())
}

/// Its number outlives it.
fn keeps_the_context_without_keeping_it(held: &mut Held, ctx: &PhaseContext) -> Result<()> {
    if held.calls == 1 {
        held.number = ctx.handle();
        held.again = true;
        return Ok(());
    }
    // What the old number names now, if anything, is the context of this call.
    // SAFETY: the host has to refuse what is no handle.
    let kept = ManuallyDrop::new(unsafe { PhaseContext::from_handle(held.number) });
    if kept.batch_idx() == ctx.batch_idx() {
        Ok(())
    } else {
        Err(Error::other("it is an earlier batch's"))
    }
}

/// And once more, as the bindings do at the end of a call.
fn gives_back_what_was_lent(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    // SAFETY: the host has to refuse the second drop.
    drop(unsafe { PhaseContext::from_handle(ctx.handle()) });
    Ok(())
}

fn fails_with_a_novel(_: &mut Held, _: &PhaseContext) -> Result<()> {
    Err(Error::other("x".repeat(30 << 20)))
}

fn fails_with_a_forged_line(_: &mut Held, _: &PhaseContext) -> Result<()> {
    Err(Error::other("a\nerror: forged\u{1b}[2J"))
}

fn fails_with_a_panic_that_draws(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    forget(ctx.inputs()?);
    panic!("\u{1b}]0;owned\u{7}\nerror: forged");
}
