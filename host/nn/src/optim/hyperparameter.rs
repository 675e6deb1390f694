//! The range of every hyperparameter, in one table. Knows names and numbers, not which optimizer has which.

use anyhow::{Result, ensure};

/// Refuses NaN, infinities and values out of range. The error says the range in its first line, because guests see
/// only that line.
pub(super) fn check_range(name: &str, value: f64) -> Result<()> {
    let (allowed, range) = match name {
        // At an `alpha` of 1, the average of squares would stay at its first value, 0.
        "momentum" | "beta1" | "beta2" | "alpha" => {
            ((0.0..1.0).contains(&value), "at least 0 and less than 1")
        }
        "dampening" => ((0.0..=1.0).contains(&value), "from 0 to 1"),
        _ => (
            value >= 0.0 && value.is_finite(),
            "a finite number of at least 0",
        ),
    };
    ensure!(
        allowed,
        "{} = {value} is out of range: it must be {range}",
        written(name)
    );
    Ok(())
}

/// A hyperparameter, and the key of a recipe that it is an item of.
fn written(name: &str) -> String {
    match name {
        "beta1" => "`beta1` (`betas[0]`)".to_owned(),
        "beta2" => "`beta2` (`betas[1]`)".to_owned(),
        name => format!("`{name}`"),
    }
}
