//! Arbitrary JSON: what a guest answers or asks for, and files of ours that others have written.

use phasebox_component::Description;
use phasebox_contract::json_extent::Extent;
use phasebox_contract::small_json;
use phasebox_files::json;
use serde_json::Value;

use crate::cost::{Memory, within};

/// Texts of guests are small, whatever they become.
const OF_A_GUEST: Memory = Memory {
    free: 4 << 20,
    each: 2,
};
/// A value takes a hundred times the bytes of its text, and there is a bound on their number.
const OF_A_FILE: Memory = Memory {
    free: 1 << 16,
    each: 200,
};

/// Measures and parses a text as JSON of guests and of files, and as the answer of `describe`. Returns true if it is JSON.
///
/// # Panics
/// If a text has more values than were measured, or the two doors differ, or a description changes when it is written.
pub fn run(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let of_file = within(OF_A_FILE, text.len(), || json::parse(text.as_bytes()));
    let of_guest = within(OF_A_GUEST, text.len(), || small_json::parse::<Value>(&text));
    if let Ok(value) = &of_file {
        check_extent(value, &text);
    }
    if let Ok(value) = &of_guest {
        let also = of_file.as_ref().ok();
        assert_eq!(also, Some(value), "a file of the same text is JSON, too");
    }
    within(OF_A_GUEST, text.len(), || check_description(&text));
    of_file.is_ok()
}

/// Compares what was measured with what is there; a key that comes twice is measured twice.
fn check_extent(value: &Value, text: &str) {
    let Extent { values, depth } = Extent::of(text.as_bytes());
    let (found, deepest) = measured(value);
    assert!(found <= values, "{found} values, measured as {values}");
    assert!(deepest <= depth, "{deepest} levels, measured as {depth}");
    assert!(
        values <= text.len() + 1,
        "{values} values in {} bytes",
        text.len()
    );
}

/// The values and keys, and the lists and objects inside of each other.
fn measured(value: &Value) -> (usize, usize) {
    let (inside, keys): (Vec<&Value>, usize) = match value {
        Value::Array(items) => (items.iter().collect(), 0),
        Value::Object(entries) => (entries.values().collect(), entries.len()),
        _ => return (1, 0),
    };
    let inside = inside.into_iter().map(measured);
    inside.fold((1 + keys, 1), |(values, depth), (more, below)| {
        (values + more, depth.max(below + 1))
    })
}

/// Checks that a description is an object, and the same when it is written and read again.
fn check_description(text: &str) {
    let Ok(description) = small_json::parse_object::<Description>(text) else {
        return;
    };
    let is_object = text.trim_start().starts_with('{') && text.trim_end().ends_with('}');
    assert!(is_object, "a description is an object");
    let written = serde_json::to_value(&description).expect("it can be written");
    let again = serde_json::from_value::<Description>(written.clone()).expect("it can be read");
    let again = serde_json::to_value(again).expect("it can be written");
    assert_eq!(written, again);
}
