//! Builds what `wasi/` holds: the WASI that phasebox puts inside callbacks. The results are committed beside their sources,
//! so that a plain `cargo build` has them and needs no compiler for wasm.

use std::path::PathBuf;
use std::{env, fs};

use anyhow::{Context, Result, ensure};
use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use crate::atomic;
use crate::command::{run, say};
use crate::paths::Paths;
use crate::plugins::{encode, without_paths};
use crate::wasm_std::TARGET;

/// Compiler flags that keep the component small: a stack of 16 KiB, and no names, since nobody looks for faults there first.
const SMALL: [&str; 2] = ["-Clink-arg=-zstack-size=16384", "-Cstrip=symbols"];

/// Builds both files and writes them to `wasi/built`.
pub(crate) fn build(paths: &Paths) -> Result<()> {
    for (name, bytes) in built(paths)? {
        let path = folder(paths).join(name);
        if atomic::write_if_changed(&path, &bytes)? {
            say(&format!("wrote {} ({} bytes)", path.display(), bytes.len()));
        }
    }
    Ok(())
}

/// Builds both files again and compares them with what is committed. A standard library that rustup fetched may give other
/// bytes than one built from its sources, so only with the latter.
///
/// # Errors
/// If they differ.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    if env::var_os("WASM_STD_SRC").is_none_or(|source| source.is_empty()) {
        return Ok(());
    }
    say("building the WASI of callbacks again");
    for (name, bytes) in built(paths)? {
        let path = folder(paths).join(name);
        ensure!(
            fs::read(&path).is_ok_and(|committed| committed == bytes),
            "{} is not what its sources make: run `cargo xtask wasi` and commit it",
            path.display()
        );
    }
    Ok(())
}

fn folder(paths: &Paths) -> PathBuf {
    paths.clone.join("wasi/built")
}

fn built(paths: &Paths) -> Result<[(&'static str, Vec<u8>); 2]> {
    Ok([
        ("nothing.wasm", component(paths)?),
        ("preview1.wasm", adapter(paths)?),
    ])
}

/// WASI 0.2: the component of the crate in `wasi/`.
fn component(paths: &Paths) -> Result<Vec<u8>> {
    let arguments = ["build", "--profile", "plugin", "--target", TARGET];
    let mut cargo = paths.cargo(&arguments);
    cargo.args(["--package", "phasebox-wasi"]);
    let flags = [without_paths(paths)?.as_str(), &SMALL.join("\u{1f}")].join("\u{1f}");
    cargo
        .env_remove("RUSTFLAGS")
        .env("CARGO_ENCODED_RUSTFLAGS", flags);
    run(&mut cargo, "see the compiler's message above")?;
    let module = paths.target.join(TARGET).join("plugin/phasebox_wasi.wasm");
    encode(&fs::read(&module)?).context("wasi/src does not fit wasi/wit")
}

/// WASI preview 1: `preview1.wat`, with the world that it imports from.
fn adapter(paths: &Paths) -> Result<Vec<u8>> {
    let mut module = wat::parse_file(paths.clone.join("wasi/preview1.wat"))?;
    let mut resolve = Resolve::default();
    resolve.push_path(paths.clone.join("wit"))?;
    let (package, _) = resolve.push_path(paths.clone.join("wasi/wit"))?;
    let world = resolve.select_world(&[package], Some("preview1"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}
