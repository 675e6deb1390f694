//! Keys that a recipe has and that change nothing in its run: each is listed with its place and the reason. Owns the
//! conditions; the keys themselves are read, and obeyed, elsewhere.
//!
//! **To add one**: a [`Rule`] in the table of its section. A key at the value that it has by default is not listed.

mod callbacks;
mod data;
mod evaluation;
mod network;
mod schedule;

use anyhow::Result;
use phasebox_nn::schedule::ScheduleConfig;
use phasebox_recipe::{Entry, Node, Note, Recipe, TrainingHyperparams};
use serde_json::Value;

use super::build::{Built, schedule_config};
use super::callbacks::PlannedCallback;

/// A key, and when it does nothing.
struct Rule {
    /// The keys that lead to it from the top of the recipe.
    path: &'static str,
    /// The value that stands for the key's absence, as JSON; `null` always does.
    default: &'static str,
    /// The reason why the key does nothing in a run, if it does nothing.
    reason: Reason,
}

type Reason = fn(&Facts<'_>, &Node) -> Option<String>;

impl Rule {
    const fn new(path: &'static str, default: &'static str, reason: Reason) -> Rule {
        Rule {
            path,
            default,
            reason,
        }
    }
}

/// Everything that decides whether a key does something.
pub(super) struct Facts<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) built: &'a Built,
    pub(super) callbacks: &'a [PlannedCallback],
    /// The command line names a run to go on with.
    pub(super) is_resumed: bool,
}

impl Facts<'_> {
    fn training(&self) -> &TrainingHyperparams {
        &self.recipe.training_hyperparams
    }

    fn schedule(&self) -> ScheduleConfig {
        schedule_config(self.recipe).unwrap_or_default()
    }

    fn is_resumed(&self) -> bool {
        let resume = &self.training().resume;
        self.is_resumed || resume.resume || resume.run_id.is_some() || resume.resume_path.is_some()
    }
}

/// The keys without effect, in the order of the tables.
pub(super) fn notes(facts: &Facts<'_>) -> Result<Vec<Note>> {
    let tables = [
        schedule::RULES,
        evaluation::RULES,
        network::RULES,
        data::RULES,
    ];
    let mut notes = Vec::new();
    for rule in tables.into_iter().flatten() {
        notes.extend(note(rule, facts)?);
    }
    notes.extend(data::transform_notes(facts));
    notes.extend(callbacks::entry_notes(facts));
    Ok(notes)
}

fn note(rule: &Rule, facts: &Facts<'_>) -> Result<Option<Note>> {
    let Some(entry) = entry(&facts.recipe.resolved, rule.path) else {
        return Ok(None);
    };
    let default: Value = serde_json::from_str(rule.default)?;
    let value = entry.value.to_json();
    if value.is_null() || value == default {
        return Ok(None);
    }
    let reason = (rule.reason)(facts, &entry.value);
    Ok(reason.map(|reason| without_effect(entry, rule.path, &reason)))
}

/// The line about a key.
fn without_effect(entry: &Entry, path: &str, reason: &str) -> Note {
    Note {
        location: entry.location.clone(),
        text: format!("`{path}` has no effect: {reason}"),
    }
}

/// The entry that a path of keys leads to. A key of `training_hyperparams` may stand at the top of the recipe.
fn entry<'a>(recipe: &'a Node, path: &str) -> Option<&'a Entry> {
    let (first, rest) = match path.split_once('.') {
        None => (path, None),
        Some((first, rest)) => (first, Some(rest)),
    };
    let mut entries = recipe.entries().iter();
    let found = entries.find(|entry| entry.key == first);
    match (found, rest) {
        (Some(found), None) => Some(found),
        (Some(found), Some(rest)) => {
            let hoisted = || (first == "training_hyperparams").then(|| entry(recipe, rest))?;
            entry(&found.value, rest).or_else(hoisted)
        }
        (None, _) => None,
    }
}
