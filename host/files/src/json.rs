//! JSON files: those that others may have written, parsed only if their values take memory in proportion, and our own,
//! with nothing in them that a terminal would obey. Opens no files: `regular_file` does. Knows no form.

use std::io::{self, ErrorKind, Write};

use phasebox_contract::json_extent::Extent;
use phasebox_contract::printable;
use serde::Serialize;
use serde_json::ser::Formatter;
use serde_json::{Serializer, Value};

/// The most values of one text. Each takes some 30 bytes or more once it is parsed, and as few as two in the text.
const MOST_VALUES: usize = 1 << 20;

/// Parses a text. serde bounds how deep its values may lie.
///
/// # Errors
/// No JSON, or more values than any file of ours holds, before memory is taken for them.
pub fn parse(text: &[u8]) -> io::Result<Value> {
    let most = Extent::of(text).values;
    if most > MOST_VALUES {
        let words = format!("it holds {most} values, and at most {MOST_VALUES} are read");
        return Err(io::Error::new(ErrorKind::InvalidData, words));
    }
    Ok(serde_json::from_slice(text)?)
}

/// The text of a value, indented, for a file.
///
/// # Errors
/// A value that JSON cannot hold.
pub fn pretty(value: &(impl Serialize + ?Sized)) -> serde_json::Result<String> {
    serde_json::to_string_pretty(value).map(|text| printable::in_json(&text))
}

/// Writes a value on one line, without its end. Allocates only for characters that do not print.
///
/// # Errors
/// A value that JSON cannot hold, and the errors of `out`.
pub fn write_line(out: impl Write, value: &impl Serialize) -> serde_json::Result<()> {
    value.serialize(&mut Serializer::with_formatter(out, OneLine))
}

/// Everything on one line, as JSON is written without spaces.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W>(&mut self, out: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        match fragment.chars().all(printable::prints) {
            true => out.write_all(fragment.as_bytes()),
            false => out.write_all(printable::in_json(fragment).as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_obeyed_by_a_terminal() -> serde_json::Result<()> {
        let value = serde_json::json!({"a\u{202e}": ["b\u{9b}31m\n", "größe 訓練", 1.5]});
        let mut line = Vec::new();
        write_line(&mut line, &value)?;
        for text in [String::from_utf8_lossy(&line).into_owned(), pretty(&value)?] {
            let prints = |letter| letter == '\n' || printable::prints(letter);
            assert!(text.chars().all(prints), "{text}");
            assert!(text.contains("größe 訓練"), "{text}");
            assert_eq!(serde_json::from_str::<Value>(&text)?, value);
        }
        assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 0);
        Ok(())
    }

    #[test]
    fn more_values_than_any_of_our_files_holds_are_refused() {
        let parsed = |text: String| parse(text.as_bytes()).map_err(|error| error.to_string());
        assert!(parsed(format!("[{}1]", "1,".repeat(1000))).is_ok());
        for (text, words) in [
            (
                format!("[{}1]", "1,".repeat(MOST_VALUES)),
                "at most 1048576 are read",
            ),
            ("[".repeat(1000), "recursion limit"),
            ("{".to_owned(), "EOF"),
        ] {
            let error = parsed(text).expect_err("refused");
            assert!(error.contains(words), "{error}");
        }
    }
}
