//! The one harness: runs the real binary in a folder of its own and reads what it leaves there. Expects nothing: each
//! case says itself what is right.
//!
//! | file | has |
//! |---|---|
//! | `recipes` | the texts of all recipes that cases train |
//! | `faults` | a disk that fails |
//! | `process_memory` | the memory that a process holds |
//! | `scratch` | a folder for one case, and commands run in it |
//! | `run_folder` | a reader of the folder that a run leaves |
//! | `training` | a training whose recipe is changed key by key, read back as numbers |
//! | `wat_components` | callbacks made of WebAssembly text |

pub(crate) mod faults;
pub(crate) mod process_memory;
pub(crate) mod recipes;
mod run_folder;
mod scratch;
pub(crate) mod training;
pub(crate) mod wat_components;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub(crate) use self::recipes::TINY;
pub(crate) use self::run_folder::Run;
pub(crate) use self::scratch::{Finished, Scratch};

/// True where tests that take minutes are asked for, by `PHASEBOX_TEST_LONG=1`.
pub(crate) fn is_long() -> bool {
    std::env::var_os("PHASEBOX_TEST_LONG").is_some()
}

/// The path of a file in this repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

/// Waits until no other case trains in this process, and keeps others waiting. Random numbers of the CPU come from one
/// generator of the process: only one training may draw them.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Filters for snapshots: times, digests, versions and paths differ from run to run and from machine to machine.
pub(crate) fn snapshot_settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"RUN_\d{8}_\d{6}_\w+", "[run]");
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[sha256]");
    settings.add_filter(r"\S*/plugins/", "[stock]/");
    settings.add_filter(r"known: DetectionVisualization, .*", "known: [stock]");
    settings.add_filter(r"\d+(\.\d+)? (ms|s)\b", "[time]");
    settings.add_filter(r"phasebox \d+\.\d+\.\d+", "phasebox [version]");
    settings
}
