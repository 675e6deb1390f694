//! Texts of others in messages: those of recipes, data files and callbacks. None can forge or break a log line, a
//! terminal or a dashboard, and none hides the message that it stands in. Owns no output.

use std::fmt::{self, Display, Formatter};
use std::path::Path;

use anyhow::{Result, ensure};

/// A text that may go to a terminal: the doors of the program take no other. Only [`shown`] and [`json`] make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown(String);

impl Display for Shown {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The mark of a text that was cut.
const CUT: &str = " … (cut)";
/// Longest metric name, in bytes.
const MAX_NAME_BYTES: usize = 256;
/// Longest message, in bytes as shown; a longer one is cut, and says so.
const MAX_MESSAGE_BYTES: usize = 4096;
/// Longest excerpt of a text that a message names, in bytes.
const MAX_EXCERPT_BYTES: usize = 200;
/// The first and the last bytes of a longer message that are kept: its remedy stands at its end.
const KEPT_BYTES: (usize, usize) = (6144, 2048);

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

/// Longest name of a value of a loss or a metric, in bytes: a split's name stands before it in logs.
const MAX_VALUE_NAME_BYTES: usize = 160;

/// Refuses a name of a loss's part or of a metric's value that could not be logged, before a run comes to log it.
pub fn check_value_name(name: &str) -> Result<()> {
    let is_logged = name.len() <= MAX_VALUE_NAME_BYTES && check_name(name).is_ok();
    ensure!(
        is_logged,
        "`{}` cannot be logged: give it 1 to {MAX_VALUE_NAME_BYTES} bytes of characters that print",
        excerpt(name)
    );
    Ok(())
}

/// `text` on one line of printable characters, cut to 4096 bytes. Other characters appear as escapes (`\n`, `\u{1b}`): a
/// message cannot start a new line, color the terminal or reverse its text.
pub fn one_line(text: &str) -> String {
    line_of(text, MAX_MESSAGE_BYTES)
}

/// `text` as [`one_line`], cut to 200 bytes: a key, a value or a name inside of a message.
pub fn excerpt(text: &str) -> String {
    line_of(text, MAX_EXCERPT_BYTES)
}

fn line_of(text: &str, most_bytes: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most_bytes));
    for character in text.chars() {
        let before = line.len();
        push(&mut line, character);
        if line.len() > most_bytes - CUT.len() {
            line.truncate(before);
            line.push_str(CUT);
            break;
        }
    }
    line
}

/// A path as [`one_line`], with the bytes that are no UTF-8 as escapes (`\xff`).
pub fn path(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_encoded_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    one_line(&text)
}

/// `text` on lines of its own, each as [`one_line`]. Lines after the first are indented: none can pass for a line of the
/// host.
pub fn indented(text: &str) -> String {
    text.lines().map(one_line).collect::<Vec<_>>().join("\n  ")
}

/// A message of several lines, with texts of others in it: escapes as in [`one_line`], and at most 8 KiB. The middle of a
/// longer one is left out.
pub fn message(text: &str) -> String {
    let (first, last) = KEPT_BYTES;
    if text.len() <= first + last {
        return text.lines().map(escaped).collect::<Vec<_>>().join("\n");
    }
    let head = &text[..text.floor_char_boundary(first)];
    let tail = &text[text.ceil_char_boundary(text.len() - last)..];
    format!("{}{CUT} … {}", message(head), message(tail))
}

/// A message as a reader gets it: [`message`] with all lines but the first indented. No line of it can pass for one of the
/// host, whoever wrote it.
pub fn shown(text: &str) -> Shown {
    let text = message(text);
    let mut lines = text.lines();
    let mut shown = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        let indent = if line.starts_with("  ") { "" } else { "  " };
        shown.extend(["\n", indent, line]);
    }
    Shown(shown)
}

/// A JSON text that a terminal can show: characters in its strings that do not print are escaped as JSON has it, so that
/// it means what it meant.
pub fn json(text: &str) -> Shown {
    Shown(in_json(text))
}

/// As [`json`], for a file: somebody will show it on a terminal.
pub fn in_json(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character == '\n' || prints(character) {
            shown.push(character);
        } else {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            shown.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        }
    }
    shown
}

/// Tells which of many equal lines are shown: the first three, the 10th, the 100th, the 1,000th and so on.
pub fn is_told(count: u64) -> bool {
    count <= 3
        || count
            .checked_ilog10()
            .is_some_and(|zeros| count == 10u64.pow(zeros))
}

fn escaped(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    line.chars()
        .for_each(|character| push(&mut shown, character));
    shown
}

/// Adds a character as it prints, or its escape.
fn push(line: &mut String, character: char) {
    match character {
        printable if prints(printable) => line.push(printable),
        hidden => line.extend(hidden.escape_default()),
    }
}

/// Tells characters that print as themselves from control characters, line separators, joiners, direction overrides and
/// other invisible format characters.
pub fn prints(character: char) -> bool {
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
    fn long_messages_keep_their_beginning_and_their_end() {
        let text = format!("a `{}`: remove it\nhint: \u{1b}b", "é".repeat(400_000));
        let shown = message(&text);
        assert!(shown.len() < 9000 && shown.starts_with("a `éé"), "{shown}");
        assert!(shown.ends_with("é`: remove it\nhint: \\u{1b}b"), "{shown}");
        assert_eq!(message("a\u{7}\nb"), "a\\u{7}\nb");
        let name = excerpt(&"a".repeat(1000));
        assert!(name.len() <= 200 && name.ends_with("a … (cut)"), "{name}");
        assert_eq!(excerpt("a\nb"), "a\\nb");
    }

    #[test]
    fn no_line_passes_for_another() {
        let check = |text: &str, expected: &str| assert_eq!(shown(text).0, expected);
        check("it imports `a\x1b]0;b`", "it imports `a\\u{1b}]0;b`");
        check("a\nerror: forged\n  b", "a\n  error: forged\n  b");
        check("a\r\n\terror: forged", "a\n  \\terror: forged");
        check("", "");
        let long = format!("{}\nerror: forged", "\n".repeat(20_000));
        let shown = shown(&long).0;
        assert!(shown.len() < 30_000, "{}", shown.len());
        assert!(shown.ends_with("\n  error: forged"));
    }

    #[test]
    fn json_means_what_it_meant() -> serde_json::Result<()> {
        for text in ["a\u{202e}b\n\u{9b}\u{e0041}", "größe 訓練"] {
            let value = serde_json::json!({ "name": text });
            let shown = in_json(&format!("{value:#}"));
            assert!(shown.chars().all(|it| it == '\n' || prints(it)), "{shown}");
            assert_eq!(serde_json::from_str::<serde_json::Value>(&shown)?, value);
        }
        Ok(())
    }

    #[test]
    fn equal_lines_are_told_ever_more_seldom() {
        let told: Vec<u64> = (1..20_000).filter(|count| is_told(*count)).collect();
        assert_eq!(told, [1, 2, 3, 10, 100, 1000, 10_000]);
        assert!(!is_told(u64::MAX));
    }

    #[test]
    fn texts_stay_in_their_place() {
        assert_eq!(
            indented("a\nerror: forged\r\n\u{1b}[2J"),
            "a\n  error: forged\n  \\u{1b}[2J"
        );
    }
}
