//! The changes of a recipe that a slip of the hand may make: a key renamed, retyped, moved, duplicated or emptied. Owns the
//! choice among them, drawn from a seed.

use phasebox_data::Random;

use super::tree::{Path, Tree};

/// One change, and the words that a refusal or a note of it may name.
pub(super) struct Mutation {
    pub(super) recipe: Tree,
    /// In words, for the report.
    pub(super) change: String,
    /// The keys that lead to it, joined by dots.
    pub(super) key: String,
    /// The key and the one that it is below, its new name, its new value.
    pub(super) names: Vec<String>,
    /// The new value, where it has one.
    pub(super) value: Option<String>,
    /// The recipe says what it said before.
    pub(super) says_the_same: bool,
}

/// Values of other kinds and sizes.
const VALUES: [&str; 16] = [
    "abc",
    "3",
    "0",
    "-1",
    "1000000000000",
    "0.37",
    "true",
    "false",
    "\"1e-3\"",
    ".nan",
    "null",
    "[]",
    "{}",
    "[1]",
    "{a: 1}",
    "\"\"",
];

/// Words that people know from elsewhere.
const SYNONYMS: [(&str, &str); 12] = [
    ("initial_lr", "learning_rate"),
    ("max_epochs", "epochs"),
    ("batch_size", "batchsize"),
    ("loss", "criterion"),
    ("optimizer", "optim"),
    ("dataset", "data"),
    ("architecture", "model"),
    ("arch_params", "model_params"),
    ("train_metrics_list", "train_metrics"),
    ("valid_metrics_list", "val_metrics_list"),
    ("phase_callbacks", "callbacks"),
    ("clip_grad_norm", "gradient_clip_val"),
];

/// Draws a change of `recipe`.
pub(super) fn draw(recipe: &Tree, random: &mut Random) -> Mutation {
    let entries = recipe.entries();
    let (path, keys) = &entries[below(random, entries.len())];
    match below(random, 8) {
        0 | 1 => renamed(recipe, path, keys, random),
        2..=4 => retyped(recipe, path, keys, random),
        5 => moved(recipe, path, keys, random),
        6 => duplicated(recipe, path, keys),
        _ => emptied(recipe, path, keys, random),
    }
}

fn below(random: &mut Random, count: usize) -> usize {
    random.below(count as u64) as usize
}

fn mutation(recipe: Tree, keys: &[String], change: String, names: &[&str]) -> Mutation {
    let own = keys.iter().rev().take(2).cloned();
    let names = names.iter().map(|name| (*name).to_owned()).chain(own);
    let names = names.collect();
    Mutation {
        recipe,
        change,
        key: keys.join("."),
        names,
        value: None,
        says_the_same: false,
    }
}

fn renamed(recipe: &Tree, path: &Path, keys: &[String], random: &mut Random) -> Mutation {
    let mut recipe = recipe.clone();
    let (entries, place) = recipe.entries_mut(path);
    let old = entries[place].0.clone();
    let new = match below(random, 3) {
        0 => without_a_letter(&old, random),
        1 => in_other_case(&old),
        _ => synonym(&old),
    };
    entries[place].0.clone_from(&new);
    // The network here takes its inputs in their order.
    let is_free = keys.len() > 1 && keys[keys.len() - 2] == "features";
    Mutation {
        says_the_same: is_free,
        ..mutation(recipe, keys, format!("renamed to `{new}`"), &[&new])
    }
}

fn without_a_letter(key: &str, random: &mut Random) -> String {
    let letters: Vec<char> = key.chars().collect();
    let dropped = below(random, letters.len());
    let kept = letters
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != dropped);
    let kept: String = kept.map(|(_, letter)| *letter).collect();
    match kept.is_empty() {
        true => "x".to_owned(),
        false => kept,
    }
}

fn in_other_case(key: &str) -> String {
    match key.chars().any(char::is_uppercase) {
        true => key.to_lowercase(),
        false => key.to_uppercase(),
    }
}

fn synonym(key: &str) -> String {
    let known = SYNONYMS.iter().find(|(known, _)| *known == key);
    known.map_or(format!("{key}s"), |(_, other)| (*other).to_owned())
}

fn retyped(recipe: &Tree, path: &Path, keys: &[String], random: &mut Random) -> Mutation {
    let value = VALUES[below(random, VALUES.len())];
    let bare = value.trim_matches(['"', '[', ']', '{', '}']);
    let bare = bare.split(':').next().unwrap_or_default();
    with_value(recipe, path, keys, value, &[bare])
}

/// Puts an entry into another mapping.
fn moved(recipe: &Tree, path: &Path, keys: &[String], random: &mut Random) -> Mutation {
    let mut recipe = recipe.clone();
    let (entries, place) = recipe.entries_mut(path);
    let entry = entries.remove(place);
    let others: Vec<(Path, Vec<String>)> = recipe.entries();
    let mut mappings = others
        .into_iter()
        .filter(|(path, _)| matches!(recipe.at(path), Tree::Map(_)));
    let mappings: Vec<(Path, Vec<String>)> = mappings.by_ref().collect();
    let top = (Path::new(), Vec::new());
    let (to, new_keys) = match mappings.is_empty() || below(random, 4) == 0 {
        true => &top,
        false => &mappings[below(random, mappings.len())],
    };
    let name = entry.0.clone();
    if let Tree::Map(entries) = recipe.at_mut(to) {
        entries.push(entry);
    }
    let change = format!("moved to `{}`", new_keys.join("."));
    let section = new_keys.last().cloned().unwrap_or_default();
    let is_at_home = *new_keys == keys[..keys.len() - 1];
    let is_hoisted = new_keys.is_empty() && HOISTED.contains(&name.as_str());
    Mutation {
        says_the_same: is_at_home || is_hoisted,
        ..mutation(recipe, keys, change, &[&name, &section])
    }
}

/// Keys that may stand at the top of a recipe too.
const HOISTED: [&str; 4] = [
    "phase_callbacks",
    "deterministic_callbacks",
    "seed",
    "resume",
];

fn duplicated(recipe: &Tree, path: &Path, keys: &[String]) -> Mutation {
    let mut recipe = recipe.clone();
    let (entries, place) = recipe.entries_mut(path);
    let twin = entries[place].clone();
    entries.push(twin);
    mutation(recipe, keys, "written twice".to_owned(), &[])
}

fn emptied(recipe: &Tree, path: &Path, keys: &[String], random: &mut Random) -> Mutation {
    let value = ["null", "{}", "[]", "\"\""][below(random, 4)];
    with_value(recipe, path, keys, value, &[])
}

/// Another value for an entry. A refusal may miss a key that stood in the old one.
fn with_value(
    recipe: &Tree,
    path: &Path,
    keys: &[String],
    value: &str,
    names: &[&str],
) -> Mutation {
    let mut recipe = recipe.clone();
    let missing = recipe.at(path).keys();
    *recipe.at_mut(path) = Tree::scalar(value);
    let mut changed = mutation(recipe, keys, format!("set to {value}"), names);
    changed.names.push(value.to_owned());
    changed.names.extend(missing);
    changed.value = Some(value.to_owned());
    changed
}
