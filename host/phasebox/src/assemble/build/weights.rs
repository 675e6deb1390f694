//! The weights of another run or program that a recipe starts from, and what did not fit of them.

use anyhow::{Result, anyhow};
use phasebox_nn::model::Model;
use phasebox_recipe::{Note, Recipe};
use phasebox_train::checkpoint;

use super::at;

/// Loads the file that the recipe names, if it names one. Answers what was done to its names and what was left out.
///
/// # Errors
/// A file that cannot be read, or that does not fit as `strict_load` wants it.
pub(super) fn load(recipe: &Recipe, net: &mut Model) -> Result<Vec<Note>> {
    let params = &recipe.checkpoint_params;
    let Some(path) = &params.checkpoint_path else {
        return Ok(Vec::new());
    };
    let section = recipe.resolved.get("checkpoint_params");
    let node = section.and_then(|section| section.get("checkpoint_path"));
    let weights = at(
        &[node.unwrap_or(&recipe.resolved)],
        checkpoint::load_weights(path),
    )?;
    let remedy = match params.strict_load {
        true => "\nhint: `checkpoint_params: {strict_load: false}` leaves out what does not fit",
        false => "",
    };
    let loaded = net.load_state(&weights.tensors, params.strict_load);
    let loaded =
        loaded.map_err(|error| anyhow!("weights of {}: {error:#}{remedy}", path.display()))?;
    let location = &section.unwrap_or(&recipe.resolved).location;
    let lines = weights.choice.into_iter().chain(loaded.lines());
    Ok(lines
        .map(|line| Note {
            location: location.clone(),
            text: format!("{}: {line}", path.display()),
        })
        .collect())
}
