//! Folders that the environment names: the user's cache, and those of programs.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

/// The user's cache, as the rest of phasebox has it.
pub(crate) fn cache() -> Result<PathBuf> {
    let own = variable("PHASEBOX_CACHE");
    let shared = || variable("XDG_CACHE_HOME").map(|folder| folder.join("phasebox"));
    let home = || env::home_dir().map(|home| home.join(".cache/phasebox"));
    let folder = own.or_else(shared).or_else(home);
    folder.context("no folder for the cache: set PHASEBOX_CACHE or HOME")
}

/// The folders in which programs are looked for.
pub(crate) fn programs() -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect()
}

/// The file of a program, if it is in one of those folders.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let name = format!("{program}{}", env::consts::EXE_SUFFIX);
    let files = programs().into_iter().map(|folder| folder.join(&name));
    files.into_iter().find(|file| file.is_file())
}

fn variable(name: &str) -> Option<PathBuf> {
    let value = env::var_os(name).filter(|value| !value.is_empty());
    value.map(PathBuf::from)
}
