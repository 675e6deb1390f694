//! A component of WebAssembly text that imports WASI, of a version of choice, and does one thing at each batch.

use crate::harness::wat_components::{altered, assembled};

/// The deed of a callback.
#[derive(Clone, Copy)]
pub(super) enum Deed {
    Print,
    PrintError,
    PrintAndTrap,
    PrintErrorAndTrap,
    Exit,
    /// Writes a random number.
    Random,
    /// Waits for an hour, then writes the low half of the time.
    Sleep,
}

impl Deed {
    fn body(self) -> &'static str {
        match self {
            Deed::Print => "(call $write (call $stdout))",
            Deed::PrintError => "(call $write (call $stderr))",
            Deed::PrintAndTrap => "(call $write (call $stdout)) unreachable",
            Deed::PrintErrorAndTrap => "(call $write (call $stderr)) unreachable",
            Deed::Exit => "(call $exit (i32.const 1))",
            Deed::Random => "(call $show (i32.wrap_i64 (call $random)))",
            Deed::Sleep => {
                "(call $block (call $subscribe (i64.const 3600000000000))) (call $show (i32.wrap_i64 (call $now)))"
            }
        }
    }
}

/// Interfaces as wit-component writes them, with the types that they share.
const IMPORTS: &str = r#"
  (import "wasi:io/error@V" (instance $io-error (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $failure))
  (import "wasi:io/poll@V" (instance $poll
    (export "pollable" (type $p (sub resource)))
    (export "[method]pollable.block" (func (param "self" (borrow $p))))))
  (alias export $poll "pollable" (type $pollable))
  (import "wasi:io/streams@V" (instance $streams
    (export "output-stream" (type $out (sub resource)))
    (alias outer $C $failure (type $f)) (export "error" (type $g (eq $f)))
    (type $e (variant (case "last-operation-failed" (own $g)) (case "closed")))
    (export "stream-error" (type $h (eq $e)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $h)))))))
  (alias export $streams "output-stream" (type $stream))
  (import "wasi:cli/stdout@V" (instance $out
    (alias outer $C $stream (type $s)) (export "output-stream" (type $t (eq $s)))
    (export "get-stdout" (func (result (own $t))))))
  (import "wasi:cli/stderr@V" (instance $err
    (alias outer $C $stream (type $s)) (export "output-stream" (type $t (eq $s)))
    (export "get-stderr" (func (result (own $t))))))
  (import "wasi:cli/exit@V" (instance $ending (export "exit" (func (param "status" (result))))))
  (import "wasi:random/random@V" (instance $numbers (export "get-random-u64" (func (result u64)))))
  (import "wasi:clocks/monotonic-clock@V" (instance $clock
    (alias outer $C $pollable (type $p)) (export "pollable" (type $q (eq $p)))
    (export "now" (func (result u64)))
    (export "subscribe-duration" (func (param "when" u64) (result (own $q))))))
"#;

/// Those interfaces as core functions.
const LOWERED: &str = r#"
  (core func $get-stdout (canon lower (func $out "get-stdout")))
  (core func $get-stderr (canon lower (func $err "get-stderr")))
  (core func $exit (canon lower (func $ending "exit")))
  (core func $random (canon lower (func $numbers "get-random-u64")))
  (core func $now (canon lower (func $clock "now")))
  (core func $subscribe (canon lower (func $clock "subscribe-duration")))
  (core func $block (canon lower (func $poll "[method]pollable.block")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory (core memory $lib "memory"))))
  (core module $code"#;

/// Imports of the module, and its own small functions: the text "printed" and a line's end are at 400.
const FUNCTIONS: &str = r#"(import "host" "drop" (func $drop (param i32)))
    (import "host" "get-stdout" (func $stdout (result i32)))
    (import "host" "get-stderr" (func $stderr (result i32)))
    (import "host" "exit" (func $exit (param i32)))
    (import "host" "random" (func $random (result i64)))
    (import "host" "now" (func $now (result i64)))
    (import "host" "subscribe" (func $subscribe (param i64) (result i32)))
    (import "host" "block" (func $block (param i32)))
    (import "host" "write" (func $write-bytes (param i32 i32 i32 i32)))"#;
const OWN: &str = r#"(import "host" "log" (func $log (param i32 i32 i32)))
    (func $write (param $stream i32)
      (call $write-bytes (local.get $stream) (i32.const 400) (i32.const 8) (i32.const 1024)))
    (func $show (param $number i32) (local $at i32)
      (loop $next
        (i32.store8 offset=440 (local.get $at) (i32.add (i32.const 97) (i32.and (local.get $number) (i32.const 15))))
        (local.set $number (i32.shr_u (local.get $number) (i32.const 4)))
        (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 8))))
      (i32.store8 offset=440 (local.get $at) (i32.const 10))
      (call $write-bytes (call $stdout) (i32.const 440) (i32.const 9) (i32.const 1024)))"#;
const GIVEN: &str = r#"(export "drop" (func $drop))
    (export "get-stdout" (func $get-stdout))
    (export "get-stderr" (func $get-stderr))
    (export "exit" (func $exit))
    (export "random" (func $random))
    (export "now" (func $now))
    (export "subscribe" (func $subscribe))
    (export "block" (func $block))
    (export "write" (func $write))"#;

/// A component that imports WASI of a version and does `deed` at the start of each batch.
pub(super) fn small(deed: Deed, version: &str) -> Vec<u8> {
    doing(deed.body(), version)
}

/// A component that imports WASI of a version and does this at the start of each batch.
pub(crate) fn doing(body: &str, version: &str) -> Vec<u8> {
    const MEMORY: &str = "(core module $memory";
    let imports = format!(
        "{}  {MEMORY}",
        IMPORTS.replace("@V", &format!("@{version}"))
    );
    altered(
        &[("on-train-batch-start", body)],
        &[
            (MEMORY, &imports),
            (
                "(data (i32.const 256)",
                "(data (i32.const 400) \"printed\\0a\") (data (i32.const 256)",
            ),
            ("\n  (core module $code", LOWERED),
            (
                "(import \"host\" \"drop\" (func $drop (param i32)))",
                FUNCTIONS,
            ),
            (
                "(import \"host\" \"log\" (func $log (param i32 i32 i32)))",
                OWN,
            ),
            ("(export \"drop\" (func $drop))", GIVEN),
        ],
    )
}

/// A component that imports interfaces and is nothing else.
pub(crate) fn importing(names: &[&str]) -> Vec<u8> {
    let imports: String = names
        .iter()
        .map(|name| format!("(import \"{name}\" (instance))"))
        .collect();
    assembled(&format!("(component {imports})"))
}
