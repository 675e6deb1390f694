//! The version of the `recipe.yaml` that a run keeps, in its first line. A recipe without that line is a person's, or of
//! phasebox 0.1.0. Owns the line alone; docs/formats.md says what changed with each version.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;

use phasebox_files::regular_file;

use super::location::{Location, Result};

const SCHEMA: u64 = 2;
const LINE: &str = "# phasebox recipe, schema ";
/// More than the line has.
const READ_BYTES: u64 = 128;

/// `yaml` below the line that says its version.
pub(super) fn signed(yaml: &str) -> String {
    format!("{LINE}{SCHEMA}\n{yaml}")
}

/// Refuses a file that a newer phasebox made. One that cannot be read is left to those who read it whole.
pub(super) fn check(path: &Path) -> Result<()> {
    let schema: Option<u64> =
        first_line(path).and_then(|line| line.strip_prefix(LINE)?.trim().parse().ok());
    match schema {
        Some(newer) if newer > SCHEMA => Err(Location::file(path).error(format!(
            "this recipe was made by a newer phasebox: it has schema {newer}, this phasebox reads up to {SCHEMA}; use \
             that one, or a newer"
        ))),
        _ => Ok(()),
    }
}

fn first_line(path: &Path) -> Option<String> {
    let mut line = String::new();
    let beginning = regular_file::open(path).ok()?.0.take(READ_BYTES);
    BufReader::new(beginning).read_line(&mut line).ok()?;
    Some(line)
}
