//! Keeps the engine of callbacks and the data that were read from one run of a process to the next, so that the next
//! run begins sooner. Owns when they may be used again. Compiled code is not kept here: it stays mapped from the user's
//! cache.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use anyhow::{Result, bail};
use phasebox_component::{Engine, Profile};
use phasebox_data::{DatasetConfig, Splits};
use phasebox_plugin::PluginEngine;
use phasebox_registry::{Downloads, User};
use phasebox_train::interrupt::Interrupt;
use serde_json::Value;

use super::folders;

/// Data sets that are kept; a sweep over more of them reads some again rather than fill the memory.
const MAX_DATA_SETS: usize = 4;

/// The engine and the data sets that a process keeps from one run to the next; empty at first.
#[derive(Default)]
pub struct ProcessCache {
    /// Stacks of guests are sampled.
    samples_stacks: bool,
    engine: Option<(Option<PathBuf>, Profile, Rc<PluginEngine>)>,
    data_sets: Vec<(DataKey, Splits)>,
}

/// The identity of a data set: the recipe's keys, and the times and sizes of the files that they name.
#[derive(PartialEq)]
struct DataKey {
    config: Value,
    base_folder: PathBuf,
    files: Vec<(PathBuf, Option<SystemTime>, u64)>,
}

impl ProcessCache {
    /// An empty one whose engine samples the stacks of guests.
    pub fn sampling_stacks() -> ProcessCache {
        ProcessCache {
            samples_stacks: true,
            ..ProcessCache::default()
        }
    }

    /// The engine that was used last.
    pub(crate) fn last_engine(&self) -> Option<&PluginEngine> {
        self.engine.as_ref().map(|(_, _, engine)| &**engine)
    }

    /// The engine of that profile that keeps compiled code in `cache_dir`.
    ///
    /// # Errors
    /// If there is none yet and it cannot be made.
    pub(super) fn engine(
        &mut self,
        cache_dir: Option<&Path>,
        profile: Profile,
        interrupt: &Interrupt,
    ) -> Result<Rc<PluginEngine>> {
        if let Some((folder, known, engine)) = &self.engine
            && (folder.as_deref(), *known) == (cache_dir, profile)
        {
            return Ok(engine.clone());
        }
        let engine = match (self.samples_stacks, profile) {
            (false, _) => engine(cache_dir, profile, interrupt.asked())?,
            (true, Profile::Fast) => Engine::beating(&compiled(cache_dir), interrupt.asked())?,
            (true, Profile::Deterministic) => bail!(
                "`--profile` measures time, and `deterministic_callbacks` counts instructions: use a recipe without it"
            ),
        };
        let engine = Rc::new(PluginEngine::new(engine)?);
        self.engine = Some((cache_dir.map(Path::to_path_buf), profile, engine.clone()));
        Ok(engine)
    }

    /// The data set, read anew if its keys or the files they name have changed.
    ///
    /// # Errors
    /// The errors of reading it.
    pub(super) fn data_set(
        &mut self,
        config: &DatasetConfig,
        base_folder: &Path,
    ) -> Result<Splits> {
        let key = DataKey::of(config, base_folder)?;
        if let Some((_, splits)) = self.data_sets.iter().find(|(known, _)| *known == key) {
            return Ok(splits.clone());
        }
        let splits = config.load(base_folder)?;
        if self.data_sets.len() == MAX_DATA_SETS {
            self.data_sets.remove(0);
        }
        self.data_sets.push((key, splits.clone()));
        Ok(splits)
    }
}

/// An engine that keeps compiled code in `cache_dir`, or in the user's cache folder.
///
/// # Errors
/// If the folder cannot be made.
pub(crate) fn engine(
    cache_dir: Option<&Path>,
    profile: Profile,
    interrupted: Arc<AtomicBool>,
) -> Result<Engine> {
    Engine::with_profile(&compiled(cache_dir), profile, interrupted)
}

/// The folder of compiled code.
fn compiled(cache_dir: Option<&Path>) -> PathBuf {
    cache_dir.map_or_else(|| folders::cache().join("compiled"), Path::to_owned)
}

/// Components from the network, kept in the user's cache folder. They end once `stop` is set.
pub(crate) fn downloads(stop: Arc<AtomicBool>) -> Downloads {
    let user = User {
        cache: folders::cache(),
        docker: folders::docker(),
        authorities: folders::authorities(),
    };
    Downloads::new(user, stop)
}

impl DataKey {
    fn of(config: &DatasetConfig, base_folder: &Path) -> Result<DataKey> {
        let config = serde_json::to_value(config)?;
        let mut files = Vec::new();
        stamps(&config, base_folder, &mut files);
        Ok(DataKey {
            config,
            base_folder: base_folder.to_owned(),
            files,
        })
    }
}

/// The times and sizes of the files and folders that the texts in `config` name; a folder stands for its own files.
fn stamps(config: &Value, base_folder: &Path, found: &mut Vec<(PathBuf, Option<SystemTime>, u64)>) {
    match config {
        Value::String(text) => stamp(&base_folder.join(text), found),
        Value::Array(items) => items
            .iter()
            .for_each(|item| stamps(item, base_folder, found)),
        Value::Object(entries) => entries
            .values()
            .for_each(|value| stamps(value, base_folder, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn stamp(path: &Path, found: &mut Vec<(PathBuf, Option<SystemTime>, u64)>) {
    let Ok(metadata) = path.metadata() else {
        return;
    };
    found.push((path.to_owned(), metadata.modified().ok(), metadata.len()));
    let Ok(inside) = path.read_dir() else { return };
    let mut inside: Vec<PathBuf> = inside
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    inside.sort();
    for path in inside {
        if let Ok(metadata) = path.metadata() {
            found.push((path, metadata.modified().ok(), metadata.len()));
        }
    }
}
