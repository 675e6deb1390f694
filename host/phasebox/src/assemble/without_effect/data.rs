//! Keys of data sets, loaders and transforms.

use phasebox_data::DataLoader;
use phasebox_recipe::{Content, Entry, Node, Note};

use super::{Facts, Rule, without_effect};

pub(super) const RULES: &[Rule] = &[
    Rule::new("base_folder", "null", no_file),
    Rule::new("dataset.csv.task", "\"classification\"", named_targets),
    Rule::new("dataset_params.task", "\"classification\"", named_targets),
    Rule::new(
        "train_dataloader_params.batch_size",
        "null",
        many_train_samples,
    ),
    Rule::new(
        "val_dataloader_params.batch_size",
        "null",
        many_valid_samples,
    ),
    Rule::new(
        "test_dataloader_params.batch_size",
        "null",
        many_test_samples,
    ),
    Rule::new(
        "train_dataloader_params.drop_last",
        "false",
        full_train_batches,
    ),
    Rule::new(
        "val_dataloader_params.drop_last",
        "false",
        full_valid_batches,
    ),
    Rule::new(
        "test_dataloader_params.drop_last",
        "false",
        full_test_batches,
    ),
    Rule::new(
        "train_dataloader_params.max_batches",
        "null",
        few_train_batches,
    ),
    Rule::new(
        "val_dataloader_params.max_batches",
        "null",
        few_valid_batches,
    ),
    Rule::new(
        "test_dataloader_params.max_batches",
        "null",
        few_test_batches,
    ),
    Rule::new("train_dataloader_params.prefetch", "2", no_threads),
    Rule::new("val_dataloader_params.prefetch", "2", no_threads),
    Rule::new("test_dataloader_params.prefetch", "2", no_threads),
];

/// The data sets that read no file.
const BUILT_IN: [&str; 2] = ["digits", "scattered_digits"];

/// A resolved recipe always has the key: the recipe's own folder stands for its absence.
fn no_file(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let own = facts.recipe.folder().canonicalize().ok();
    if own == facts.recipe.base_folder.canonicalize().ok() {
        return None;
    }
    let dataset = &facts.recipe.dataset;
    let first = dataset.entries().first().map(|entry| entry.key.as_str());
    let name = dataset.as_str().or(first)?;
    BUILT_IN
        .contains(&name)
        .then(|| format!("the data set `{name}` reads no file"))
}

fn named_targets(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let recipe = facts.recipe;
    let inside = recipe.dataset.get("csv").unwrap_or(&recipe.dataset_params);
    let target = inside.get("target")?;
    let is_named = matches!(target.content, Content::Map(_));
    is_named.then(|| "each of several targets has a `task` of its own".to_owned())
}

fn many_train_samples(facts: &Facts<'_>, _: &Node) -> Option<String> {
    many_samples(&facts.built.train_loader)
}

fn many_valid_samples(facts: &Facts<'_>, _: &Node) -> Option<String> {
    many_samples(&facts.built.valid_loader)
}

fn many_test_samples(facts: &Facts<'_>, _: &Node) -> Option<String> {
    many_samples(facts.built.test_loader.as_ref()?)
}

fn many_samples(loader: &DataLoader) -> Option<String> {
    let samples = loader.dataset().len();
    let reason = format!("beyond {samples}, all samples there are");
    (loader.batch_size() > samples).then_some(reason)
}

fn full_train_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    full_batches(&facts.built.train_loader)
}

fn full_valid_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    full_batches(&facts.built.valid_loader)
}

fn full_test_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    full_batches(facts.built.test_loader.as_ref()?)
}

fn full_batches(loader: &DataLoader) -> Option<String> {
    let samples = loader.dataset().len();
    let is_full = samples.is_multiple_of(loader.batch_size());
    is_full.then(|| format!("the last batch of {samples} samples is full"))
}

fn few_train_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let own = &facts.recipe.train_dataloader_params;
    few_batches(&facts.built.train_loader, own)
}

fn few_valid_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let own = &facts.recipe.val_dataloader_params;
    few_batches(&facts.built.valid_loader, own)
}

fn few_test_batches(facts: &Facts<'_>, _: &Node) -> Option<String> {
    let own = &facts.recipe.test_dataloader_params;
    few_batches(facts.built.test_loader.as_ref()?, own)
}

fn few_batches(loader: &DataLoader, own: &Node) -> Option<String> {
    let most: u64 = own.get("max_batches")?.parse().ok()?;
    let all = loader.dataset().len().div_ceil(loader.batch_size()) as u64;
    (most >= all).then(|| format!("an epoch has {all} batches"))
}

/// Only threads make batches ahead; their number is in the section of the key.
fn no_threads(facts: &Facts<'_>, prefetch: &Node) -> Option<String> {
    let section = prefetch.path.split('.').next()?;
    let workers = facts.recipe.resolved.get(section)?.get("num_workers")?;
    let workers: u64 = workers.parse().ok()?;
    (workers == 0).then(|| "`num_workers` is 0".to_owned())
}

/// Transforms that change no sample.
pub(super) fn transform_notes(facts: &Facts<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    for section in ["train_transforms", "val_transforms"] {
        let Some(transforms) = facts.recipe.resolved.get(section) else {
            continue;
        };
        match &transforms.content {
            Content::List(items) => {
                let items = items.iter().flat_map(Node::entries);
                notes.extend(items.filter_map(item_note));
            }
            _ => notes.extend(transforms.entries().iter().filter_map(mapping_note)),
        }
    }
    notes
}

/// Keys that give a transform its probability.
const PROBABILITIES: [&str; 3] = ["prob", "p", "probability"];

/// Parameters that do nothing beside another one: the transform, the parameter, the other one, the other one's value.
const BESIDE: &[(&str, &str, &str, &str)] = &[
    ("RandomCrop", "fill", "padding", "0"),
    (
        "DetectionRandomAffine",
        "wh_thr",
        "filter_box_candidates",
        "false",
    ),
    (
        "DetectionRandomAffine",
        "ar_thr",
        "filter_box_candidates",
        "false",
    ),
    (
        "DetectionRandomAffine",
        "area_thr",
        "filter_box_candidates",
        "false",
    ),
];

fn item_note(item: &Entry) -> Option<Note> {
    let name = item.key.as_str();
    let parameters = item.value.entries().iter();
    for parameter in parameters {
        let key = parameter.key.as_str();
        let path = format!("{name}.{key}");
        let value = parameter.value.to_json();
        if PROBABILITIES.contains(&key) && value.as_f64() == Some(0.0) {
            let reason = format!("`{key}` is 0");
            return Some(without_effect(item, name, &reason));
        }
        let mut beside = BESIDE.iter();
        let rule = beside.find(|(transform, own, ..)| (*transform, *own) == (name, key));
        if let Some((_, _, other, wanted)) = rule {
            let written = item.value.get(other).map(|node| node.to_json().to_string());
            if written.is_none_or(|written| written == *wanted) {
                let reason = format!("`{other}` is {wanted}");
                return Some(without_effect(parameter, &path, &reason));
            }
        }
    }
    None
}

fn mapping_note(key: &Entry) -> Option<Note> {
    let is_never = key.key == "horizontal_flip" && key.value.to_json().as_f64() == Some(0.0);
    is_never.then(|| without_effect(key, "horizontal_flip", "its probability is 0"))
}
