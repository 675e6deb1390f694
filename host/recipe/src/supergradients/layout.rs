//! SuperGradients' places of the data, under `dataset_params` and in the names of loaders, moved to phasebox's. Owns the
//! places; which data sets there are is `data`'s, and what a data set takes is judged there.

mod parameters;

use std::collections::BTreeSet;

use super::super::location::Result;
use super::super::merge::merge;
use super::super::node::{Content, Entry, Node, joined};
use super::said::{Said, is_empty};
use super::variables::is_read;

/// Names of loaders at the top, of which the first that is filled names the data.
const LOADERS: &[&str] = &["train_dataloader", "val_dataloader"];

/// Sections of `dataset_params` that have a place of their own.
const SPLITS: &[&str] = &["train", "val", "test"];

/// Keys of `dataset_params` that some files of SuperGradients have and nothing reads.
const NOWHERE: &[&str] = &[
    "batch_size",
    "val_batch_size",
    "train_transform_args",
    "class_names",
    "num_joints",
    "oks_sigmas",
    "flip_indexes",
    "edge_links",
    "edge_colors",
    "keypoint_colors",
    "img_mean",
    "img_std",
    "dataset_params_suffix",
    "image_size",
    "mosaic_prob",
    "dataset_name",
    "data_dir",
    "dataset_dir",
];

pub(super) fn lower(recipe: &mut Node, read: &BTreeSet<String>, said: &mut Said) -> Result<()> {
    if !is_theirs(recipe) {
        return Ok(());
    }
    let location = recipe.location.clone();
    let params = recipe.take("dataset_params");
    let mut params = params.map_or(Node::empty(&location), |entry| entry.value);
    let named = names(recipe, &mut params, said)?;
    for split in SPLITS {
        let key = format!("{split}_dataloader_params");
        move_section(recipe, &mut params, &key, said)?;
    }
    let mut splits = Vec::new();
    for split in SPLITS {
        let mut own = params.take(&format!("{split}_dataset_params"));
        if let Some(entry) = &mut own {
            move_transforms(recipe, entry, split, said)?;
        }
        splits.push(own.filter(|entry| !is_empty(&entry.value)));
    }
    check_rest(&mut params, read, said)?;
    let dataset = recipe.get("dataset").cloned();
    let name = named.as_ref().or(dataset.as_ref());
    let lowered = parameters::lower(name, named.is_some(), splits, said)?;
    if let Some(name) = named {
        recipe.put("dataset", name);
    }
    if let Content::Map(entries) = &mut params.content {
        entries.extend(lowered);
        recipe.put("dataset_params", params);
    } else if !lowered.is_empty() {
        params.content = Content::Map(lowered);
        recipe.put("dataset_params", params);
    }
    Ok(())
}

/// True for a key of `dataset_params`, in SuperGradients' layout, that is no variable.
pub(super) fn is_known(key: &str) -> bool {
    sections().iter().any(|section| section == key) || NOWHERE.contains(&key)
}

/// The sections of `dataset_params`.
fn sections() -> Vec<String> {
    let of_split = |split: &&str| {
        [
            format!("{split}_dataset_params"),
            format!("{split}_dataloader_params"),
        ]
    };
    SPLITS.iter().flat_map(of_split).collect()
}

/// True if the data stand where SuperGradients has them.
pub(super) fn is_theirs(recipe: &Node) -> bool {
    let names_loader = LOADERS.iter().any(|key| recipe.get(key).is_some());
    let params = recipe.get("dataset_params").map_or(&[][..], Node::entries);
    let has_split = params.iter().any(|entry| {
        let split = SPLITS
            .iter()
            .find_map(|split| entry.key.strip_prefix(split));
        matches!(split, Some("_dataset_params" | "_dataloader_params"))
    });
    names_loader || has_split
}

/// The name of the data: of a loader at the top, or of the data set in a loader's parameters.
fn names(recipe: &mut Node, params: &mut Node, said: &mut Said) -> Result<Option<Node>> {
    let mut named: Option<Entry> = None;
    for key in LOADERS {
        if let Some(entry) = recipe.take_if(key, |value| value.as_str().is_some()) {
            first_of(&mut named, entry)?;
        }
    }
    for split in SPLITS {
        let loader = params.get_mut(&format!("{split}_dataloader_params"));
        if let Some(entry) = loader.and_then(|loader| loader.take("dataset")) {
            first_of(&mut named, entry)?;
        }
    }
    let written = recipe.get("dataset").filter(|name| !name.is_null());
    match (named, written) {
        (Some(named), Some(written)) if written.location.is_in_file() => {
            let message = format!(
                "`{}` and the `dataset` at {} both name the data; keep one",
                named.key, written.location
            );
            Err(named.location.error(message))
        }
        (Some(named), Some(_)) => {
            said.note(&named, "`dataset` on the command line replaces it");
            Ok(None)
        }
        (named, _) => Ok(named.map(|entry| entry.value)),
    }
}

