//! The entries of `phase_callbacks`: which callback, with which parameters, rights, limits and order.
//! Owns what an entry says; its YAML is read by `callback_forms`. Loading a component and enforcing its limits are
//! `plugin`'s.

use std::path::{Path, PathBuf};

use phasebox_contract::digest::Digest;
use phasebox_contract::limits::Limits;
use phasebox_contract::policy::{OnError, OnState, Wasi, When};
use serde_json::Value;

use super::location::Location;
use super::node::Node;

/// One callback of a recipe, before its component is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackEntry {
    /// Where its component comes from.
    pub source: CallbackSource,
    /// Its name in the run, unique in a recipe; by default the stock name or the file's name without `.wasm`
    /// or `.rhai`.
    pub name: String,
    /// A JSON object for its `configure`.
    pub params: Value,
    /// The only component accepted, when the recipe says so.
    pub digest: Option<Digest>,
    /// Its rights. None if none are written: then a stock callback gets those it asks for, and a file gets none.
    pub grants: Option<Vec<Grant>>,
    /// When the host calls it.
    pub when: When,
    /// Its place among the others, beyond the order of the recipe.
    pub order: Order,
    /// Bounds on what it uses; the defaults where nothing is written.
    pub limits: Limits,
    /// The consequence of its failure for the run.
    pub on_error: OnError,
    /// The fate of its state in the checkpoint of a resumed run.
    pub on_state: OnState,
    /// The answer if it imports WASI.
    pub wasi: Wasi,
    /// The entry as it is written, for the lines of its keys.
    pub written: Node,
}

/// Where a callback's component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackSource {
    /// A name that is no path: a file of that name in one of the folders that are searched, or a stock callback.
    Named(String),
    /// A stock callback, by the name the recipe uses.
    Stock(String),
    /// A component file, resolved against the file that names it.
    File(PathBuf),
    /// A place on the network, `https://…` or `oci://…`, as it is written.
    Locator(String),
    /// A script, which the stock callback `Script` runs.
    Script(Script),
}

/// A script's text, or the file that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// A file, resolved against the one that names it.
    File(PathBuf),
    /// A text in the recipe.
    Text(String),
}

impl CallbackSource {
    /// The file that an author writes and changes: a component or a script.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::Script(Script::File(path)) => Some(path),
            Self::Named(_) | Self::Stock(_) | Self::Locator(_) | Self::Script(Script::Text(_)) => {
                None
            }
        }
    }
}

/// True for a text that is a place on the network and no path.
pub(super) fn is_locator(text: &str) -> bool {
    text.contains("://")
}

/// A right, and the line that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The right's name; which names there are is `plugin`'s.
    pub name: String,
    /// The line of the name.
    pub location: Location,
}

/// Names of other callbacks of the recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// This one runs after those.
    pub after: Vec<String>,
    /// This one runs before those.
    pub before: Vec<String>,
}
