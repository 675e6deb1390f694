//! Bounds on what a component contains, counted before it is compiled: compiling takes time and memory by
//! the number of functions and their size, and a file of 64 MiB may hold millions. The time that compiling may
//! take is the limit `compile_time`.

use anyhow::{Result, ensure};
use wasmparser::{ElementItems, ElementSectionReader, Parser, Payload};

use crate::bodies::Shape;
use crate::file;
use crate::instances::Instances;
use crate::references;

/// A quantity of a component that is bounded.
#[derive(Clone, Copy)]
enum Quantity {
    Functions,
    BodyBytes,
    Modules,
    Nesting,
    Instances,
    Memories,
    Tables,
    Definitions,
    BlockDepth,
    LocalsAtBlocks,
    BlockPairs,
    InstanceItems,
    InstanceBytes,
    References,
}

/// The most of each quantity: several times that of the largest components known, in Python and JavaScript. The test
/// `the_largest_component_we_know_is_far_below` has its numbers.
const BOUNDS: [(Quantity, u64, &str); 14] = [
    (Quantity::Functions, 60_000, "functions"),
    (Quantity::BodyBytes, 2 << 20, "bytes in one function"),
    (Quantity::Modules, 200, "modules and components"),
    (Quantity::Nesting, 8, "components inside each other"),
    (Quantity::Instances, 1000, "instances"),
    (Quantity::Memories, 50, "memories"),
    (Quantity::Tables, 200, "tables"),
    (
        Quantity::Definitions,
        100_000,
        "types, imports, exports, globals, segments and aliases",
    ),
    (
        Quantity::BlockDepth,
        4000,
        "blocks inside each other in one function",
    ),
    (
        Quantity::LocalsAtBlocks,
        12_000_000,
        "blocks times local variables, function by function",
    ),
    (
        Quantity::BlockPairs,
        300_000_000,
        "pairs of blocks, function by function",
    ),
    (
        Quantity::InstanceItems,
        2_000_000,
        "items of modules in all of its instances",
    ),
    (
        Quantity::InstanceBytes,
        2 << 30,
        "bytes of data in all of its instances",
    ),
    (
        Quantity::References,
        60_000,
        "references to functions in tables, exports and globals",
    ),
];

/// Refuses a component that is made to keep the compiler busy. Bytes that are no component are left to the
/// engine, which says why.
pub(crate) fn check(bytes: &[u8]) -> Result<()> {
    let counted = count(bytes);
    for (quantity, most, what) in BOUNDS {
        let most = shared_out(quantity, most, bytes.len() as u64);
        let found = counted[quantity as usize];
        ensure!(
            found <= most,
            "it has {found} {what}, a callback may have {most}: split it, or strip it"
        );
    }
    Ok(())
}

/// The bound for a file of a size: compiling takes time and memory by these quantities, and a small file may not take what
/// a large one needs.
fn shared_out(quantity: Quantity, most: u64, size: u64) -> u64 {
    let least = match quantity {
        Quantity::Functions => 8,
        Quantity::BlockPairs | Quantity::References => 16,
        _ => return most,
    };
    (most as f64 * file::part(size, least)) as u64
}

/// The quantities of a component, up to the first bytes that cannot be parsed.
fn count(bytes: &[u8]) -> [u64; BOUNDS.len()] {
    let mut counted = [0; BOUNDS.len()];
    let mut depth = 0u64;
    let mut instances = Instances::default();
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
        add(&mut counted, Quantity::Nesting, depth);
        if let Payload::CodeSectionEntry(body) = &payload {
            let shape = Shape::of(body);
            add(&mut counted, Quantity::BlockDepth, shape.depth);
            add(
                &mut counted,
                Quantity::LocalsAtBlocks,
                shape.locals_at_blocks,
            );
            add(&mut counted, Quantity::BlockPairs, shape.block_pairs);
        }
        instances.note(&payload);
        add(
            &mut counted,
            Quantity::References,
            references::in_section(&payload),
        );
        let (quantity, found) = quantity_of(&payload);
        add(&mut counted, quantity, found);
    }
    add(&mut counted, Quantity::InstanceItems, instances.items());
    add(&mut counted, Quantity::InstanceBytes, instances.bytes());
    counted
}

/// Adds to a quantity; of nesting, of the size of function bodies and of their depth only the largest counts.
fn add(counted: &mut [u64; BOUNDS.len()], quantity: Quantity, found: u64) {
    let so_far = &mut counted[quantity as usize];
    *so_far = match quantity {
        Quantity::Nesting | Quantity::BodyBytes | Quantity::BlockDepth => found.max(*so_far),
        _ => so_far.saturating_add(found),
    };
}

fn quantity_of(payload: &Payload<'_>) -> (Quantity, u64) {
    match payload {
        Payload::FunctionSection(section) => (Quantity::Functions, section.count().into()),
        Payload::CodeSectionEntry(body) => (Quantity::BodyBytes, body.range().len() as u64),
        Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => (Quantity::Modules, 1),
        Payload::InstanceSection(section) => (Quantity::Instances, section.count().into()),
        Payload::ComponentInstanceSection(section) => (Quantity::Instances, section.count().into()),
        Payload::MemorySection(section) => (Quantity::Memories, section.count().into()),
        Payload::TableSection(section) => (Quantity::Tables, section.count().into()),
        Payload::TypeSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ImportSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::GlobalSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ExportSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ElementSection(section) => (Quantity::Definitions, elements(section)),
        Payload::DataSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::CoreTypeSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ComponentAliasSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ComponentTypeSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ComponentCanonicalSection(section) => {
            (Quantity::Definitions, section.count().into())
        }
        Payload::ComponentImportSection(section) => (Quantity::Definitions, section.count().into()),
        Payload::ComponentExportSection(section) => (Quantity::Definitions, section.count().into()),
        _ => (Quantity::Definitions, 0),
    }
}

/// Segments and the elements in them.
fn elements(section: &ElementSectionReader<'_>) -> u64 {
    let segments = section.clone().into_iter().map_while(Result::ok);
    let inside = segments.map(|segment| match segment.items {
        ElementItems::Functions(items) => items.count(),
        ElementItems::Expressions(_, items) => items.count(),
    });
    inside.map(u64::from).sum::<u64>() + u64::from(section.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most of each quantity in the example `smooth` in Python and in JavaScript.
    const LARGEST: [u64; BOUNDS.len()] = [
        14_046,
        426_843,
        40,
        1,
        114,
        1,
        2,
        23_106,
        781,
        2_904_683,
        73_922_321,
        295_450,
        425_561_924,
        10_295,
    ];

    #[test]
    fn the_largest_component_we_know_is_far_below() {
        for (found, (_, most, what)) in LARGEST.into_iter().zip(BOUNDS) {
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

    fn exports(count: usize) -> String {
        let each = |index| format!("(export \"e{index}\" (func 0))");
        (0..count).map(each).collect()
    }

    #[test]
    fn bombs_are_seen_before_they_are_compiled() {
        let module = |inside: &str| format!("(component (core module {inside}))");
        check_text(&module("(func)"), None);
        check_text(
            &module(&"(func)".repeat(60_001)),
            Some("60001 functions, a callback may have 7500"),
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
        let first = "0 ".repeat(4000);
        for references in [
            format!("(elem declare func {first})"),
            format!(
                "(table 1 funcref) (elem funcref {})",
                "(ref.func 0)".repeat(4000)
            ),
            "(global funcref (ref.func 0))".repeat(4000),
            exports(4000),
        ] {
            check_text(
                &module(&format!("(func) {references}")),
                Some("4000 references to functions"),
            );
        }
    }
}
