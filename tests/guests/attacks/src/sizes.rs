//! Attacks on memory: handles, bytes and shapes without bound.

use phasebox_sdk::prelude::*;

use crate::{Held, all_refused, attacks};

attacks! {
    Start: takes_handles_without_end leaks_handles_over_calls keeps_without_end stores_without_end
        stores_names_without_end duplicates_without_end makes_without_end broadcasts_to_terabytes asks_for_impossible_shapes
        joins_a_million joins_none joins_one_a_thousand_times reads_beyond_the_end gives_too_few_values
        views_what_is_too_large logs_a_huge_picture opens_braces_without_end;
    Gradients: duplicates_gradients_without_end;
}

/// Shapes whose size, calculated carelessly, is one element, none, or all there is.
fn zeros(shape: &[i64]) -> Result<Tensor> {
    tensor::zeros(shape, Dtype::Float32, "")
}

fn takes_handles_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    loop {
        std::mem::forget(ctx.inputs()?);
    }
}

/// As guests do whose garbage is never collected.
fn leaks_handles_over_calls(held: &mut Held, ctx: &PhaseContext) -> Result<()> {
    for _ in 0..30 {
        std::mem::forget(ctx.inputs()?);
    }
    held.again = true;
    Ok(())
}

fn keeps_without_end(held: &mut Held, _: &PhaseContext) -> Result<()> {
    loop {
        held.tensors.push(zeros(&[65_536])?.keep()?);
    }
}

fn stores_without_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let value = zeros(&[65_536])?;
    (0..).try_for_each(|index| storage::store_tensor(&index.to_string(), &value))
}

fn stores_names_without_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let nothing = zeros(&[0])?;
    let stored = (0..).try_for_each(|index| storage::store_tensor(&index.to_string(), &nothing));
    // What is left would go to every checkpoint.
    for index in 0..2000 {
        storage::forget(&index.to_string())?;
    }
    stored
}

fn duplicates_without_end(held: &mut Held, ctx: &PhaseContext) -> Result<()> {
    loop {
        held.groups.push(ctx.net()?.parameters()?.duplicate()?);
    }
}

fn duplicates_gradients_without_end(held: &mut Held, ctx: &PhaseContext) -> Result<()> {
    loop {
        held.groups.push(ctx.net()?.gradients()?.duplicate()?);
    }
}

fn makes_without_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    loop {
        zeros(&[65_536])?;
    }
}

fn broadcasts_to_terabytes(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let (column, row) = (zeros(&[1 << 20, 1])?, zeros(&[1, 1 << 20])?);
    let all_of_it = |name, answer: Result<Tensor>| (name, answer.map(drop));
    all_refused(
        &[ErrorCode::TooLarge],
        vec![
            all_of_it("add", column.add(&row, 1.0)),
            all_of_it("mul", column.mul(&row)),
            all_of_it("choose", column.eq_scalar(0.0)?.choose(&row, &row)),
            all_of_it("matmul", column.matmul(&row)),
            all_of_it("lerp", column.lerp(&row, 0.5)),
            all_of_it("one-hot", column.to_dtype(Dtype::Int64)?.one_hot(65_536)),
            all_of_it("expand", column.expand(&[1 << 20, 1 << 20])),
        ],
    )
}

