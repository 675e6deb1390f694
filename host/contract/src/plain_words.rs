//! Serde's messages in the words of a recipe's author, who thinks in numbers, texts and lists and knows no type of Rust.
//! Owns the words for a wrong value and its remedy; the place of the value is the caller's to name.

use serde_json::{Value, json};

use crate::printable::excerpt;
use crate::suggest;

/// "expected a number, found the text "0.1"; remove the quotes". `expected` is in serde's words or in plain ones. Of a
/// list or a mapping only its kind counts.
pub fn unfit(expected: &str, found: &Value) -> String {
    let expected = expectation(expected);
    let remedy = remedy(&expected, found).unwrap_or_default();
    format!("expected {expected}, found {}{remedy}", described(found))
}

/// A value as a message names it: `the text "ten"`, `a mapping`.
pub fn described(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("the text \"{}\"", excerpt(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
        scalar => format!("`{scalar}`"),
    }
}

/// The words for a type of Rust.
fn expectation(expected: &str) -> String {
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "a nonzero u32" | "a nonzero u64" | "a nonzero usize" => "a whole number, 1 or more",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "a borrowed string" | "path string" => "a text",
        "a sequence" => "a list",
        "a map" => "a mapping",
        "unit" => "nothing",
        "unit variant" => "a name alone",
        "newtype variant" | "struct variant" | "tuple variant" => {
            "settings after the name, `{name: {…}}`"
        }
        "string or map" | "variant identifier" => "a name, or one name with its settings",
        words => return of_several(words),
    };
    words.to_owned()
}

/// The words for types that have a name or a length.
fn of_several(words: &str) -> String {
    let length = ["a tuple of size ", "tuple of size ", "an array of length "];
    let mut length = length.iter();
    let size = length.find_map(|start| words.strip_prefix(start));
    match (size, words) {
        (Some(size), _) => format!("a list of {size} values"),
        (None, words) if words.starts_with("struct variant ") => {
            "settings after the name, `{name: {…}}`".to_owned()
        }
        (None, words) if words.starts_with("struct ") => "a mapping".to_owned(),
        (None, words) if words.starts_with("enum ") => {
            "a name, or one name with its settings".to_owned()
        }
        (None, words) => words.to_owned(),
    }
}

/// The way from a value to the one that was meant.
fn remedy(expected: &str, found: &Value) -> Option<String> {
    match found {
        Value::Number(_) | Value::Bool(_) if expected == "a text" => {
            Some("; put it in quotes".to_owned())
        }
        Value::String(text) if expected.contains("number") => number_in_text(text),
        Value::String(text) if expected.contains("true") => truth_in_text(text),
        _ => None,
    }
}

fn number_in_text(text: &str) -> Option<String> {
    if text.parse::<f64>().is_ok() {
        return Some("; remove the quotes".to_owned());
    }
    let pointed = text.replacen(',', ".", 1);
    let is_number = pointed.parse::<f64>().is_ok();
    is_number.then(|| format!("; write `{pointed}`, with a point"))
}

fn truth_in_text(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let is_truth = matches!(&*lower, "true" | "false");
    is_truth.then(|| format!("; write `{lower}`, without quotes"))
}

/// A message of serde's, or one that ends with it. Any other message stays as it is.
pub fn in_plain_words(message: &str) -> String {
    let rules: [fn(&str) -> Option<String>; 6] = [
        |text| unknown(text, "unknown field `", "unknown parameter"),
        |text| unknown(text, "unknown variant `", "unknown value"),
        wrong_kind,
        wrong_length,
        missing,
        twice,
    ];
    let mut rules = rules.iter();
    let found = rules.find_map(|rule| rule(message));
    found.unwrap_or_else(|| message.to_owned())
}

/// "unknown field `a`, expected one of `b`, `c`".
fn unknown(message: &str, start: &str, kind: &str) -> Option<String> {
    let (before, rest) = message.split_once(start)?;
    let (word, rest) = rest.split_once('`')?;
    let (list, after) = first_line(rest);
    if !list.starts_with(", expected") && !list.starts_with(", there are no") {
        return None;
    }
    let known: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    let hint = match known.is_empty() {
        true => "; there are none".to_owned(),
        false => suggest::hint(word, &known),
    };
    // A path of keys names the parameter already.
    let before = before
        .strip_suffix(&format!("`{word}`: "))
        .unwrap_or(before);
    let word = excerpt(word);
    Some(format!("{before}{kind} `{word}`{hint}{after}"))
}

