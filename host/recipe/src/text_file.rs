//! The text of a recipe's file: from the disk, or from inside the binary. Owns sizes, names and the words about a file
//! that cannot be read.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use phasebox_contract::suggest;
use phasebox_files::regular_file;

use super::builtin;
use super::defaults::{Package, read_package};
use super::document::MAX_TEXT_BYTES;
use super::location::{Location, RecipeError, Result};

/// A file that was read.
pub(super) struct TextFile {
    pub(super) text: String,
    pub(super) location: Location,
    /// One path for each file, whatever path leads there.
    pub(super) identity: PathBuf,
}

/// Reads a file of a recipe; one that is not there may be a built-in one. `named_at` is the line that asks for it.
///
/// # Errors
/// A file that is missing, too large or not text.
pub(super) fn read(path: &Path, named_at: &Location) -> Result<TextFile> {
    match path.canonicalize() {
        Ok(identity) => Ok(TextFile {
            text: from_disk(path, named_at)?,
            location: Location::file(path),
            identity,
        }),
        Err(error) => built_in(path).ok_or_else(|| unreadable(path, named_at, &error)),
    }
}

fn built_in(path: &Path) -> Option<TextFile> {
    let name = path.file_stem()?.to_str()?;
    Some(TextFile {
        text: builtin::find(name)?.to_owned(),
        location: Location::built_in(name),
        identity: PathBuf::from(name),
    })
}

fn from_disk(path: &Path, named_at: &Location) -> Result<String> {
    let text = regular_file::read_text(path, MAX_TEXT_BYTES as u64);
    text.map_err(|error| match error.kind() {
        ErrorKind::FileTooLarge => Location::file(path).error(format!(
            "larger than {MAX_TEXT_BYTES} bytes; is this a recipe?"
        )),
        _ => unreadable(path, named_at, &error),
    })
}

fn unreadable(path: &Path, named_at: &Location, error: &std::io::Error) -> RecipeError {
    let reason = match error.kind() {
        ErrorKind::NotFound => format!("there is no such file{}", near(path)),
        ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    named_at.error(format!("cannot read `{}`: {reason}", path.display()))
}

/// The files that the missing one may be.
fn near(path: &Path) -> String {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let files = std::fs::read_dir(folder.unwrap_or(Path::new(".")));
    let names = files.into_iter().flatten().flatten().take(1000);
    let names = names.map(|file| file.file_name().to_string_lossy().into_owned());
    let mut stems: Vec<String> = names
        .filter_map(|name| Some(name.strip_suffix(".yaml")?.to_owned()))
        .collect();
    stems.extend(builtin::names().into_iter().map(str::to_owned));
    let stems: Vec<&str> = stems.iter().map(String::as_str).collect();
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    suggest::near(&stem, &stems)
}

/// A file's name; `.yaml` may be left out.
pub(super) fn yaml_name(name: &str) -> String {
    let extension = Path::new(name).extension();
    match extension.and_then(|extension| extension.to_str()) {
        Some("yaml" | "yml") => name.to_owned(),
        _ => format!("{name}.yaml"),
    }
}

/// The last part of a file's path, for messages.
pub(super) fn name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

/// Where a file says that its content goes, in a comment before it: `# @package _global_`.
pub(super) fn package(text: &str) -> Package {
    let comments = text.lines().take_while(|line| is_comment(line));
    let mut named = comments.filter_map(|line| {
        let words = line.trim_start_matches('#').trim();
        words.strip_prefix("@package ")
    });
    named.next().map_or(Package::Group, read_package)
}

fn is_comment(line: &str) -> bool {
    line.trim().is_empty() || line.starts_with('#')
}
