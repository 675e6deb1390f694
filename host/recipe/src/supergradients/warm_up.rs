//! Warm-ups of a schedule that do not mean what they seem to: they are obeyed as SuperGradients obeys them, and a note
//! says how. Owns the notes; the rates are `nn`'s.

use super::super::node::{Entry, Node};
use super::said::Said;

const BY_STEPS: &[&str] = &["LinearBatchLRWarmup", "linear_batch_step"];

pub(super) fn note(recipe: &Node, said: &mut Said) {
    let Some(training) = recipe.get("training_hyperparams") else {
        return;
    };
    let mode = training.get("warmup_mode").and_then(Node::as_str);
    let by_steps = mode.is_some_and(|mode| BY_STEPS.contains(&mode));
    if let Some(entry) = length(training, "lr_warmup_steps").filter(|_| !by_steps) {
        said.note(
            entry,
            "no warm-up under `LinearEpochLRWarmup`: the cosine begins so many steps later",
        );
    }
    if let Some(entry) = length(training, "lr_warmup_epochs").filter(|_| by_steps) {
        said.note(entry, "no warm-up under `LinearBatchLRWarmup`: after its steps the rate stays until this epoch");
    }
}

/// The entry of a length above 0.
fn length<'a>(training: &'a Node, key: &str) -> Option<&'a Entry> {
    let entry = training.entries().iter().find(|entry| entry.key == key)?;
    let length = entry.value.as_f64()?;
    (length > 0.0).then_some(entry)
}
