//! JSON texts of callbacks: refused by size, depth and number of values before they are parsed, since a value in memory
//! takes a hundred times the bytes of its text. Knows no keys.

use anyhow::{Result, ensure};
use serde::de::DeserializeOwned;

use crate::json_extent::Extent;
use crate::printable::excerpt;

/// The most bytes of a text. The schema of the stock callback with most parameters has 3 KiB.
pub const MAX_BYTES: usize = 64 << 10;
/// The most lists and objects inside of each other.
const MAX_DEPTH: usize = 32;
/// The most values and keys: a few MiB of memory, whatever they are.
const MAX_VALUES: usize = 8192;

/// The value of a text.
///
/// # Errors
/// A text that is too long, too deep or of too many values, is no JSON, or has another form than `T`.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    check(text)?;
    match serde_json::from_str(text) {
        Ok(value) => Ok(value),
        Err(error) => anyhow::bail!("{}", excerpt(&error.to_string())),
    }
}

/// The value of a text that is an object. A list of values without keys is refused, which serde takes for a struct, too.
///
/// # Errors
/// As [`parse`]; a text of anything but an object.
pub fn parse_object<T: DeserializeOwned>(text: &str) -> Result<T> {
    let value = text.trim_start();
    ensure!(
        value.starts_with('{'),
        "it is no JSON object: it begins `{}`",
        excerpt(value)
    );
    parse(text)
}

fn check(text: &str) -> Result<()> {
    let size = text.len();
    ensure!(
        size <= MAX_BYTES,
        "it has {size} bytes, and {MAX_BYTES} are read"
    );
    let Extent { values, depth } = Extent::of(text.as_bytes());
    ensure!(
        depth <= MAX_DEPTH,
        "it has {depth} lists and objects inside of each other, and {MAX_DEPTH} are read"
    );
    ensure!(
        values <= MAX_VALUES,
        "it has {values} values and keys, and {MAX_VALUES} are read"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn check(text: &str, refused: Option<&str>) {
        let answer = parse::<Value>(text).map_err(|error| error.to_string());
        match (answer, refused) {
            (Ok(_), None) => {}
            (Err(error), Some(words)) => assert!(error.contains(words), "{error}"),
            (answer, _) => panic!("{refused:?}: {answer:?}"),
        }
    }

    #[test]
    fn texts_are_measured_before_they_are_parsed() {
        let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let list = |values| format!("[{}0]", "0,".repeat(values));
        check("0.5", None);
        check(r#"{"a\"": "[[{,,:\\", "b": [1, {}]}"#, None);
        check(&nested(32), None);
        check(&nested(33), Some("33 lists and objects inside"));
        check(&"[".repeat(1000), Some("1000 lists and objects inside"));
        check(&list(8000), None);
        check(&list(8192), Some("values and keys, and 8192"));
        check(
            &format!("[{}", "{\"\":0},".repeat(4000)),
            Some("values and keys"),
        );
        check(&format!("\"{}\"", "[,".repeat(8192)), None);
        check(&" ".repeat((64 << 10) + 1), Some("65537 bytes"));
        check("\"\\", Some("EOF while parsing"));
    }

    #[derive(Debug, Default, serde::Deserialize)]
    #[serde(default)]
    struct Named {
        name: String,
    }

    #[test]
    fn objects_have_keys() {
        let read = |text| parse_object::<Named>(text).map(|named| named.name);
        assert_eq!(read(" {\"name\": \"a\"}").ok().as_deref(), Some("a"));
        for text in ["[\"a\"]", "\"a\"", "", "{\"name\": 1}"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
