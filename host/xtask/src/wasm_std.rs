//! Installs Rust's standard library for the callbacks' target into the active toolchain's sysroot. A plain
//! `cargo build --target wasm32-unknown-unknown` then works, with stable Rust.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::atomic;
use crate::command::{output, run, say};
use crate::paths::{Paths, text};

/// The callbacks' target: no operating system, hence no imports but phasebox's.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

const SEED: &str =
    "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n";

/// Makes sure that the library is there. Builds it from the sources that `WASM_STD_SRC` names (a tarball of Rust's
/// `library/`, for machines that must not download toolchains), or else lets rustup fetch it.
pub(crate) fn install(paths: &Paths) -> Result<()> {
    let sysroot = output(
        Command::new("rustc").args(["--print", "sysroot"]),
        "install Rust with rustup",
    )?;
    let libraries = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(TARGET)
        .join("lib");
    if has_std(&libraries) {
        return Ok(());
    }
    match env::var_os("WASM_STD_SRC").filter(|source| !source.is_empty()) {
        Some(source) => build(paths, Path::new(&source), &libraries),
        None => fetch(),
    }
}

fn has_std(libraries: &Path) -> bool {
    let Ok(entries) = fs::read_dir(libraries) else {
        return false;
    };
    entries
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

fn fetch() -> Result<()> {
    say(&format!(
        "fetching Rust's standard library for {TARGET} (20 MB)"
    ));
    let remedy =
        "check the network; without rustup, set WASM_STD_SRC to a tarball of Rust's library/";
    run(
        Command::new("rustup").args(["target", "add", TARGET]),
        remedy,
    )
}

fn build(paths: &Paths, source: &Path, libraries: &Path) -> Result<()> {
    let work = paths.cache.join("wasm-std.part");
    let _alone = atomic::lock(&work)?;
    if has_std(libraries) {
        return Ok(());
    }
    say(&format!(
        "building Rust's standard library for {TARGET} (1 to 2 minutes)"
    ));
    atomic::create_folder(libraries)
        .context("the toolchain must be the user's own, as with rustup")?;
    unpack(source, &work)?;
    compile(&work)?;
    copy_libraries(
        &work.join("target").join(TARGET).join("release/deps"),
        libraries,
    )?;
    atomic::remove(&work)
}

fn unpack(source: &Path, work: &Path) -> Result<()> {
    if !source.is_file() {
        bail!(
            "WASM_STD_SRC={} is not a file: give a tarball of Rust's library/ or unset it",
            source.display()
        );
    }
    atomic::create_folder(&work.join("src"))?;
    atomic::write_if_changed(&work.join("Cargo.toml"), SEED.as_bytes())?;
    atomic::write_if_changed(&work.join("src/lib.rs"), b"")?;
    // Python has an xz of its own; a minimal Debian has none.
    let remedy = "is it a tarball of Rust's library/, and the disk not full?";
    run(
        Command::new("python3").args(["-m", "tarfile", "-e", text(source)?, text(work)?]),
        remedy,
    )
}

/// Builds an empty crate with `-Zbuild-std`, for the libraries that this leaves in the target folder.
fn compile(work: &Path) -> Result<()> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(work).args([
        "build",
        "--quiet",
        "--release",
        "-Zbuild-std=std,panic_abort",
        "--target",
        TARGET,
    ]);
    cargo.env("RUSTC_BOOTSTRAP", "1");
    cargo.env("__CARGO_TESTS_ONLY_SRC_ROOT", work.join("library"));
    // Callbacks are built with LTO, which needs the bitcode.
    cargo
        .env("RUSTFLAGS", "-Cembed-bitcode=yes")
        .env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo.env("CARGO_TARGET_DIR", work.join("target"));
    run(
        &mut cargo,
        "WASM_STD_SRC must be of the same release as `rustc --version`",
    )
}

/// Copies libstd last: while it is missing, `has_std` says that nothing is there.
fn copy_libraries(built: &Path, libraries: &Path) -> Result<()> {
    let mut all: Vec<PathBuf> = fs::read_dir(built)?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    all.retain(|path| is_library(&name(path)));
    all.sort_by_key(|path| name(path).starts_with("libstd-"));
    for path in &all {
        atomic::write_if_changed(&libraries.join(name(path)), &fs::read(path)?)?;
    }
    Ok(())
}

fn name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn is_library(name: &str) -> bool {
    name.starts_with("lib") && name.ends_with(".rlib") && !name.starts_with("libseed-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_itself_is_no_library() {
        fn check(name: &str, expected: bool) {
            assert_eq!(is_library(name), expected, "{name}");
        }
        check("libstd-e33081be4aa715f4.rlib", true);
        check("libcompiler_builtins-0c1d.rlib", true);
        check("libseed-1f00.rlib", false);
        check("libstd-e33081be4aa715f4.rmeta", false);
        check("std.d", false);
    }
}
