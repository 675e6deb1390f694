//! Files that are no callbacks, and callbacks that attack while they are loaded. Mistakes of
//! honest authors are in `refusals`.

use super::Expect::{Contained, Passes, Refused};
use super::{Attack, How, USUAL, attack_run};
use crate::harness::wat_components::{LOOP, NOTHING, altered, assembled};
use crate::wasi::small::{doing, importing};

const CALLBACK: (&str, &str) = ("on-epoch-end", NOTHING);

fn refused(name: &'static str, file: fn() -> Vec<u8>, words: &'static str) -> Attack {
    Attack {
        name,
        how: How::File(file),
        limits: "load_time: 200ms",
        expect: Refused(words),
        ..USUAL
    }
}

fn with_memory(memory: &str) -> Vec<u8> {
    altered(&[CALLBACK], &[("(memory (export \"memory\") 2)", memory)])
}

/// A core module beside the callback's own.
fn with_module(module: &str) -> Vec<u8> {
    const FIRST: &str = "(core module $memory";
    let both =
        format!("(core module $more {module}) (core instance (instantiate $more))\n  {FIRST}");
    altered(&[CALLBACK], &[(FIRST, &both)])
}

fn made(name: &'static str, file: fn() -> Vec<u8>, words: &'static str) -> Attack {
    Attack {
        name,
        how: How::Made(file),
        expect: Contained(words),
        ..USUAL
    }
}

