//! Traces and replays: a traced run has the bits of one that is not, and a callback fed with the trace logs what it logged
//! there. What was not kept, cut or forged is said.

use std::fs;
use std::time::Duration;

use crate::harness::{Finished, Scratch, TINY};

const CLIP: &str = "grad-clip: {max_norm: 1.0}";

/// A run with one callback, traced.
fn traced(entry: &str, keeps: &[&str]) -> Scratch {
    let scratch = Scratch::with_callbacks(&format!("  - {entry}\n"));
    scratch.trained(&[&["--trace"], keeps].concat());
    scratch
}

fn replayed(scratch: &Scratch, callback: &str, more: &[&str]) -> Finished {
    let file = scratch.stock(callback);
    let file = file.to_str().expect("a path in UTF-8");
    let run = scratch.run();
    scratch.phasebox(&[&["test", file, "--replay", run.path()], more].concat())
}

/// Every part is in what the replay printed, or said.
fn check(finished: &Finished, code: i32, parts: &[&str]) {
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.code, Some(code), "{all}");
    for part in parts {
        assert!(all.contains(part), "no `{part}` in {all}");
    }
}

#[test]
fn a_traced_run_has_the_bits_of_any_other() {
    let plain = Scratch::with_callbacks(&format!("  - {CLIP}\n"));
    let plain = plain.trained(&[]).bytes("ckpt_latest/model.safetensors");
    let scratch = traced(CLIP, &["gradients,preds,inputs,target,parameters"]);
    let run = scratch.run();
    assert!(run.has("trace/events.jsonl") && run.has("trace/tensors.bin"));
    assert_eq!(run.bytes("ckpt_latest/model.safetensors"), plain);
}

#[test]
fn a_callback_logs_what_it_logged_in_the_run() {
    let scratch = traced(CLIP, &["gradients"]);
    let same = replayed(&scratch, "grad-clip", &[]);
    check(
        &same,
        0,
        &[
            "phases, to the end of the run",
            "entry   `grad-clip` of the run's recipe",
            "same    it logs what it logged in the run (6 values)",
        ],
    );
    assert!(milliseconds(&same.stdout) < Duration::from_secs(2).as_millis() as f64);
    let tighter = replayed(&scratch, "grad-clip", &["--params", "{max_norm: 0.001}"]);
    check(&tighter, 0, &["asked for "]);
}

/// The time that a replay says it took.
fn milliseconds(printed: &str) -> f64 {
    let line = printed.lines().find(|line| line.starts_with("time "));
    let words: Vec<&str> = line.expect("a line of time").split_whitespace().collect();
    let at = words.iter().position(|word| word.starts_with("ms"));
    words[at.expect("a unit") - 1].parse().expect("a number")
}

#[test]
fn a_callback_that_the_run_had_not_is_fed_all_the_same() {
    let scratch = traced(CLIP, &["gradients"]);
    let params = ["--params", "{monitor: loss, patience: 1}"];
    let fed = replayed(&scratch, "early-stopping", &params);
    check(&fed, 0, &["entry   none in the run's recipe"]);
}

#[test]
fn what_was_not_kept_is_named_with_the_way_to_keep_it() {
    let scratch = traced(CLIP, &[]);
    let fed = replayed(&scratch, "grad-clip", &[]);
    check(&fed, 1, &["--trace gradients"]);
}

#[test]
fn a_run_without_a_trace_is_refused_with_the_remedy() {
    let scratch = Scratch::with_callbacks(&format!("  - {CLIP}\n"));
    scratch.trained(&[]);
    check(&replayed(&scratch, "grad-clip", &[]), 2, &["--trace"]);
}

/// A process that was killed in the middle of a line.
#[test]
fn a_trace_that_was_cut_is_replayed_up_to_there() {
    let scratch = traced(CLIP, &["gradients"]);
    let events = scratch.run().0.join("trace/events.jsonl");
    let text = fs::read_to_string(&events).expect("a trace");
    let half = text.len() / 2;
    fs::write(&events, &text[..half]).expect("it is written");
    check(&replayed(&scratch, "grad-clip", &[]), 0, &["it has no end"]);
}

