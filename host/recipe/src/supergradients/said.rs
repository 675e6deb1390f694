//! Words about a recipe that lowering leaves beside the tree: notes, and things that phasebox lacks. Owns the two lists.

use super::super::location::Note;
use super::super::node::{Content, Entry, Node};

/// Lines about keys, each with its place.
#[derive(Default)]
pub(crate) struct Said {
    /// Keys that were accepted and do nothing here, or mean something else here.
    pub(crate) notes: Vec<Note>,
    /// Keys that ask for something that phasebox does not have.
    pub(crate) missing: Vec<Note>,
}

impl Said {
    pub(super) fn note(&mut self, entry: &Entry, words: &str) {
        let text = format!("`{}`: {words}", entry.key);
        self.notes.push(entry.location.note(text));
    }

    pub(super) fn miss(&mut self, entry: &Entry, words: &str) {
        let text = format!("`{}`: {words}", entry.key);
        self.missing.push(entry.location.note(text));
    }
}

/// Empty, or a list or mapping without anything in it.
pub(super) fn is_empty(node: &Node) -> bool {
    match &node.content {
        Content::List(items) => items.is_empty(),
        Content::Map(entries) => entries.is_empty(),
        _ => node.is_null(),
    }
}

/// Empty or switched off: false, 0, or one of the words that YAML 1.1 reads as false.
pub(super) fn is_off(node: &Node) -> bool {
    is_empty(node) || node.truth() == Some(false) || node.as_f64() == Some(0.0)
}
