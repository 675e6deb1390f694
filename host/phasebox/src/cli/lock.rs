//! `phasebox lock RECIPE`: from now on, the recipe's callbacks are these to the byte.

use phasebox_train::interrupt::Interrupt;

use super::print::print;
use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, Options};

pub(super) fn run(arguments: &RecipeArguments) -> Result<(), Failure> {
    let recipe = arguments.load()?;
    let options = arguments.options();
    let interrupt = Interrupt::listen().map_err(Failure::Failed)?;
    // The old lock is not read: writing a new one must work when the callbacks have changed.
    let unlocked = Options {
        lock: None,
        interrupt: interrupt.clone(),
        ..arguments.options()
    };
    let assembly = Assembly::new(&recipe, unlocked);
    let assembly = assembly.map_err(|error| Failure::before_training(error, &interrupt))?;
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
