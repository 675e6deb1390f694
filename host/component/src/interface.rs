//! The imports and exports of a component, checked against the contract. Owns the refusals in words.

use anyhow::{Context as _, Result, bail};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::printable::excerpt;
use phasebox_contract::{CONTRACT, suggest};
use wasmtime::Engine;
use wasmtime::component::types::{Component, ComponentInstance, ComponentItem};

use crate::imports::check_contract;
use crate::lacking;

/// The functions of the `callback` interface that are not phases.
const LIFE_CYCLE: [&str; 6] = [
    "describe",
    "configure",
    "describe-configured",
    "check-run",
    "save-state",
    "load-state",
];

/// The exports of a component, as far as this host is concerned.
pub(crate) struct Exports {
    /// The full name of the `callback` interface.
    pub(crate) callback_interface: String,
    /// The phases it exports.
    pub(crate) phases: PhaseSet,
    /// The other functions of the contract that it exports.
    pub(crate) life_cycle: Vec<&'static str>,
    /// Names of what the component exports beside it.
    pub(crate) others: Vec<String>,
}

/// The names of what a component imports, if all of it is part of the contract.
pub(crate) fn imports(engine: &Engine, component: &Component) -> Result<Vec<String>> {
    let imports = component.imports(engine);
    let names: Vec<String> = imports.map(|(name, _)| name.to_owned()).collect();
    check_contract(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    Ok(names)
}

/// The names of the functions that a component imports.
pub(crate) fn functions(engine: &Engine, component: &Component) -> Vec<String> {
    let mut names = Vec::new();
    for (_, import) in component.imports(engine) {
        if let ComponentItem::ComponentInstance(interface) = import.ty {
            let functions = interface
                .exports(engine)
                .filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
            names.extend(functions.map(|(name, _)| name.to_owned()));
        }
    }
    names
}

/// The exports of a component, if one interface `callback` is among them and holds nothing unknown.
pub(crate) fn exports(engine: &Engine, component: &Component) -> Result<Exports> {
    let mut callbacks = Vec::new();
    let mut others = Vec::new();
    for (name, export) in component.exports(engine) {
        match export.ty {
            ComponentItem::ComponentInstance(interface) if interface_name(name) == "callback" => {
                callbacks.push((name.to_owned(), interface));
            }
            _ => others.push(name.to_owned()),
        }
    }
    let (callback_interface, interface) = only_one(callbacks, &others)?;
    let functions = functions_of(engine, &interface);
    let imports = component.imports(engine);
    let version = lacking::built_for(imports.map(|(name, _)| name));
    let (phases, life_cycle) = subscriptions(&functions, &callback_interface, version)?;
    Ok(Exports {
        callback_interface,
        phases,
        life_cycle,
        others,
    })
}

/// The name of an interface alone: `a:b/callback@1.0.0` and `callback` are both named `callback`.
pub(crate) fn interface_name(export: &str) -> &str {
    let name = export.rsplit('/').next().unwrap_or(export);
    name.split('@').next().unwrap_or(name)
}

/// The one interface named `callback`.
fn only_one(
    mut callbacks: Vec<(String, ComponentInstance)>,
    others: &[String],
) -> Result<(String, ComponentInstance)> {
    if callbacks.len() > 1 {
        let names: Vec<&str> = callbacks.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(", ");
        bail!("it exports two interfaces named `callback` ({names}): keep one");
    }
    callbacks.pop().with_context(|| {
        let found = match others {
            [] => String::new(),
            _ => format!(", only `{}`", others.join("`, `")),
        };
        format!(
            "it exports no interface named `callback`{found}: export one with the phases it wants"
        )
    })
}

/// The names of the functions that an interface exports.
fn functions_of<'a>(engine: &'a Engine, interface: &'a ComponentInstance) -> Vec<&'a str> {
    let exports = interface.exports(engine);
    let functions = exports.filter(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)));
    functions.map(|(name, _)| name).collect()
}

/// The phases and life-cycle functions among those of the interface, all of which the contract must know.
fn subscriptions(
    functions: &[&str],
    interface: &str,
    version: Option<&str>,
) -> Result<(PhaseSet, Vec<&'static str>)> {
    let (mut phases, mut life_cycle, mut unknown) = (PhaseSet::default(), Vec::new(), Vec::new());
    for function in functions {
        if let Some(phase) = Phase::from_name(function) {
            phases.insert(phase);
        } else if let Some(known) = LIFE_CYCLE.iter().find(|known| *known == function) {
            life_cycle.push(*known);
        } else {
            unknown.push((*function).to_owned());
        }
    }
    match (
        unknown.first(),
        version.filter(|version| lacking::is_newer(version)),
    ) {
        (None, _) => Ok((phases, life_cycle)),
        (Some(_), Some(version)) => bail!("it {}", lacking::refusal(version, &unknown)),
        (Some(function), None) => bail!(
            "`{interface}` exports `{}`, which is no phase of {CONTRACT}{}",
            excerpt(function),
            did_you_mean(function)
        ),
    }
}

fn did_you_mean(function: &str) -> String {
    let phases = Phase::ALL.iter().map(|phase| phase.name());
    let names: Vec<&str> = phases.chain(LIFE_CYCLE).collect();
    suggest::hint(function, &names)
}
