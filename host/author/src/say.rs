//! The door to the reader: lines of progress and answers. Texts of others leave escaped.

use std::fmt::Display;
use std::io::{self, Write as _};

use anyhow::{Context as _, Result};
use phasebox_contract::printable;

/// Says something on standard error. Where nobody reads that, there is nobody to tell.
pub fn tell(message: impl Display) {
    let line = printable::shown(&message.to_string());
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints an answer of one or more lines.
///
/// # Errors
/// An output that is full or closed.
pub(crate) fn print(answer: impl Display) -> Result<()> {
    let answer = answer.to_string();
    let mut out = io::stdout().lock();
    let mut lines = answer.lines().map(printable::shown);
    lines
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}
