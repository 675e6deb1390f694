//! Which part may know which.

use std::collections::BTreeSet;

use super::{Source, check, has_word, sources};

/// Each module of host/phasebox and the modules it may use. Whoever needs an edge that is not here adds it with its
/// reason in the change, or finds that the code belongs elsewhere.
const EDGES: &[(&str, &str)] = &[
    (
        "cli",
        "assemble callback durable limits plugin recipe trainer interrupt logger",
    ),
    (
        "assemble",
        "callback checkpoint context control criterion data device durable ema interrupt limits logger metrics model optim \
         phase plugin recipe schedule trainer",
    ),
    ("recipe", "limits suggest"),
    (
        "trainer",
        "average callback checkpoint context control data device durable interrupt limits logger optim phase schedule",
    ),
    (
        "plugin",
        "callback context control counters data device durable limits logger metrics model phase tensor_group",
    ),
    ("callback", "context counters limits phase"),
    (
        "context",
        "control criterion data ema logger metrics model optim phase",
    ),
    ("ema", "model"),
    ("optim", "version"),
    (
        "model",
        "parameter_block suggest tensor_group version words",
    ),
    ("criterion", "parameter_block shape version words"),
    ("metrics", "parameter_block shape suggest words"),
    ("checkpoint", "durable"),
    ("logger", "durable"),
    ("words", "suggest"),
];

const HOST: &str = "host/phasebox/src";

#[test]
fn modules_use_only_what_they_may() {
    let broken = sources(HOST, ".rs")
        .iter()
        .flat_map(strange_edges)
        .collect();
    check(
        "an edge that EDGES in tests/tidy/graph.rs does not have",
        broken,
    );
}

fn strange_edges(source: &Source) -> Vec<String> {
    let module = module_of(source);
    let allowed: BTreeSet<&str> = EDGES
        .iter()
        .filter(|(from, _)| *from == module)
        .flat_map(|(_, to)| to.split(' '))
        .collect();
    let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
    let strange = used(&code.join("\n"))
        .into_iter()
        .filter(|name| name != module && !allowed.contains(name.as_str()));
    strange
        .map(|name| format!("{}: {module} uses {name}", source.path))
        .collect()
}

fn module_of(source: &Source) -> &str {
    let inside = &source.path[HOST.len() + 1..];
    inside
        .split('/')
        .next()
        .unwrap_or_default()
        .trim_end_matches(".rs")
}

/// The modules that `crate::name` and `crate::{name, name::…}` name.
fn used(code: &str) -> BTreeSet<String> {
    let after = code.split("crate::").skip(1);
    let lists = after.map(|rest| {
        rest.strip_prefix('{')
            .map_or_else(|| vec![rest], top_level_items)
    });
    let names = lists.flatten().map(|item| {
        item.trim_start()
            .chars()
            .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
            .collect::<String>()
    });
    names
        .filter(|name| name.starts_with(char::is_lowercase))
        .collect()
}

/// What commas divide, up to the brace that ends it; inner braces belong to their item.
fn top_level_items(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, letter) in list.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                items.push(&list[start..at]);
                return items;
            }
            ',' if depth == 0 => {
                items.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

#[test]
fn uses_are_read_in_every_form() {
    let code =
        "use crate::recipe;\nuse crate::{data::{Batch, Split}, plugin::Plugin};\nuse crate::Thing;";
    let expected = ["data", "plugin", "recipe"].map(str::to_owned);
    assert_eq!(used(code), BTreeSet::from(expected));
}

#[test]
fn only_the_plugin_host_names_wasmtime() {
    let elsewhere = sources(HOST, ".rs")
        .into_iter()
        .filter(|source| module_of(source) != "plugin");
    let broken = elsewhere
        .flat_map(|source| source.places(|line| line.contains("wasmtime::")))
        .collect();
    check("wasmtime belongs in host/phasebox/src/plugin", broken);
}

#[test]
fn unsafe_code_and_cpp_are_in_torch_ext() {
    const HOME: &str = "host/torch-ext/";
    let elsewhere = |source: &Source| !source.path.starts_with(HOME) && source.path != MAPS_CODE;
    let rust = ["host", "plugins", "tests"]
        .into_iter()
        .flat_map(|folder| sources(folder, ".rs"));
    let mut broken: Vec<String> = rust
        .filter(elsewhere)
        .flat_map(|source| unsafe_places(&source))
        .collect();
    let cpp = ["host", "plugins", "tests"]
        .into_iter()
        .flat_map(|folder| all(folder, ".cpp"));
    broken.extend(
        cpp.map(|source| source.path)
            .filter(|path| !path.starts_with(HOME)),
    );
    check("unsafe code and C++ belong in host/torch-ext", broken);
}

/// Compiled code is mapped from the user's own cache: the only unsafe block outside torch-ext.
const MAPS_CODE: &str = "host/phasebox/src/plugin/compiled.rs";

#[test]
fn compiled_code_is_mapped_in_one_place() {
    let places = sources("host/phasebox/src/plugin", "compiled.rs")
        .iter()
        .flat_map(unsafe_places)
        .collect();
    check(
        "one unsafe block, and this is more",
        if Vec::len(&places) == 1 {
            Vec::new()
        } else {
            places
        },
    );
}

fn unsafe_places(source: &Source) -> Vec<String> {
    source.places(|line| has_word(line, "unsafe"))
}

/// As [`sources`], for what may be missing.
fn all(folder: &str, suffix: &str) -> Vec<Source> {
    sources(folder, "")
        .into_iter()
        .filter(|source| source.path.ends_with(suffix))
        .collect()
}
