//! What a component is made of, counted before anything is compiled: compiling takes time and memory by functions and
//! their size, and a file of 64 MiB may hold millions. How long it may take besides is the limit `compile_time`.

use anyhow::{Result, ensure};
use wasmparser::{Parser, Payload};

/// Something that is counted, with the most there may be: several times what a Python component has, of all those
/// we know the largest (`the_largest_component_we_know_is_far_below` has its numbers).
#[derive(Clone, Copy)]
enum Part {
    Functions,
    BodyBytes,
    Modules,
    Nesting,
    Instances,
    Memories,
    Tables,
    Definitions,
}

const BOUNDS: [(Part, u64, &str); 8] = [
    (Part::Functions, 60_000, "functions"),
    (Part::BodyBytes, 2 << 20, "bytes in one function"),
    (Part::Modules, 200, "modules and components"),
    (Part::Nesting, 8, "components inside each other"),
    (Part::Instances, 1000, "instances"),
    (Part::Memories, 50, "memories"),
    (Part::Tables, 200, "tables"),
    (
        Part::Definitions,
        100_000,
        "types, imports, exports, globals, segments and aliases",
    ),
];

/// Refuses a component that is made to keep the compiler busy. What is no component at all is left to the engine,
/// which says why.
pub(crate) fn check(bytes: &[u8]) -> Result<()> {
    let counted = count(bytes);
    for (part, most, what) in BOUNDS {
        let found = counted[part as usize];
        ensure!(
            found <= most,
            "it has {found} {what}, a callback may have {most}: split it, or strip it"
        );
    }
    Ok(())
}

fn count(bytes: &[u8]) -> [u64; BOUNDS.len()] {
    let (mut counted, mut depth) = ([0; BOUNDS.len()], 0);
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = u64::saturating_sub(depth, 1),
            _ => {}
        }
        let nesting = &mut counted[Part::Nesting as usize];
        *nesting = depth.max(*nesting);
        let (part, found) = part_of(&payload);
        let so_far = &mut counted[part as usize];
        *so_far = if matches!(part, Part::BodyBytes) {
            found.max(*so_far)
        } else {
            *so_far + found
        };
    }
    counted
}

fn part_of(payload: &Payload<'_>) -> (Part, u64) {
    match payload {
        Payload::FunctionSection(section) => (Part::Functions, section.count().into()),
        Payload::CodeSectionEntry(body) => (Part::BodyBytes, body.range().len() as u64),
        Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => (Part::Modules, 1),
        Payload::InstanceSection(section) => (Part::Instances, section.count().into()),
        Payload::ComponentInstanceSection(section) => (Part::Instances, section.count().into()),
        Payload::MemorySection(section) => (Part::Memories, section.count().into()),
        Payload::TableSection(section) => (Part::Tables, section.count().into()),
        Payload::TypeSection(section) => (Part::Definitions, section.count().into()),
        Payload::ImportSection(section) => (Part::Definitions, section.count().into()),
        Payload::GlobalSection(section) => (Part::Definitions, section.count().into()),
        Payload::ExportSection(section) => (Part::Definitions, section.count().into()),
        Payload::ElementSection(section) => (Part::Definitions, section.count().into()),
        Payload::DataSection(section) => (Part::Definitions, section.count().into()),
        Payload::CoreTypeSection(section) => (Part::Definitions, section.count().into()),
        Payload::ComponentAliasSection(section) => (Part::Definitions, section.count().into()),
        Payload::ComponentTypeSection(section) => (Part::Definitions, section.count().into()),
        Payload::ComponentCanonicalSection(section) => (Part::Definitions, section.count().into()),
        Payload::ComponentImportSection(section) => (Part::Definitions, section.count().into()),
        Payload::ComponentExportSection(section) => (Part::Definitions, section.count().into()),
        _ => (Part::Definitions, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Functions, bytes of the largest, modules and components, depth, instances: of the example `smooth` in Python.
    const PYTHON: [u64; 5] = [13_917, 426_843, 40, 1, 232];

    #[test]
    fn the_largest_component_we_know_is_far_below() {
        for (found, (_, most, what)) in PYTHON.into_iter().zip(BOUNDS) {
            assert!(found * 4 <= most, "{what}: {found} of {most}");
        }
    }

    fn check_text(text: &str, refused: Option<&str>) {
        let answer = check(&wat::parse_str(text).unwrap()).map_err(|error| error.to_string());
        match refused {
            None => assert_eq!(answer, Ok(()), "{text}"),
            Some(words) => assert!(
                answer.as_ref().is_err_and(|error| error.contains(words)),
                "{answer:?}"
            ),
        }
    }

    #[test]
    fn bombs_are_seen_before_they_are_compiled() {
        let module = |inside: &str| format!("(component (core module {inside}))");
        check_text(&module("(func)"), None);
        check_text(
            &module(&"(func)".repeat(60_001)),
            Some("60001 functions, a callback may have 60000"),
        );
        check_text(
            &module(&format!("(func {})", "nop ".repeat(3 << 20))),
            Some("bytes in one function, a callback may have 2097152"),
        );
        check_text(&module(&"(memory 0)".repeat(51)), Some("51 memories"));
        check_text(
            &format!("(component {})", "(core module)".repeat(201)),
            Some("201 modules"),
        );
        check_text(
            &format!("{}{}", "(component ".repeat(10), ")".repeat(10)),
            Some("9 components inside each other"),
        );
        check_text(
            &format!(
                "(component (core module $m) {})",
                "(core instance (instantiate $m))".repeat(1001)
            ),
            Some("1001 instances"),
        );
    }
}
