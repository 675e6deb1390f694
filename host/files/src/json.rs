//! JSON that others may have written, parsed only if its values take memory in proportion. Opens no files: `regular_file`
//! does. Knows no form.

use std::io::{self, ErrorKind};

use phasebox_contract::json_extent::Extent;
use serde_json::Value;

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

#[cfg(test)]
mod tests {
    use super::*;

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
