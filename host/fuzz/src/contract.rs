//! The functions of the contract, from the text of `wit/`.

use std::fs;
use std::path::Path;

/// The files with functions that a guest calls, and the name of those outside of resources.
const FILES: [(&str, &str); 5] = [
    ("tensor", "create"),
    ("vision", "vision"),
    ("storage", "storage"),
    ("context", "context"),
    ("diagnostics", "diagnostics"),
];

/// Every function that a guest can call, as the monkey names it: the resource or interface, and the function. The monkey's
/// numbers are another order.
///
/// # Panics
/// If the contract cannot be read.
pub fn functions() -> Vec<String> {
    signatures().into_iter().map(|(name, _)| name).collect()
}

/// The arguments of a function, as the contract writes them.
///
/// # Panics
/// If the contract cannot be read.
pub fn given(function: &str) -> String {
    let mut all = signatures().into_iter();
    let found = all.find(|(name, _)| name == function);
    let (_, rest) = found.unwrap_or_default();
    let end = rest.find(") ->").or_else(|| rest.find(");"));
    rest[..end.unwrap_or_default()].to_owned()
}

/// Every function, and the rest of its line: its arguments and answer.
fn signatures() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit");
    let mut found = Vec::new();
    for (file, outside_resources) in FILES {
        let path = folder.join(file).with_extension("wit");
        let text = fs::read_to_string(path).expect("the contract");
        let mut resource = outside_resources;
        for line in text.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("resource ") {
                resource = name.trim_end_matches(" {");
            } else if line == "}" {
                resource = outside_resources;
            } else if let Some((name, rest)) = line.split_once(": func(") {
                found.push((format!("{resource}.{name}"), rest.to_owned()));
            }
        }
    }
    found
}
