//! Writes libtorch's folder into the binaries and tests, so that they start without LD_LIBRARY_PATH, and the engine's
//! exact version into `doctor`.

use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let libtorch = env::var("LIBTORCH").map_err(|_| "LIBTORCH is not set: run `cargo xtask setup`")?;
    let folder = library_folder(Path::new(&libtorch))?;
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    println!("cargo:rerun-if-changed={LOCK}");
    println!("cargo:rustc-env=WASMTIME_VERSION={}", locked_version("wasmtime")?);
    Ok(())
}

const LOCK: &str = "../../Cargo.lock";

/// The version that this workspace is built with.
fn locked_version(package: &str) -> Result<String, String> {
    let lock = fs::read_to_string(LOCK).map_err(|error| format!("{LOCK}: {error}"))?;
    let named = lock.split_once(&format!("name = \"{package}\"\nversion = \""));
    let version = named.and_then(|(_, rest)| rest.split('"').next());
    version.map(str::to_owned).ok_or_else(|| format!("{LOCK} does not name {package}"))
}

/// Where libtorch_cpu.so really is, all links resolved: its neighbours are found from there.
fn library_folder(libtorch: &Path) -> Result<PathBuf, String> {
    let library = libtorch.join("lib/libtorch_cpu.so");
    let real = library.canonicalize().map_err(|error| {
        format!("no libtorch at {} ({error}): run `cargo xtask setup`", library.display())
    })?;
    real.parent().map(Path::to_path_buf).ok_or_else(|| format!("{} has no folder", real.display()))
}
