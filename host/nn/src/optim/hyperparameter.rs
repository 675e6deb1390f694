//! The range of every hyperparameter, in one table. Knows names and numbers, not which optimizer has which.

use anyhow::{Result, ensure};

/// Refuses NaN, infinities and values out of range. The error says the range in its first line, because guests see
/// only that line.
pub(super) fn check_range(name: &str, value: f64) -> Result<()> {
    let (allowed, range) = match name {
        "momentum" | "beta1" | "beta2" => {
            ((0.0..1.0).contains(&value), "at least 0 and less than 1")
        }
        "dampening" | "alpha" => ((0.0..=1.0).contains(&value), "from 0 to 1"),
        _ => (
            value >= 0.0 && value.is_finite(),
            "a finite number of at least 0",
        ),
    };
    ensure!(
        allowed,
        "{name} = {value} is out of range: it must be {range}"
    );
    Ok(())
}
