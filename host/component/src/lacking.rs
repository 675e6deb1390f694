//! Functions, resources, phases and interfaces that a component needs of a newer contract and this host lacks, and the words of
//! the refusal. Contracts only grow, so an older one is never refused here.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use anyhow::{Result, anyhow};
use phasebox_contract::CONTRACT;
use phasebox_contract::printable::excerpt;
use wasmtime::Engine;
use wasmtime::component::types::{Component, ComponentItem};
use wit_parser::{Interface, Resolve, SourceMap, TypeDefKind};

/// The package that callbacks import from.
pub(crate) const PACKAGE: &str = "phasebox:train";
/// The most names that a refusal lists.
const MOST_NAMES: usize = 8;
/// The contract of this host.
const FILES: [(&str, &str); 9] = [
    ("callback.wit", include_str!("../../../wit/callback.wit")),
    ("context.wit", include_str!("../../../wit/context.wit")),
    (
        "diagnostics.wit",
        include_str!("../../../wit/diagnostics.wit"),
    ),
    ("process.wit", include_str!("../../../wit/process.wit")),
    ("storage.wit", include_str!("../../../wit/storage.wit")),
    ("tensor.wit", include_str!("../../../wit/tensor.wit")),
    ("types.wit", include_str!("../../../wit/types.wit")),
    ("vision.wit", include_str!("../../../wit/vision.wit")),
    ("world.wit", include_str!("../../../wit/world.wit")),
];

/// The names of functions and resources in each interface of the contract.
type Names = HashMap<String, HashSet<String>>;

/// The functions and resources that a component imports from interfaces of the contract, and that are not in them.
pub(crate) fn of(engine: &Engine, component: &Component) -> Vec<String> {
    let mut lacking = Vec::new();
    for (import, item) in component.imports(engine) {
        let ComponentItem::ComponentInstance(instance) = item.ty else {
            continue;
        };
        let known = names().get(interface(import));
        for (name, item) in instance.exports(engine) {
            let counts = matches!(
                item.ty,
                ComponentItem::ComponentFunc(_) | ComponentItem::Resource(_)
            );
            if counts && !known.is_some_and(|known| known.contains(name)) {
                lacking.push(shown(name));
            }
        }
    }
    lacking
}

/// The refusal of a component that was built for `version` and asks for what is lacking, after "it".
pub(crate) fn refusal(version: &str, lacking: &[String]) -> String {
    let names: Vec<String> = lacking
        .iter()
        .take(MOST_NAMES)
        .map(|name| format!("`{}`", excerpt(name)))
        .collect();
    let more = match lacking.len().saturating_sub(MOST_NAMES) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!(
        "was built for {PACKAGE}@{}, and this phasebox has {CONTRACT}, which lacks {}{more}: use a newer phasebox, or \
         build it against this contract with `phasebox build`",
        excerpt(version),
        names.join(", ")
    )
}

/// The newest version of the contract among names of imports; none if none is of the contract.
pub(crate) fn built_for<'a>(imports: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let ours = imports.filter(|name| {
        let interface = name.strip_prefix(PACKAGE);
        interface.is_some_and(|rest| rest.starts_with('/'))
    });
    let versions = ours.filter_map(|name| Some(name.split_once('@')?.1));
    versions.max_by_key(|version| numbers(version))
}

/// True for a version that is newer than this host's contract.
pub(crate) fn is_newer(version: &str) -> bool {
    let own = CONTRACT.split_once('@').map_or("", |(_, version)| version);
    numbers(version) > numbers(own)
}

/// The numbers of a version; a number that is none is 0.
fn numbers(version: &str) -> Vec<u64> {
    let plain = version.split(['-', '+']).next().unwrap_or(version);
    let numbers = plain.split('.').map(|number| number.parse().unwrap_or(0));
    numbers.collect()
}

/// The name of an interface without package and version.
fn interface(import: &str) -> &str {
    let name = import.rsplit('/').next().unwrap_or(import);
    name.split('@').next().unwrap_or(name)
}

/// A function as authors know it: `tensor.sum` in place of `[method]tensor.sum`.
fn shown(name: &str) -> String {
    let name = name.split_once(']').map_or(name, |(_, name)| name);
    name.to_owned()
}

/// The names of this host's contract; they are read once.
fn names() -> &'static Names {
    static NAMES: OnceLock<Names> = OnceLock::new();
    NAMES.get_or_init(|| {
        read().unwrap_or_else(|error| {
            // The contract is part of the program, and a test reads it.
            tracing::error!("the contract cannot be read: {error:#}");
            Names::default()
        })
    })
}

fn read() -> Result<Names> {
    let mut sources = SourceMap::new();
    for (name, text) in FILES {
        sources.push_str(name, text);
    }
    let group = sources.parse().map_err(|(_, error)| anyhow!("{error}"))?;
    let mut resolve = Resolve::default();
    resolve.push_group(group)?;
    let interfaces = resolve.interfaces.iter();
    let named = interfaces.filter_map(|(_, interface)| {
        let name = interface.name.clone()?;
        Some((name, of_interface(&resolve, interface)))
    });
    Ok(named.collect())
}

fn of_interface(resolve: &Resolve, interface: &Interface) -> HashSet<String> {
    let types = interface.types.iter();
    let resources = types.filter(|(_, id)| is_resource(resolve, **id));
    let resources = resources.map(|(name, _)| name.clone());
    interface
        .functions
        .keys()
        .cloned()
        .chain(resources)
        .collect()
}

/// True for a resource, also for one that another interface lends its name.
fn is_resource(resolve: &Resolve, id: wit_parser::TypeId) -> bool {
    match &resolve.types[id].kind {
        TypeDefKind::Resource => true,
        TypeDefKind::Type(wit_parser::Type::Id(other)) => is_resource(resolve, *other),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_can_be_read() {
        let names = read().expect("the contract");
        assert!(names["tensor"].contains("[method]tensor.item"));
        assert!(names["context"].contains("phase-context"));
        assert!(names["diagnostics"].contains("log"));
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, expected) in [
            ("0.1.0", false),
            ("0.0.9", false),
            ("0.1.1", true),
            ("0.1.10", true),
            ("0.2.0-draft", true),
            ("1.0.0", true),
            ("", false),
            ("x.y", false),
        ] {
            assert_eq!(is_newer(version), expected, "{version}");
        }
        let imports = [
            "phasebox:train/a@0.1.9",
            "wasi:io/b@0.2.0",
            "phasebox:train/c@0.1.10",
        ];
        assert_eq!(built_for(imports.into_iter()), Some("0.1.10"));
    }

    #[test]
    fn a_long_list_is_cut() {
        let lacking: Vec<String> = (0..10).map(|index| format!("tensor.f{index}")).collect();
        let text = refusal("0.1.4", &lacking);
        assert!(text.contains("`tensor.f7` and 2 more:"), "{text}");
    }
}