/// Traces that a stranger has changed: each is refused with its line, and nothing panics.
#[test]
fn a_forged_trace_is_refused_with_its_line() {
    for (from, to, says) in [
        ("\"schema\":2", "\"schema\":7", "made by a newer phasebox"),
        (
            "\"phase\":\"on-epoch-start\"",
            "\"phase\":\"on-warp\"",
            "no phase is called `on-warp`",
        ),
        ("\"at\":", "\"at\":9999999", "lie outside of"),
        ("\"phase\"", "\"phaze\"", "line 2"),
        ("{\"phase\"", "[[[[[[[[{\"phase\"", "line 2"),
    ] {
        let scratch = traced(CLIP, &["gradients"]);
        let events = scratch.run().0.join("trace/events.jsonl");
        let text = fs::read_to_string(&events).expect("a trace");
        assert!(text.contains(from), "no `{from}` in {}", &text[..1000]);
        fs::write(&events, text.replacen(from, to, 1)).expect("it is written");
        check(&replayed(&scratch, "grad-clip", &[]), 2, &[says]);
    }
}

/// Saves bytes, a tensor and random numbers.
const STATEFUL: &str = r#"
state.n = 0;
fn on_train_batch_end(ctx) {
    state.n += 1;
    let sum = ctx.loss().detach() + ctx.rand([]);
    if state.n > 1 { sum += ctx.load_tensor("sum"); }
    ctx.store_tensor("sum", sum);
    ctx.log_scalar("n", state.n);
    ctx.log_scalar("sum", sum);
}
fn on_validation_loader_end(ctx) { ctx.log_scalar("seen", state.n); }
"#;

/// A traced run that went on from a checkpoint, of two scripts.
fn traced_and_resumed() -> Scratch {
    let entry = "  - Script: {file: own.rhai, grants: [random]}\n";
    let other = "  - Script: {name: other, file: own.rhai, grants: [random]}\n";
    let scratch = Scratch::with_callbacks(&[entry, other].concat());
    scratch.write("own.rhai", STATEFUL);
    let run = scratch.trained(&[]);
    let longer = [
        "training_hyperparams.max_epochs=4",
        "--resume",
        run.path(),
        "--trace",
    ];
    scratch.trained(&longer);
    scratch
}

fn replayed_script(scratch: &Scratch, more: &[&str]) -> Finished {
    let run = scratch.run();
    let arguments = ["test", "own.rhai", "--entry", "own", "--replay", run.path()];
    scratch.phasebox(&[&arguments[..], more].concat())
}

#[test]
fn a_resumed_run_is_replayed_with_the_states_it_went_on_with() {
    let scratch = traced_and_resumed();
    let states = scratch.run().bytes("ckpt_latest/checkpoint.json");
    let states = String::from_utf8(states).expect("it is text");
    assert!(
        !states.contains("--trace"),
        "a trace has no state: {states}"
    );
    let same = "same    it logs what it logged in the run (22 values)";
    let fed = replayed_script(&scratch, &[]);
    check(&fed, 0, &[same]);
    assert!(!fed.stdout.contains("begins anew"), "{}", fed.stdout);
    // A trace that has no states, as those of earlier versions.
    let events = scratch.run().0.join("trace/events.jsonl");
    let text = fs::read_to_string(&events).expect("a trace");
    let lines = text.lines().filter(|line| !line.starts_with("{\"state\""));
    let without: String = lines.map(|line| format!("{line}\n")).collect();
    assert_eq!(without.lines().count() + 2, text.lines().count());
    fs::write(&events, without).expect("it is written");
    let says = [
        "after step 6, and has no state of the callback: it begins anew",
        "differs ",
    ];
    check(&replayed_script(&scratch, &[]), 0, &says);
}

/// The recipe of a trace is the one that its run had then, and a callback that fails agrees up to there.
#[test]
fn a_trace_is_replayed_with_the_recipe_of_its_time() {
    let scratch = traced_and_resumed();
    let run = scratch.run();
    let path = scratch.path("recipe.yaml");
    let recipe = fs::read_to_string(&path).expect("a recipe");
    let changed = recipe.replacen("grants: [random]", "grants: [random], when: {every: 2}", 1);
    fs::write(&path, changed).expect("ours");
    let longer = [
        "training_hyperparams.max_epochs=5",
        "--resume",
        run.path(),
        "--trace",
    ];
    scratch.trained(&longer);
    for (trace, says) in [("trace", "(22 values)"), ("trace.2", "(")] {
        let trace = run.0.join(trace);
        let trace = trace.to_str().expect("a path in UTF-8");
        let fed = scratch.phasebox(&["test", "own.rhai", "--entry", "own", "--replay", trace]);
        check(
            &fed,
            0,
            &["same    it logs what it logged in the run ", says],
        );
    }
    scratch.write(
        "own.rhai",
        STATEFUL.replace("let sum", "if state.n == 13 { throw \"no\"; }\n    let sum"),
    );
    let first = run.0.join("trace");
    let first = first.to_str().expect("a path in UTF-8");
    let fed = scratch.phasebox(&["test", "own.rhai", "--entry", "own", "--replay", first]);
    check(
        &fed,
        1,
        &["same    up to its failure it logs what it logged in the run (4 values)"],
    );
}

