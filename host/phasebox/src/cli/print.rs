//! The one door from the program to its reader: standard output, and standard error for what is not a run's log. Texts of
//! others leave escaped and cut, whichever library put them into a line. A reader who has seen enough, such as `head`,
//! ends the printing and not the command.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;
use phasebox_contract::printable::{self, Shown};
use serde::Serialize;
use serde_json::Value;

use super::Failure;

/// Says something on standard error. Where nobody reads that, there is nobody to tell.
pub(super) fn tell(message: impl Display) {
    let line = printable::shown(&message.to_string());
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints lines as they come, each as people may see it.
pub(super) fn print<Line: Display>(lines: impl IntoIterator<Item = Line>) -> Result<(), Failure> {
    let lines = lines.into_iter();
    write(lines.map(|line| printable::shown(&line.to_string())))
}

/// Prints a value as JSON that a terminal can show, indented.
pub(super) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let value = serde_json::to_value(value).map_err(|error| Failure::Failed(error.into()))?;
    write([printable::json(&format!("{value:#}"))])
}

/// Prints a value as JSON that a terminal can show, on one line.
pub(super) fn print_json_line(value: &Value) -> Result<(), Failure> {
    write([printable::json(&value.to_string())])
}

fn write(lines: impl IntoIterator<Item = Shown>) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match lines
        .into_iter()
        .try_for_each(|line| writeln!(out, "{line}"))
        .and_then(|()| out.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed
            .context("cannot write to standard output")
            .map_err(Failure::Failed),
    }
}
