//! Standard output and error of a guest: bytes made lines, and the last lines of a call, which say why it trapped.

/// The longest line. A longer one is cut in pieces.
const MOST_BYTES: usize = 4096;
/// The most bytes of standard error that are kept for the reason of a trap.
const MOST_LAST_WORDS: usize = 4000;

/// One of the two streams.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stream {
    Output,
    Error,
}

/// Lines that are not finished, and the last lines of standard error.
#[derive(Default)]
pub(crate) struct Output {
    unfinished: [Vec<u8>; 2],
    last: String,
}

impl Output {
    /// Takes bytes. Returns the lines that they finish, empty ones aside.
    pub(crate) fn push(&mut self, stream: Stream, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            self.extend(stream, &rest[..end], &mut lines);
            lines.extend(self.finish(stream));
            rest = &rest[end + 1..];
        }
        self.extend(stream, rest, &mut lines);
        lines
    }

    fn extend(&mut self, stream: Stream, mut bytes: &[u8], lines: &mut Vec<String>) {
        while !bytes.is_empty() {
            let line = &mut self.unfinished[stream as usize];
            let room = MOST_BYTES - line.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            line.extend_from_slice(now);
            if line.len() == MOST_BYTES {
                lines.extend(self.finish(stream));
            }
            bytes = later;
        }
    }

    /// True if a line is begun.
    #[inline]
    pub(crate) fn is_unfinished(&self) -> bool {
        !self.unfinished[0].is_empty() || !self.unfinished[1].is_empty()
    }

    /// Ends the line that is begun, if there is one.
    pub(crate) fn finish(&mut self, stream: Stream) -> Option<String> {
        let line = &mut self.unfinished[stream as usize];
        let text = String::from_utf8_lossy(line).trim_end().to_owned();
        line.clear();
        if text.is_empty() {
            return None;
        }
        if stream == Stream::Error {
            self.remember(&text);
        }
        Some(text)
    }

    fn remember(&mut self, line: &str) {
        self.last.push_str(line);
        self.last.push('\n');
        if self.last.len() > MOST_LAST_WORDS {
            let too_many = self.last.len() - MOST_LAST_WORDS;
            let cut = self.last.ceil_char_boundary(too_many);
            let line_end = self.last[cut..].find('\n');
            self.last.drain(..line_end.map_or(cut, |end| cut + end + 1));
        }
    }

    /// Forgets the lines of the call before.
    #[inline]
    pub(crate) fn begin_call(&mut self) {
        if !self.last.is_empty() {
            self.last.clear();
        }
    }

    /// The last lines of standard error in this call; empty if there are none.
    pub(crate) fn last_words(&self) -> String {
        self.last.trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], expected: &[&str], unfinished: Option<&str>) {
        let mut output = Output::default();
        let lines: Vec<String> = pieces
            .iter()
            .flat_map(|piece| output.push(Stream::Error, piece))
            .collect();
        assert_eq!(lines, expected);
        assert_eq!(output.is_unfinished(), unfinished.is_some());
        assert_eq!(output.finish(Stream::Error).as_deref(), unfinished);
    }

    #[test]
    fn bytes_become_lines() {
        check(&[], &[], None);
        check(&[b"one\n", b"two\nthree"], &["one", "two"], Some("three"));
        check(&[b"pa", b"", b"nic: ", b"x\r\n\n"], &["panic: x"], None);
        check(&["\u{e9}".as_bytes(), b"\n"], &["\u{e9}"], None);
        check(&[b"\xc3", b"\xa9\xff\n"], &["\u{e9}\u{fffd}"], None);
        let long = "x".repeat(2 * MOST_BYTES + 1);
        let piece = &long[..MOST_BYTES];
        check(&[long.as_bytes()], &[piece, piece], Some("x"));
    }

    #[test]
    fn the_last_words_are_whole_lines_of_one_call() {
        let mut output = Output::default();
        output.push(Stream::Output, b"output\n");
        (0..2000)
            .for_each(|number| drop(output.push(Stream::Error, format!("{number}\n").as_bytes())));
        let words = output.last_words();
        assert!(
            words.ends_with("\n1999") && words.len() <= MOST_LAST_WORDS,
            "{words}"
        );
        assert_eq!(words.lines().next().map(str::len), Some(4));
        output.begin_call();
        assert_eq!(output.last_words(), "");
    }
}
