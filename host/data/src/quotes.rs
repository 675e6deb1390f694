//! The text of a table on its way to its reader, which forgives what must not be forgiven: a quote that is never closed
//! takes all rows behind it for one cell, and such a cell may have any size. Owns the state of quotes; splits no rows.

use std::io::{self, Read};

/// The most bytes of a row: some hundred thousand columns.
const MOST_ROW_BYTES: usize = 16 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A text that ends with an error where it ends within quotes, or where a row does not end.
pub(super) struct Quotes<R> {
    text: R,
    delimiter: u8,
    place: Place,
    /// The line that is read, from 1.
    line: u64,
    /// The line in which the last quote was opened.
    opened: u64,
    row_bytes: usize,
}

/// The place in a cell.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Before its first byte, where a quote opens it.
    Start,
    /// In one without quotes, or behind its quotes.
    Plain,
    Quoted,
    /// Behind a quote within quotes: it closes them, or is the first of two that stand for one.
    Closing,
}

impl<R: Read> Quotes<R> {
    pub(super) fn new(text: R, delimiter: u8) -> Self {
        Self {
            text,
            delimiter,
            place: Place::Start,
            line: 1,
            opened: 1,
            row_bytes: 0,
        }
    }

    fn pass(&mut self, byte: u8) {
        self.row_bytes += 1;
        self.place = match (self.place, byte) {
            (Place::Start, b'"') => {
                self.opened = self.line;
                Place::Quoted
            }
            (Place::Quoted, b'"') => Place::Closing,
            (Place::Quoted, _) | (Place::Closing, b'"') => Place::Quoted,
            (_, b'\n' | b'\r') => {
                self.row_bytes = 0;
                Place::Start
            }
            (_, byte) if byte == self.delimiter => Place::Start,
            // The mark is no part of the first cell.
            (Place::Start, byte) if self.line == 1 && BYTE_ORDER_MARK.contains(&byte) => {
                Place::Start
            }
            _ => Place::Plain,
        };
        self.line += u64::from(byte == b'\n');
    }

    fn check(&self, is_end: bool) -> io::Result<()> {
        let (is_open, opened) = (self.place == Place::Quoted, self.opened);
        if is_open && (is_end || self.row_bytes > MOST_ROW_BYTES) {
            return Err(io::Error::other(format!(
                "line {opened}: a quote is opened and not closed\nhint: close it, or write \"\"\"\" for a quote alone"
            )));
        }
        if self.row_bytes > MOST_ROW_BYTES {
            return Err(io::Error::other(format!(
                "line {}: more than {MOST_ROW_BYTES} bytes\nhint: is it a table of text?",
                self.line
            )));
        }
        Ok(())
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.text.read(buffer)?;
        buffer[..read].iter().for_each(|byte| self.pass(*byte));
        self.check(read == 0 && !buffer.is_empty())?;
        Ok(read)
    }
}
