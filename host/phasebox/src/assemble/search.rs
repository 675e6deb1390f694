//! The folders in which a callback is looked for by its name: the recipe's, those of the environment, and last the stock
//! callbacks. Owns their order and the refusal of a name that none has. A file that is found is from then on a file like
//! any other.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use phasebox_contract::{missing, suggest};
use phasebox_recipe::{CallbackEntry, CallbackSource, Note, Recipe};

use super::callback_names::MISSING;
use super::folders;
use super::stock::StockCallbacks;

/// The most files of a folder that a name is compared with, to guess what was meant.
const MOST_COMPARED: usize = 1000;

/// The folders that are searched for a recipe's callbacks.
pub(crate) struct Search {
    folders: Vec<PathBuf>,
    stock: StockCallbacks,
}

impl Search {
    /// The folders of a recipe, and those of this machine.
    ///
    /// # Errors
    /// A folder of the environment that is not UTF-8.
    pub(crate) fn of(recipe: &Recipe, plugins_dir: Option<&Path>) -> Result<Search> {
        let own = recipe.folder();
        let own = match own.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => own,
        };
        let mut search = Search::of_machine(plugins_dir)?;
        search.folders.insert(0, own);
        Ok(search)
    }

    /// The folders that are searched whatever the recipe.
    ///
    /// # Errors
    /// A folder of the environment that is not UTF-8.
    pub(crate) fn of_machine(plugins_dir: Option<&Path>) -> Result<Search> {
        Ok(Search {
            folders: folders::plugins()?,
            stock: StockCallbacks::find(plugins_dir),
        })
    }

    /// The stock callbacks, which are searched last.
    pub(crate) fn stock(&self) -> &StockCallbacks {
        &self.stock
    }

    /// The folders before the stock callbacks, in their order.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }

    /// The files that a name may mean, in their order; each may be there or not.
    pub(crate) fn candidates(&self, name: &str) -> impl Iterator<Item = PathBuf> {
        let file = format!("{name}.wasm");
        self.folders.iter().map(move |folder| folder.join(&file))
    }

    /// The recipe with the files that were found for its names. Names of stock callbacks stay names.
    pub(super) fn resolved<'a>(&self, recipe: &'a Recipe) -> Cow<'a, Recipe> {
        let found: BTreeMap<String, PathBuf> = self
            .found(recipe)
            .map(|(_, name, path)| (name.to_owned(), path))
            .collect();
        match found.is_empty() {
            true => Cow::Borrowed(recipe),
            false => Cow::Owned(recipe.with_files(&found)),
        }
    }

    /// The entries of a recipe whose name is a file's, with the name and the file.
    fn found<'a>(
        &'a self,
        recipe: &'a Recipe,
    ) -> impl Iterator<Item = (&'a CallbackEntry, &'a str, PathBuf)> {
        let entries = recipe.training_hyperparams.phase_callbacks.iter();
        entries.filter_map(|entry| {
            let CallbackSource::Named(name) = &entry.source else {
                return None;
            };
            let path = self.candidates(name).find(|path| path.is_file())?;
            Some((entry, name.as_str(), path))
        })
    }

    /// A line about each name that means a file here, and a stock callback elsewhere.
    pub(super) fn hidden(&self, recipe: &Recipe) -> Vec<Note> {
        let hidden = self
            .found(recipe)
            .filter(|(_, name, _)| self.stock.path(name).is_ok());
        let note = |(entry, name, path): (&CallbackEntry, &str, PathBuf)| Note {
            location: entry.written.location.clone(),
            text: format!(
                "`{name}` is {}, which hides the stock callback of that name: for the stock callback write `stock: {name}`",
                path.display()
            ),
        };
        hidden.map(note).collect()
    }

    /// Refuses a name that is neither a file's nor a stock callback's.
    ///
    /// # Errors
    /// The name, with the folders that were searched, and the nearest name or the remedy.
    pub(super) fn check_name(&self, name: &str) -> Result<()> {
        if self.candidates(name).any(|path| path.is_file()) {
            return Ok(());
        }
        let found = self.stock.path(name).map(drop);
        found.map_err(|refusal| match missing::remedy(name, MISSING) {
            Some(_) => refusal,
            None => anyhow!("{refusal}{}", self.searched(name)),
        })
    }

    /// The end of the refusal of a name.
    fn searched(&self, name: &str) -> String {
        let folders = self.folders.iter();
        let folders: Vec<String> = folders.map(|folder| folder.display().to_string()).collect();
        let own: Vec<String> = self
            .folders
            .iter()
            .flat_map(|folder| files(folder))
            .collect();
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let near = suggest::near(name, &own);
        format!(
            "; `{name}.wasm` is in none of the folders {}{near}",
            folders.join(", ")
        )
    }
}

/// Names of the components in a folder, without `.wasm`.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.take(MOST_COMPARED).flatten();
    let names = paths.filter_map(|entry| entry.file_name().into_string().ok());
    let names = names.filter_map(|name| name.strip_suffix(".wasm").map(str::to_owned));
    names.collect()
}
