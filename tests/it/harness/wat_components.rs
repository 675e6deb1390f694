//! Callbacks made for one case, from WebAssembly text: each does one thing, right or wrong, and nothing else.

/// Imports of every component here, and the memory that it is lent: an error to answer with at 64 and the tag of a
/// checkpoint at 256. `REALLOC` gives the same place each time: a case receives at most one string a call.
const FRAME: &str = r#"(component $C
  (import "phasebox:train/types@0.1.0" (instance $types
    (type $codes (enum "invalid-argument" "shape-mismatch" "dtype-mismatch" "device-mismatch" "not-available"
      "stale-handle" "denied" "quota-exceeded" "too-large" "out-of-memory" "unsupported"
      "collective-mismatch" "peer-failed" "sharded" "timed-out" "interrupted" "conflict" "input-output" "other"))
    (export "error-code" (type $code (eq $codes)))
    (type $fields (record (field "code" $code) (field "message" string)))
    (export "error" (type (eq $fields)))
    (type $levels (enum "trace" "debug" "info" "warn" "error"))
    (export "level" (type (eq $levels)))))
  (alias export $types "error" (type $error))
  (import "phasebox:train/context@0.1.0" (instance $context
    (alias outer $C $error (type $asked))
    (export "phase-context" (type $lent (sub resource)))
    (export "[method]phase-context.request-checkpoint"
      (func (param "self" (borrow $lent)) (param "tag" string) (result (result (error $asked)))))))
  (alias export $context "phase-context" (type $ctx))
  (alias export $types "level" (type $level))
  (import "phasebox:train/diagnostics@0.1.0" (instance $diagnostics
    (alias outer $C $level (type $how))
    (export "level" (type $kind (eq $how)))
    (export "log" (func (param "level" $kind) (param "text" string)))
    (export "report-failure"
      (func (param "message" string) (param "location" string) (param "traceback" string)))))
  (core module $memory
    (memory (export "memory") 2)
    (data (i32.const 64) "\01\00\00\00\12\00\00\00\80\00\00\00\18\00\00\00")
    (data (i32.const 128) "it fails, as it was told")
    (data (i32.const 256) "asked")
    (data (i32.const 320) "\00\00\00\00\00\01\00\00\05\00\00\00")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
  (core instance $lib (instantiate $memory))
  (core func $drop (canon resource.drop $ctx))
  (core func $checkpoint (canon lower (func $context "[method]phase-context.request-checkpoint")
    (memory (core memory $lib "memory")) (realloc (core func $lib "realloc"))))
  (core func $report (canon lower (func $diagnostics "report-failure") (memory (core memory $lib "memory"))))
  (core func $log (canon lower (func $diagnostics "log") (memory (core memory $lib "memory"))))
  (core module $code
    (import "host" "memory" (memory 2))
    (import "host" "drop" (func $drop (param i32)))
    (import "host" "checkpoint" (func $checkpoint (param i32 i32 i32 i32)))
    (import "host" "report" (func $report (param i32 i32 i32 i32 i32 i32)))
    (import "host" "log" (func $log (param i32 i32 i32)))
    FUNCTIONS)
  (core instance $case (instantiate $code (with "host" (instance
    (export "memory" (memory $lib "memory"))
    (export "drop" (func $drop))
    (export "checkpoint" (func $checkpoint))
    (export "report" (func $report))
    (export "log" (func $log))))))
  (type $phase (func (param "ctx" (borrow $ctx)) (result (result (error $error)))))
  (type $configure (func (param "params" string) (result (result (error $error)))))
  (type $check-run (func (param "facts" string) (result (result (error $error)))))
  (type $save-state (func (result (result (list u8) (error $error)))))
  (type $load-state (func (param "state" (list u8)) (result (result (error $error)))))
  LIFTED
  (instance $callback EXPORTED)
  (export "phasebox:case/callback" (instance $callback)))"#;

/// Answers `err` with the message "it fails, as it was told".
pub(crate) const FAIL: &str = "(local.set $answer (i32.const 64))";
/// Never returns.
pub(crate) const LOOP: &str = "(loop $again (br $again))";
/// Gives up without a word.
pub(crate) const TRAP: &str = "unreachable";
/// Reports a failure as SDKs do, then gives up.
pub(crate) const PANIC: &str = "(call $report (i32.const 128) (i32.const 24) (i32.const 256) (i32.const 5) \
                                (i32.const 0) (i32.const 0)) unreachable";
