//! JSON that others may have written, parsed only if its values take memory in proportion. Opens no files: `regular_file`
//! does. Knows no form.

use std::io::{self, ErrorKind};

use serde_json::Value;

/// The most values of one text. Each takes some 30 bytes or more once it is parsed, and as few as two in the text.
const MOST_VALUES: usize = 1 << 20;

/// Parses a text. serde bounds how deep its values may lie.
///
/// # Errors
/// No JSON, or more values than any file of ours holds, before memory is taken for them.
pub fn parse(text: &[u8]) -> io::Result<Value> {
    let most = values(text);
    if most > MOST_VALUES {
        let words = format!("it holds {most} values, and at most {MOST_VALUES} are read");
        return Err(io::Error::new(ErrorKind::InvalidData, words));
    }
    Ok(serde_json::from_slice(text)?)
}

/// An upper bound on the values in a text, keys of objects included.
fn values(text: &[u8]) -> usize {
    let (mut count, mut is_in_string, mut is_escaped) = (1, false, false);
    for byte in text {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_in_string => is_escaped = true,
            b'"' => is_in_string = !is_in_string,
            b',' | b':' | b'[' | b'{' if !is_in_string => count += 1,
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_before_they_are_made() {
        let check = |text: &str, most: usize| assert_eq!(values(text.as_bytes()), most, "{text}");
        check("1", 1);
        check("[1, 2]", 3);
        check(r#"{"a": [], "b": 1}"#, 6);
        check(r#"["a,b:[{", "\"", "\\"]"#, 4);
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
