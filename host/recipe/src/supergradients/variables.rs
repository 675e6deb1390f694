//! A recipe's own variables: keys that nobody knows and that some `${…}` carries to a key that somebody knows. Owns which they are; their work is done once
//! the recipe is resolved, so they are taken out.

use std::collections::BTreeSet;

use super::super::node::{Content, Node, joined};
use super::said::Said;

/// Takes the variables out of a mapping whose keys are `known`.
pub(super) fn take_out(mapping: &mut Node, known: &[&str], read: &BTreeSet<String>) {
    let path = mapping.path.clone();
    let Content::Map(entries) = &mut mapping.content else {
        return;
    };
    entries.retain(|entry| {
        let is_known = known.contains(&entry.key.as_str());
        is_known || !is_read(&joined(&path, &entry.key), read)
    });
}

/// True if some `${…}` names the path or something below it.
pub(super) fn is_read(path: &str, read: &BTreeSet<String>) -> bool {
    let below = format!("{path}.");
    let mut deeper = read.range(below.clone()..);
    read.contains(path) || deeper.next().is_some_and(|next| next.starts_with(&below))
}

/// Makes a file name of a run's name that a list was put into: `res[640, 640]` is `res640-640`.
pub(super) fn name_run(recipe: &mut Node, said: &mut Said) {
    let Some(name) = recipe.get("experiment_name").and_then(Node::as_str) else {
        return;
    };
    let plain = name.replace(", ", "-").replace(['[', ']', '\'', '"'], "");
    if plain == name || plain.is_empty() {
        return;
    }
    if let Some(entry) = recipe.entry_mut("experiment_name") {
        said.note(
            entry,
            &format!("brackets fit no folder's name; the run is called `{plain}`"),
        );
        entry.value.content = Content::Scalar(plain.into());
    }
}

/// Notes the section `variables` where no `${…}` reads it, and each of its variables that none reads.
pub(super) fn note_unread(recipe: &Node, read: &BTreeSet<String>, said: &mut Said) {
    let mut entries = recipe.entries().iter();
    let Some(section) = entries.find(|entry| entry.key == SECTION) else {
        return;
    };
    if read.contains(SECTION) || section.value.is_null() {
        return;
    }
    let Content::Map(variables) = &section.value.content else {
        return said.note(section, UNREAD);
    };
    for variable in variables {
        if !is_read(&joined(SECTION, &variable.key), read) {
            said.note(variable, UNREAD);
        }
    }
}

const SECTION: &str = "variables";
const UNREAD: &str = "nothing that is obeyed reads it";
