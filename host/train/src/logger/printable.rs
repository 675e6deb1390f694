//! The characters that names and messages of callbacks may contain, so that none can forge or break a log line, a
//! terminal or a dashboard. Owns no output.

use std::fmt::Write;

use anyhow::{Result, ensure};

/// Longest metric name, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Longest message, in bytes as shown; a longer one is cut, and says so.
const MAX_MESSAGE_BYTES: usize = 4096;
/// Longest logged text (Markdown for TensorBoard), in bytes.
pub(super) const MAX_TEXT_BYTES: usize = 1 << 20;

/// Refuses a metric name that is empty, too long, or has characters that do not print as themselves.
pub fn check_name(name: &str) -> Result<()> {
    ensure!(!name.trim().is_empty(), "a logged name is empty");
    let size = name.len();
    ensure!(
        size <= MAX_NAME_BYTES,
        "a logged name has {size} bytes: at most {MAX_NAME_BYTES} are taken"
    );
    ensure!(
        name.chars().all(prints),
        "logged name {name:?} is refused: it has characters that do not print"
    );
    Ok(())
}

/// `text` on one line of printable characters, cut to 4096 bytes. Other characters appear as escapes (`\n`, `\u{1b}`): a
/// message cannot start a new line, color the terminal or reverse its text.
pub fn one_line(text: &str) -> String {
    const CUT: &str = " … (cut)";
    let mut line = String::with_capacity(text.len().min(MAX_MESSAGE_BYTES));
    for character in text.chars() {
        let before = line.len();
        match character {
            printable if prints(printable) => line.push(printable),
            // Writing to a String cannot fail.
            hidden => _ = write!(line, "{}", hidden.escape_default()),
        }
        if line.len() > MAX_MESSAGE_BYTES - CUT.len() {
            line.truncate(before);
            line.push_str(CUT);
            break;
        }
    }
    line
}

/// `text` on lines of its own, each as [`one_line`]. Lines after the first are indented: none can pass for a line of the
/// host.
pub fn indented(text: &str) -> String {
    text.lines().map(one_line).collect::<Vec<_>>().join("\n  ")
}

/// Tells characters that print as themselves from control characters, line separators, joiners, direction overrides and
/// other invisible format characters.
fn prints(character: char) -> bool {
    let invisible = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
    !character.is_control() && !invisible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_print_as_themselves() {
        let check =
            |name: &str, taken: bool| assert_eq!(check_name(name).is_ok(), taken, "{name:?}");
        check("train/loss", true);
        check("Größe (µs) 訓練", true);
        check(&"a".repeat(256), true);
        check(&"a".repeat(257), false);
        check("", false);
        check("  ", false);
        check("a\nb", false);
        check("a\u{1b}[2Jb", false);
        check("a\u{202e}b", false);
        check("a\u{2028}b", false);
        check("zero\u{200b}width", false);
    }

    #[test]
    fn messages_stay_on_their_line() {
        let check = |text: &str, line: &str| assert_eq!(one_line(text), line);
        check("loss is 0.5 µ 訓練", "loss is 0.5 µ 訓練");
        check("a\n2026-01-01 ERROR forged", "a\\n2026-01-01 ERROR forged");
        check("\u{1b}[31mred\r\u{7}\0", "\\u{1b}[31mred\\r\\u{7}\\u{0}");
        check(
            "a\u{202e}b\u{85}c\u{2028}d",
            "a\\u{202e}b\\u{85}c\\u{2028}d",
        );
        for long in ["é".repeat(5000), "\n".repeat(5000)] {
            let line = one_line(&long);
            assert!(
                line.len() <= MAX_MESSAGE_BYTES && line.len() > MAX_MESSAGE_BYTES - 30,
                "{}",
                line.len()
            );
            assert!(line.ends_with(" … (cut)"));
        }
        check(&"a".repeat(4000), &"a".repeat(4000));
    }

    #[test]
    fn texts_stay_in_their_place() {
        assert_eq!(
            indented("a\nerror: forged\r\n\u{1b}[2J"),
            "a\n  error: forged\n  \\u{1b}[2J"
        );
    }
}