/// Reports a failure that it does not have, and never returns.
pub(crate) const REPORT_AND_LOOP: &str = "(call $report (i32.const 128) (i32.const 24) (i32.const 256) (i32.const 5) \
     (i32.const 0) (i32.const 0)) (loop $again (br $again))";
/// Wants a gibibyte more memory, and gives up without it.
pub(crate) const GROW: &str =
    "(if (i32.eq (memory.grow (i32.const 16384)) (i32.const -1)) (then unreachable))";
/// Gives another reason for the memory that it did not get.
pub(crate) const GROW_AND_REPORT: &str = "(drop (memory.grow (i32.const 16384)))
     (call $report (i32.const 128) (i32.const 24) (i32.const 256) (i32.const 5) (i32.const 0) (i32.const 0)) unreachable";
/// Logs a thousand lines.
pub(crate) const FLOOD: &str = "(loop $again (call $log (i32.const 2) (i32.const 256) (i32.const 5)) \
                                (br_if $again (i32.lt_u (local.tee $count (i32.add (local.get $count) (i32.const 1))) \
                                (i32.const 1000))))";
/// Logs lines without end.
pub(crate) const FLOOD_ON: &str =
    "(loop $again (call $log (i32.const 2) (i32.const 256) (i32.const 5)) (br $again))";
/// Asks for a checkpoint `asked`.
pub(crate) const CHECKPOINT: &str =
    "(call $checkpoint (local.get $ctx) (i32.const 256) (i32.const 5) (i32.const 1024))";
/// For `save-state`: five bytes, "asked".
pub(crate) const SAVE: &str = "(local.set $answer (i32.const 320))";
/// For `load-state`: logs the bytes.
pub(crate) const LOAD: &str = "(call $log (i32.const 2) (local.get $at) (local.get $length))";
/// Gives up at the second call of an instance.
pub(crate) const TRAP_TWICE: &str =
    "(if (i32.load (i32.const 512)) (then unreachable)) (i32.store (i32.const 512) (i32.const 1))";
/// Returns at once.
pub(crate) const NOTHING: &str = "";

/// A component that exports `functions` (phases or life cycle, by name) with these bodies.
pub(crate) fn component(functions: &[(&str, &str)]) -> Vec<u8> {
    altered(functions, &[])
}

/// [`component`] with other text in some places: a file that no toolchain would make.
pub(crate) fn altered(functions: &[(&str, &str)], changes: &[(&str, &str)]) -> Vec<u8> {
    let each = |render: fn(&str, &str) -> String| -> String {
        functions
            .iter()
            .map(|(name, body)| render(name, body))
            .collect()
    };
    let text = FRAME
        .replace("FUNCTIONS", &each(core_function))
        .replace("LIFTED", &each(|name, _| lifted(name)))
        .replace(
            "EXPORTED",
            &each(|name, _| format!("(export \"{name}\" (func ${name}))")),
        );
    assembled(&changes.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    }))
}

/// Any WebAssembly text as bytes.
pub(crate) fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("a case's own text is valid")
}

/// A borrowed handle is given back before the function returns, as the component model asks.
fn core_function(name: &str, body: &str) -> String {
    let (parameters, give_back) = match name {
        "configure" | "check-run" | "load-state" => ("(param $at i32) (param $length i32)", ""),
        "save-state" => ("", ""),
        _ => ("(param $ctx i32)", "(call $drop (local.get $ctx))"),
    };
    format!(
        "(func (export \"{name}\") {parameters} (result i32) (local $answer i32) (local $count i32) {body} {give_back} (local.get $answer))"
    )
}

fn lifted(name: &str) -> String {
    let kind = if ["configure", "check-run", "save-state", "load-state"].contains(&name) {
        name
    } else {
        "phase"
    };
    format!(
        "(func ${name} (type ${kind}) (canon lift (core func $case \"{name}\") (memory (core memory $lib \"memory\")) \
         (realloc (core func $lib \"realloc\"))))"
    )
}
