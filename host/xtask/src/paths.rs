//! The folders of this repository: the clone, the user's cache, cargo's target folder. Creates none of them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// The folders that every command works in; all absolute.
pub(crate) struct Paths {
    /// The root of this clone.
    pub(crate) clone: PathBuf,
    /// Holds libtorch, guest tools and built guests, for all clones of this user.
    pub(crate) cache: PathBuf,
    /// Cargo's target folder, which `CARGO_TARGET_DIR` may have put outside the clone.
    pub(crate) target: PathBuf,
}

impl Paths {
    /// Reads the folders from the environment that `cargo xtask` sets up.
    pub(crate) fn find() -> Result<Self> {
        let package =
            variable("CARGO_MANIFEST_DIR").context("run this as `cargo xtask`, not by its path")?;
        let clone = package
            .ancestors()
            .nth(2)
            .context("xtask is not in host/xtask")?
            .to_path_buf();
        let cache = cache_folder(
            variable("PHASEBOX_CACHE"),
            variable("XDG_CACHE_HOME"),
            variable("HOME"),
        )
        .context("no folder for the cache: set PHASEBOX_CACHE or HOME")?;
        let target = variable("CARGO_TARGET_DIR").unwrap_or_else(|| clone.join("target"));
        Ok(Self {
            clone,
            cache: std::path::absolute(cache)?,
            target: std::path::absolute(target)?,
        })
    }

    /// The folder of finished components. Always in the clone: recipes and the binary look for them here.
    pub(crate) fn components(&self) -> PathBuf {
        self.clone.join("target/plugins")
    }

    /// `cargo` with `arguments`, in the clone. Its output goes to the terminal.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.current_dir(&self.clone).args(arguments);
        cargo
    }
}

fn variable(name: &str) -> Option<PathBuf> {
    env::var_os(name)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn cache_folder(
    own: Option<PathBuf>,
    xdg: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    own.or_else(|| xdg.map(|folder| folder.join("phasebox")))
        .or_else(|| home.map(|folder| folder.join(".cache/phasebox")))
}

/// `path` as cargo and python take it on a command line.
pub(crate) fn text(path: &Path) -> Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not UTF-8: use another folder", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_specific_variable_names_the_cache() {
        fn check(own: &str, xdg: &str, home: &str, expected: Option<&str>) {
            let given = |value: &str| (!value.is_empty()).then(|| PathBuf::from(value));
            assert_eq!(
                cache_folder(given(own), given(xdg), given(home)),
                expected.map(PathBuf::from)
            );
        }
        check("/own", "/xdg", "/ann", Some("/own"));
        check("", "/xdg", "/ann", Some("/xdg/phasebox"));
        check("", "", "/ann", Some("/ann/.cache/phasebox"));
        check("", "", "", None);
    }
}
