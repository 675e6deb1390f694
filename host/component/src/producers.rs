//! The toolchain that a component says it was made by, for advice that its users can follow. What a component says of itself
//! decides nothing else.

use wasmparser::{Parser, Payload, ProducersSectionReader};

/// A toolchain, as far as there is advice for it.
#[derive(Clone, Copy)]
pub(crate) enum Toolchain {
    ComponentizePy,
    ComponentizeJs,
    Rust,
    Unknown,
}

/// Beginnings of the names that toolchains write, in lower case.
const NAMES: [(&str, Toolchain); 4] = [
    ("componentize-py", Toolchain::ComponentizePy),
    ("componentizejs", Toolchain::ComponentizeJs),
    ("componentize-js", Toolchain::ComponentizeJs),
    ("rust", Toolchain::Rust),
];

/// The toolchain of a component, by the sections `producers` in it. Most toolchains hold parts made by Rust, so the first
/// row of [`NAMES`] that is found decides.
pub(crate) fn toolchain(component: &[u8]) -> Toolchain {
    let names = producers(component);
    let found = NAMES
        .iter()
        .find(|(begins, _)| names.iter().any(|name| name.starts_with(begins)));
    found.map_or(Toolchain::Unknown, |(_, toolchain)| *toolchain)
}

fn producers(component: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        let Payload::CustomSection(section) = payload else {
            continue;
        };
        if section.name() != "producers" {
            continue;
        }
        let reader = wasmparser::BinaryReader::new(section.data(), 0);
        let fields = ProducersSectionReader::new(reader).into_iter().flatten();
        let values = fields.map_while(Result::ok).flat_map(|field| field.values);
        names.extend(
            values
                .map_while(Result::ok)
                .map(|value| value.name.to_ascii_lowercase()),
        );
    }
    names
}

impl Toolchain {
    /// Advice for a component whose imports of WASI are not answered.
    pub(crate) fn without(self, imports: &[&str]) -> &'static str {
        let is_newer = imports.iter().any(|name| name.contains("@0.3"));
        match (self, is_newer) {
            (Toolchain::ComponentizePy, true) => {
                "leave `async` out of the world that componentize-py builds"
            }
            (Toolchain::ComponentizeJs, true) => "build with componentize-js for WASI 0.2",
            (Toolchain::Rust, true) => "build for wasm32-unknown-unknown or wasm32-wasip2",
            (_, true) => "build for WASI 0.2, without `async`",
            (_, false) => {
                "leave out what needs it: a callback reaches the trainer by phasebox:train alone"
            }
        }
    }
}
