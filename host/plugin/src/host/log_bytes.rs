//! Bytes that something logged takes in the run's logs, worked out before it is written: its line in `metrics.jsonl` and
//! its event for TensorBoard. The estimate is never below what is written. Counts nothing against limits.

use phasebox_contract::printable::prints;

/// The line and the event of a value or a message, without its name and its text.
const FRAME: u64 = 192;
/// A bin of a histogram: a bound and a count, as text and as numbers of 8 bytes.
const BIN: u64 = 64;

/// The bytes of a number under `name`.
pub(super) fn of_number(name: &str) -> u64 {
    FRAME + 2 * name.len() as u64
}

/// The bytes that a histogram has beyond a number.
pub(super) fn of_bins(bins: u32) -> u64 {
    u64::from(bins) * BIN
}

/// The bytes of a text beyond its frame: as a string of JSON, and as it is.
pub(super) fn of_text(text: &str) -> u64 {
    let bytes = text
        .chars()
        .map(|letter| in_json(letter) + letter.len_utf8() as u64);
    bytes.sum()
}

/// The bytes of a message, which is in `metrics.jsonl` and the program's log.
pub(super) fn of_message(line: &str) -> u64 {
    FRAME + of_text(line)
}

/// The bytes of one character in a string of JSON.
fn in_json(letter: char) -> u64 {
    match letter {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        _ if prints(letter) => letter.len_utf8() as u64,
        _ => 6 * letter.len_utf16() as u64,
    }
}

#[cfg(test)]
mod tests {
    use phasebox_files::json;

    use super::*;

    #[test]
    fn escapes_are_counted_as_they_are_written() {
        let all: String = (0..0xf_0000).filter_map(char::from_u32).collect();
        let mut written = Vec::new();
        json::write_line(&mut written, &all).expect("a text");
        assert_eq!(of_text(&all), (written.len() - 2 + all.len()) as u64);
    }
}
