//! Sections, names, types and instances of a component: many, large, inside each other, or forged.

use super::act::{INSPECT, section};
use super::{Row, with_code};
use crate::harness::wat_components::{NOTHING, altered};

pub(super) const ROWS: &[Row] = &[
    Row {
        name: "types that double eighteen times",
        file: || doubled(17),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "types that double thirty times",
        file: || doubled(30),
        act: &INSPECT,
        expect: (2, "effective type size exceeds the limit"),
    },
    Row {
        name: "lists of lists, ninety deep",
        file: || {
            let list = |index| format!("(type $l{} (list $l{index}))", index + 1);
            before(FIRST, &format!("(type $l0 (list u8)) {}", each(89, list)))
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "a record of 90,000 fields",
        file: || {
            before(
                FIRST,
                &format!(
                    "(type (record {}))",
                    each(90_000, |index| format!("(field \"f{index}\" u8)"))
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "record field size is out of bounds"),
    },
    Row {
        name: "a variant of 90,000 cases",
        file: || {
            before(
                FIRST,
                &format!(
                    "(type (variant {}))",
                    each(90_000, |index| format!("(case \"c{index}\" u8)"))
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "variant cases size is out of bounds"),
    },
    Row {
        name: "90,000 types",
        file: || before(FIRST, &"(type (list u8))".repeat(90_000)),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "90,000 types in one group",
        file: || {
            before(
                FIRST,
                &format!("(core module (rec {}))", "(type (func))".repeat(90_000)),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "types of a thousand parameters",
        file: || {
            before(
                FIRST,
                &format!(
                    "(core module {})",
                    format!("(type (func (param {})))", "i64 ".repeat(1000)).repeat(2000)
                ),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "90,000 other names of one function",
        file: || {
            before(
                TYPES,
                &format!(
                    "(core module $z (func (export \"f\"))) (core instance $z (instantiate $z)) {}",
                    "(alias core export $z \"f\" (core func))".repeat(90_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "90,000 functions that drop a handle",
        file: || {
            before(
                TYPES,
                &"(core func (canon resource.drop $ctx))".repeat(90_000),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "20,000 functions that call the host",
        file: || {
            before(TYPES, &"(core func (canon lower (func $diagnostics \"log\") (memory (core memory $lib \"memory\"))))".repeat(20_000))
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "9,000 kinds of resources",
        file: || before(TYPES, &"(type (resource (rep i32)))".repeat(9000)),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "20,000 exports of one instance",
        file: || exporting(20_000, "a"),
        act: &INSPECT,
        expect: (2, "instances count exceeds limit"),
    },
    Row {
        name: "60 exports with names of 99 kB",
        file: || exporting(60, &"a".repeat(99_000)),
        act: &INSPECT,
        expect: (0, "(cut)"),
    },
    Row {
        name: "imports of a module with names of 99 kB",
        file: || {
            let long = "a".repeat(99_000);
            before(
                FIRST,
                &format!(
                    "(core module {})",
                    format!("(import \"{long}\" \"{long}\" (func))").repeat(30)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "(cut)"),
    },
    Row {
        name: "exports of a module with names of 90 kB",
        file: || {
            instances(
                1,
                &format!(
                    "(func $f) {}",
                    each(60, |index| format!(
                        "(export \"{}{index}\" (func $f))",
                        "a".repeat(90_000)
                    ))
                ),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "ten million names of nothing",
        file: || {
            with_code(
                NOTHING,
                &format!("(@custom \"name\" \"{}\")", "\\00".repeat(10_000_000)),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "100,000 sections that nobody reads",
        file: || followed_by(&section(0, b"\x01a").repeat(100_000)),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "190 instances of 90,000 globals",
        file: || instances(190, &"(global i64 (i64.const 1))".repeat(90_000)),
        act: &INSPECT,
        expect: (2, "items of modules in all of its instances"),
    },
    Row {
        name: "190 instances of 20,000 functions that are referred to",
        file: || instances(190, &referred_to(20_000)),
        act: &INSPECT,
        expect: (2, "functions, a callback may have"),
    },
    Row {
        name: "190 instances of 3,700 functions that are referred to",
        file: || instances(190, &referred_to(3700)),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "190 instances of 12 MB of data",
        file: || {
            before(
                FIRST,
                &format!(
                    "(core module $mm (memory (export \"m\") 200)) (core instance $mi (instantiate $mm)) (core module $m (import \"a\" \"m\" (memory 200)) (data (i32.const 0) \"{}\")) {}",
                    "x".repeat(12_000_000),
                    "(core instance (instantiate $m (with \"a\" (instance $mi))))".repeat(190)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "bytes of data in all of its instances"),
    },
    Row {
        name: "190 instances of a table of 10,000",
        file: || instances(190, "(table 10000 funcref)"),
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "250 instances of nothing",
        file: || instances(250, ""),
        act: &INSPECT,
        expect: (2, "instance count too high"),
    },
    Row {
        name: "instances of instances, five to the sixth",
        file: || nested(6, 5),
        act: &INSPECT,
        expect: (2, "instance count too high"),
    },
    Row {
        name: "instances of instances, ten to the seventh",
        file: || nested(7, 10),
        act: &INSPECT,
        expect: (2, "compile_memory"),
    },
    Row {
        name: "90,000 segments of elements",
        file: || {
            instances(
                1,
                &format!(
                    "(table 1 funcref) (func $f) {}",
                    "(elem (i32.const 0) func $f)".repeat(90_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "globals, segments"),
    },
    Row {
        name: "a segment of three million elements",
        file: || {
            instances(
                1,
                &format!(
                    "(table 3000000 funcref) (func $f) (elem (i32.const 0) func {})",
                    "0 ".repeat(3_000_000)
                ),
            )
        },
        act: &INSPECT,
        expect: (2, "globals, segments"),
    },
    Row {
        name: "90,000 segments of data",
        file: || {
            instances(
                1,
                &format!("(memory 1) {}", "(data (i32.const 0) \"x\")".repeat(90_000)),
            )
        },
        act: &INSPECT,
        expect: (0, "life cycle"),
    },
    Row {
        name: "half of a component",
        file: || {
            let whole = with_code(NOTHING, "");
            whole[..whole.len() / 2].to_vec()
        },
        act: &INSPECT,
        expect: (2, "is damaged or uses features"),
    },
    Row {
        name: "a section of four gigabytes",
        file: || followed_by(&[1, 0xff, 0xff, 0xff, 0xff, 0x0f]),
        act: &INSPECT,
        expect: (2, "is damaged or uses features"),
    },
    Row {
        name: "a section of four thousand million types",
        file: || followed_by(&section(7, &[0xff, 0xff, 0xff, 0xff, 0x0f])),
        act: &INSPECT,
        expect: (2, "types, imports, exports"),
    },
    Row {
        name: "a section whose kind nobody knows",
        file: || followed_by(&section(99, &[0; 100])),
        act: &INSPECT,
        expect: (2, "is damaged or uses features"),
    },
];

/// Functions of nothing that may be taken for values.
fn referred_to(count: usize) -> String {
    let all = each(count, |index| format!("{index} "));
    format!("{} (elem declare func {all})", "(func)".repeat(count))
}

const PHASE: (&str, &str) = ("on-train-batch-start", NOTHING);
/// The place before the callback's own modules.
const FIRST: &str = "(core module $memory";
/// The place between instances and functions.
const TYPES: &str = "(type $phase (func";
const EXPORT: &str = "(export \"phasebox:case/callback\" (instance $callback)))";

/// Text before the place.
fn before(place: &str, text: &str) -> Vec<u8> {
    altered(&[PHASE], &[(place, &format!("{text} {place}"))])
}

/// A module of these definitions in so many instances.
fn instances(count: usize, module: &str) -> Vec<u8> {
    let made = "(core instance (instantiate $m))".repeat(count);
    before(FIRST, &format!("(core module $m {module}) {made}"))
}

/// Text for each number.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// Types that each are two of the one before.
fn doubled(types: usize) -> Vec<u8> {
    let two = |index| format!("(type $t{} (tuple $t{index} $t{index}))", index + 1);
    before(
        FIRST,
        &format!("(type $t0 (tuple u8)) {}", each(types, two)),
    )
}

/// Components that each are several instances of the one inside of them.
fn nested(levels: usize, width: usize) -> Vec<u8> {
    const INNERMOST: &str = "(component $c0 (core module $m) (core instance (instantiate $m)))";
    let made = |index: usize| format!("(instance (instantiate $c{index}))").repeat(width);
    let outside = |inside: String, level: usize| {
        format!("(component $c{level} {inside} {})", made(level - 1))
    };
    let all = (1..levels).fold(INNERMOST.to_owned(), outside);
    before(FIRST, &format!("{all} {}", made(levels - 1)))
}

fn exporting(count: usize, name: &str) -> Vec<u8> {
    let one = |index| format!("(export \"{name}{index}\" (instance $callback))");
    altered(
        &[PHASE],
        &[(EXPORT, &format!("{} {EXPORT}", each(count, one)))],
    )
}

/// An honest component and bytes after it.
fn followed_by(bytes: &[u8]) -> Vec<u8> {
    [with_code(NOTHING, "").as_slice(), bytes].concat()
}
