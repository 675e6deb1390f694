//! `multi_gpu`, `num_gpus` and `sync_bn`: SuperGradients' words for many processes. Owns what they mean on one, and the
//! note that says how many samples a step has here and where the recipe was written.

use super::super::node::{Content, Entry, Node};
use super::said::{Said, is_off};

/// The batch size of a loader that does not say.
const DEFAULT_BATCH: u64 = 32;

pub(super) fn lower(recipe: &mut Node, said: &mut Said) {
    let batch = batch_size(recipe);
    let accumulated = training(recipe, "batch_accumulate").unwrap_or(1).max(1);
    let multi_gpu = recipe.take_if("multi_gpu", is_mode);
    let num_gpus = recipe.take_if("num_gpus", |value| {
        value.is_null() || whole(value).is_some()
    });
    let is_many = |entry: &Entry| !is_off(&entry.value);
    let count = num_gpus.as_ref().and_then(|entry| whole(&entry.value));
    let count = count.filter(|count| *count > 1);
    let splits = |mode: &Entry| mode.value.as_str() == Some("DP");
    match (multi_gpu.filter(is_many), num_gpus) {
        (Some(mode), _) if splits(&mode) || count.is_none() => {
            let words = format!(
                "one process drives one device: a step has {} samples",
                batch * accumulated
            );
            said.note(&mode, &words);
        }
        (mode, number) => {
            if let (Some(count), Some(entry)) = (count, mode.or(number)) {
                said.note(&entry, &effective(count, batch, accumulated));
            }
        }
    }
    sync_bn(recipe, batch, said);
    rank(recipe.get("phase_callbacks"), said);
    let training = recipe.get("training_hyperparams");
    rank(training.and_then(|it| it.get("phase_callbacks")), said);
}

/// `when.rank` of callbacks.
fn rank(callbacks: Option<&Node>, said: &mut Said) {
    let Some(Content::List(callbacks)) = callbacks.map(|list| &list.content) else {
        return;
    };
    let whens = callbacks.iter().filter_map(|callback| callback.get("when"));
    for entry in whens.flat_map(Node::entries) {
        if entry.key == "rank" {
            said.note(
                entry,
                "a run is one process, so `main` and `all` are the same",
            );
        }
    }
}

/// The words about a recipe for `count` processes.
fn effective(count: u64, batch: u64, accumulated: u64) -> String {
    let there = count.saturating_mul(batch).saturating_mul(accumulated);
    let here = batch.saturating_mul(accumulated);
    let more = count.saturating_mul(accumulated);
    format!(
        "written for {count} processes of {batch}: {there} samples a step; here one process: {here}. \
         For the same steps write `training_hyperparams.batch_accumulate: {more}`, or divide `initial_lr` by {count}"
    )
}

fn sync_bn(recipe: &mut Node, batch: u64, said: &mut Said) {
    let Some(training) = recipe.get_mut("training_hyperparams") else {
        return;
    };
    let taken = training.take_if("sync_bn", |value| {
        value.truth().is_some() || value.is_null()
    });
    if let Some(entry) = taken.filter(|entry| !is_off(&entry.value)) {
        let words = format!(
            "batch norm, if the network has any, has the statistics of the {batch} samples of its batch"
        );
        said.note(&entry, &words);
    }
}

/// The modes of SuperGradients.
fn is_mode(value: &Node) -> bool {
    let modes = [
        "DDP",
        "DistributedDataParallel",
        "DP",
        "DataParallel",
        "AUTO",
    ];
    is_off(value) || value.as_str().is_some_and(|mode| modes.contains(&mode))
}

fn batch_size(recipe: &Node) -> u64 {
    let params = recipe.get("train_dataloader_params");
    let size = params.and_then(|params| params.get("batch_size"));
    size.and_then(whole).unwrap_or(DEFAULT_BATCH)
}

fn training(recipe: &Node, key: &str) -> Option<u64> {
    whole(recipe.get("training_hyperparams")?.get(key)?)
}

fn whole(node: &Node) -> Option<u64> {
    match &node.content {
        Content::Scalar(value) => value.as_u64(),
        _ => None,
    }
}
