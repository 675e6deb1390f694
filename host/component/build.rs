//! Writes the engine's exact version into the crate: `doctor` shows it, and compiled code is kept by it.

use std::fs;

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={LOCK}");
    println!(
        "cargo::rustc-env=WASMTIME_VERSION={}",
        locked_version("wasmtime")?
    );
    Ok(())
}

const LOCK: &str = "../../Cargo.lock";

/// The version that this workspace is built with.
fn locked_version(package: &str) -> Result<String, String> {
    let lock = fs::read_to_string(LOCK).map_err(|error| format!("{LOCK}: {error}"))?;
    let named = lock.split_once(&format!("name = \"{package}\"\nversion = \""));
    let version = named.and_then(|(_, rest)| rest.split('"').next());
    version
        .map(str::to_owned)
        .ok_or_else(|| format!("{LOCK} does not name {package}"))
}
