//! `phasebox inspect X.wasm`: what a callback is, before anybody trusts it. It is loaded as for a run, so that whatever a run
//! would refuse of it is refused here.

use std::path::Path;
use std::rc::Rc;

use clap::Args;
use phasebox_component::{Component, Described, Profile};
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::Limits;
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_registry::Locator;
use phasebox_train::callback::Callback as _;
use phasebox_train::interrupt::Interrupt;

use super::network::Network;
use super::place::{Place, check_allowed, recipe_lines};
use super::print::print;
use super::{Failure, claims};
use crate::assemble::engine;

#[derive(Args)]
pub(super) struct Inspect {
    /// The component: a file, or a place on the network. Of a registry's component, its publisher's words are shown, and
    /// nothing is downloaded.
    file: Place,
    /// Show it as JSON.
    #[arg(long)]
    json: bool,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let (file, interrupt) = match &self.file {
            Place::File(path) => (path.clone(), Interrupt::ignored()),
            Place::Network(locator) => {
                check_allowed(locator)?;
                if let Locator::Oci(reference) = &**locator {
                    return claims::show(reference, self.json);
                }
                let network = Network::listen()?;
                let fetched = network.ask(|downloads| downloads.newest(locator))?;
                (fetched.path, network.interrupt)
            }
        };
        let (component, described) = described(&file, &interrupt)?;
        phasebox_author::show(&component, &described, self.json).map_err(Failure::Refused)?;
        match &self.file {
            Place::Network(locator) if !self.json => {
                let grants = described.description.grants.join(", ");
                let locator = locator.to_string();
                print(recipe_lines(&locator, component.sha256, &grants))
            }
            _ => Ok(()),
        }
    }
}

/// A callback's component, what it says of itself, and the memory that it has when loaded. A signal ends that.
pub(super) fn described(
    file: &Path,
    interrupt: &Interrupt,
) -> Result<(Component, Described), Failure> {
    let refused = |error| Failure::before_training(error, interrupt);
    let engine = engine(None, Profile::Fast, interrupt.asked())
        .and_then(PluginEngine::new)
        .map_err(Failure::Failed)?;
    let engine = Rc::new(engine);
    let component = Component::load(engine.engine(), file).map_err(refused)?;
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
    Ok((component, described.map_err(refused)?))
}
