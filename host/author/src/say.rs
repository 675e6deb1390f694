//! The door to the reader: lines of progress and answers. Texts of others leave escaped.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use anyhow::{Context as _, Result};
use phasebox_contract::printable::{self, Shown};
use serde_json::Value;

/// Says something on standard error. Where nobody reads that, there is nobody to tell.
pub fn tell(message: impl Display) {
    let line = printable::shown(&message.to_string());
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints an answer of one or more lines. A reader who has seen enough, such as `head`, ends the printing alone.
///
/// # Errors
/// An output that is full.
pub(crate) fn print(answer: impl Display) -> Result<()> {
    let answer = answer.to_string();
    write(answer.lines().map(printable::shown))
}

/// Prints a value as JSON that a terminal can show, indented.
///
/// # Errors
/// An output that is full.
pub(crate) fn print_json(value: &Value) -> Result<()> {
    write([printable::json(&format!("{value:#}"))])
}

fn write(lines: impl IntoIterator<Item = Shown>) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut lines = lines.into_iter();
    let printed = lines
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed.context("cannot write to standard output"),
    }
}
