//! Transforms that change no sample, and those that make other samples of validation than of training.

use anyhow::Result;
use phasebox_data::{DataLoader, Scale};
use phasebox_recipe::{Content, Entry, Node, Note};

use super::{Facts, without_effect};

pub(super) fn notes(facts: &Facts<'_>) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    let built = facts.built;
    for (section, loader) in [
        ("train_transforms", &built.train_loader),
        ("val_transforms", &built.valid_loader),
    ] {
        let Some(transforms) = facts.recipe.resolved.get(section) else {
            continue;
        };
        let items = items(transforms);
        notes.extend(items.iter().filter_map(item_note));
        notes.extend(idle_notes(&items, loader)?);
    }
    notes.extend(other_scale(facts));
    Ok(notes)
}

/// The transforms of a section, in its order; of the mapping form, its keys.
fn items(transforms: &Node) -> Vec<Entry> {
    match &transforms.content {
        Content::List(items) => items.iter().flat_map(entries).collect(),
        _ => transforms.entries().to_vec(),
    }
}

/// An item as an entry: a name with its parameters, or a name alone.
fn entries(item: &Node) -> Vec<Entry> {
    let Some(name) = item.as_str() else {
        return item.entries().to_vec();
    };
    vec![Entry {
        key: name.to_owned(),
        location: item.location.clone(),
        value: item.clone(),
    }]
}

/// Those that find every image as they would make it.
fn idle_notes(items: &[Entry], loader: &DataLoader) -> Result<Vec<Note>> {
    let mut notes = Vec::new();
    for idle in loader.idle_transforms()? {
        let mut same = items.iter().filter(|item| {
            let names = [idle.name, idle.key];
            names.contains(&item.key.as_str())
        });
        if let Some(item) = same.nth(idle.before) {
            notes.push(without_effect(item, &item.key, &idle.reason));
        }
    }
    Ok(notes)
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
    if name == "horizontal_flip" && item.value.to_json().as_f64() == Some(0.0) {
        return Some(without_effect(item, name, "its probability is 0"));
    }
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

/// Validation samples of another scale than those that the network is trained on. A sample that cannot be read is refused
/// by those who need it.
fn other_scale(facts: &Facts<'_>) -> Option<Note> {
    let scale = |loader: &DataLoader| loader.scale().ok().flatten();
    let train = scale(&facts.built.train_loader)?;
    let validation = scale(&facts.built.valid_loader)?;
    if train.is_as(&validation) {
        return None;
    }
    let trained = place(facts, "train_transforms", &train);
    let judged = place(facts, "val_transforms", &validation);
    let line = trained.map(|node| format!(" at {}", node.location));
    let text = format!(
        "validation judges the network on samples of another scale: that of training is from {}{}, that of validation from \
         {}; end `train_transforms` and `val_transforms` with the same transform",
        train.source,
        line.unwrap_or_default(),
        validation.source
    );
    let location = judged.or(trained)?.location.clone();
    Some(Note { location, text })
}

/// The item of a section that decides the scale.
fn place<'a>(facts: &'a Facts<'_>, section: &str, scale: &Scale) -> Option<&'a Node> {
    let last = scale.last?;
    let transforms = facts.recipe.resolved.get(section)?;
    match &transforms.content {
        Content::List(items) => items.iter().rev().find(|item| names(item, last)),
        _ => transforms.get("normalize"),
    }
}

fn names(item: &Node, name: &str) -> bool {
    item.as_str() == Some(name) || item.get(name).is_some()
}
