//! Where an error of a part belongs in the recipe. Parts know neither files nor lines: they name the parameter. Owns the
//! search for the line.

use anyhow::{Result, anyhow};
use phasebox_contract::plain_words::in_plain_words;
use phasebox_recipe::{Content, Location, Node, home};

/// Puts the place of an error before it: the line of the parameter that it names in backticks, of those below `nodes`.
/// The deepest counts, since an error names a loss before it names the parameter of the loss. Without one, the line of a
/// text that the error names, or else of the first of the nodes.
pub(in crate::assemble) fn at<T>(nodes: &[&Node], result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        let message = with_home(nodes, in_plain_words(&format!("{error:#}")));
        match line_in(nodes, &message) {
            Some(location) => anyhow!(location.error(message)),
            None => error,
        }
    })
}

/// A message about an unknown parameter that another section has, with that section.
fn with_home(nodes: &[&Node], message: String) -> String {
    let unknown = message.split_once("unknown parameter `");
    let word = unknown.and_then(|(_, rest)| rest.split_once('`'));
    let here: Vec<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
    match word {
        Some((word, _)) if !message.contains("did you mean") => {
            message.clone() + &home(word, &here)
        }
        _ => message,
    }
}

/// The place below `nodes` that a message is about, or that of the first of them.
pub(in crate::assemble) fn line_in<'a>(nodes: &[&'a Node], message: &str) -> Option<&'a Location> {
    let deepest = deepest(nodes, message).map(|found| found.location);
    let text = || quoted(message).find_map(|word| first_in(nodes, |node| text(node, word)));
    let first = || nodes.first().map(|node| &node.location);
    deepest.or_else(text).or_else(first)
}

/// The deepest key that a message names. A key is looked for below the one before it first, which may be one of two with
/// the same keys.
fn deepest<'a>(nodes: &[&'a Node], message: &str) -> Option<Found<'a>> {
    let (mut scope, mut deepest): (Option<Found<'a>>, Option<Found<'a>>) = (None, None);
    for path in quoted(message) {
        let inside = scope.and_then(|scope| key(scope.value, path, scope.depth + 1));
        let found = inside.or_else(|| first_in(nodes, |node| key(node, path, 1)));
        scope = found.or(scope);
        if found.map(|found| found.depth) > deepest.map(|found| found.depth) {
            deepest = found;
        }
    }
    deepest
}

fn first_in<'a, T>(nodes: &[&'a Node], find: impl Fn(&'a Node) -> Option<T>) -> Option<T> {
    nodes.iter().find_map(|node| find(node))
}

/// The words between backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// A key of a tree.
#[derive(Clone, Copy)]
struct Found<'a> {
    location: &'a Location,
    value: &'a Node,
    /// The number of keys that lead to it.
    depth: usize,
}

/// The key that a path such as `betas[1]` or `parts.color` leads to, from anywhere in a tree; `key: value` is its key.
fn key<'a>(node: &'a Node, path: &str, depth: usize) -> Option<Found<'a>> {
    let path = path.split_once(": ").map_or(path, |(key, _)| key);
    let (first, rest) = match path.find(['.', '[']) {
        Some(end) if end > 0 => path.split_at(end),
        _ => (path, ""),
    };
    let below = |node| key(node, path, depth + 1);
    match &node.content {
        Content::List(items) => items.iter().find_map(below),
        Content::Map(entries) => {
            let entry = entries.iter().find(|entry| entry.key == first);
            let here = entry.map(|entry| Found {
                location: item(&entry.value, rest).unwrap_or(&entry.location),
                value: &entry.value,
                depth: depth + rest.matches(['.', '[']).count(),
            });
            here.or_else(|| entries.iter().map(|entry| &entry.value).find_map(below))
        }
        _ => None,
    }
}

/// The place below a key, as far as `[1].key` leads.
fn item<'a>(node: &'a Node, path: &str) -> Option<&'a Location> {
    let mut keys = path.split(['.', '[', ']']).filter(|key| !key.is_empty());
    let found = keys.try_fold(node, |node, key| match &node.content {
        Content::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => node.get(key),
    });
    found
        .filter(|_| !path.is_empty())
        .map(|node| &node.location)
}

/// The line of a text of a tree.
fn text<'a>(node: &'a Node, word: &str) -> Option<&'a Location> {
    match &node.content {
        Content::List(items) => items.iter().find_map(|item| text(item, word)),
        Content::Map(entries) => {
            let mut values = entries.iter().map(|entry| &entry.value);
            values.find_map(|value| text(value, word))
        }
        _ => (node.as_str() == Some(word)).then_some(&node.location),
    }
}
