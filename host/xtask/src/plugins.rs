//! Builds every callback that is written in Rust: one cargo call for all core modules, then a component of each.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use wit_component::ComponentEncoder;

use crate::atomic;
use crate::command::{output, run, say};
use crate::paths::{Paths, text};
use crate::wasm_std::TARGET;
use crate::workspace::Workspace;

/// Builds the stock callbacks, and those that only tests load when `with_tests`. These go to a folder of their own, since
/// a recipe can name each component beside the stock callbacks like one of them.
pub(crate) fn build(paths: &Paths, with_tests: bool) -> Result<()> {
    let workspace = Workspace::read(paths)?;
    let stock = workspace.callbacks("plugins");
    let for_tests = if with_tests {
        workspace.callbacks("tests")
    } else {
        Vec::new()
    };
    let all = [stock.as_slice(), for_tests.as_slice()].concat();
    say(&format!("building {} callbacks", all.len()));
    compile(paths, &all)?;
    wrap_all(paths, &stock, &paths.components())?;
    wrap_all(paths, &for_tests, &paths.components().join("tests"))
}

fn wrap_all(paths: &Paths, names: &[&str], folder: &Path) -> Result<()> {
    let modules = paths.target.join(TARGET).join("plugin");
    for name in names {
        let module = modules.join(format!("{}.wasm", name.replace('-', "_")));
        wrap(&module, &folder.join(format!("{name}.wasm")))?;
    }
    Ok(())
}

fn compile(paths: &Paths, names: &[&str]) -> Result<()> {
    let mut cargo = paths.cargo(&["build", "--profile", "plugin", "--target", TARGET]);
    cargo.args(names.iter().flat_map(|name| ["--package", *name]));
    // Flags for the host's compiler (a linker, a CPU) mean nothing to wasm.
    cargo
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", without_paths(paths)?);
    run(&mut cargo, "see the compiler's message above")
}

/// Compiler flags that replace folders of this machine in the paths of sources. Panic messages hold such paths, and a
/// callback should have the same digest on every machine.
pub(crate) fn without_paths(paths: &Paths) -> Result<String> {
    let sysroot = output(
        Command::new("rustc").args(["--print", "sysroot"]),
        "install Rust with rustup",
    )?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut flags = vec![
        format!("--remap-path-prefix={}=phasebox", text(&paths.clone)?),
        format!("--remap-path-prefix={}=rust", sysroot.trim()),
    ];
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=cargo", text(&home)?));
    }
    Ok(flags.join("\u{1f}"))
}

/// Writes the component of a core module. Encoding takes milliseconds, so it is done each time; the file changes only
/// with its content.
fn wrap(module: &Path, component: &Path) -> Result<()> {
    let core = fs::read(module).with_context(|| format!("cargo left no {}", module.display()))?;
    let bytes = encode(&core)
        .with_context(|| format!("{} does not fit its world in wit/", module.display()))?;
    atomic::write_if_changed(component, &bytes)?;
    Ok(())
}

/// The component around a core module that carries its world in a custom section, as wit-bindgen leaves it.
pub(crate) fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(core)?
        .encode()
}
