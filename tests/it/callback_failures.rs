//! Callbacks that trap, loop or eat memory. The run names the callback, the phase and the reason, and leaves a checkpoint
//! to go on from. If the recipe says so, it goes on as if the callback had never been there.

use phasebox_contract::limits::Limit;

use crate::harness::wat_components::{
    CHECKPOINT, FAIL, FLOOD, FLOOD_ON, GROW, GROW_AND_REPORT, LOAD, LOOP, NOTHING, PANIC,
    REPORT_AND_LOOP, SAVE, TRAP, TRAP_TWICE, component,
};
use crate::harness::{Scratch, TINY, snapshot_settings};

/// A callback with little time and memory, so that a case is short.
const LIMITED: &str =
    "  - {wasm: bad.wasm, limits: {time: 50ms, memory: 4MiB}, on_error: ON_ERROR}\n";

const FAILURES: [(&str, &str); 7] = [
    ("an error", FAIL),
    ("a trap", TRAP),
    ("a panic", PANIC),
    ("an endless loop", LOOP),
    (
        "an endless loop that another reason was given for",
        REPORT_AND_LOOP,
    ),
    ("too much memory", GROW),
    (
        "too much memory that another reason was given for",
        GROW_AND_REPORT,
    ),
];

const MODEL: &str = "ckpt_latest/model.safetensors";

/// A folder whose callback does `body` at each optimizer step.
fn bad(on_error: &str, body: &str) -> Scratch {
    let scratch = Scratch::with_callbacks(&LIMITED.replace("ON_ERROR", on_error));
    scratch.write(
        "bad.wasm",
        component(&[("on-train-batch-optimizer-stepped", body)]),
    );
    scratch
}

/// The error at the end of standard error; progress precedes it.
fn error(stderr: &str) -> String {
    let from = stderr.find("\nerror: ").map_or(0, |at| at + 1);
    stderr[from..].to_owned()
}

#[test]
fn by_default_it_ends_the_run_with_a_checkpoint() {
    let mut messages = Vec::new();
    for (what, body) in FAILURES {
        let scratch = bad("abort", body);
        let finished = scratch.train(&[]);
        assert_eq!(finished.code, Some(1), "{what}: {}", finished.stderr);
        messages.push(format!(
            "# {what}\n{}",
            scratch.readable(&error(&finished.stderr))
        ));
        let run = scratch.run();
        assert!(run.has("ckpt_error") && !run.has("ckpt_latest"), "{what}");
        assert!(
            run.summary()["stop_reason"]
                .as_str()
                .is_some_and(|reason| reason.starts_with("failed: ")),
            "{what}"
        );
        scratch.write("recipe.yaml", format!("{TINY}  []\n"));
        let resumed = scratch.trained(&["--resume", run.path()]);
        assert_eq!(resumed.summary()["stop_reason"], "completed", "{what}");
    }
    snapshot_settings().bind(|| insta::assert_snapshot!("failures", messages.join("\n")));
}

