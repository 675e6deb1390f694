//! Output of a command on standard output. A reader who has seen enough, such as `head`, ends the printing and not
//! the command.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use anyhow::Context as _;

use super::Failure;

/// Says something on standard error. Where nobody reads that, there is nobody to tell.
pub(super) fn tell(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints lines as they come.
pub(super) fn print<Line: Display>(lines: impl IntoIterator<Item = Line>) -> Result<(), Failure> {
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
