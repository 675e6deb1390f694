//! Folders and the one file that the environment names. Nothing else is read from it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// The list of folders that callbacks are looked for in, as `PATH` is one of programs.
const PLUGINS: &str = "PHASEBOX_PLUGINS";

/// `$XDG_CACHE_HOME/phasebox` or `~/.cache/phasebox`: for everything that can be made or fetched again.
pub(super) fn cache() -> PathBuf {
    absolute_path_in("XDG_CACHE_HOME")
        .or_else(|| in_home(".cache"))
        .unwrap_or_else(env::temp_dir)
        .join("phasebox")
}

/// The folders of callbacks: those of `PHASEBOX_PLUGINS` in their order, and the user's own.
///
/// # Errors
/// A folder that is not UTF-8, which locks and recipes could not hold.
pub(super) fn plugins() -> Result<Vec<PathBuf>> {
    let listed = env::var_os(PLUGINS).unwrap_or_default();
    let listed = env::split_paths(&listed).filter(|folder| !folder.as_os_str().is_empty());
    let data = absolute_path_in("XDG_DATA_HOME").or_else(|| in_home(".local/share"));
    let own = data.map(|data| data.join("phasebox/plugins"));
    listed.chain(own).map(|folder| absolute(&folder)).collect()
}

/// `$DOCKER_CONFIG` or `~/.docker`: where docker and its relatives keep the log-ins of registries.
pub(super) fn docker() -> Option<PathBuf> {
    absolute_path_in("DOCKER_CONFIG").or_else(|| in_home(".docker"))
}

/// `$SSL_CERT_FILE`: the authorities that TLS trusts, as OpenSSL and curl read them. Unset if it is empty.
pub(super) fn authorities() -> Option<PathBuf> {
    env::var_os("SSL_CERT_FILE")
        .filter(|file| !file.is_empty())
        .map(PathBuf::from)
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    let folder = std::path::absolute(folder)?;
    let shown = folder.display();
    folder.to_str().with_context(|| {
        format!("the folder {shown} of {PLUGINS} is not UTF-8: rename it, or take it out")
    })?;
    Ok(folder)
}

fn in_home(folder: &str) -> Option<PathBuf> {
    absolute_path_in("HOME").map(|home| home.join(folder))
}

fn absolute_path_in(variable: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env::var_os(variable)?);
    path.is_absolute().then_some(path)
}
