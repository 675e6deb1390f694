//! `phasebox check`: everything but training.

use phasebox_contract::limits::{Limit, Limits};
use phasebox_recipe::Recipe;

use super::print::print;
use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, PlannedCallback};

pub(super) fn run(arguments: &RecipeArguments) -> Result<(), Failure> {
    let recipe = arguments.load()?;
    let assembly = Assembly::new(&recipe, arguments.options()).map_err(Failure::Refused)?;
    print([format!(
        "recipe {}: {}",
        arguments.recipe.display(),
        recipe.experiment_name
    )])?;
    print(
        assembly
            .describe_parts()
            .iter()
            .map(|line| format!("  {line}")),
    )?;
    print(notes(&recipe))?;
    print(["callbacks, in order:"])?;
    print(assembly.callbacks().iter().map(callback))?;
    print(["plan:"])?;
    print(
        assembly
            .plan()
            .iter()
            .map(|(phase, names)| format!("  {phase:<44} {}", names.join(" → "))),
    )?;
    print(assembly.describe_recording().map_err(Failure::Refused)?)
}

/// A block about keys that were accepted and do nothing here; nothing if there are none.
fn notes(recipe: &Recipe) -> Vec<String> {
    let lines = recipe.notes.iter().map(|note| format!("  {note}"));
    let header = (!recipe.notes.is_empty()).then(|| "notes:".to_owned());
    header.into_iter().chain(lines).collect()
}

fn callback(callback: &PlannedCallback) -> String {
    let grants = callback.grants().join(", ");
    let limits = limits(callback.limits());
    format!(
        "  {}  {}  grants: [{grants}]{limits}{}",
        callback.name(),
        callback.source(),
        metrics(callback.metrics())
    )
}

fn metrics(names: &[String]) -> String {
    match names {
        [] => String::new(),
        names => format!("  publishes: [{}]", names.join(", ")),
    }
}

/// Those that the recipe changes; the others are in `docs/limits.md`.
fn limits(limits: Option<&Limits>) -> String {
    let Some(limits) = limits else {
        return String::new();
    };
    let default = Limits::default();
    let changed = Limit::ALL
        .into_iter()
        .filter(|limit| limits[*limit] != default[*limit]);
    let written: Vec<String> = changed
        .map(|limit| format!("{}: {}", limit.key(), limit.show(limits[limit])))
        .collect();
    if written.is_empty() {
        String::new()
    } else {
        format!("  limits: {{{}}}", written.join(", "))
    }
}
