//! The callbacks that come with phasebox: where they are, and which of them a name means. Names and their parameters
//! are `callback_names`'; loading is `callbacks`'.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use phasebox_contract::{missing, suggest};

use super::callback_names::{Lower, MISSING, NAMES, as_written, name_of};

/// The callbacks that come with phasebox: `<name>.wasm` files in one folder.
pub struct StockCallbacks {
    folder: Option<PathBuf>,
    /// The names of the files, without `.wasm`, sorted.
    files: Vec<String>,
    /// The names that recipes use, in the same order.
    names: Vec<String>,
}

impl StockCallbacks {
    /// Looks in `first`, beside the program, and where `cargo xtask plugins` builds them.
    pub fn find(first: Option<&Path>) -> StockCallbacks {
        let program = std::env::current_exe().ok();
        let beside = program
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf);
        let installed = beside
            .iter()
            .flat_map(|folder| [folder.join("plugins"), folder.join("../plugins")]);
        let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/plugins");
        let mut folders = first
            .map(Path::to_path_buf)
            .into_iter()
            .chain(installed)
            .chain([built]);
        let folder =
            folders.find_map(|folder| folder.canonicalize().ok().filter(|folder| folder.is_dir()));
        let files = folder.as_deref().map(wasm_names).unwrap_or_default();
        let names = files.iter().map(|file| name_of(file).to_owned());
        StockCallbacks {
            folder,
            names: names.collect(),
            files,
        }
    }

    /// Their names as recipes write them, sorted.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The file of the stock callback that `name` names, exactly or but for case and punctuation.
    ///
    /// # Errors
    /// A name that is not there, with the remedy or the nearest; or no stock callbacks at all.
    pub fn path(&self, name: &str) -> Result<PathBuf> {
        self.find_name(name).map(|(path, _)| path)
    }

    /// As [`StockCallbacks::path`], and the way its parameters are read under this name.
    pub(super) fn find_name(&self, name: &str) -> Result<(PathBuf, Lower)> {
        let Some(folder) = &self.folder else {
            bail!(
                "there are no stock callbacks: build them with `cargo xtask plugins`, or give `--plugins-dir`"
            );
        };
        let (file, lower) = self.file(name).ok_or_else(|| anyhow!(self.refusal(name)))?;
        Ok((folder.join(format!("{file}.wasm")), lower))
    }

    fn file(&self, name: &str) -> Option<(&str, Lower)> {
        let names: Vec<&str> = NAMES.iter().map(|row| row.name).collect();
        let found = suggest::fuzzy(name, &names);
        let row = NAMES.iter().find(|row| Some(row.name) == found);
        if let Some(row) = row.filter(|row| self.has(row.file)) {
            return Some((row.file, row.lower));
        }
        let files: Vec<&str> = self.files.iter().map(String::as_str).collect();
        suggest::fuzzy(name, &files).map(|file| (file, as_written as Lower))
    }

    fn has(&self, file: &str) -> bool {
        self.files.iter().any(|known| known == file)
    }

    fn refusal(&self, name: &str) -> String {
        if let Some(remedy) = missing::remedy(name, MISSING) {
            return format!("there is no callback `{name}` yet: {remedy}");
        }
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        let all: Vec<&str> = NAMES.iter().map(|row| row.name).collect();
        match suggest::nearest(name, &all) {
            Some(near) if !names.contains(&near) => {
                format!("there is no stock callback `{name}`; did you mean `{near}`?")
            }
            _ => format!(
                "there is no stock callback `{name}`{}",
                suggest::hint(name, &names)
            ),
        }
    }
}

/// Refuses a folder of stock callbacks that is not there, whose place another one would take.
pub(super) fn check_folder(first: Option<&Path>) -> Result<()> {
    match first {
        Some(folder) if !folder.is_dir() => bail!(
            "`--plugins-dir {}`: there is no such folder",
            folder.display()
        ),
        _ => Ok(()),
    }
}

fn wasm_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let wasm = paths.filter(|path| {
        path.extension()
            .is_some_and(|extension| extension == "wasm")
    });
    let mut names: Vec<String> = wasm
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    names
}
