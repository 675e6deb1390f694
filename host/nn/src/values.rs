//! Checks of a target's values, for losses and metrics that would take any number and answer a plausible one. Each waits
//! for the device, so they are made for the first batch alone.

use anyhow::{Result, ensure};
use tch::Tensor;

/// Refuses numbers beyond a range.
///
/// # Errors
/// A smaller, a greater, or one that is none.
pub(crate) fn within(target: &Tensor, [least, most]: [f64; 2]) -> Result<()> {
    if target.numel() == 0 {
        return Ok(());
    }
    let low = target.f_min()?.f_double_value(&[])?;
    let high = target.f_max()?.f_double_value(&[])?;
    ensure!(
        low >= least && high <= most,
        "the target reaches from {low} to {high}, where {least} to {most} are taken"
    );
    Ok(())
}

/// Refuses numbers with fractions.
///
/// # Errors
/// One that has a fraction.
pub(crate) fn whole(target: &Tensor) -> Result<()> {
    if target.numel() == 0 || !target.is_floating_point() {
        return Ok(());
    }
    let fractions = target.f_frac()?.f_abs()?.f_max()?.f_double_value(&[])?;
    ensure!(
        fractions == 0.0,
        "the target has numbers with fractions, where classes are taken"
    );
    Ok(())
}
