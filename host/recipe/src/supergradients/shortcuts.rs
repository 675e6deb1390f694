//! Short names at the top of a recipe: filled, they set the key that they stand for; empty, they are nothing. Owns which
//! there are, and what counts where `seed` and `resume` stand at the top and below.

use super::super::location::Result;
use super::super::node::{Content, Entry, Node};
use super::said::Said;

/// A short name, and the sections and key that it sets.
const SHORT: &[(&str, &[&str], &str)] = &[
    ("lr", &["training_hyperparams"], "initial_lr"),
    ("batch_size", &["train_dataloader_params"], "batch_size"),
    ("val_batch_size", &["val_dataloader_params"], "batch_size"),
    ("ema", &["training_hyperparams"], "ema"),
    ("epochs", &["training_hyperparams"], "max_epochs"),
    (
        "num_workers",
        &["train_dataloader_params", "val_dataloader_params"],
        "num_workers",
    ),
];

/// Keys that have a place of their own at the top; SuperGradients' defaults have them below, too.
const BOTH: &[&str] = &["seed", "resume"];

pub(super) fn has(key: &str) -> bool {
    SHORT.iter().any(|(known, ..)| *known == key)
}

pub(super) fn lower(recipe: &mut Node, said: &mut Said) -> Result<()> {
    for (short, sections, key) in SHORT {
        let Some(entry) = recipe.take(short).filter(|entry| !entry.value.is_null()) else {
            continue;
        };
        for section in *sections {
            set(recipe, section, key, &entry, said);
        }
    }
    BOTH.iter().try_for_each(|key| keep_one(recipe, key))
}

/// Puts the value of a short name into its section.
fn set(recipe: &mut Node, section: &str, key: &str, short: &Entry, said: &mut Said) {
    let Some(section) = recipe.section_mut(section, &short.location) else {
        return;
    };
    let replaced = section.get(key).filter(|old| !old.is_null());
    let is_new = replaced.is_none_or(|old| old.to_json() == short.value.to_json());
    if !is_new && short.location.is_in_file() {
        let at = replaced
            .map(|old| old.location.to_string())
            .unwrap_or_default();
        said.note(short, &format!("replaces the `{key}` of {at}"));
    }
    section.set(Entry {
        key: key.to_owned(),
        location: short.location.clone(),
        value: short.value.clone(),
    });
}

/// A key at the top wins over its twin in `training_hyperparams` that comes from another file; in one file the two are a
/// slip, unless they agree or the lower one is off.
fn keep_one(recipe: &mut Node, key: &str) -> Result<()> {
    let Some(top) = recipe.get(key).filter(|top| !top.is_null()).cloned() else {
        recipe.take(key);
        return Ok(());
    };
    let Some(training) = recipe.get_mut("training_hyperparams") else {
        return Ok(());
    };
    let Some(twin) = training.get(key) else {
        return Ok(());
    };
    let is_off = twin.is_null() || twin.content == Content::Scalar(false.into());
    let agrees = is_off || twin.to_json() == top.to_json();
    if !agrees && twin.location.source == top.location.source {
        let message = format!(
            "`{key}` is also in `training_hyperparams` at {}; keep one of them",
            twin.location
        );
        return Err(top.location.error(message));
    }
    training.take(key);
    Ok(())
}
