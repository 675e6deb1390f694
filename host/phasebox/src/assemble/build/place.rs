//! Where an error of a part belongs in the recipe, and its words. Parts know neither files nor lines: they name the
//! parameter, and serde names Rust's types. Owns the search for the line and the plain words.

use anyhow::{Result, anyhow};
use phasebox_contract::suggest;
use phasebox_recipe::{Content, Location, Node, plain_words};

/// Puts the place of an error before it: the line of the first word in backticks that stands below one of `nodes`, or
/// else the line of the first of them.
pub(super) fn at<T>(nodes: &[&Node], result: Result<T>) -> Result<T> {
    result.map_err(|error| {
        let message = format!("{error:#}");
        let named = quoted(&message).find_map(|word| {
            let mut nodes = nodes.iter();
            nodes.find_map(|node| location_of(node, word))
        });
        let first = nodes.first().map(|node| &node.location);
        match named.or(first) {
            Some(location) => anyhow!(location.error(in_plain_words(&message))),
            None => error,
        }
    })
}

/// The words between backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2)
}

/// The line of a key or text of a tree.
fn location_of<'a>(node: &'a Node, word: &str) -> Option<&'a Location> {
    match &node.content {
        Content::List(items) => items.iter().find_map(|item| location_of(item, word)),
        Content::Map(entries) => entries.iter().find_map(|entry| {
            let is_key = entry.key == word;
            let here = is_key.then_some(&entry.location);
            here.or_else(|| location_of(&entry.value, word))
        }),
        _ => (node.as_str() == Some(word)).then_some(&node.location),
    }
}

/// Serde's messages as a recipe's author reads them.
fn in_plain_words(message: &str) -> String {
    let rules: [fn(&str) -> Option<String>; 4] = [
        |text| unknown(text, "unknown field `", "unknown parameter"),
        |text| unknown(text, "unknown variant `", "unknown value"),
        wrong_type,
        missing,
    ];
    let mut rules = rules.iter();
    let found = rules.find_map(|rule| rule(message));
    found.unwrap_or_else(|| message.to_owned())
}

/// "unknown field `a`, expected one of `b`, `c`".
fn unknown(message: &str, start: &str, kind: &str) -> Option<String> {
    let (before, rest) = message.split_once(start)?;
    let (word, rest) = rest.split_once('`')?;
    let (list, after) = rest.split_once('\n').unwrap_or((rest, ""));
    if !list.starts_with(", expected") && !list.starts_with(", there are no") {
        return None;
    }
    let known: Vec<&str> = quoted(list).collect();
    let hint = match known.is_empty() {
        true => "; there are none".to_owned(),
        false => suggest::hint(word, &known),
    };
    let after = if after.is_empty() {
        String::new()
    } else {
        format!("\n{after}")
    };
    Some(format!("{before}{kind} `{word}`{hint}{after}"))
}

/// "invalid type: string "a", expected f64".
fn wrong_type(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("invalid type: ")?;
    let (found, expected) = rest.split_once(", expected ")?;
    let found = match found.split_once(' ') {
        Some(("string", text)) => format!("the text {text}"),
        Some(("integer" | "boolean", value)) => value.to_owned(),
        Some(("floating", value)) => value.trim_start_matches("point ").to_owned(),
        _ if found == "sequence" => "a list".to_owned(),
        _ if found == "map" => "a mapping".to_owned(),
        _ if found == "null" => "nothing".to_owned(),
        _ => found.to_owned(),
    };
    Some(format!(
        "{before}expected {}, found {found}",
        plain_words(expected)
    ))
}

/// "missing field `a`".
fn missing(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("missing field `")?;
    let (key, after) = rest.split_once('`')?;
    Some(format!("{before}missing key `{key}`; add it{after}"))
}

#[cfg(test)]
mod tests {
    use super::in_plain_words;

    #[test]
    fn serde_s_words_are_a_recipe_author_s() {
        for (theirs, ours) in [
            (
                "of `m`: unknown field `hiden`, expected `hidden`",
                "of `m`: unknown parameter `hiden`; did you mean `hidden`? known: hidden",
            ),
            (
                "unknown field `a`, expected one of `xx`, `yy`",
                "unknown parameter `a`; known: xx, yy",
            ),
            (
                "unknown field `a`, there are no fields",
                "unknown parameter `a`; there are none",
            ),
            (
                "unknown variant `cosinus`, expected `cosine` or `poly`",
                "unknown value `cosinus`; did you mean `cosine`? known: cosine, poly",
            ),
            (
                "p: invalid type: string \"x\", expected f64",
                "p: expected a number, found the text \"x\"",
            ),
            (
                "invalid type: sequence, expected struct Mlp",
                "expected a mapping, found a list",
            ),
            (
                "invalid type: integer `3`, expected a string",
                "expected a text, found `3`",
            ),
            ("missing field `root`", "missing key `root`; add it"),
            ("no `x` here\nhint: y", "no `x` here\nhint: y"),
        ] {
            assert_eq!(in_plain_words(theirs), ours);
        }
    }
}
