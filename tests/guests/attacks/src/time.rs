//! Attacks on time: work without end, in the guest and through the host.

use std::hint::black_box;

use phasebox_sdk::prelude::*;

use crate::{Held, attacks};

attacks! {
    Start: spins recurses recurses_into_the_host fills_memory calls_without_end launches_without_end
        syncs_without_end spins_after_refusals multiplies_for_hours works_long_on_the_host
        conditions_without_end asks_without_end;
}

fn spins(_: &mut Held, _: &PhaseContext) -> Result<()> {
    loop {
        black_box(0);
    }
}

fn deeper(depth: u64) -> u64 {
    if black_box(depth) == u64::MAX {
        0
    } else {
        black_box(deeper(depth + 1)) + 1
    }
}

fn recurses(_: &mut Held, _: &PhaseContext) -> Result<()> {
    black_box(deeper(0));
    Ok(())
}

/// A host function is called at every depth, the last one that fits included.
fn recurses_into_the_host(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    #[expect(unconditional_recursion, reason = "the attack is to recurse")]
    fn deeper(ctx: &PhaseContext) -> u64 {
        let room = black_box([0u8; 1024]);
        black_box(ctx.phase().len() as u64 + deeper(ctx) + u64::from(room[3]))
    }
    black_box(deeper(ctx));
    Ok(())
}

fn fills_memory(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let mut memory = vec![0u8; 16 << 20];
    loop {
        black_box(&mut memory).fill(black_box(7));
    }
}

fn calls_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    loop {
        black_box(ctx.global_step());
    }
}

fn launches_without_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let one = tensor::zeros(&[1], Dtype::Float32, "")?;
    loop {
        one.affine_in_place(1.0, 1.0)?;
    }
}

fn syncs_without_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let one = tensor::zeros(&[1], Dtype::Float32, "")?;
    loop {
        one.item()?;
    }
}

/// Does not take no for an answer.
fn spins_after_refusals(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let one = tensor::zeros(&[1], Dtype::Float32, "")?;
    loop {
        let _ = black_box(one.affine(1.0, 1.0));
    }
}

/// As large as a result may be, and as long in the dimension that is summed over.
fn multiplies_for_hours(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let square = tensor::zeros(&[1], Dtype::Int64, "")?.expand(&[16_384, 16_384])?;
    square.matmul(&square).map(drop)
}

/// Honest work that takes longer than the guest may.
fn works_long_on_the_host(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let square = tensor::zeros(&[768, 768], Dtype::Float64, "")?;
    for _ in 0..8 {
        square.matmul(&square)?;
    }
    Ok(())
}

fn conditions_without_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let handles = tensor::zeros(&[1], Dtype::Float32, "")?;
    loop {
        std::mem::forget(handles.defer()?);
    }
}

/// Fills the history of who asked for what, and tries to push others' requests out of it. The run goes on: what it
/// asks for is no more than it gets.
fn asks_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let zero = tensor::zeros(&[1], Dtype::Float32, "")?;
    for _ in 0..2000 {
        ctx.set_accumulation(2)?;
    }
    for _ in 0..200 {
        ctx.stop_if_above(&zero, 1.0, "never")?;
    }
    Ok(())
}
