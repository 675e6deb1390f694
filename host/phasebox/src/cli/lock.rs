//! `phasebox lock RECIPE`: from now on, the recipe's callbacks are these to the byte.

use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, Options};

#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(super) fn run(arguments: &RecipeArguments) -> Result<(), Failure> {
    let recipe = arguments.load()?;
    let options = arguments.options();
    // What the lock says so far does not bind whoever writes it anew.
    let unlocked = Options { lock: None, ..arguments.options() };
    let assembly = Assembly::new(&recipe, unlocked).map_err(Failure::Refused)?;
    let path = options.lock.unwrap_or_default();
    assembly.write_lock(&path).map_err(Failure::Failed)?;
    for callback in assembly.callbacks() {
        println!("{}  {}  grants: [{}]", callback.name(), callback.source(), callback.grants().join(", "));
    }
    println!("wrote {}", path.display());
    Ok(())
}
