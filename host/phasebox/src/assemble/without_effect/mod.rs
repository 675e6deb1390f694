//! Keys that a recipe has and that change nothing in its run: each is listed with its place and the reason. Owns the
//! conditions; the keys themselves are read, and obeyed, elsewhere.
//!
//! **To add one**: a [`Rule`] in the table of its section. It counts that a key was written, not that its value differs
//! from the default; a value that asks for nothing is not listed, nor one of `default_train_params`.

mod callbacks;
mod data;
mod detection;
mod evaluation;
mod network;
mod refused;
mod schedule;
mod transforms;

use anyhow::Result;
use phasebox_nn::schedule::ScheduleConfig;
use phasebox_recipe::{Entry, Node, Note, Recipe, Source, TrainingHyperparams};
use serde_json::Value;

use super::build::{Built, schedule_config};
use super::callbacks::PlannedCallback;

/// A key, and when it does nothing.
struct Rule {
    /// The keys that lead to it from the top of the recipe.
    path: &'static str,
    /// The value that asks for nothing, as JSON; `null` always does.
    off: &'static str,
    /// The reason why the key does nothing in a run, if it does nothing.
    reason: Reason,
}

type Reason = fn(&Facts<'_>, &Node) -> Option<String>;

impl Rule {
    const fn new(path: &'static str, off: &'static str, reason: Reason) -> Rule {
        Rule { path, off, reason }
    }
}

/// A key whose value is a list, and those of its numbers that do nothing, with the reason.
struct PartRule {
    path: &'static str,
    reason: fn(&Facts<'_>) -> Option<(String, String)>,
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

    /// Optimizer steps of the whole run.
    fn steps(&self) -> u64 {
        let in_epoch = self.steps_in_epoch();
        in_epoch.saturating_mul(self.training().max_epochs)
    }

    fn steps_in_epoch(&self) -> u64 {
        let accumulate = self.training().batch_accumulate.max(1);
        self.built.train_loader.batches().div_ceil(accumulate)
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
    let parts = schedule::PARTS.iter().chain(evaluation::PARTS);
    notes.extend(parts.filter_map(|rule| part_note(rule, facts)));
    notes.extend(data::few_samples(facts));
    notes.extend(data::one_size(facts)?);
    notes.extend(evaluation::kept_average(facts));
    notes.extend(network::loss_notes(facts));
    notes.extend(detection::notes(facts)?);
    notes.extend(transforms::notes(facts)?);
    notes.extend(callbacks::entry_notes(facts));
    Ok(notes)
}

/// Refuses a key that makes the whole run useless.
///
/// # Errors
/// The key, with its place and the remedy.
pub(super) fn refuse(facts: &Facts<'_>) -> Result<()> {
    refused::check(facts)
}

fn note(rule: &Rule, facts: &Facts<'_>) -> Result<Option<Note>> {
    let Some(entry) = own_entry(facts, rule.path) else {
        return Ok(None);
    };
    let off: Value = serde_json::from_str(rule.off)?;
    if is_off(&entry.value.to_json(), &off) {
        return Ok(None);
    }
    let reason = (rule.reason)(facts, &entry.value);
    Ok(reason.map(|reason| without_effect(entry, rule.path, &reason)))
}

fn part_note(rule: &PartRule, facts: &Facts<'_>) -> Option<Note> {
    let entry = own_entry(facts, rule.path)?;
    let (numbers, reason) = (rule.reason)(facts)?;
    Some(Note {
        location: entry.location.clone(),
        text: format!("`{}` has no effect at {numbers}: {reason}", rule.path),
    })
}

/// True for a value that asks for nothing.
fn is_off(value: &Value, off: &Value) -> bool {
    let is_number = value.is_number() && value.as_f64() == off.as_f64();
    value.is_null() || value == off || is_number
}

/// The numbers of a list that do nothing, as text.
fn listed<T: ToString>(numbers: impl Iterator<Item = T>) -> Option<String> {
    let numbers: Vec<String> = numbers.map(|number| number.to_string()).collect();
    (!numbers.is_empty()).then(|| numbers.join(", "))
}

/// The line about a key.
fn without_effect(entry: &Entry, path: &str, reason: &str) -> Note {
    Note {
        location: entry.location.clone(),
        text: format!("`{path}` has no effect: {reason}"),
    }
}

/// The entry at a path, if the user wrote it.
fn own_entry<'a>(facts: &'a Facts<'_>, path: &str) -> Option<&'a Entry> {
    entry(&facts.recipe.resolved, path).filter(|entry| !is_default(entry))
}

/// True for a key of `default_train_params`, ours or SuperGradients' own file of that name.
fn is_default(entry: &Entry) -> bool {
    match &*entry.location.source {
        Source::BuiltIn(_) => true,
        Source::File(path) => path
            .file_stem()
            .is_some_and(|stem| stem == "default_train_params"),
        Source::CommandLine(_) => false,
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
