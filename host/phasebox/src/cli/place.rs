//! A callback's place as it is typed: the path of a file, or a locator on the network.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::anyhow;
use phasebox_contract::digest::Digest;
use phasebox_registry::Locator;

use super::Failure;
use crate::assemble::downloads;

/// A file of this machine, or one of the network.
#[derive(Clone)]
pub(super) enum Place {
    File(PathBuf),
    Network(Box<Locator>),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        match text.contains("://") {
            true => locator(text).map(Box::new).map(Place::Network),
            false => Ok(Place::File(PathBuf::from(text))),
        }
    }
}

impl Place {
    /// The file of the callback, which is fetched if it must be.
    ///
    /// # Errors
    /// A locator without a digest, other bytes, no answer; a digest for a file of this machine.
    pub(super) fn file(&self, digest: Option<Digest>) -> Result<PathBuf, Failure> {
        match self {
            Place::File(path) if digest.is_none() => Ok(path.clone()),
            Place::File(path) => Err(Failure::Refused(anyhow!(
                "`--digest` is for what comes from the network, and {} is a file: compare it with `sha256sum`",
                path.display()
            ))),
            Place::Network(locator) => {
                let fetched = downloads(Arc::default()).component(locator, digest);
                let fetched = fetched.map_err(Failure::Refused)?;
                Ok(fetched.path)
            }
        }
    }
}

/// Reads a locator; the words of its refusal are those of a wrong argument.
pub(super) fn locator(text: &str) -> Result<Locator, String> {
    text.parse().map_err(|error| format!("{error:#}"))
}

/// Reads `sha256:…`.
pub(super) fn digest(text: &str) -> Result<Digest, String> {
    let digits = text.strip_prefix("sha256:").unwrap_or_default();
    let parsed = digits.parse();
    parsed.map_err(|_| "write `sha256:` and 64 hexadecimal digits".to_owned())
}

/// The lines of a recipe that name what is at a locator.
pub(super) fn recipe_lines(locator: &str, digest: Digest, grants: &str) -> Vec<String> {
    let mut lines = vec![
        "in a recipe, below `phase_callbacks`:".to_owned(),
        format!("  - wasm: {locator}"),
        format!("    digest: sha256:{digest}"),
    ];
    if !grants.is_empty() {
        lines.push(format!(
            "    grants: [{grants}]  # it asks for them: give those that it may have"
        ));
    }
    lines
}

/// True for a path that is a file, or a link to one.
pub(super) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}
