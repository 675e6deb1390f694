//! The whole numbers that the SDK of Python holds arguments to, compared with the contract.

use std::collections::BTreeMap;

use wit_parser::{Function, Resolve, SourceMap, Type, TypeDefKind, WorldItem};

use crate::embedded::CONTRACT;

const SDK: &str = include_str!("../../../plugins/sdk/python/phasebox.py");

fn contract() -> Resolve {
    let mut sources = SourceMap::new();
    for (name, text) in CONTRACT {
        sources.push_str(name.as_ref(), *text);
    }
    let mut resolve = Resolve::default();
    let parsed = sources.parse().map_err(|(_, error)| error);
    let parsed = parsed.expect("the contract is WIT");
    resolve.push_group(parsed).expect("the contract is whole");
    resolve
}

/// The kind of a whole number or of a list of them, unless the SDK takes it for granted.
fn kind(resolve: &Resolve, of: &Type) -> Option<&'static str> {
    match of {
        Type::U8 | Type::U16 | Type::S8 | Type::S16 => panic!("the SDK knows no such numbers"),
        Type::U32 => Some("u32"),
        Type::U64 => Some("u64"),
        Type::S32 => Some("s32"),
        Type::Id(id) => match &resolve.types[*id].kind {
            TypeDefKind::List(Type::U8) => None,
            TypeDefKind::List(of) | TypeDefKind::Option(of) | TypeDefKind::Type(of) => {
                kind(resolve, of)
            }
            _ => None,
        },
        _ => None,
    }
}

fn entry(resolve: &Resolve, function: &Function) -> Option<(String, String)> {
    let parameters = function.params.iter();
    let wholes: Vec<String> = parameters
        .filter_map(|parameter| {
            let name = parameter.name.replace('-', "_");
            kind(resolve, &parameter.ty).map(|kind| format!("\"{name}\": \"{kind}\""))
        })
        .collect();
    let name = function.item_name().replace('-', "_");
    (!wholes.is_empty()).then(|| (name, wholes.join(", ")))
}

#[test]
fn they_are_those_of_the_contract() {
    let resolve = contract();
    let (_, world) = resolve
        .worlds
        .iter()
        .find(|(_, world)| world.name == "imports")
        .expect("callbacks have a world");
    let interfaces = world.imports.values().filter_map(|item| match item {
        WorldItem::Interface { id, .. } => Some(&resolve.interfaces[*id]),
        _ => None,
    });
    let mut entries = BTreeMap::new();
    for function in interfaces.flat_map(|interface| interface.functions.values()) {
        let Some((name, wholes)) = entry(&resolve, function) else {
            continue;
        };
        let before = entries.insert(name.clone(), wholes.clone());
        assert!(
            before.is_none_or(|before| before == wholes),
            "{name} has two forms"
        );
    }
    let lines: String = entries
        .iter()
        .map(|(name, wholes)| format!("    \"{name}\": {{{wholes}}},\n"))
        .collect();
    let wanted = format!("_WHOLE = {{\n{lines}}}\n");
    assert!(SDK.contains(&wanted), "phasebox.py should have\n{wanted}");
}
