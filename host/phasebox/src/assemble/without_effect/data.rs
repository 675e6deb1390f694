//! Keys of data sets and loaders.

use std::path::{Path, PathBuf};

use phasebox_data::{DataLoader, Target};
use phasebox_recipe::{Content, Node, Note};

use super::{Facts, Rule, without_effect};

pub(super) const RULES: &[Rule] = &[
    Rule::new("base_folder", "null", no_file),
    Rule::new("dataset.csv.task", "null", named_targets),
    Rule::new("dataset_params.task", "null", named_targets),
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
    Rule::new("val_dataloader_params.shuffle", "false", any_valid_order),
    Rule::new("test_dataloader_params.shuffle", "false", any_test_order),
    Rule::new("train_dataloader_params.collate_fn", "null", no_boxes),
    Rule::new("val_dataloader_params.collate_fn", "null", no_boxes),
    Rule::new("test_dataloader_params.collate_fn", "null", no_boxes),
    Rule::new("train_dataloader_params.prefetch", "0", no_threads),
    Rule::new("val_dataloader_params.prefetch", "0", no_threads),
    Rule::new("test_dataloader_params.prefetch", "0", no_threads),
];

/// The data sets that read no file.
const BUILT_IN: [&str; 2] = ["digits", "scattered_digits"];

/// A resolved recipe always has the key: the recipe's own folder stands for its absence.
fn no_file(facts: &Facts<'_>, _: &Node) -> Option<String> {
    if whole(&facts.recipe.folder()) == whole(&facts.recipe.base_folder) {
        return None;
    }
    let dataset = &facts.recipe.dataset;
    let first = dataset.entries().first().map(|entry| entry.key.as_str());
    let name = dataset.as_str().or(first)?;
    BUILT_IN
        .contains(&name)
        .then(|| format!("the data set `{name}` reads no file"))
}

/// A path from the root of the file system. That of a bare file's folder is empty.
fn whole(folder: &Path) -> Option<PathBuf> {
    let folder = Path::new(".").join(folder);
    let there = folder.canonicalize();
    there.or_else(|_| std::path::absolute(&folder)).ok()
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

fn any_valid_order(facts: &Facts<'_>, _: &Node) -> Option<String> {
    any_order(facts, &facts.built.valid_loader)
}

fn any_test_order(facts: &Facts<'_>, _: &Node) -> Option<String> {
    any_order(facts, facts.built.test_loader.as_ref()?)
}

/// The order of an evaluation that reads every sample, and whose batches no callback sees.
fn any_order(facts: &Facts<'_>, loader: &DataLoader) -> Option<String> {
    let is_whole = loader.samples() == loader.dataset().len() as u64;
    let phases = facts.callbacks.iter().map(|callback| callback.phases());
    let mut phases = phases.flat_map(|phases| phases.iter().collect::<Vec<_>>());
    let is_seen = phases.any(|phase| phase.is_in_evaluation_batch());
    let collation = loader.get("collate_fn").ok()?;
    let is_mixed = collation.get("default").is_none();
    let reason = "every sample is read, and a mean does not depend on the order";
    (is_whole && !is_seen && !is_mixed).then(|| reason.to_owned())
}

/// Collations that differ from the default one for boxes and points alone.
const OF_THINGS: [&str; 2] = ["DetectionCollateFN", "CrowdDetectionCollateFN"];

fn no_boxes(facts: &Facts<'_>, collation: &Node) -> Option<String> {
    let first = collation.entries().first().map(|entry| entry.key.as_str());
    let name = collation.as_str().or(first)?;
    let sample = facts.built.train_loader.dataset().sample(0).ok()?;
    let mut targets = sample.target.iter().map(|(_, target)| target);
    let has_things =
        targets.any(|target| matches!(target, Target::Boxes(_) | Target::Keypoints(_)));
    let reason = "the samples have no boxes: it is as `default`";
    (OF_THINGS.contains(&name) && !has_things).then(|| reason.to_owned())
}

/// Only threads make batches ahead; their number is in the section of the key.
fn no_threads(facts: &Facts<'_>, prefetch: &Node) -> Option<String> {
    let section = prefetch.path.split('.').next()?;
    let workers = facts.recipe.resolved.get(section)?.get("num_workers")?;
    let workers: u64 = workers.parse().ok()?;
    (workers == 0).then(|| "`num_workers` is 0".to_owned())
}

/// The key of images with boxes that keeps the first so many.
const FIRST: &str = "max_num_samples";

/// More samples than a part of the data has.
pub(super) fn few_samples(facts: &Facts<'_>) -> Vec<Note> {
    let recipe = facts.recipe;
    let inline = recipe.dataset.entries().first().map(|entry| &entry.value);
    let params = inline.unwrap_or(&recipe.dataset_params);
    let built = facts.built;
    let loaders = [
        ("train", Some(&built.train_loader)),
        ("validation", Some(&built.valid_loader)),
        ("test", built.test_loader.as_ref()),
    ];
    let mut notes = Vec::new();
    for (part, loader) in loaders {
        let entries = params.get(part).map(Node::entries).unwrap_or_default();
        let mut entries = entries.iter();
        let written = entries.find(|entry| entry.key == FIRST && !entry.value.is_null());
        if let (Some(entry), Some(loader)) = (written, loader)
            && !loader.dataset().left_out().contains(FIRST)
        {
            let path = format!("{part}.{FIRST}");
            let reason = "the part has no more images";
            notes.push(without_effect(entry, &path, reason));
        }
    }
    notes
}

/// Collations that draw a size among one.
pub(super) fn one_size(facts: &Facts<'_>) -> anyhow::Result<Vec<Note>> {
    let recipe = facts.recipe;
    let built = facts.built;
    let mut notes = Vec::new();
    for (loader, params) in [
        (&built.train_loader, &recipe.train_dataloader_params),
        (&built.valid_loader, &recipe.val_dataloader_params),
    ] {
        let sizes = loader.drawn_shapes()?;
        let collation = params.get("collate_fn").map(Node::entries);
        let own = loader.input_shapes()?;
        if let ([only], Some([entry])) = (sizes.as_slice(), collation)
            && own.iter().all(|(_, shape)| shape == only)
        {
            let reason = "it draws one size alone, which images have already";
            notes.push(without_effect(entry, &entry.key, reason));
        }
    }
    Ok(notes)
}
