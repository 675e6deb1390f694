//! The parameters of a data set: SuperGradients has them once for each split, phasebox once. Owns how several become
//! one, for data sets that phasebox has; those of others stay as they are, since their name is refused.

use std::path::Path;

use serde_json::Value;

use super::super::super::location::Result;
use super::super::super::node::{Content, Entry, Node};
use super::super::inert::{self, Harmless::All, NOWHERE, Table};
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
    let kind = kind.map(|(_, kind)| *kind);
    let mut splits: Vec<Entry> = splits.into_iter().flatten().collect();
    if kind.is_some() {
        splits.iter_mut().for_each(|split| downloaded(split, said));
    }
    match kind {
        Some(Kind::Folders) => return folders(splits.into_iter().map(in_memory).collect()),
        Some(Kind::Parts) => {
            return Ok(splits.into_iter().map(|split| part(split, said)).collect());
        }
        None if is_theirs => return Ok(splits),
        Some(Kind::Whole) => splits = splits.into_iter().map(in_memory).collect(),
        None => {}
    }
    let mut merged = Vec::new();
    for split in splits {
        for entry in entries(split.value) {
            add(&mut merged, entry)?;
        }
    }
    Ok(merged)
}

/// A form of parameters.
#[derive(Clone, Copy)]
enum Kind {
    /// One for all splits.
    Whole,
    /// A folder for each split.
    Folders,
    /// A section for each split.
    Parts,
}

/// Data sets by the start of their names.
const KINDS: &[(&str, Kind)] = &[
    ("cifar", Kind::Whole),
    ("mnist", Kind::Whole),
    ("fashion", Kind::Whole),
    ("imagenet", Kind::Folders),
    ("coco2017_train", Kind::Parts),
    ("coco2017_val", Kind::Parts),
    ("cocodetection", Kind::Parts),
    ("cocoformatdetection", Kind::Parts),
    ("coco_detection", Kind::Parts),
    ("coco_format_detection", Kind::Parts),
    ("yolodarknetformatdetection", Kind::Parts),
    ("yolo_darknet_format_detection", Kind::Parts),
    ("yolo_detection", Kind::Parts),
    ("pascalvocdetection", Kind::Parts),
    ("pascalvocformatdetection", Kind::Parts),
    ("pascal_voc_detection", Kind::Parts),
    ("pascal_voc_format_detection", Kind::Parts),
    ("voc_detection", Kind::Parts),
    ("roboflow", Kind::Parts),
];

/// Keys of data sets with boxes that do nothing, at these values.
const INERT: Table = &[
    ("verbose", All("")),
    ("show_all_warnings", All("")),
    ("cache", All(NOWHERE)),
    ("cache_dir", All(NOWHERE)),
    ("cache_annotations", All("")),
    ("tight_box_rotation", All(NOWHERE)),
];

/// The section of a split under phasebox's name.
fn part(mut split: Entry, said: &mut Said) -> Entry {
    inert::take_out(&mut split.value, INERT, said);
    let key = part_name(&split.key).to_owned();
    Entry { key, ..split }
}

/// The name of a part, by the section of its split.
fn part_name(section: &str) -> &'static str {
    match section {
        "train_dataset_params" => "train",
        "val_dataset_params" => "validation",
        _ => "test",
    }
}

fn entries(node: Node) -> Vec<Entry> {
    match node.content {
        Content::Map(entries) => entries,
        _ => Vec::new(),
    }
}

/// Takes out the words of torchvision's data sets for what phasebox does anyway.
fn in_memory(mut split: Entry) -> Entry {
    let is_train = split.key.starts_with("train");
    let params = &mut split.value;
    params.take_if("train", |value| value.truth() == Some(is_train));
    params.take_if("target_transform", is_empty);
    params.take_if("split", |value| value.as_str().is_some());
    split
}

fn downloaded(split: &mut Entry, said: &mut Said) {
    let params = &mut split.value;
    let download = params.take_if("download", |value| value.truth().is_some());
    if let Some(entry) = download.filter(|entry| entry.value.truth() == Some(true)) {
        said.note(
            &entry,
            "phasebox downloads no data; put the files there yourself",
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
        let part = part_name(&split.key);
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
