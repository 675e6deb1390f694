//! Recipes compared key by key. Owns the form in which two spellings of one recipe are equal; who decides about a key is
//! `resume`'s.

use std::path::Path;

use serde_json::{Map, Value};

/// A key that two recipes have different values for; null if one of them has none.
pub(super) struct Difference {
    pub(super) key: String,
    pub(super) old: Value,
    pub(super) new: Value,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (old, new) = (short(&self.old), short(&self.new));
        write!(formatter, "`{}` was {old} and is {new}", self.key)
    }
}

impl Difference {
    pub(super) fn differs_in_case_alone(&self) -> bool {
        let names = (self.old.as_str(), self.new.as_str());
        matches!(names, (Some(old), Some(new)) if old.eq_ignore_ascii_case(new))
    }

    /// A file or folder of the same name elsewhere: data may be moved. Data that is other data has another size, which the
    /// trainer sees.
    pub(super) fn is_of_a_moved_file(&self) -> bool {
        let name = |value: &Value| Some(Path::new(value.as_str()?).file_name()?.to_owned());
        let is_path = |value: &Value| value.as_str().is_some_and(|text| text.contains('/'));
        (is_path(&self.old) || is_path(&self.new)) && name(&self.old) == name(&self.new)
    }
}

/// The most characters of a value that a line shows.
const SHOWN: usize = 120;

fn short(value: &Value) -> String {
    if value.is_null() {
        return "not written".to_owned();
    }
    let text = value.to_string();
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// All keys that two recipes have different values for.
pub(super) fn differences(old: &Value, new: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(String::new(), old, new, &mut found);
    found
}

/// An empty mapping says as little as an absent one.
fn compare(key: String, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    let none = Map::new();
    let entries = match (old, new) {
        (Value::Object(old), Value::Object(new)) => Some((old, new)),
        (Value::Object(old), Value::Null) => Some((old, &none)),
        (Value::Null, Value::Object(new)) => Some((&none, new)),
        _ => None,
    };
    let Some((old_entries, new_entries)) = entries else {
        if old != new {
            let (old, new) = (old.clone(), new.clone());
            found.push(Difference { key, old, new });
        }
        return;
    };
    let only_new = new_entries
        .keys()
        .filter(|key| !old_entries.contains_key(*key));
    for name in old_entries.keys().chain(only_new) {
        let below = match key.as_str() {
            "" => name.clone(),
            key => format!("{key}.{name}"),
        };
        let value = |entries: &Map<String, Value>| entries.get(name).cloned().unwrap_or_default();
        compare(below, &value(old_entries), &value(new_entries), found);
    }
}

/// Names with their parameters in two keys, and keys where they belong: recipes may write both otherwise.
pub(super) fn normal(mut recipe: Value) -> Value {
    let Some(root) = recipe.as_object_mut() else {
        return recipe;
    };
    root.remove("variables");
    for key in [
        "phase_callbacks",
        "deterministic_callbacks",
        "seed",
        "resume",
    ] {
        let hoisted = root.remove(key);
        if let (Some(value), Some(training)) = (hoisted, training(root))
            && !value.is_null()
        {
            training.insert(key.to_owned(), value);
        }
    }
    split_name(root, "architecture", "arch_params");
    split_name(root, "dataset", "dataset_params");
    if let Some(training) = training(root) {
        split_name(training, "optimizer", "optimizer_params");
        split_name(training, "loss", "criterion_params");
    }
    recipe
}

fn training(root: &mut Map<String, Value>) -> Option<&mut Map<String, Value>> {
    root.get_mut("training_hyperparams")?.as_object_mut()
}

/// `{name: parameters}` as a name and its parameters.
fn split_name(section: &mut Map<String, Value>, key: &str, parameters: &str) {
    let Some(Value::Object(named)) = section.get(key) else {
        return;
    };
    let Some((name, values)) = named.iter().next() else {
        return;
    };
    let (name, values) = (Value::String(name.clone()), values.clone());
    section.insert(key.to_owned(), name);
    section.insert(parameters.to_owned(), values);
}
