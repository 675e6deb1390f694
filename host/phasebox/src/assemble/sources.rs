//! The file of each callback: its own, a stock callback's, one of the network, or the one that a replay puts in its place.
//! Names that are looked for in folders are `search`'s.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use phasebox_author::{Freshness, freshness};
use phasebox_contract::digest::Digest;
use phasebox_recipe::{CallbackEntry, CallbackSource, Note, Recipe};
use phasebox_registry::{Downloads, Fetched};

use super::callback_names::{Lower, as_written};
use super::replay::StandIn;
use super::script::SCRIPT;
use super::stock::StockCallbacks;

/// All that files of callbacks can come from.
pub(super) struct Sources<'a> {
    pub(super) stock: &'a StockCallbacks,
    pub(super) downloads: Downloads,
    pub(super) stand_in: Option<&'a StandIn>,
}

/// A callback's file.
pub(super) struct Located {
    pub(super) path: PathBuf,
    /// The way its parameters are read.
    pub(super) lower: Lower,
    /// The digest that its locator means.
    pub(super) held: Option<Digest>,
}

impl Sources<'_> {
    /// The file of an entry.
    ///
    /// # Errors
    /// A stock callback that there is not; a locator without a digest, other bytes, no answer.
    pub(super) fn file(&self, entry: &CallbackEntry) -> Result<Located> {
        let is_script = matches!(entry.source, CallbackSource::Script(_));
        let stand_in = self.stand_in.filter(|_| !is_script);
        let Some(stand_in) = stand_in.filter(|stand_in| stand_in.name == entry.name) else {
            return self.own_file(entry);
        };
        // A stock callback that is not there any more can still be replayed, and nothing is fetched for a replay.
        let lower = match &entry.source {
            CallbackSource::Named(name) | CallbackSource::Stock(name) => self
                .stock
                .find_name(name)
                .map_or(as_written as Lower, |(_, lower)| lower),
            _ => as_written,
        };
        Ok(Located {
            path: stand_in.file.clone(),
            lower,
            held: None,
        })
    }

    fn own_file(&self, entry: &CallbackEntry) -> Result<Located> {
        let (path, lower) = match &entry.source {
            CallbackSource::File(path) => {
                check_built(path)?;
                (path.clone(), as_written as Lower)
            }
            CallbackSource::Named(name) | CallbackSource::Stock(name) => {
                self.stock.find_name(name)?
            }
            CallbackSource::Script(_) => self.stock.find_name(SCRIPT)?,
            CallbackSource::Locator(text) => return self.fetched(text, entry.digest),
        };
        Ok(Located {
            path,
            lower,
            held: None,
        })
    }

    fn fetched(&self, locator: &str, digest: Option<Digest>) -> Result<Located> {
        let Fetched { path, sha256 } = self.downloads.component(&locator.parse()?, digest)?;
        Ok(Located {
            path,
            lower: as_written,
            held: Some(sha256),
        })
    }
}

/// Refuses a file that is not there, and that `phasebox build` would make.
fn check_built(path: &Path) -> Result<()> {
    if path.exists() {
        return Ok(());
    }
    if let Freshness::Stale(project) = freshness(path) {
        bail!(
            "no callback at {}: run `phasebox build {}` first, whose project was not built yet",
            path.display(),
            project.display()
        );
    }
    Ok(())
}

/// A line about each file whose project has other sources now than it was built from.
pub(super) fn stale(recipe: &Recipe) -> Vec<Note> {
    let entries = recipe.training_hyperparams.phase_callbacks.iter();
    let stale = entries.filter_map(|entry| {
        let CallbackSource::File(path) = &entry.source else {
            return None;
        };
        let Freshness::Stale(project) = freshness(path) else {
            return None;
        };
        Some(Note {
            location: entry.written.location.clone(),
            text: format!(
                "{} was built from other sources than its project has now: to train with those, run `phasebox build {}`",
                path.display(),
                project.display()
            ),
        })
    });
    stale.collect()
}
