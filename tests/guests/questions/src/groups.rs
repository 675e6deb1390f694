//! Numbers of an optimizer with several groups: one name for all of them has an answer only where they agree.

use phasebox_sdk::prelude::*;

use super::tell;

/// The recipe gives the groups `default` and `hidden` different rates.
pub(super) fn all(ctx: &PhaseContext) -> Result<()> {
    let optimizer = ctx.optimizer()?;
    tell("rate of all", optimizer.learning_rate(""));
    tell("short rate of all", ctx.learning_rate(""));
    tell("momentum of all", optimizer.hyperparameter("", "momentum"));
    is("rate of hidden", optimizer.learning_rate("hidden")?, 0.02);
    is("rate of default", ctx.learning_rate("default")?, 0.01);
    optimizer.set_learning_rate("", 0.03)?;
    is("one rate of all", ctx.learning_rate("")?, 0.03);
    is("one rate of hidden", ctx.learning_rate("hidden")?, 0.03);
    Ok(())
}

fn is(what: &str, value: f64, expected: f64) {
    if value == expected {
        tell(what, Ok(()));
    } else {
        tell::<()>(what, Err(Error::invalid(format!("{value}"))));
    }
}
