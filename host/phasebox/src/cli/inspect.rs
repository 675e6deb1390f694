//! `phasebox inspect X.wasm`: what a callback is, before anybody trusts it. It is loaded as for a run, so that whatever a run
//! would refuse of it is refused here.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use clap::Args;
use phasebox_component::{Component, Described, Profile};
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::Limits;
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_train::callback::Callback as _;

use super::Failure;
use crate::assemble::engine;

#[derive(Args)]
pub(super) struct Inspect {
    /// The component.
    file: PathBuf,
    /// Show it as JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (component, described) = described(&self.file)?;
        phasebox_author::show(&component, &described, self.json).map_err(Failure::Refused)
    }
}

/// A callback's component, what it says of itself, and the memory that it has when loaded.
pub(super) fn described(file: &Path) -> Result<(Component, Described), Failure> {
    let engine = engine(None, Profile::Fast, Arc::default())
        .and_then(PluginEngine::new)
        .map_err(Failure::Failed)?;
    let engine = Rc::new(engine);
    let component = Component::load(engine.engine(), file).map_err(Failure::Refused)?;
    let settings = PluginSettings {
        name: "inspected".to_owned(),
        params: serde_json::Value::Null,
        grants: Grants::default(),
        limits: Limits::default(),
        seed: 0,
    };
    let described = Plugin::new(&engine, &component, &settings).and_then(|mut plugin| {
        let description = plugin.describe()?;
        let memory_bytes = plugin.report().peak_memory_bytes;
        Ok(Described {
            description,
            memory_bytes,
        })
    });
    Ok((component, described.map_err(Failure::Refused)?))
}
