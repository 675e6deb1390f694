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
    let Ok(plugin) = plugin(&path) else {
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

/// Loads a component as a recipe's entry is loaded, with nothing granted.
fn plugin(path: &Path) -> Result<Plugin> {
    ENGINE.with(|engine| {
        let component = Component::load(engine.engine(), path)?;
        let settings = PluginSettings {
            name: "stranger".to_owned(),
            params: serde_json::Value::Null,
            grants: Grants::default(),
            limits: training::limits(),
            seed: 0,
        };
        let mut plugin = Plugin::new(engine, &component, &settings)?;
        plugin.describe()?;
        plugin.configure(&settings.params)?;
        let saved = plugin.save_state()?;
        plugin.load_state(saved)?;
        Ok(plugin)
    })
}