/// The message says how to go on, and the resumed run that a callback has lost its state.
#[test]
fn a_callback_that_traps_before_it_saved_state_begins_anew_in_words() {
    let scratch = Scratch::with_callbacks("  - bad.wasm: {}\n");
    let keeps = [("save-state", SAVE), ("load-state", LOAD)];
    let of = |body| component(&[("on-train-batch-end", body), keeps[0], keeps[1]]);
    scratch.write("bad.wasm", of(TRAP));
    let finished = scratch.train(&[]);
    let run = scratch.run();
    let way_on = format!(
        "go on with `--resume {} training_hyperparams.ckpt_name=ckpt_error`",
        run.path()
    );
    assert!(finished.stderr.contains(&way_on), "{}", finished.stderr);
    scratch.write("bad.wasm", of(NOTHING));
    let named = "training_hyperparams.ckpt_name=ckpt_error";
    let resumed = scratch.train(&["--resume", run.path(), named]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    let words = "callback `bad` begins anew: the checkpoint has no state of it";
    assert!(resumed.stderr.contains(words), "{}", resumed.stderr);
}

/// The numbers are those of a run without the callback, bit for bit.
#[test]
fn disabled_or_ignored_it_leaves_no_trace_in_the_numbers() {
    let without = Scratch::with_callbacks("  []\n");
    let good = without.trained(&[]);
    for (what, body) in FAILURES {
        for on_error in ["disable", "ignore", "{reload: {strikes: 2, backoff: 2}}"] {
            let scratch = bad(on_error, body);
            let run = scratch.trained(&[]);
            assert_eq!(run.metrics(), good.metrics(), "{what}, {on_error}");
            assert_eq!(run.bytes(MODEL), good.bytes(MODEL), "{what}, {on_error}");
            let (calls, failures) = match on_error {
                "ignore" if body == FAIL => (6, 6),
                "disable" | "ignore" => (1, 1),
                // A failure, the return, and the last strike.
                _ => (2, 3),
            };
            assert_eq!(run.callback("bad")["calls"], calls, "{what}, {on_error}");
            let recorded = run.callback("bad")["failures"].as_array().map(Vec::len);
            assert_eq!(recorded, Some(failures), "{what}, {on_error}");
        }
    }
}

/// A request made in a call that fails is not carried out. The failure names it.
#[test]
fn what_a_failed_call_asks_for_is_dropped() {
    let entry = "  - {wasm: bad.wasm, grants: [checkpoint], on_error: ignore}\n";
    for (body, is_done) in [
        (CHECKPOINT.to_owned(), true),
        (format!("{CHECKPOINT} {FAIL}"), false),
    ] {
        let scratch = Scratch::with_callbacks(entry);
        scratch.write(
            "bad.wasm",
            component(&[("on-train-batch-optimizer-stepped", &body)]),
        );
        let run = scratch.trained(&[]);
        assert_eq!(run.has("ckpt_asked"), is_done, "{body}");
        let failures = run.callback("bad")["failures"].to_string();
        assert_eq!(
            failures.contains("(request-checkpoint) is dropped"),
            !is_done,
            "{failures}"
        );
    }
}

/// A callback that traps gets the state that the newest checkpoint has of it; with `then: abort` its last strike ends
/// the run.
#[test]
fn a_reloaded_callback_has_its_newest_state() {
    let entry =
        "  - {wasm: bad.wasm, on_error: {reload: {strikes: STRIKES, backoff: 1, then: abort}}}\n";
    for (strikes, code) in [("3", 0), ("2", 1)] {
        let scratch = Scratch::with_callbacks(&entry.replace("STRIKES", strikes));
        let bodies = [
            ("on-train-batch-optimizer-stepped", TRAP_TWICE),
            ("save-state", SAVE),
            ("load-state", LOAD),
        ];
        scratch.write("bad.wasm", component(&bodies));
        let finished = scratch.train(&["training_hyperparams.save_ckpt_every_n_steps=1"]);
        assert_eq!(finished.code, Some(code), "{strikes}: {}", finished.stderr);
        assert!(
            finished.stderr.contains("INFO bad: asked"),
            "{strikes}: {}",
            finished.stderr
        );
        let failures = scratch.run().callback("bad")["failures"].clone();
        let done: Vec<&str> = failures
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|failure| failure["done"].as_str())
            .collect();
        let expected: &[&str] = match strikes {
            "3" => &[
                "strike 1 of 3: loaded again at step 2",
                "is called again",
                "strike 2 of 3: loaded again at step 5",
                "is called again",
            ],
            _ => &[
                "strike 1 of 2: loaded again at step 2",
                "is called again",
                "strike 2 of 2: the run ends",
            ],
        };
        assert_eq!(done, expected, "{strikes}");
    }
}

/// The time of deterministic callbacks is counted in instructions: a loop without end is stopped at the same line,
/// however busy the machine is.
#[test]
fn deterministic_callbacks_end_at_the_same_instruction() {
    let limits = "time: 1ms, step_time: 1ms, log_lines: 0, host_calls: 1000000000";
    let limited = || {
        let entry = format!("  - {{wasm: bad.wasm, limits: {{{limits}}}, on_error: disable}}\n");
        let scratch = Scratch::with_callbacks(&entry);
        scratch.write(
            "bad.wasm",
            component(&[("on-train-batch-optimizer-stepped", FLOOD_ON)]),
        );
        scratch
    };
    let crossings = |arguments: &[&str]| {
        let scratch = limited();
        let run = scratch.trained(&[&["deterministic_callbacks=true"], arguments].concat());
        let callback = run.callback("bad");
        assert_eq!(
            callback["failures"][0]["done"],
            "disabled, as the recipe says"
        );
        assert_eq!(
            callback["limits"]["time"],
            serde_json::json!({"limit": 0.001, "peak": 0.001, "refused": 1})
        );
        callback["crossings"].as_u64()
    };
    let (alone, crowded) = (crossings(&[]), crossings(&["--threads", "1"]));
    assert!(alone > Some(1000), "{alone:?}");
    assert_eq!(alone, crowded);
}

