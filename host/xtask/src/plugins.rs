//! Builds every callback written in Rust: one cargo call for all core modules, then a component of each.
//! A callback is any workspace member that is a `cdylib`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result};
use serde_json::Value;
use wit_component::ComponentEncoder;

use crate::command::{output, run, say};
use crate::files;
use crate::places::{Places, text};
use crate::wasm_std::TARGET;

/// Builds the stock callbacks, and those that only tests load when `with_tests`: these go to a folder of
/// their own, since what lies beside the stock callbacks can be named in recipes like one.
pub(crate) fn build(places: &Places, with_tests: bool) -> Result<()> {
    let metadata = metadata(places)?;
    let callbacks = |folder| {
        members(&metadata, places.clone.join(folder)).filter(|package| is_callback(package))
    };
    let mut built: Vec<(&str, PathBuf)> = callbacks("plugins")
        .filter_map(name)
        .map(|name| (name, places.components()))
        .collect();
    if with_tests {
        built.extend(
            callbacks("tests")
                .filter_map(name)
                .map(|name| (name, places.components().join("tests"))),
        );
    }
    say(&format!("building {} callbacks", built.len()));
    compile(
        places,
        &built.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
    )?;
    let modules = places.target.join(TARGET).join("plugin");
    for (name, folder) in &built {
        let module = modules.join(format!("{}.wasm", name.replace('-', "_")));
        wrap(&module, &folder.join(format!("{name}.wasm")))?;
    }
    Ok(())
}

/// The packages under plugins/, callbacks and SDK: their logic has tests that run without wasm.
pub(crate) fn packages(places: &Places) -> Result<Vec<String>> {
    let metadata = metadata(places)?;
    Ok(members(&metadata, places.clone.join("plugins"))
        .filter_map(name)
        .map(str::to_owned)
        .collect())
}

/// What cargo says about this workspace.
fn metadata(places: &Places) -> Result<Value> {
    let printed = output(
        &mut places.cargo(&["metadata", "--no-deps", "--format-version=1"]),
        "repair Cargo.toml",
    )?;
    Ok(serde_json::from_str(&printed)?)
}

/// The packages below `folder`.
fn members(metadata: &Value, folder: PathBuf) -> impl Iterator<Item = &Value> {
    list(&metadata["packages"]).filter(move |package| {
        Path::new(package["manifest_path"].as_str().unwrap_or("")).starts_with(&folder)
    })
}

fn is_callback(package: &Value) -> bool {
    list(&package["targets"])
        .any(|target| list(&target["crate_types"]).any(|kind| kind == "cdylib"))
}

fn name(package: &Value) -> Option<&str> {
    package["name"].as_str()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn compile(places: &Places, names: &[&str]) -> Result<()> {
    let mut cargo = places.cargo(&["build", "--profile", "plugin", "--target", TARGET]);
    cargo.args(names.iter().flat_map(|name| ["--package", *name]));
    // Flags for the host's compiler (a linker, a CPU) mean nothing to wasm.
    cargo
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", without_paths(places)?);
    run(&mut cargo, "see the compiler's message above")
}

/// Panic messages hold the paths of sources: named alike everywhere, so that a callback has the same digest on
/// every machine.
fn without_paths(places: &Places) -> Result<String> {
    let sysroot = output(
        Command::new("rustc").args(["--print", "sysroot"]),
        "install Rust with rustup",
    )?;
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let mut flags = vec![
        format!("--remap-path-prefix={}=phasebox", text(&places.clone)?),
        format!("--remap-path-prefix={}=rust", sysroot.trim()),
    ];
    if let Some(home) = home {
        flags.push(format!("--remap-path-prefix={}=cargo", text(&home)?));
    }
    Ok(flags.join("\u{1f}"))
}

/// Encoding takes milliseconds, so it is done each time; the file changes only with its content.
fn wrap(module: &Path, component: &Path) -> Result<()> {
    let core = fs::read(module).with_context(|| format!("cargo left no {}", module.display()))?;
    let bytes = encode(&core)
        .with_context(|| format!("{} does not fit its world in wit/", module.display()))?;
    files::write_if_changed(component, &bytes)?;
    Ok(())
}

/// The component around a core module that carries its world in a custom section, as wit-bindgen leaves it.
pub(crate) fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default()
        .validate(true)
        .module(core)?
        .encode()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn callbacks_are_the_cdylibs() {
        let package = |name: &str, folder: &str, kind: &str| {
            let manifest = format!("/clone/{folder}/Cargo.toml");
            json!({ "name": name, "manifest_path": manifest, "targets": [{ "crate_types": [kind] }] })
        };
        let metadata = json!({ "packages": [
            package("phasebox", "host/phasebox", "lib"),
            package("ema", "plugins/ema", "cdylib"),
            package("phasebox-guest", "plugins/sdk/rust", "lib"),
            package("phasebox-guest-macros", "plugins/sdk/rust/macros", "proc-macro"),
            package("memory-hog", "tests/guests/memory-hog", "cdylib"),
        ]});
        let check = |folder: &str, expected: &[&str]| {
            let found = members(&metadata, Path::new("/clone").join(folder))
                .filter(|package| is_callback(package));
            assert_eq!(found.filter_map(name).collect::<Vec<_>>(), expected);
        };
        check("plugins", &["ema"]);
        check("tests", &["memory-hog"]);
        check("host", &[]);
    }
}
