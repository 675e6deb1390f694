//! Arbitrary components: the bytes of a file, or WebAssembly text, whose mutations are valid more often.

use std::cell::LazyCell;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use phasebox_component::{Component, Engine};
use phasebox_contract::grants::Grants;
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_train::callback::Callback;
use serde_json::Value;

use crate::training::{self, Variant};

/// Loads a component. If it is accepted, instantiates and configures it, saves and loads its state, and trains with it.
/// Returns true if it was accepted.
///
/// # Panics
/// If phasebox does.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the component");
    let path = folder.path().join("it.wasm");
    let binary = wat::parse_bytes(bytes).map_or(bytes.to_vec(), |binary| binary.into_owned());
    fs::write(&path, binary).expect("a file in the folder");
    // Every refusal is right; a panic is what is looked for.
    let Ok(plugin) = loaded(&path) else {
        return false;
    };
    let _ = training::run(Box::new(plugin), Variant::PLAIN);
    true
}

thread_local! {
    static ENGINE: LazyCell<Rc<PluginEngine>> = LazyCell::new(|| {
        // No folder can be made there: compiled code is not kept.
        Rc::new(Engine::new(Path::new("/dev/null/none")).and_then(PluginEngine::new).expect("an engine"))
    });
}

/// Lends the engine of this thread.
pub(crate) fn with_engine<T>(use_it: impl FnOnce(&Rc<PluginEngine>) -> T) -> T {
    ENGINE.with(|engine| use_it(engine))
}

/// Instantiates a component with nothing granted.
pub(crate) fn plugin(engine: &Rc<PluginEngine>, component: &Component) -> Result<Plugin> {
    let settings = PluginSettings {
        name: "stranger".to_owned(),
        params: Value::Null,
        grants: Grants::default(),
        limits: training::limits(),
        seed: 0,
    };
    Plugin::new(engine, component, &settings)
}

/// Loads a component as a recipe's entry is loaded.
fn loaded(path: &Path) -> Result<Plugin> {
    with_engine(|engine| {
        let component = Component::load(engine.engine(), path)?;
        let mut plugin = plugin(engine, &component)?;
        plugin.describe()?;
        plugin.configure(&Value::Null)?;
        let saved = plugin.save_state()?;
        plugin.load_state(saved)?;
        Ok(plugin)
    })
}
