//! SuperGradients' recipes, lowered to phasebox's own keys before they are typed. Owns what its keys mean here; every
//! value keeps the line it was written on.

pub(super) mod resolvers;
mod variables;

use std::collections::BTreeSet;

use super::location::Note;
use super::node::Node;

/// The keys that phasebox itself reads.
pub(super) struct Keys {
    pub(super) top: Vec<&'static str>,
    pub(super) training: Vec<&'static str>,
}

/// Lowers a composed recipe in place, and says which keys do nothing here. `read` are the paths that some `${…}` names.
pub(super) fn lower(recipe: &mut Node, read: &BTreeSet<String>, keys: &Keys) -> Vec<Note> {
    let hydra = recipe.take("hydra");
    let note = hydra.map(|entry| {
        let text = "`hydra`: runs have their own folders (`--runs-dir`)";
        entry.location.note(text)
    });
    variables::take_out(recipe, &keys.top, read);
    if let Some(training) = recipe.get_mut("training_hyperparams") {
        variables::take_out(training, &keys.training, read);
    }
    note.into_iter().collect()
}
