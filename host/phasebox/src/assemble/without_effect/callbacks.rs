//! Keys of the entries of `phase_callbacks`.

use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::LoopUnit;
use phasebox_recipe::{CallbackEntry, Note};

use super::Facts;

/// Keys of entries that do nothing.
pub(super) fn entry_notes(facts: &Facts<'_>) -> Vec<Note> {
    let entries = facts.training().phase_callbacks.iter();
    entries
        .filter_map(|entry| rare_calls(facts, entry))
        .collect()
}

/// True if calls at `phase` can be counted by `unit`.
fn is_counted(unit: LoopUnit, phase: Phase) -> bool {
    let is_training = PhaseSet::TRAIN_BATCH.contains(phase);
    match unit {
        LoopUnit::Epoch => true,
        LoopUnit::Step => is_training,
        LoopUnit::Batch => is_training || phase.is_in_evaluation_batch(),
    }
}

/// A filter by steps or batches of a callback that no batch calls.
fn rare_calls(facts: &Facts<'_>, entry: &CallbackEntry) -> Option<Note> {
    let mut callbacks = facts.callbacks.iter();
    let callback = callbacks.find(|callback| callback.name() == entry.name)?;
    let unit = entry.when.unit;
    let mut phases = callback.phases().iter();
    if entry.when.every <= 1 || phases.any(|phase| is_counted(unit, phase)) {
        return None;
    }
    let text = format!(
        "`when` has no effect: no batch calls the callback `{}`; count `unit: epoch`",
        entry.name
    );
    let location = entry.written.location.clone();
    Some(Note { location, text })
}
