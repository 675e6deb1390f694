//! `a.b.0.c=value` from the command line, laid on a composed recipe.
//! Owns the addressing; the value is YAML and merges as a file's would.

use super::document;
use super::location::{Location, Result};
use super::merge::{merge, merge_entry};
use super::node::{Content, Entry, Node, check_depth};

/// Applies one argument. A key that is not there is created: typing the recipe refuses it if it must not be.
///
/// # Errors
/// No `=`, a value that is not YAML, or a path that goes through a single value or past the end of a list.
pub(super) fn apply(recipe: &mut Node, argument: &str) -> Result<()> {
    let location = Location::command_line(argument);
    let Some((path, text)) = argument.split_once('=') else {
        return Err(location.error(
            "an override is written `key=value`, such as `training_hyperparams.max_epochs=3`",
        ));
    };
    let keys: Vec<&str> = path.trim().split('.').collect();
    if keys.iter().any(|key| key.is_empty()) {
        return Err(location.error("a key of the path is empty; write `a.b=value`"));
    }
    check_depth(keys.len(), &location)?;
    let value = document::parse(text, &location)?;
    set(recipe, &keys, value, &location)
}

fn set(node: &mut Node, keys: &[&str], value: Node, location: &Location) -> Result<()> {
    let Some((key, deeper)) = keys.split_first() else {
        return merge(node, value);
    };
    if let Content::List(items) = &mut node.content {
        return set(item_at(items, key, location)?, deeper, value, location);
    }
    if node.is_null() {
        node.content = Content::Map(Vec::new());
    }
    let found = node.describe();
    let Content::Map(entries) = &mut node.content else {
        return Err(location.error(format!(
            "nothing can be set at `{key}`: above it is {found}"
        )));
    };
    match entries.iter_mut().find(|entry| entry.key == *key) {
        Some(entry) => set(&mut entry.value, deeper, value, location),
        None => merge_entry(entries, nested(key, deeper, value, location)),
    }
}

fn item_at<'a>(items: &'a mut [Node], key: &str, location: &Location) -> Result<&'a mut Node> {
    let length = items.len();
    let index = key.parse::<usize>().ok();
    let item = index.and_then(|index| items.get_mut(index));
    item.ok_or_else(|| {
        location.error(format!(
            "`{key}` is not an item of this list: it has {length}, counted from 0"
        ))
    })
}

/// The entry `a: {b: value}` for the key `a` and the deeper key `b`.
fn nested(key: &str, deeper: &[&str], value: Node, location: &Location) -> Entry {
    let mut value = value;
    for key in deeper.iter().rev() {
        let inner = entry(key, value, location);
        value = Node::new(Content::Map(vec![inner]), location.clone());
    }
    entry(key, value, location)
}

fn entry(key: &str, value: Node, location: &Location) -> Entry {
    Entry {
        key: key.to_owned(),
        location: location.clone(),
        value,
    }
}
