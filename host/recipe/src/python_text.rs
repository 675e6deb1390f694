//! Values as Python prints them: OmegaConf puts them so into a text that names them. Owns the form.

use serde_json::Value;

use super::node::{Content, Entry, Node};

/// A value inside a text: a text as it is, anything else as Python's `str` prints it.
pub(super) fn python_text(node: &Node) -> String {
    match node.as_str() {
        Some(text) => text.to_owned(),
        None => repr(node),
    }
}

fn repr(node: &Node) -> String {
    match &node.content {
        Content::Scalar(value) => scalar(value),
        Content::List(items) => {
            let items: Vec<String> = items.iter().map(repr).collect();
            format!("[{}]", items.join(", "))
        }
        Content::Map(entries) => {
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Content::Unavailable(_) => "???".to_owned(),
    }
}

fn entry(entry: &Entry) -> String {
    format!("'{}': {}", entry.key, repr(&entry.value))
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::String(text) => format!("'{text}'"),
        Value::Number(number) if number.is_f64() => float(number.as_f64().unwrap_or(f64::NAN)),
        other => other.to_string(),
    }
}

/// Python writes an exponent of at least two digits below 1e-4 and from 1e16 on.
fn float(number: f64) -> String {
    if number == 0.0 || (1e-4..1e16).contains(&number.abs()) {
        return format!("{number:?}");
    }
    let text = format!("{number:e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    match exponent.strip_prefix('-') {
        Some(digits) => format!("{mantissa}e-{digits:0>2}"),
        None => format!("{mantissa}e+{exponent:0>2}"),
    }
}
