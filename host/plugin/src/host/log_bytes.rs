//! Bytes that something logged takes in the run's logs, worked out before it is written: its line in `metrics.jsonl` and
//! its event for TensorBoard. The estimate is never below what is written. Counts nothing against limits.

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
    text.bytes().map(|byte| in_json(byte) + 1).sum()
}

/// The bytes of a message, which is in `metrics.jsonl` and the program's log.
pub(super) fn of_message(line: &str) -> u64 {
    FRAME + of_text(line)
}

/// The bytes of one byte in a string of JSON.
fn in_json(byte: u8) -> u64 {
    match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0c => 2,
        0..0x20 => 6,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_counted_as_they_are_written() {
        let all: String = (0..256).filter_map(char::from_u32).collect();
        let written = serde_json::to_string(&all).unwrap_or_default().len() - 2;
        assert_eq!(of_text(&all), (written + all.len()) as u64);
    }
}