/// Keeps the first name of a loader. A later one must be the same data: `cifar10_val` beside `cifar10_train`.
fn first_of(named: &mut Option<Entry>, entry: Entry) -> Result<()> {
    let Some(first) = named else {
        *named = Some(entry);
        return Ok(());
    };
    let both = first.value.as_str().zip(entry.value.as_str());
    if both.is_none_or(|(first, other)| is_same(first, other)) {
        return Ok(());
    }
    let message = format!(
        "`{}` is not the data of `{}` at {}; the parts of one data set are trained and validated on",
        entry.key, first.key, first.location
    );
    Err(entry.location.error(message))
}

/// True for names of the same data: of two loaders, or with one of SuperGradients' classes of data sets, of which the
/// beginning alone agrees, as in `coco2017_train` and `COCODetectionDataset`.
fn is_same(first: &str, other: &str) -> bool {
    let [first, other] = [first, other].map(|name| name.to_lowercase().replace("train", "val"));
    let is_loader = |name: &str| name.contains("val");
    let begin = |name: &str| -> String { name.chars().take(4).collect() };
    let are_loaders = is_loader(&first) && is_loader(&other);
    first == other || !are_loaders && begin(&first) == begin(&other)
}

/// Moves a section of `dataset_params` to the top; what stands there already wins.
fn move_section(recipe: &mut Node, params: &mut Node, key: &str, said: &mut Said) -> Result<()> {
    let Some(below) = params.take(key).filter(|entry| !is_empty(&entry.value)) else {
        return Ok(());
    };
    let mut value = below.value;
    if let Some(top) = recipe.take(key) {
        for entry in top.value.entries() {
            replace(value.entries(), entry, said)?;
        }
        merge(&mut value, top.value)?;
    }
    recipe.set(Entry { value, ..below });
    Ok(())
}

/// Says of an entry below that one at the top replaces it. What the command line asks for is never replaced.
fn replace(below: &[Entry], top: &Entry, said: &mut Said) -> Result<()> {
    let same = below.iter().find(|entry| entry.key == top.key);
    let Some(below) = same.filter(|below| below.value.to_json() != top.value.to_json()) else {
        return Ok(());
    };
    if below.value.location.is_in_file() {
        said.note(below, &format!("the one at {} replaces it", top.location));
        return Ok(());
    }
    let message = format!(
        "the `{}` at {} replaces it; change that",
        top.key, top.location
    );
    Err(below.value.location.error(message))
}

fn move_transforms(
    recipe: &mut Node,
    params: &mut Entry,
    split: &str,
    said: &mut Said,
) -> Result<()> {
    let Some(transforms) = params.value.take("transforms") else {
        return Ok(());
    };
    let key = format!("{split}_transforms");
    let written = recipe
        .entry_mut(&key)
        .filter(|entry| !entry.value.is_null());
    match (split, written) {
        _ if is_empty(&transforms.value) => {}
        (_, Some(top)) => {
            let below = Entry { key, ..transforms };
            replace(&[below], top, said)?;
        }
        ("test", _) => {
            let message = "transforms of the test are those of validation; remove them here";
            return Err(transforms.location.error(message));
        }
        _ => recipe.set(Entry { key, ..transforms }),
    }
    Ok(())
}

/// Variables, and keys that nothing reads, are taken out; anything else is a slip.
fn check_rest(params: &mut Node, read: &BTreeSet<String>, said: &mut Said) -> Result<()> {
    let path = params.path.clone();
    let keys: Vec<String> = params
        .entries()
        .iter()
        .map(|entry| entry.key.clone())
        .collect();
    for key in keys {
        let is_variable = is_read(&joined(&path, &key), read);
        let is_known = NOWHERE.contains(&key.as_str());
        if let Some(entry) = params.take_if(&key, |_| is_variable || is_known)
            && !is_variable
        {
            said.note(&entry, "nothing reads it, in SuperGradients neither");
        }
    }
    let Some(entry) = params.entries().first() else {
        return Ok(());
    };
    let sections = sections();
    let sections: Vec<&str> = sections.iter().map(String::as_str).collect();
    let hint = phasebox_contract::suggest::hint(&entry.key, &sections);
    let message = format!(
        "unknown key `{}` in `dataset_params`{hint}; nothing reads it",
        entry.key
    );
    Err(entry.location.error(message))
}
