//! A callback's place as it is typed: the path of a file, or a locator on the network.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, anyhow};
use phasebox_contract::digest::Digest;
use phasebox_registry::{Fetched, Locator};
use phasebox_train::interrupt::Interrupt;

use super::Failure;
use super::network::Network;
use crate::assemble::{Policies, SCRIPT, StockCallbacks};

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
    /// The file of the callback, which is fetched if it must be, unless a signal arrives.
    ///
    /// # Errors
    /// A place that a policy forbids, a locator without a digest, other bytes, no answer; a digest for a file of this
    /// machine.
    pub(super) fn file(
        &self,
        digest: Option<Digest>,
        interrupt: &Interrupt,
    ) -> Result<Placed, Failure> {
        match self {
            Place::File(path) if digest.is_none() => {
                let absolute = path.canonicalize();
                let absolute = absolute.with_context(|| format!("cannot read {}", path.display()));
                Ok(Placed {
                    entry: keys_of_file(&absolute.map_err(Failure::Refused)?),
                    path: path.clone(),
                    locator: None,
                })
            }
            Place::File(path) => Err(Failure::Refused(anyhow!(
                "`--digest` is for what comes from the network, and {} is a file: compare it with `sha256sum`",
                path.display()
            ))),
            Place::Network(locator) => {
                check_allowed(locator)?;
                let network = Network::ended_by(interrupt.clone());
                let fetched = network.ask(|downloads| downloads.component(locator, digest));
                let Fetched { path, sha256 } = fetched?;
                let written = locator.to_string();
                Ok(Placed {
                    entry: format!("wasm: {}, digest: 'sha256:{sha256}'", quoted(&written)),
                    path,
                    locator: Some(written),
                })
            }
        }
    }
}

/// A callback's file and the keys of an entry that mean it.
pub(super) struct Placed {
    pub(super) path: PathBuf,
    /// The keys of an entry that mean it, as in `wasm: 'a.wasm'`.
    pub(super) entry: String,
    /// The locator, as recipes write it.
    pub(super) locator: Option<String>,
}

impl Placed {
    /// True for a script, which is no component: a stock callback runs it.
    pub(super) fn is_script(&self) -> bool {
        is_script(&self.path)
    }

    /// The component that is called: of a script, the one that runs it.
    ///
    /// # Errors
    /// No stock callbacks.
    pub(super) fn component(&self) -> Result<PathBuf, Failure> {
        match self.is_script() {
            true => {
                let path = StockCallbacks::find(None).path(SCRIPT);
                path.map_err(Failure::Refused)
            }
            false => Ok(self.path.clone()),
        }
    }
}

fn is_script(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("rhai"))
}

/// An error without the place of its entry, where nobody but this program has written that.
pub(super) fn without_place(error: &anyhow::Error) -> String {
    let text = format!("{error:#}");
    let entry = text.strip_prefix("from the command line (`");
    match entry.and_then(|entry| entry.split_once("`): ")) {
        Some((_, own)) => own.to_owned(),
        None => text,
    }
}

/// The keys of an entry that mean a file of this machine.
pub(super) fn keys_of_file(path: &Path) -> String {
    let shown = quoted(&path.display().to_string());
    match is_script(path) {
        true => format!("stock: {SCRIPT}, file: {shown}"),
        false => format!("wasm: {shown}"),
    }
}

fn quoted(text: &str) -> String {
    // A recipe would put something in the place of `${…}`.
    let escaped = text.replace('\'', "''").replace("${", "\\${");
    format!("'{escaped}'")
}

/// Refuses a place that a policy of the machine forbids, before it is asked.
pub(super) fn check_allowed(locator: &Locator) -> Result<(), Failure> {
    let policies = Policies::read(None);
    let checked = policies.and_then(|policies| policies.check_place(locator));
    checked.map_err(Failure::Refused)
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
