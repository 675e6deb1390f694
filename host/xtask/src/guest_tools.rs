//! The pinned compilers of the callbacks that are not written in Rust, in the user's cache. Each is installed when
//! a callback must really be built, not before.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};

use crate::command::{run, say, works};
use crate::files;
use crate::places::{Places, text};

const ZIG: &str = "ziglang==0.17.1";
const COMPONENTIZE_PY: &str = "componentize-py==0.25.1";
const COMPONENTIZE_JS: &str = "@bytecodealliance/componentize-js@0.23.0";

/// A pinned compiler: its folder in the cache and how it gets there.
#[derive(Clone, Copy)]
pub(crate) enum Tool {
    /// clang with a C library for wasm.
    Zig,
    /// CPython for wasm, packed with an application.
    ComponentizePy,
    /// A JavaScript engine for wasm, packed with a module.
    ComponentizeJs,
}

impl Tool {
    /// Name and version, as its package manager takes them.
    pub(crate) fn pin(self) -> &'static str {
        match self {
            Tool::Zig => ZIG,
            Tool::ComponentizePy => COMPONENTIZE_PY,
            Tool::ComponentizeJs => COMPONENTIZE_JS,
        }
    }

    fn download_mb(self) -> u32 {
        match self {
            Tool::Zig => 101,
            Tool::ComponentizePy => 47,
            Tool::ComponentizeJs => 130,
        }
    }

    fn folder_name(self) -> String {
        self.pin().trim_start_matches('@').replace("==", "-").replace(['/', '@'], "-")
    }

    fn is_node(self) -> bool {
        matches!(self, Tool::ComponentizeJs)
    }

    /// Whether this machine can install and run it: only Node.js may be absent.
    pub(crate) fn is_possible(self) -> bool {
        !self.is_node()
            || (works(Command::new("node").arg("--version")) && works(Command::new("npm").arg("--version")))
    }

    /// Its folder in the cache, installed first where it is not there.
    pub(crate) fn install(self, places: &Places) -> Result<PathBuf> {
        let folder = places.cache.join("guest-tools").join(self.folder_name());
        let _alone = files::lock(&folder)?;
        if !folder.exists() {
            say(&format!("fetching {} ({} MB)", self.pin(), self.download_mb()));
            let part = files::unfinished(&folder);
            files::create_folder(&part)?;
            if self.is_node() {
                npm_install(self.pin(), &part)?
            } else {
                pip_install(self.pin(), &part)?
            }
            files::publish(&part, &folder)?;
        }
        Ok(folder)
    }
}

/// Into a folder of its own, which needs no virtual environment and leaves the user's Python as it is.
fn pip_install(pin: &str, folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--only-binary=:all:",
    ]);
    pip.args(["--upgrade", "--target", text(folder)?, pin]);
    run(&mut pip, "apt install python3-pip; check the network and the free disk space, then run this again")
}

fn npm_install(pin: &str, folder: &Path) -> Result<()> {
    if !Tool::ComponentizeJs.is_possible() {
        bail!("JavaScript callbacks are built by Node.js: apt install nodejs npm");
    }
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix", text(folder)?, pin]);
    run(&mut npm, "check the network and the free disk space, then run this again")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pin_is_a_folder_of_its_own() {
        fn check(tool: Tool, expected: &str) {
            assert_eq!(tool.folder_name(), expected);
        }
        check(Tool::Zig, "ziglang-0.17.1");
        check(Tool::ComponentizePy, "componentize-py-0.25.1");
        check(Tool::ComponentizeJs, "bytecodealliance-componentize-js-0.23.0");
    }
}
