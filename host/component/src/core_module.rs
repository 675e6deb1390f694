//! Core modules, which are no callbacks yet: what one was made for, by the modules that it imports from, and the way to a
//! component.

use wasmparser::{Parser, Payload};

/// The way to a component.
const REMEDY: &str = "`phasebox build` makes components of sources in nine languages; by hand, `wasm-tools component new IN.wasm -o OUT.wasm`";
/// The most imports that are looked at.
const MOST_IMPORTS: usize = 1000;

/// Beginnings of imported modules, each with what it says of the module, and the remedy.
const KINDS: [(&str, &str, &str); 5] = [
    (
        "wasi_snapshot_preview1",
        "a core WebAssembly module that needs WASI preview 1, not a component",
        "`phasebox build` makes a component of it, with an adapter; by hand, `wasm-tools component new IN.wasm --adapt …`",
    ),
    (
        "wasi_ephemeral_nn",
        "a module of wasi-nn, whose functions callbacks do not have",
        "the run's own network is `model` of the contract; begin a callback with `phasebox new`",
    ),
    (
        "extism:",
        "a plugin of Extism, whose functions callbacks do not have",
        "begin a callback with `phasebox new`, and move its code there",
    ),
    (
        "wbg",
        "a module of wasm-bindgen, which needs JavaScript around it",
        "begin a callback with `phasebox new`",
    ),
    (
        "env",
        "a core WebAssembly module that imports functions of nobody (`env`), not a component",
        REMEDY,
    ),
];

/// The words of a refusal, after "it is".
pub(crate) fn refusal(module: &[u8]) -> String {
    let from = imported(module);
    let known = |(beginning, ..): &&(&str, &str, &str)| {
        from.iter().any(|name| name.starts_with(*beginning))
    };
    let (what, remedy) = KINDS.iter().find(known).map_or(
        ("a core WebAssembly module, not a component", REMEDY),
        |(_, what, remedy)| (*what, *remedy),
    );
    format!("it is {what}: {remedy}")
}

/// The modules that it imports from, up to the first bytes that cannot be parsed.
fn imported(module: &[u8]) -> Vec<&str> {
    for payload in Parser::new(0).parse_all(module) {
        match payload {
            Ok(Payload::ImportSection(section)) => {
                let imports = section.into_imports().take(MOST_IMPORTS);
                let imports = imports.map_while(Result::ok);
                return imports.map(|import| import.module).collect();
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn a_module_is_known_by_its_imports() {
        for (module, expected) in [
            ("wasi_snapshot_preview1", "needs WASI preview 1"),
            ("wasi_ephemeral_nn", "a module of wasi-nn"),
            ("extism:host/env", "a plugin of Extism"),
            ("env", "functions of nobody"),
            ("other", "a core WebAssembly module, not a component"),
        ] {
            let text = format!("(module (import \"{module}\" \"f\" (func)))");
            let bytes = wat::parse_str(&text).expect("it is a module");
            let said = refusal(&bytes);
            assert!(said.contains(expected), "{said}");
        }
        let cut = refusal(b"\0asm\x01\0\0\0\x02\xff");
        assert!(cut.starts_with("it is a core WebAssembly module"), "{cut}");
    }
}
