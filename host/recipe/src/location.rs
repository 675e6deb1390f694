//! The file and line where a piece of a recipe was written, and the error that names them.
//! Owns the wording `file:line: message`; it does not read files.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use phasebox_contract::printable::{self, excerpt};

/// The text a piece of a recipe came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A YAML file, by the path it was opened with.
    File(PathBuf),
    /// A `key=value` argument, kept as typed.
    CommandLine(String),
    /// A file inside the binary, by its name.
    BuiltIn(String),
}

/// A line of a source. Cheap to clone: every node of a recipe has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file or argument.
    pub source: Arc<Source>,
    /// Line, counted from 1.
    pub line: u64,
}

impl Location {
    /// The first line of a file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            source: Arc::new(Source::File(path.into())),
            line: 1,
        }
    }

    /// The first line of a file inside the binary.
    pub(super) fn built_in(name: &str) -> Self {
        Self {
            source: Arc::new(Source::BuiltIn(name.to_owned())),
            line: 1,
        }
    }

    /// A `key=value` argument of the command line.
    pub(super) fn command_line(argument: &str) -> Self {
        Self {
            source: Arc::new(Source::CommandLine(argument.to_owned())),
            line: 1,
        }
    }

    /// Another line of the same source.
    pub(super) fn at_line(&self, line: u64) -> Self {
        Self {
            source: Arc::clone(&self.source),
            line,
        }
    }

    /// True for a line of a file, false for an argument.
    pub(super) fn is_in_file(&self) -> bool {
        !matches!(&*self.source, Source::CommandLine(_))
    }

    /// Resolves a relative path as a recipe means it: from the folder of the file that names it, and from
    /// the working directory when the command line does.
    pub fn resolve(&self, path: impl AsRef<Path>) -> PathBuf {
        match &*self.source {
            Source::File(file) => file.parent().unwrap_or(Path::new("")).join(path),
            Source::CommandLine(_) | Source::BuiltIn(_) => path.as_ref().to_owned(),
        }
    }

    /// A note about this place.
    pub(super) fn note(&self, text: impl Into<String>) -> Note {
        Note {
            location: self.clone(),
            text: printable::message(&text.into()),
        }
    }

    /// An error at this place. A text of others in its message is cut.
    pub fn error(&self, message: impl Into<String>) -> RecipeError {
        RecipeError {
            location: self.clone(),
            message: printable::message(&message.into()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.source {
            Source::File(path) => write!(formatter, "{}:{}", path.display(), self.line),
            Source::CommandLine(argument) => {
                let argument = excerpt(argument);
                write!(formatter, "from the command line (`{argument}`)")
            }
            Source::BuiltIn(name) => write!(formatter, "built-in {name}:{}", self.line),
        }
    }
}

/// Why a recipe was refused: what is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct RecipeError {
    /// The line to change.
    pub location: Location,
    /// The key or value at fault and the remedy.
    pub message: String,
}

/// A line about a key that was accepted and does nothing here, or means something else here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The line of the key.
    pub location: Location,
    /// The key and what became of it.
    pub text: String,
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.location, self.text)
    }
}

/// The result of reading a recipe, or the error with its location.
pub type Result<T> = std::result::Result<T, RecipeError>;
