//! The parameters of a data set: SuperGradients has them once for each split, phasebox once. Owns how several become
//! one, for data sets that phasebox has; those of others stay as they are, since their name is refused.

use std::path::Path;

use serde_json::Value;

use super::super::super::location::Result;
use super::super::super::node::{Content, Entry, Node};
use super::super::said::{Said, is_empty};

/// Lowers the parameters of train, validation and test. `is_theirs` says that the name comes from a loader of
/// SuperGradients, and not from phasebox's `dataset`.
pub(super) fn lower(
    name: Option<&Node>,
    is_theirs: bool,
    splits: Vec<Option<Entry>>,
    said: &mut Said,
) -> Result<Vec<Entry>> {
    let name = name
        .and_then(Node::as_str)
        .unwrap_or_default()
        .to_lowercase();
    let kind = KINDS.iter().find(|(start, _)| name.starts_with(start));
    let mut splits: Vec<Entry> = splits.into_iter().flatten().collect();
    if let Some((_, is_folders)) = kind {
        splits.iter_mut().for_each(|split| in_memory(split, said));
        if *is_folders {
            return folders(splits);
        }
    }
    if is_theirs && kind.is_none() {
        return Ok(splits);
    }
    let mut merged = Vec::new();
    for split in splits {
        for entry in entries(split.value) {
            add(&mut merged, entry)?;
        }
    }
    Ok(merged)
}

/// Data sets of torchvision's form, by the start of their names; true for those that are one folder a split.
const KINDS: &[(&str, bool)] = &[
    ("cifar", false),
    ("mnist", false),
    ("fashion", false),
    ("imagenet", true),
];

fn entries(node: Node) -> Vec<Entry> {
    match node.content {
        Content::Map(entries) => entries,
        _ => Vec::new(),
    }
}

/// Takes out the words of torchvision's data sets for what phasebox does anyway.
fn in_memory(split: &mut Entry, said: &mut Said) {
    let is_train = split.key.starts_with("train");
    let params = &mut split.value;
    params.take_if("train", |value| value.truth() == Some(is_train));
    params.take_if("target_transform", is_empty);
    params.take_if("split", |value| value.as_str().is_some());
    let download = params.take_if("download", |value| value.truth().is_some());
    if let Some(entry) = download.filter(|entry| entry.value.truth() == Some(true)) {
        said.note(
            &entry,
            "phasebox downloads nothing; put the files there yourself",
        );
    }
}

/// One parameter; those of the splits must agree.
fn add(merged: &mut Vec<Entry>, entry: Entry) -> Result<()> {
    let Some(first) = merged.iter().find(|first| first.key == entry.key) else {
        merged.push(entry);
        return Ok(());
    };
    if first.value.to_json() == entry.value.to_json() {
        return Ok(());
    }
    let message = format!(
        "`{}` differs from that at {}, but a data set has its parameters once; write the same",
        entry.key, first.location
    );
    Err(entry.location.error(message))
}

/// `…/train` and `…/val` as a root with the names of its parts.
fn folders(splits: Vec<Entry>) -> Result<Vec<Entry>> {
    let mut merged = Vec::new();
    for split in splits {
        let part = match split.key.as_str() {
            "train_dataset_params" => "train",
            "val_dataset_params" => "validation",
            _ => "test",
        };
        for entry in entries(split.value) {
            if entry.key != "root" {
                add(&mut merged, entry)?;
                continue;
            }
            let written = entry.value.as_str().unwrap_or_default().to_owned();
            let path = Path::new(&written);
            let (Some(root), Some(folder)) = (path.parent(), path.file_name()) else {
                return Err(entry
                    .value
                    .error("names the folder of one part, such as `data/train`"));
            };
            let folder = text(&entry, part, folder.to_string_lossy().into_owned());
            add(
                &mut merged,
                text(&entry, "root", root.to_string_lossy().into_owned()),
            )?;
            add(&mut merged, folder)?;
        }
    }
    Ok(merged)
}

/// An entry in the place of another.
fn text(place: &Entry, key: &str, text: String) -> Entry {
    Entry {
        key: key.to_owned(),
        location: place.location.clone(),
        value: Node {
            content: Content::Scalar(Value::String(text)),
            ..place.value.clone()
        },
    }
}
