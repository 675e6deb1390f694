//! `inspect X.wasm`: what a callback is, before anybody trusts it. The callback is asked for its description; nothing else
//! of it runs.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use phasebox_component::{Component, Described, Description, Engine};
use phasebox_contract::grants::Grant;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::printable::{excerpt, one_line};
use serde_json::{Value, json};

use crate::folders;
use crate::say::{print, print_json};

/// Show what a callback's file is, wants and is called for.
#[derive(Args)]
pub struct Inspect {
    /// The component.
    file: PathBuf,
    /// Show it as JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    /// Prints what the file is, and what it says of itself.
    ///
    /// # Errors
    /// A file that is no callback, or that this phasebox has not enough for.
    pub fn run(self) -> Result<()> {
        let engine = Engine::new(&folders::cache()?.join("compiled"))?;
        let component = Component::load(&engine, &self.file)?;
        let described = component.describe_alone(&engine)?;
        show(&component, &described, self.json)
    }
}

/// Prints what a component is, and what it says of itself; as JSON if that is wished.
///
/// # Errors
/// A file that can no longer be read, or an output that is full.
pub fn show(component: &Component, described: &Described, as_json: bool) -> Result<()> {
    let wasi = component.wasi()?;
    let Described {
        description,
        memory_bytes,
    } = described;
    match as_json {
        true => print_json(&json_of(component, &wasi, description, *memory_bytes)),
        false => print(lines(component, &wasi, description, *memory_bytes).join("\n")),
    }
}

fn lines(
    component: &Component,
    wasi: &[String],
    description: &Description,
    memory_bytes: u64,
) -> Vec<String> {
    let phases: Vec<&str> = component.phases.iter().map(|phase| phase.name()).collect();
    vec![
        one_line(&format!(
            "{} {}: {}",
            description.name, description.version, description.summary
        )),
        format!(
            "file        {} ({} bytes)",
            component.path.display(),
            component.file_bytes
        ),
        format!("sha256      {}", component.sha256),
        format!("interface   {}", component.callback_interface),
        format!("imports     {}", or_none(component.imports.join(", "))),
        format!("wasi        {}", answered(wasi)),
        format!("phases      {}", or_none(phases.join(", "))),
        format!("life cycle  {}", or_none(component.life_cycle.join(", "))),
        format!(
            "grants      {}",
            one_line(&or_none(wanted(description).join("; ")))
        ),
        format!(
            "metrics     {}",
            one_line(&or_none(description.metrics.join(", ")))
        ),
        format!(
            "memory      {} when loaded, of {} unless the recipe says otherwise",
            Limit::Memory.show(memory_bytes),
            Limit::Memory.show(Limits::default()[Limit::Memory])
        ),
        format!(
            "parameters  {}",
            one_line(&description.parameters.to_string())
        ),
        format!(
            "other       {}",
            or_none(component.other_exports.join(", "))
        ),
    ]
}

/// The packages of WASI that it imports, and that nothing is behind them.
fn answered(wasi: &[String]) -> String {
    let mut packages: Vec<&str> = wasi
        .iter()
        .map(|interface| interface.split('/').next().unwrap_or(interface))
        .collect();
    packages.dedup();
    match packages.is_empty() {
        true => "none".to_owned(),
        false => format!(
            "{}: answered inside the sandbox, nothing is reachable",
            packages.join(", ")
        ),
    }
}

fn or_none(list: String) -> String {
    if list.is_empty() {
        "none".to_owned()
    } else {
        list
    }
}

/// Each grant with what it allows.
fn wanted(description: &Description) -> Vec<String> {
    let names = description.grants.iter();
    names.map(|name| allowed_by(name)).collect()
}

fn allowed_by(grant: &str) -> String {
    match Grant::from_name(grant) {
        Some(known) => format!("{grant}: {}", known.allows()),
        None => format!("{grant}: unknown here"),
    }
}

/// Names that may be as long as the file.
fn excerpts(names: &[String]) -> Vec<String> {
    names.iter().map(|name| excerpt(name)).collect()
}

fn json_of(
    component: &Component,
    wasi: &[String],
    description: &Description,
    memory_bytes: u64,
) -> Value {
    json!({
        "description": description,
        "file": component.path.display().to_string(),
        "bytes": component.file_bytes,
        "memory_bytes": memory_bytes,
        "sha256": component.sha256.to_string(),
        "interface": excerpt(&component.callback_interface),
        "imports": excerpts(&component.imports),
        "wasi": excerpts(wasi),
        "phases": component.phases.iter().map(|phase| phase.name()).collect::<Vec<_>>(),
        "life_cycle": component.life_cycle,
        "other_exports": excerpts(&component.other_exports),
    })
}