/// A trace without its end, whose log is whole: what the run did not log is told all the same.
#[test]
fn a_torn_trace_hides_no_difference() {
    let scratch = traced_and_resumed();
    let events = scratch.run().0.join("trace/events.jsonl");
    let text = fs::read_to_string(&events).expect("a trace");
    let (torn, _) = text.trim_end().rsplit_once('\n').expect("lines");
    fs::write(&events, format!("{torn}\n")).expect("it is written");
    check(
        &replayed_script(&scratch, &[]),
        0,
        &["it has no end", "same    "],
    );
    let more = STATEFUL.replace("let sum", "ctx.log_scalar(\"more\", 1);\n    let sum");
    scratch.write("own.rhai", more);
    let fed = replayed_script(&scratch, &[]);
    check(&fed, 0, &["it has no end", "differs own/more"]);
    // A count of random numbers that no run has drawn.
    let begin = text.find("\"random_draws\":").expect("a count") + "\"random_draws\":".len();
    let end = begin + text[begin..].find(',').expect("more keys");
    let forged = format!("{}{}{}", &text[..begin], u64::MAX, &text[end..]);
    fs::write(&events, forged).expect("it is written");
    check(&replayed_script(&scratch, &[]), 0, &["differs own/"]);
}

/// States that a stranger has changed.
#[test]
fn a_forged_state_is_refused_with_its_line() {
    let scratch = traced_and_resumed();
    let events = scratch.run().0.join("trace/events.jsonl");
    let text = fs::read_to_string(&events).expect("a trace");
    let lines: Vec<&str> = text.lines().collect();
    let far = lines[1].replacen("\"at\":0", "\"at\":99999999", 1);
    let newer = lines[1].replacen("\"state_version\":1", "\"state_version\":9", 1);
    let odd = lines[1].replacen("\"shape\":[]", "\"shape\":[9223372036854775807]", 1);
    let flat = lines[1].replacen("\"shape\":[", "\"shape\":[1,", 1);
    let rows: [(Vec<&str>, i32, &str); 7] = [
        (
            vec![lines[0], lines[1], lines[1], lines[3]],
            2,
            "line 3: it is the second state of `own`",
        ),
        (
            vec![lines[0], lines[3], lines[1]],
            2,
            "a callback's state comes after the first phase",
        ),
        (
            vec![lines[0], &far, lines[3]],
            2,
            "lie outside of tensors.bin",
        ),
        (vec![lines[0], &odd, lines[3]], 2, "more than 16 GiB"),
        (
            vec![lines[0], &flat, lines[3]],
            2,
            "its `bytes` are no bytes",
        ),
        (
            vec![lines[0], &newer, lines[3]],
            2,
            "`--fresh` replays it without that state",
        ),
        (vec![lines[0], lines[1], lines[3]], 0, "it has no end"),
    ];
    for (lines, code, says) in rows {
        let forged: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(&events, forged).expect("it is written");
        check(&replayed_script(&scratch, &[]), code, &[says]);
        if code == 2 && says.contains("--fresh") {
            let anew = replayed_script(&scratch, &["--fresh"]);
            check(&anew, 0, &["callback `own` begins anew"]);
        }
    }
}

/// States that are larger than a trace may be.
#[test]
fn a_trace_without_room_for_the_states_is_left_out() {
    let scratch = traced_and_resumed();
    let run = scratch.run();
    let traced = ["--resume", run.path(), "--trace", "--trace-size", "40B"];
    let longer = ["train", "recipe.yaml", "training_hyperparams.max_epochs=5"];
    let finished = scratch.phasebox(&[&longer[..], &traced].concat());
    let says = "there will be no trace: the states of the callbacks have more than 40 B";
    check(&finished, 0, &[says]);
    assert!(!run.has("trace.2"));
}

/// A run that is killed while it is traced.
#[test]
fn a_killed_run_leaves_a_trace_that_is_read() {
    let scratch = Scratch::new();
    let recipe = TINY.replace("max_epochs: 2", "max_epochs: 2000");
    scratch.write("recipe.yaml", format!("{recipe}  - {CLIP}\n"));
    let mut child = scratch.start(&["train", "recipe.yaml", "--trace", "gradients"]);
    let is_begun = || {
        let run = scratch.started_run()?;
        let length = fs::metadata(run.0.join("trace/events.jsonl")).ok()?.len();
        (length > 20_000).then_some(())
    };
    while is_begun().is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    let fed = replayed(&scratch, "grad-clip", &[]);
    check(&fed, 0, &["it has no end", "entry   `grad-clip`"]);
}
