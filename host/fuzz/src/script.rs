//! Arbitrary scripts, run by the stock callback `script` with every grant at all phases of a small training.

use std::cell::LazyCell;
use std::path::Path;
use std::rc::Rc;

use anyhow::Result;
use phasebox_component::{Component, Engine};
use phasebox_contract::grants::Grant;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_train::callback::Callback as _;
use serde_json::{Value, json};

use crate::training::{self, Variant};

/// Longer scripts say no more.
const MOST_BYTES: usize = 16 << 10;

/// Hands a script to the callback that runs it. If it is accepted, saves and loads its state and trains with it. Returns true
/// if it was accepted.
///
/// # Panics
/// If phasebox does, or if a function of the host did.
pub fn run(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_BYTES)]);
    let params = json!({ "file": "text", "text": text, "params": { "target": 0.5 } });
    // Every refusal is right; a panic is what is looked for.
    let Ok(plugin) = loaded(params) else {
        return false;
    };
    if let Ok(summary) = training::run(Box::new(plugin), Variant::PLAIN) {
        for callback in &summary.callbacks {
            assert_eq!(callback.host_panics, 0, "{text}");
        }
    }
    true
}

thread_local! {
    static SCRIPT: LazyCell<(Rc<PluginEngine>, Component)> =
        LazyCell::new(|| load().expect("the stock callbacks are built: `cargo xtask plugins`"));
}

fn load() -> Result<(Rc<PluginEngine>, Component)> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let engine = Engine::new(&target.join("tmp/fuzz-compiled"))?;
    let engine = Rc::new(PluginEngine::new(engine)?);
    let component = Component::load(engine.engine(), &target.join("plugins/script.wasm"))?;
    Ok((engine, component))
}

/// An interpreter takes more steps and memory than what is compiled.
fn limits() -> Limits {
    training::limits()
        .with(Limit::LoadTime, 2_000_000_000)
        .with(Limit::Memory, 64 << 20)
}

fn loaded(params: Value) -> Result<Plugin> {
    let settings = PluginSettings {
        name: "script".to_owned(),
        params,
        grants: Grant::ALL.iter().copied().collect(),
        limits: limits(),
        seed: 0,
    };
    SCRIPT.with(|script| {
        let (engine, component) = &**script;
        let mut plugin = Plugin::new(engine, component, &settings)?;
        plugin.configure(&settings.params)?;
        plugin.describe_configured()?;
        let saved = plugin.save_state()?;
        plugin.load_state(saved)?;
        Ok(plugin)
    })
}