/// A callback that imports random numbers of WASI by these functions.
fn random(functions: &str) -> Vec<u8> {
    assembled(&format!(
        "(component (import \"wasi:random/random@0.2.0\" (instance {functions}))
           (instance $c) (export \"callback\" (instance $c)))"
    ))
}

/// Imports WASI beside a type of a million components inside each other.
fn types_without_end() -> Vec<u8> {
    const DEPTH: usize = 1_000_000;
    let mut types = vec![1];
    types.extend([0x41, 1, 1].repeat(DEPTH));
    types.extend([0x41, 0]);
    let name = b"wasi:random/random@0.2.0";
    let mut imports = vec![1, 0, name.len() as u8];
    imports.extend(name);
    imports.extend([5, 0]);
    let mut bytes = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    for (id, section) in [(7, types), (10, imports)] {
        bytes.push(id);
        bytes.extend(leb128(section.len()));
        bytes.extend(section);
    }
    bytes
}

fn leb128(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 128 {
        bytes.push((number % 128 + 128) as u8);
        number /= 128;
    }
    bytes.push(number as u8);
    bytes
}

/// A component that exports `describe` alone, with this body, and has these bytes at 1024.
pub(crate) fn describing(body: &str, bytes: &str) -> Vec<u8> {
    assembled(&format!(
        "(component
           (core module $m (memory (export \"memory\") 600) (data (i32.const 1024) \"{bytes}\")
             (func (export \"describe\") (result i32) {body}))
           (core instance $i (instantiate $m))
           (func $d (result string) (canon lift (core func $i \"describe\") (memory (core memory $i \"memory\"))))
           (instance $c (export \"describe\" (func $d)))
           (export \"phasebox:case/callback\" (instance $c)))"
    ))
}

/// Answers `length` bytes from 1024 on.
fn answering(length: usize) -> String {
    format!(
        "(i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const {length})) (i32.const 0)"
    )
}

fn filled(letter: u8, length: usize) -> Vec<u8> {
    let fill = format!("(memory.fill (i32.const 1024) (i32.const {letter}) (i32.const {length}))");
    describing(&format!("{fill} {}", answering(length)), "")
}

/// Answers a text.
pub(crate) fn described(text: &str) -> Vec<u8> {
    let escaped = text.replace('\\', "\\5c").replace('"', "\\22");
    describing(&answering(text.len()), &escaped)
}

/// A `save-state` that takes and gives nothing.
fn a_wrong_save_state() -> Vec<u8> {
    assembled(
        "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))
           (func $f (canon lift (core func $i \"f\")))
           (instance $c (export \"save-state\" (func $f))) (export \"callback\" (instance $c)))",
    )
}

/// Exports that toolchains add.
fn extra_exports() -> Vec<u8> {
    const EXPORT: &str = "(export \"phasebox:case/callback\" (instance $callback))";
    let more = format!(
        "{EXPORT} (export \"phasebox:case/exports\" (instance $callback)) (export \"wasi:cli/run@0.2.0\" (instance $callback))"
    );
    altered(&[("on-train-batch-start", NOTHING)], &[(EXPORT, &more)])
}

fn garbage() -> Vec<u8> {
    let mut bytes = vec![0, b'a', b's', b'm', 0x0d, 0, 1, 0];
    bytes.extend((0u32..4096).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8));
    bytes
}

const STARTS: &str = "cannot be started";

pub(crate) fn rows() -> Vec<Attack> {
    vec![
        refused(
            "three_bytes",
            || b"\0as".to_vec(),
            "it does not begin like WebAssembly",
        ),
        refused(
            "garbage_after_the_first_bytes",
            garbage,
            "is damaged or uses features",
        ),
        refused(
            "native_code",
            || b"\x7fELF\x02\x01\x01".to_vec(),
            "native or precompiled code, which is never accepted",
        ),
        refused(
            "a_file_of_65_mib",
            || vec![0; 65 << 20],
            "a callback may have 67108864",
        ),
        refused(
            "sixty_thousand_functions",
            || with_module(&"(func)".repeat(60_001)),
            "functions, a callback may have",
        ),
        refused(
            "a_function_of_two_mib",
            || with_module(&format!("(func {})", "nop ".repeat(2_200_000))),
            "bytes in one function",
        ),
        refused(
            "a_thousand_modules",
            || {
                altered(
                    &[CALLBACK],
                    &[(
                        "(core module $memory",
                        &format!("{}(core module $memory", "(core module)".repeat(1000)),
                    )],
                )
            },
            "modules and components, a callback may have",
        ),
        refused(
            "a_misspelled_import",
            || altered(&[CALLBACK], &[("request-checkpoint", "request-checkpont")]),
            "request-checkpont",
        ),
        refused(
            "wasi_of_tomorrow",
            || importing(&["wasi:cli/environment@0.3.0"]),
            "`wasi:cli/environment@0.3.0`, which is not answered",
        ),
        refused(
            "wasi_nn",
            || importing(&["wasi:nn/tensor@0.2.0"]),
            "`wasi:nn/tensor@0.2.0`, which is not answered",
        ),
        refused(
            "wasi_of_other_types",
            || random("(export \"get-random-u64\" (func (result string)))"),
            "is damaged or uses features",
        ),
        refused(
            "wasi_of_other_functions",
            || random("(export \"get-random-u128\" (func (result u64)))"),
            "is damaged or uses features",
        ),
        refused(
            "wasi_behind_its_code",
            || {
                assembled(
                    "(component (core module $m) (core instance (instantiate $m)) (import \"wasi:random/random@0.2.0\" (instance)))",
                )
            },
            "it imports WASI behind what it holds",
        ),
        refused(
            "wasi_beside_what_stands_for_it",
            || importing(&["wasi:random/random@0.2.0", "phasebox:train/process@0.1.0"]),
            "import one of them",
        ),
        refused(
            "wasi_in_types_without_end",
            types_without_end,
            "it takes too much memory",
        ),
        made(
            "wasi_writes_without_end",
            || {
                doing(
                    "(loop $again (call $write (call $stdout)) (br $again))",
                    "0.2.9",
                )
            },
            "host_calls",
        ),
        made(
            "wasi_waits_without_end",
            || {
                doing(
                    "(loop $again (call $block (call $subscribe (i64.const -1))) (br $again))",
                    "0.2.9",
                )
            },
            "host functions called",
        ),
        made(
            "wasi_forges_a_stream",
            || doing("(call $write (i32.const 77))", "0.2.9"),
            "unknown handle index",
        ),
        refused(
            "a_wrong_save_state",
            a_wrong_save_state,
            "`save-state` has another type",
        ),
        Attack {
            name: "extra_exports",
            how: How::Made(extra_exports),
            expect: Passes,
            ..USUAL
        },
        refused(
            "four_gibibytes",
            || with_memory("(memory (export \"memory\") 65536)"),
            "it wanted 4096 MiB of memory",
        ),
        refused(
            "memory_of_64_bits",
            || with_module("(memory i64 1)"),
            "is damaged or uses features",
        ),
        refused(
            "shared_memory",
            || with_module("(memory 1 1 shared)"),
            "is damaged or uses features",
        ),
        refused(
            "a_hundred_memories",
            || with_module(&"(memory 1)".repeat(98)),
            "memories, a callback may have",
        ),
        refused(
            "a_thousand_tables",
            || with_module(&"(table 1 funcref)".repeat(99).repeat(3)),
            "tables, a callback may have",
        ),
        refused(
            "an_endless_start",
            || with_module(&format!("(func $s {LOOP}) (start $s)")),
            STARTS,
        ),
        refused(
            "a_start_that_recurses",
            || with_module("(func $s (call $s)) (start $s)"),
            "its call stack overflowed",
        ),
        refused(
            "a_start_that_grows",
            || {
                with_module(
                    "(memory 1) (func $s (if (i32.eq (memory.grow (i32.const 16384)) (i32.const -1)) (then unreachable))) (start $s)",
                )
            },
            "of memory: it may have",
        ),
        refused(
            "an_endless_describe",
            || describing(&format!("{LOOP} unreachable"), ""),
            "did not return in time",
        ),
        refused(
            "a_description_of_30_mib",
            || filled(b'x', 30 << 20),
            "failed in `describe`",
        ),
        refused(
            "a_description_of_no_json",
            || filled(b'x', 1 << 20),
            "`describe` must give the JSON",
        ),
        refused(
            "a_description_of_lists_in_lists",
            || filled(b'[', 1 << 20),
            "`describe` must give the JSON",
        ),
        refused(
            "a_description_of_many_objects",
            || described(&format!("{{\"parameters\": [{}0]}}", "{},".repeat(20_000))),
            "values and keys, and 8192 are read",
        ),
        refused(
            "a_description_without_keys",
            || described(r#"["name", "1.0", "summary", null, [], 0, []]"#),
            "it is no JSON object",
        ),
        refused(
            "a_description_that_draws",
            || describing(&answering(25), r#"{\22grants\22:[\22\\u001b[2Jx\22]}"#),
            "there is no grant",
        ),
    ]
}

#[test]
fn files_are_refused() {
    attack_run::check(&rows());
}
