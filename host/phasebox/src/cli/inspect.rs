//! `phasebox inspect X.wasm`: what a callback is, before anybody trusts it.

use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;

use super::Failure;
use crate::assemble::engine;
use crate::limits::Limits;
use crate::plugin::{Description, Grants, Plugin, PluginComponent, PluginSettings};

#[derive(Args)]
pub(super) struct Inspect {
    /// The component.
    file: PathBuf,
    /// Show it as JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    #[expect(clippy::print_stdout, reason = "the result of the command")]
    pub(super) fn run(self) -> Result<(), Failure> {
        let engine = Rc::new(engine(None).map_err(Failure::Failed)?);
        let component = PluginComponent::load(&engine, &self.file).map_err(Failure::Refused)?;
        let settings = PluginSettings {
            name: "inspected".to_owned(),
            params: serde_json::Value::Null,
            grants: Grants::default(),
            limits: Limits::default(),
            seed: 0,
        };
        let described = Plugin::new(&engine, &component, &settings).and_then(|mut plugin| plugin.describe());
        let description = described.map_err(Failure::Refused)?;
        match self.json {
            true => println!("{:#}", as_json(&component, &description)),
            false => lines(&component, &description).iter().for_each(|line| println!("{line}")),
        }
        Ok(())
    }
}

fn lines(component: &PluginComponent, description: &Description) -> Vec<String> {
    let or_none = |list: String| if list.is_empty() { "none".to_owned() } else { list };
    let phases: Vec<&str> = component.phases.iter().map(|phase| phase.name()).collect();
    vec![
        format!("{} {}: {}", description.name, description.version, description.summary),
        format!("file        {} ({} bytes)", component.path.display(), component.file_bytes),
        format!("sha256      {}", component.sha256),
        format!("interface   {}", component.callback_interface),
        format!("imports     {}", or_none(component.imports.join(", "))),
        format!("phases      {}", or_none(phases.join(", "))),
        format!("life cycle  {}", or_none(component.life_cycle.join(", "))),
        format!("grants      {}", or_none(description.grants.join(", "))),
        format!("parameters  {}", description.parameters),
        format!("other       {}", or_none(component.other_exports.join(", "))),
    ]
}

fn as_json(component: &PluginComponent, description: &Description) -> serde_json::Value {
    serde_json::json!({
        "description": description,
        "file": component.path,
        "bytes": component.file_bytes,
        "sha256": component.sha256,
        "interface": component.callback_interface,
        "imports": component.imports,
        "phases": component.phases.iter().map(|phase| phase.name()).collect::<Vec<_>>(),
        "life_cycle": component.life_cycle,
        "other_exports": component.other_exports,
    })
}