fn asks_for_impossible_shapes(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let (small, range) = (zeros(&[4])?, |start, end, step| {
        tensor::arange(start, end, step, Dtype::Float32, "")
    });
    let made = |name, answer: Result<Tensor>| (name, answer.map(drop));
    all_refused(
        &[ErrorCode::TooLarge, ErrorCode::InvalidArgument],
        vec![
            made("2^80 elements", zeros(&[1 << 40, 1 << 40])),
            made("2^63 elements", zeros(&[i64::MAX])),
            made("a negative length", zeros(&[-1])),
            made("65 dimensions", zeros(&[1; 65])),
            made("a range of nothing", range(f64::NAN, 1.0, 1.0)),
            made("a step of nothing", range(0.0, 1.0, 0.0)),
            made("10^27 steps", range(0.0, 1e18, 1e-9)),
            made("an endless range", range(-f64::MAX, f64::MAX, 1.0)),
            made(
                "2^32 - 1 classes",
                small.to_dtype(Dtype::Int64)?.one_hot(u32::MAX),
            ),
            made("2^32 - 1 bins", small.histogram(u32::MAX, 0.0, 1.0)),
            made(
                "2^32 - 1 largest",
                small.topk(u32::MAX, 0).map(|(values, _)| values),
            ),
            made("no bins", small.histogram(0, 0.0, 1.0)),
            made("a quantile of nothing", small.quantile(f64::NAN)),
        ],
    )
}

fn joins_a_million(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let one = zeros(&[1])?;
    tensor::cat(&vec![&one; 1_000_000], 0).map(drop)
}

fn joins_none(_: &mut Held, _: &PhaseContext) -> Result<()> {
    tensor::cat(&[], 0).map(drop)
}

fn joins_one_a_thousand_times(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let one = zeros(&[1])?;
    match tensor::stack(&vec![&one; 1000], 0)?.info()?.shape[..] {
        [1000, 1] => Ok(()),
        ref other => Err(Error::other(format!("the shape is {other:?}"))),
    }
}

fn reads_beyond_the_end(_: &mut Held, _: &PhaseContext) -> Result<()> {
    let few = zeros(&[4])?;
    let read = |offset, length| few.read_f32(offset, length).map(drop);
    all_refused(
        &[ErrorCode::TooLarge, ErrorCode::InvalidArgument],
        vec![
            ("all of 2^32", read(0, u32::MAX)),
            ("one too many", read(0, 5)),
            ("one too far", read(4, 1)),
            ("from the end of all numbers", read(u64::MAX, 1)),
            ("around the end of all numbers", read(u64::MAX - 2, 4)),
            ("as integers", few.read_s64(u64::MAX, u32::MAX).map(drop)),
        ],
    )
}

fn gives_too_few_values(_: &mut Held, _: &PhaseContext) -> Result<()> {
    all_refused(
        &[
            ErrorCode::ShapeMismatch,
            ErrorCode::TooLarge,
            ErrorCode::InvalidArgument,
        ],
        vec![
            ("too few", tensor::from_f32(&[4], &[0.0; 3], "").map(drop)),
            ("too many", tensor::from_f32(&[2], &[0.0; 3], "").map(drop)),
            (
                "none for 2^80",
                tensor::from_s64(&[1 << 40, 1 << 40], &[], "").map(drop),
            ),
            (
                "a length below 0",
                tensor::from_f32(&[-3, -1], &[0.0; 3], "").map(drop),
            ),
        ],
    )
}

/// No byte is taken for it; the first to copy it would.
fn views_what_is_too_large(held: &mut Held, _: &PhaseContext) -> Result<()> {
    let large = zeros(&[1])?.expand(&[1 << 28])?;
    held.tensors.push(large.keep()?);
    Ok(())
}

fn logs_a_huge_picture(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let large = zeros(&[1])?.expand(&[16_000, 16_000])?;
    ctx.sg_logger()?.image("picture", &large)
}

/// A compiler of patterns that calls itself for each.
fn opens_braces_without_end(_: &mut Held, ctx: &PhaseContext) -> Result<()> {
    let parameters = ctx.net()?.parameters()?;
    let patterns = [
        "{".repeat(1_000_000),
        "{".repeat(100_000) + &"}".repeat(100_000),
        "[".to_owned(),
        "*".repeat(1_000_000),
    ];
    all_refused(
        &[ErrorCode::InvalidArgument, ErrorCode::TooLarge],
        patterns
            .iter()
            .map(|glob| ("matching", parameters.matching(glob).map(drop)))
            .collect(),
    )
}