/// "invalid type: string "a", expected f64".
fn wrong_kind(message: &str) -> Option<String> {
    let starts = ["invalid type: ", "invalid value: "];
    let (before, rest) = starts.iter().find_map(|start| message.split_once(start))?;
    let (line, after) = first_line(rest);
    let (found, expected) = line.rsplit_once(", expected ")?;
    let words = match value(found) {
        Some(value) => unfit(expected, &value),
        None => format!("expected {}, found {}", expectation(expected), form(found)),
    };
    Some(format!("{before}{words}{after}"))
}

/// The value that serde found: `string "a"`, `integer `3``, `sequence`. A list or a mapping comes out empty.
fn value(found: &str) -> Option<Value> {
    let (kind, rest) = found.split_once(' ').unwrap_or((found, ""));
    match kind {
        "string" => {
            Some(serde_json::from_str(rest).unwrap_or_else(|_| rest.trim_matches('"').into()))
        }
        "integer" | "boolean" | "floating" => {
            let number = rest.trim_start_matches("point ").trim_matches('`');
            serde_json::from_str(number).ok()
        }
        "sequence" => Some(json!([])),
        "map" => Some(json!({})),
        "null" => Some(Value::Null),
        "unit" if rest == "value" => Some(Value::Null),
        _ => None,
    }
}

/// The words for the form of a name.
fn form(found: &str) -> &str {
    match found {
        "unit variant" => "the name alone",
        "newtype variant" | "struct variant" | "tuple variant" => "settings after it",
        other => other,
    }
}

/// "invalid length 1, expected a tuple of size 2".
fn wrong_length(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("invalid length ")?;
    let (line, after) = first_line(rest);
    let (found, expected) = line.split_once(", expected ")?;
    let expected = expectation(expected);
    Some(format!("{before}expected {expected}, found {found}{after}"))
}

/// "missing field `a`".
fn missing(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("missing field `")?;
    let (key, after) = rest.split_once('`')?;
    Some(format!("{before}missing key `{key}`; add it{after}"))
}

/// "duplicate field `a`".
fn twice(message: &str) -> Option<String> {
    let (before, rest) = message.split_once("duplicate field `")?;
    let (key, after) = rest.split_once('`')?;
    Some(format!(
        "{before}`{key}` is here twice, under two of its names; keep one{after}"
    ))
}

/// The first line, and the others with the break before them.
fn first_line(text: &str) -> (&str, &str) {
    text.find('\n').map_or((text, ""), |end| text.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::in_plain_words;

    #[test]
    fn serde_s_words_are_a_recipe_author_s() {
        for (theirs, ours) in ROWS {
            assert_eq!(in_plain_words(theirs), ours);
        }
    }

    const ROWS: [(&str, &str); 19] = [
        (
            "of `m`: unknown field `hiden`, expected `hidden`",
            "of `m`: unknown parameter `hiden`; did you mean `hidden`? known: hidden",
        ),
        (
            "of `m`: `a`: unknown field `a`, expected one of `xx`, `yy`",
            "of `m`: unknown parameter `a`; known: xx, yy",
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
            "p: invalid type: string \"5\", expected u32",
            "p: expected a whole number, 0 or more, found the text \"5\"; remove the quotes",
        ),
        (
            "p: invalid type: string \"1,5\", expected f64",
            "p: expected a number, found the text \"1,5\"; write `1.5`, with a point",
        ),
        (
            "p: invalid type: string \"True\", expected a boolean",
            "p: expected true or false, found the text \"True\"; write `true`, without quotes",
        ),
        (
            "invalid type: floating point `0.5`, expected u64",
            "expected a whole number, 0 or more, found `0.5`",
        ),
        (
            "invalid value: integer `-1`, expected u32\nhint: y",
            "expected a whole number, 0 or more, found `-1`\nhint: y",
        ),
        (
            "`betas`: invalid type: integer `3`, expected a tuple of size 2",
            "`betas`: expected a list of 2 values, found `3`",
        ),
        (
            "`betas`: invalid length 1, expected a tuple of size 2",
            "`betas`: expected a list of 2 values, found 1",
        ),
        (
            "invalid type: unit variant, expected newtype variant",
            "expected settings after the name, `{name: {…}}`, found the name alone",
        ),
        (
            "invalid type: sequence, expected struct Mlp",
            "expected a mapping, found a list",
        ),
        (
            "invalid type: integer `3`, expected a string",
            "expected a text, found `3`; put it in quotes",
        ),
        (
            "invalid type: null, expected a sequence",
            "expected a list, found nothing",
        ),
        ("missing field `root`", "missing key `root`; add it"),
        (
            "duplicate field `a`",
            "`a` is here twice, under two of its names; keep one",
        ),
        ("no `x` here\nhint: y", "no `x` here\nhint: y"),
    ];
}
