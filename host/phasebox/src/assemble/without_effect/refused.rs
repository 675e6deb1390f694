//! Keys at a value that makes the whole run useless: they are refused, with the place and the remedy. Owns the conditions.

use anyhow::{Result, anyhow};
use phasebox_nn::schedule::LrMode;
use phasebox_recipe::Node;

use super::{Facts, entry};

/// Refuses a run that cannot train, or an average that never moves.
pub(super) fn check(facts: &Facts<'_>) -> Result<()> {
    if let Some(rate) = at(facts, "training_hyperparams.initial_lr").filter(|_| is_still(facts)) {
        let message = "`initial_lr` is 0, and nothing is trained: give a rate above 0; `phasebox eval` measures weights as they are";
        return Err(anyhow!(rate.location.error(message)));
    }
    let decay = at(facts, "training_hyperparams.ema_params.decay");
    if let Some(decay) = decay.filter(|decay| is_frozen(facts, decay)) {
        let message = "`ema_params.decay` is 1, and the average stays at the first weights: give a number below 1, such as 0.999";
        return Err(anyhow!(decay.location.error(message)));
    }
    second_average(facts)
}

/// Refuses a second stock `EMA`. Each lends its average to validation in the place of the weights, and they would be given
/// back in the wrong order.
fn second_average(facts: &Facts<'_>) -> Result<()> {
    let callbacks = facts.callbacks.iter();
    let mut averages = callbacks.filter(|callback| callback.is_stock("ema"));
    let Some(second) = averages.nth(1) else {
        return Ok(());
    };
    let message = format!(
        "callback `{}`: a second average would be lent in the place of the first, and the weights be lost between them: keep one of them",
        second.name()
    );
    Err(match second.written() {
        Some(entry) => anyhow!(entry.location.error(message)),
        None => anyhow!(message),
    })
}

fn at<'a>(facts: &'a Facts<'_>, path: &str) -> Option<&'a Node> {
    entry(&facts.recipe.resolved, path).map(|entry| &entry.value)
}

/// True if every rate is 0 and nothing in the recipe may give another.
fn is_still(facts: &Facts<'_>) -> bool {
    let schedule = facts.schedule();
    let mut groups = facts.built.optimizer.groups().iter();
    let mut callbacks = facts.callbacks.iter();
    let is_set = callbacks.any(|callback| {
        let is_native = callback.limits().is_none();
        is_native || callback.grants().iter().any(|grant| grant == "optimizer")
    });
    let warms_up = schedule.warmup_initial_lr.is_some_and(|rate| rate > 0.0);
    let has_peak =
        matches!(schedule.lr_mode, Some(LrMode::OneCycleLR(cycle)) if cycle.max_lr.is_some());
    groups.all(|group| group.learning_rate == 0.0) && !is_set && !warms_up && !has_peak
}

/// True if the loop keeps an average and nothing of a step ever enters it.
fn is_frozen(facts: &Facts<'_>, decay: &Node) -> bool {
    let training = facts.training();
    let kind = training.ema_params.get("decay_type").and_then(Node::as_str);
    training.ema && kind == Some("constant") && decay.to_json().as_f64() == Some(1.0)
}
