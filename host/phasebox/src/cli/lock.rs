//! `phasebox lock RECIPE`: from now on, the recipe's callbacks are these to the byte.

use super::print::print;
use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, Options};

pub(super) fn run(arguments: &RecipeArguments) -> Result<(), Failure> {
    let recipe = arguments.load()?;
    let options = arguments.options();
    // The old lock is not read: writing a new one must work when the callbacks have changed.
    let unlocked = Options {
        lock: None,
        ..arguments.options()
    };
    let assembly = Assembly::new(&recipe, unlocked).map_err(Failure::Refused)?;
    let path = options.lock.unwrap_or_default();
    assembly.write_lock(&path).map_err(Failure::Failed)?;
    print(assembly.callbacks().iter().map(|callback| {
        format!(
            "{}  {}  grants: [{}]",
            callback.name(),
            callback.source(),
            callback.grants().join(", ")
        )
    }))?;
    print([format!("wrote {}", path.display())])
}
