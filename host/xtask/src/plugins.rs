//! Builds every callback written in Rust: one cargo call for all core modules, then a component of each.
//! A callback is any workspace member that is a `cdylib`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;
use wit_component::ComponentEncoder;

use crate::command::{output, run, say};
use crate::files;
use crate::places::Places;
use crate::wasm_std::TARGET;

/// Builds the stock callbacks, and those that only tests load when `with_tests`.
pub(crate) fn build(places: &Places, with_tests: bool) -> Result<()> {
    let metadata =
        output(&mut places.cargo(&["metadata", "--no-deps", "--format-version=1"]), "repair Cargo.toml")?;
    let names = callbacks(&serde_json::from_str(&metadata)?, &places.clone, with_tests);
    if names.is_empty() {
        return Ok(());
    }
    say(&format!("building {} callbacks", names.len()));
    compile(places, &names)?;
    let modules = places.target.join(TARGET).join("plugin");
    for name in &names {
        let module = modules.join(format!("{}.wasm", name.replace('-', "_")));
        wrap(&module, &places.components().join(format!("{name}.wasm")))?;
    }
    Ok(())
}

/// The package names in `metadata` that are callbacks.
fn callbacks(metadata: &Value, clone: &Path, with_tests: bool) -> Vec<String> {
    let tests = clone.join("tests");
    let packages = metadata["packages"].as_array().into_iter().flatten();
    packages
        .filter(|package| package["targets"].as_array().into_iter().flatten().any(is_callback))
        .filter(|package| {
            with_tests || !Path::new(package["manifest_path"].as_str().unwrap_or("")).starts_with(&tests)
        })
        .filter_map(|package| package["name"].as_str().map(str::to_owned))
        .collect()
}

fn is_callback(target: &Value) -> bool {
    target["crate_types"].as_array().into_iter().flatten().any(|kind| kind == "cdylib")
}

fn compile(places: &Places, names: &[String]) -> Result<()> {
    let mut cargo = places.cargo(&["build", "--profile", "plugin", "--target", TARGET]);
    cargo.args(names.iter().flat_map(|name| ["--package", name]));
    // Flags for the host's compiler (a linker, a CPU) mean nothing to wasm.
    cargo.env_remove("RUSTFLAGS");
    run(&mut cargo, "see the compiler's message above")
}

/// Encoding takes milliseconds, so it is done each time; the file changes only with its content.
fn wrap(module: &Path, component: &Path) -> Result<()> {
    let core = fs::read(module).with_context(|| format!("cargo left no {}", module.display()))?;
    let bytes =
        encode(&core).with_context(|| format!("{} does not fit its world in wit/", module.display()))?;
    files::write_if_changed(component, &bytes)?;
    Ok(())
}

/// The component around a core module that carries its world in a custom section, as wit-bindgen leaves it.
pub(crate) fn encode(core: &[u8]) -> Result<Vec<u8>> {
    ComponentEncoder::default().validate(true).module(core)?.encode()
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
        let check = |with_tests, expected: &[&str]| {
            assert_eq!(callbacks(&metadata, Path::new("/clone"), with_tests), expected);
        };
        check(false, &["ema"]);
        check(true, &["ema", "memory-hog"]);
    }
}
