//! SuperGradients' recipes, lowered to phasebox's own keys before they are typed. Owns what its keys mean here; every
//! value keeps the line it was written on.

use super::location::Note;
use super::node::Node;

/// Lowers a composed recipe in place, and says which keys do nothing here.
pub(super) fn lower(recipe: &mut Node) -> Vec<Note> {
    let hydra = recipe.take("hydra");
    let note = hydra.map(|entry| {
        let text = "`hydra`: runs have their own folders (`--runs-dir`)";
        entry.location.note(text)
    });
    note.into_iter().collect()
}
