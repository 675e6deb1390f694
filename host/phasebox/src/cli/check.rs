//! `phasebox check`: everything but training.

use super::{Failure, RecipeArguments};
use crate::assemble::Assembly;
use crate::limits::{Limit, Limits};

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(arguments: &RecipeArguments) -> Result<(), Failure> {
    let recipe = arguments.load()?;
    let assembly = Assembly::new(&recipe, arguments.options()).map_err(Failure::Refused)?;
    println!("recipe {}: {}", arguments.recipe.display(), recipe.experiment_name);
    assembly.describe_parts().iter().for_each(|line| println!("  {line}"));
    println!("callbacks, in order:");
    for callback in assembly.callbacks() {
        let grants = callback.grants().join(", ");
        println!(
            "  {}  {}  grants: [{grants}]{}",
            callback.name(),
            callback.source(),
            limits(callback.limits())
        );
    }
    println!("plan:");
    for (phase, names) in assembly.plan() {
        println!("  {phase:<44} {}", names.join(" → "));
    }
    let graphs = assembly.describe_graphs().map_err(Failure::Refused)?;
    graphs.iter().for_each(|line| println!("{line}"));
    Ok(())
}

/// Those that the recipe changes; the others are in `docs/limits.md`.
fn limits(limits: Option<&Limits>) -> String {
    let Some(limits) = limits else { return String::new() };
    let default = Limits::default();
    let changed = Limit::ALL.into_iter().filter(|limit| limits[*limit] != default[*limit]);
    let written: Vec<String> =
        changed.map(|limit| format!("{}: {}", limit.key(), limit.show(limits[limit]))).collect();
    if written.is_empty() { String::new() } else { format!("  limits: {{{}}}", written.join(", ")) }
}
