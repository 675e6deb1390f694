//! The metric that decides which epoch is best: a check that somebody gives it.

use anyhow::{Result, anyhow};
use phasebox_contract::suggest;
use phasebox_recipe::Recipe;

/// Refuses a recipe whose `metric_to_watch` neither validation computes nor a callback publishes.
pub(super) fn check(recipe: &Recipe, computed: &[String], published: &[String]) -> Result<()> {
    let watched = &recipe.training_hyperparams.metric_to_watch;
    let known: Vec<&str> = computed
        .iter()
        .chain(published)
        .map(String::as_str)
        .collect();
    if known.contains(&watched.as_str()) {
        return Ok(());
    }
    let section = recipe.resolved.get("training_hyperparams");
    let node = section
        .and_then(|section| section.get("metric_to_watch").or(Some(section)))
        .unwrap_or(&recipe.resolved);
    let hint = suggest::hint(watched, &known);
    let remedy = remedy(watched, published);
    let message = format!("`metric_to_watch`: validation gives no `{watched}`{hint}; {remedy}");
    Err(anyhow!(node.location.error(message)))
}

/// The way to a metric of this name: only those of callbacks have a `/`.
fn remedy(watched: &str, published: &[String]) -> String {
    match (watched.contains('/'), published) {
        (false, _) => "add it to `valid_metrics_list`".to_owned(),
        (true, []) => "no callback of this recipe lists a metric that it publishes".to_owned(),
        (true, names) => format!("callbacks publish {}", names.join(", ")),
    }
}
