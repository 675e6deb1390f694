//! Writes libtorch's folder into the binaries and tests, so that they start without LD_LIBRARY_PATH.

use std::env;
use std::path::{Path, PathBuf};

fn main() -> Result<(), String> {
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    println!("cargo:rerun-if-changed=build.rs");
    let libtorch = env::var("LIBTORCH").map_err(|_| "LIBTORCH is not set: run `cargo xtask setup`")?;
    let folder = library_folder(Path::new(&libtorch))?;
    println!("cargo:rustc-link-arg=-Wl,-rpath,{}", folder.display());
    Ok(())
}

/// Where libtorch_cpu.so really is, all links resolved: its neighbours are found from there.
fn library_folder(libtorch: &Path) -> Result<PathBuf, String> {
    let library = libtorch.join("lib/libtorch_cpu.so");
    let real = library.canonicalize().map_err(|error| {
        format!("no libtorch at {} ({error}): run `cargo xtask setup`", library.display())
    })?;
    real.parent().map(Path::to_path_buf).ok_or_else(|| format!("{} has no folder", real.display()))
}
