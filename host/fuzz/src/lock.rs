//! Arbitrary locks of callbacks, beside a recipe with one callback.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use phasebox::assemble::{Assembly, Options, ProcessCache};
use phasebox_recipe::Recipe;
use serde_json::Value;

use crate::cost::{Memory, within};

/// The recipe is assembled, too.
const MEMORY: Memory = Memory {
    free: 4 << 20,
    each: 400,
};
/// A digest that is not written in the input: that of the callback.
const OWN: &[u8] = b"OWN-DIGEST";

/// Assembles a recipe that is held to a lock of these bytes. Returns true if the lock admits the callback.
///
/// # Panics
/// If a lock admits a callback that it does not name with its digest and its grants.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the lock");
    let path = folder.path().join("recipe.plugins.lock");
    RECIPE.with(|(recipe, honest)| {
        let sha256 = honest["sha256"].as_str().expect("a lock has a digest");
        let lock = replaced(bytes, OWN, sha256.as_bytes());
        fs::write(&path, &lock).expect("a file in the folder");
        let admitted = within(MEMORY, lock.len(), || assemble(recipe, &path, |_| Ok(())));
        if admitted.is_ok() {
            check(&lock, honest);
        }
        admitted.is_ok()
    })
}

/// Checks that a lock which admits the callback names it as an honest one does.
fn check(lock: &[u8], honest: &Value) {
    let lock: Value = serde_json::from_slice(lock).expect("a lock is JSON");
    let listed = lock.get("callbacks").unwrap_or(&lock);
    let listed = listed.as_array().expect("a lock lists callbacks");
    assert!(!listed.is_empty(), "a lock without the callback admits it");
    for entry in listed {
        for key in ["name", "grants"] {
            assert_eq!(entry[key], honest[key], "{lock}");
        }
    }
    assert_eq!(listed[0]["sha256"], honest["sha256"], "{lock}");
}

thread_local! {
    static CACHE: RefCell<ProcessCache> = RefCell::default();
    /// The recipe, and its callback as an honest lock has it.
    static RECIPE: (Recipe, Value) = recipe().expect("the recipe is right");
}

/// Makes the recipe of a training with one callback, and its lock.
fn recipe() -> Result<(Recipe, Value)> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("locked.wasm");
    fs::write(
        &file,
        wat::parse_file(own.join("corpus/component/nothing"))?,
    )?;
    let entry = format!(
        "training_hyperparams.phase_callbacks=[{{wasm: {}}}]",
        file.display()
    );
    let recipe = Recipe::load(own.join("training.yaml"), &[entry])?;
    let lock = folder.keep().join("honest.plugins.lock");
    assemble(&recipe, Path::new("absent"), |assembly| {
        assembly.write_lock(&lock)
    })?;
    let written: Value = serde_json::from_slice(&fs::read(&lock)?)?;
    Ok((recipe, written["callbacks"][0].clone()))
}

fn assemble(
    recipe: &Recipe,
    lock: &Path,
    then: impl FnOnce(&Assembly<'_>) -> Result<()>,
) -> Result<()> {
    let options = Options {
        lock: Some(lock.to_owned()),
        cache_dir: Some(compiled()),
        ..Options::default()
    };
    CACHE.with_borrow_mut(|cache| then(&Assembly::with(recipe, options, cache)?))
}

/// Where the callback's compiled code is kept.
fn compiled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tmp/fuzz-compiled")
}

fn replaced(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let places = bytes.windows(what.len());
    match places.into_iter().position(|window| window == what) {
        Some(at) => [&bytes[..at], by, &bytes[at + what.len()..]].concat(),
        None => bytes.to_vec(),
    }
}