/// A component that is in no cache may take less time or memory than compiling it needs.
#[test]
fn what_takes_too_much_to_compile_is_refused() {
    // Short of memory, the compiler's process ends by a signal, or the compiler says so itself.
    for (key, limit) in [
        ("compile_time", "1us"),
        ("compile_memory", "1MiB"),
        ("compile_memory", "60MiB"),
    ] {
        let entry = format!("  - {{wasm: bad.wasm, limits: {{{key}: {limit}}}}}\n");
        let scratch = Scratch::with_callbacks(&entry);
        let unique = format!("(i32.const {}) drop", std::process::id());
        scratch.write("bad.wasm", component(&[("on-epoch-end", &unique)]));
        let finished = scratch.train(&[]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        let remedy = format!("raise `limits: {{{key}: …}}`");
        assert!(finished.stderr.contains(&remedy), "{}", finished.stderr);
    }
}

/// Loading a callback may take ten seconds, because interpreters start up then. It may not take more.
#[test]
fn an_endless_loop_while_loading_is_refused() {
    let scratch = bad("ignore", NOTHING);
    scratch.write(
        "bad.wasm",
        component(&[("configure", LOOP), ("on-epoch-end", NOTHING)]),
    );
    let finished = scratch.train(&[]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    snapshot_settings().bind(|| {
        insta::assert_snapshot!(
            "endless_configure",
            scratch.readable(&error(&finished.stderr))
        )
    });
}

/// Limits that are too small, each with a stock callback that goes beyond it.
const TOO_SMALL: [(&str, &str); 13] = [
    ("syncs: 0", "stock: save-first-batch"),
    ("host_bytes: 1KiB", "stock: save-first-batch"),
    ("artifacts: 1KiB", "stock: save-first-batch"),
    ("artifact_files: 0", "stock: save-first-batch"),
    ("launches: 0", "stock: grad-clip, params: {max_norm: 1.0}"),
    (
        "call_tensors: 1B",
        "stock: grad-clip, params: {max_norm: 1.0}",
    ),
    ("tensors: 1KiB", "stock: ema"),
    ("handles: 1", "stock: grad-norm-monitor"),
    ("log_values: 0", "stock: grad-norm-monitor"),
    ("log_bytes: 100B", "stock: grad-norm-monitor"),
    ("metric_names: 0", "stock: grad-norm-monitor"),
    ("host_calls: 2", "stock: grad-norm-monitor"),
    ("state: 1B", "stock: early-stopping"),
];

/// The other limits, each with the test that shows it.
const SHOWN_ELSEWHERE: [(&str, &str); 10] = [
    ("passes", "passes_are_bounded_and_refused_in_words"),
    ("time", "by_default_it_ends_the_run_with_a_checkpoint"),
    ("step_time", "what_is_over_a_limit_leaves_the_numbers_alone"),
    ("host_time", "none: SECURITY.md says so"),
    ("load_time", "an_endless_loop_while_loading_is_refused"),
    ("compile_time", "what_takes_too_much_to_compile_is_refused"),
    (
        "compile_memory",
        "what_takes_too_much_to_compile_is_refused",
    ),
    ("memory", "by_default_it_ends_the_run_with_a_checkpoint"),
    ("log_lines", "what_is_over_a_limit_leaves_the_numbers_alone"),
    ("checkpoint_tags", "sandbox/naming.rs, tags_without_end"),
];

fn key(limit: &str) -> &str {
    limit.split(':').next().unwrap_or_default()
}

#[test]
fn every_limit_is_shown_by_a_test() {
    let here = TOO_SMALL.iter().map(|(limit, _)| key(limit));
    let elsewhere = SHOWN_ELSEWHERE.iter().map(|(limit, _)| *limit);
    let mut shown: Vec<&str> = here.chain(elsewhere).collect();
    let mut all: Vec<&str> = Limit::ALL.iter().map(|limit| limit.key()).collect();
    shown.sort_unstable();
    all.sort_unstable();
    assert_eq!(shown, all);
}

/// A stock callback under a limit that is too small fails the run. The message says which key would raise the limit, and
/// the summary counts the refusal.
#[test]
fn every_limit_refuses_in_words_and_is_counted() {
    for (limit, entry) in TOO_SMALL {
        let scratch = Scratch::with_callbacks(&format!(
            "  - {{{entry}, name: bad, limits: {{{limit}}}}}\n"
        ));
        let finished = scratch.train(&[]);
        assert_eq!(finished.code, Some(1), "{limit}: {}", finished.stderr);
        let key = key(limit);
        let message = error(&finished.stderr);
        assert!(
            message.contains(&format!("raise `limits: {{{key}: …}}`")),
            "{limit}: {message}"
        );
        let counted = &scratch.run().callback("bad")["limits"][key];
        assert!(counted["refused"].as_u64() >= Some(1), "{limit}: {counted}");
    }
}

/// Guest time is counted over all calls of a step, and a flood of lines is thinned. Neither changes the network.
#[test]
fn what_is_over_a_limit_leaves_the_numbers_alone() {
    let without = Scratch::with_callbacks("  []\n").trained(&[]).bytes(MODEL);
    for (key, body, refused) in [("step_time", LOOP, 1), ("log_lines", FLOOD, 6 * 990)] {
        let limits = "log_lines: 10, step_time: 50ms";
        let scratch = Scratch::with_callbacks(&format!(
            "  - {{wasm: bad.wasm, limits: {{{limits}}}, on_error: disable}}\n"
        ));
        scratch.write(
            "bad.wasm",
            component(&[("on-train-batch-optimizer-stepped", body)]),
        );
        let run = scratch.trained(&[]);
        assert_eq!(
            run.callback("bad")["limits"][key]["refused"],
            refused,
            "{key}"
        );
        assert_eq!(run.bytes(MODEL), without, "{key}");
        let told = run.text("metrics.jsonl").contains("990 lines suppressed");
        assert_eq!(told, key == "log_lines", "{key}");
    }
}
