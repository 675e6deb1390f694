//! The imports of a component, read from its bytes before anything is compiled: a refusal takes no time then, and names all
//! that does not fit. Only names are read, not types.

use anyhow::{Result, bail};
use phasebox_contract::CONTRACT;
use phasebox_contract::printable::excerpt;
use wasmparser::{Parser, Payload};

use crate::lacking;
use crate::producers::toolchain;
use crate::wasi::{PROCESS, answer_to, is_wasi};

/// Beginning of the versions that are taken: patch releases only add functions, and a component that needs one which this
/// host lacks is refused by its name.
const VERSIONS: &str = "0.1.";
/// The interfaces of the package.
const INTERFACES: [&str; 7] = [
    "types",
    "tensor",
    "vision",
    "context",
    "storage",
    "diagnostics",
    "process",
];
/// The most names that a refusal lists.
const MOST_NAMES: usize = 8;

/// Names of what a component imports, up to the first bytes that cannot be parsed.
pub(crate) fn top_level_imports(component: &[u8]) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentImportSection(section)) if depth == 0 => {
                let imports = section.into_iter().map_while(Result::ok);
                names.extend(imports.map(|import| import.name.name));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    names
}

/// The interfaces of WASI that a component imports, without their package's name and version: `cli/environment`. An adapter
/// that answered WASI when the component was built counts as `preview1`.
pub(crate) fn wasi_of(component: &[u8]) -> Vec<String> {
    let imports = top_level_imports(component);
    let mut names: Vec<String> = imports.iter().filter_map(|name| in_wasi(name)).collect();
    names.sort();
    names.dedup();
    names
}

fn in_wasi(import: &str) -> Option<String> {
    if import.starts_with(PROCESS) {
        return Some("preview1".to_owned());
    }
    let interface = import.strip_prefix("wasi:")?;
    let name = interface.split('@').next().unwrap_or(interface);
    Some(name.to_owned())
}

/// Refuses a component that imports what a callback cannot have.
pub(crate) fn check(component: &[u8]) -> Result<()> {
    let names = top_level_imports(component);
    let (wasi, others): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| is_wasi(name));
    let unanswered: Vec<&str> = wasi
        .into_iter()
        .filter(|name| answer_to(name).is_none())
        .collect();
    if !unanswered.is_empty() {
        bail!(
            "it imports {}, which {} not answered: callbacks get WASI 0.2 with nothing behind it; {}",
            listed(&unanswered),
            are(&unanswered),
            toolchain(component).without(&unanswered)
        );
    }
    check_contract(&others)
}

/// Refuses names that are not part of the contract.
pub(crate) fn check_contract(names: &[&str]) -> Result<()> {
    let foreign: Vec<&str> = names
        .iter()
        .copied()
        .filter(|name| of_contract(name).is_none())
        .collect();
    if !foreign.is_empty() {
        bail!(
            "it imports {}, which {} not part of {CONTRACT}: callbacks import from that package alone",
            listed(&foreign),
            are(&foreign)
        );
    }
    let ours: Vec<(&str, &str)> = names.iter().filter_map(|name| of_contract(name)).collect();
    if let Some((_, version)) = ours
        .iter()
        .find(|(_, version)| !version.starts_with(VERSIONS))
    {
        bail!(
            "it was built for {}@{}, and this phasebox has {CONTRACT}: use a phasebox of that contract, or build it against \
             this one with `phasebox build`",
            lacking::PACKAGE,
            excerpt(version)
        );
    }
    check_interfaces(&ours)
}

/// Refuses interfaces that a newer contract has added.
fn check_interfaces(ours: &[(&str, &str)]) -> Result<()> {
    let unknown: Vec<String> = ours
        .iter()
        .filter(|(interface, _)| !INTERFACES.contains(interface))
        .map(|(interface, _)| format!("interface {interface}"))
        .collect();
    match ours
        .iter()
        .find(|(interface, _)| !INTERFACES.contains(interface))
    {
        Some((_, version)) => bail!("it {}", lacking::refusal(version, &unknown)),
        None => Ok(()),
    }
}

/// The interface and version of a name of the contract's package; none for any other name.
fn of_contract(import: &str) -> Option<(&str, &str)> {
    let interface = import.strip_prefix(lacking::PACKAGE)?.strip_prefix('/')?;
    interface.split_once('@')
}

fn listed(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| format!("`{name}`"))
        .collect();
    match names.len().saturating_sub(MOST_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn are(names: &[&str]) -> &'static str {
    match names.len() {
        1 => "is",
        _ => "are",
    }
}
