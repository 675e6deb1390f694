//! `phasebox test my.rhai`: scripts are tried and replayed like components, with the rights of `--grants`.

use crate::harness::Scratch;

const STOP: &str = "\
state.best = ();
fn on_validation_loader_end(ctx) {
    let loss = ctx.metric(\"loss\");
    if state.best == () || loss < state.best { state.best = loss; }
    ctx.log_scalar(\"best\", state.best);
    if loss > params.most ?? 1e9 { ctx.request_stop(\"too much\"); }
}
";
const COUNT: &str = "\
state.n = 0;
fn on_train_batch_end(ctx) { state.n += 1; ctx.log_scalar(\"n\", state.n * (params.by ?? 1)); }
";

/// Runs `phasebox test` with the two scripts and a traced run beside it, and holds it to a code and words.
fn check(scratch: &Scratch, arguments: &[&str], code: i32, says: &[&str]) {
    let finished = scratch.phasebox(&[&["test"], arguments].concat());
    let all = format!("{}{}", finished.stdout, finished.stderr);
    assert_eq!(finished.code, Some(code), "{arguments:?}: {all}");
    for words in says {
        assert!(all.contains(words), "{arguments:?}: no `{words}` in {all}");
    }
}

#[test]
fn a_script_is_tried_with_the_rights_that_are_given() {
    let scratch = Scratch::new();
    scratch.write("stop.rhai", STOP);
    scratch.write("broken.rhai", "fn on_train_batch_end(ctx) { ctx.los(); }");
    let rows: [(&[&str], i32, &[&str]); 5] = [
        (
            &["stop.rhai"],
            2,
            &[
                "stop.rhai:6:40: `request_stop` needs the grant `stop`",
                "--grants stop,sync",
            ],
        ),
        (
            &["stop.rhai", "--grants", "stop,sync"],
            0,
            &[
                "ok  4 calls, 0 failures",
                "ok  two runs log the same (4 values)",
                "ok  a resumed run logs what one does that was never cut (4 values)",
                "ok  without the grant `stop` it is refused at check",
                "ok  without the grant `sync` it is taken too: leave it out, unless it catches the error",
            ],
        ),
        (
            &["stop.rhai", "--grants", "stopp"],
            2,
            &["did you mean `stop`?"],
        ),
        (&["broken.rhai"], 2, &["broken.rhai:1:34"]),
        (&["absent.rhai"], 2, &["cannot read absent.rhai"]),
    ];
    for (arguments, code, says) in rows {
        check(&scratch, arguments, code, says);
    }
}

#[test]
fn a_script_is_fed_with_a_traced_run() {
    let scratch = Scratch::with_callbacks(
        "  - Script: {file: count.rhai}\n  - Script: {name: inline, text: \"fn on_epoch_end(ctx) {}\"}\n",
    );
    scratch.write("count.rhai", COUNT);
    scratch.write("stop.rhai", STOP);
    scratch.trained(&["--trace"]);
    let run = scratch.run();
    let own = "entry   `count` of the run's recipe";
    let none = "entry   none in the run's recipe";
    let rows: [(&[&str], i32, &[&str]); 6] = [
        (
            &["count.rhai"],
            0,
            &[own, "same    it logs what it logged in the run (10 values)"],
        ),
        (
            &["count.rhai", "--params", "{by: 2}"],
            0,
            &[own, "differs ", "in place of"],
        ),
        (
            &["count.rhai", "--entry", "inline"],
            0,
            &["entry   `inline`", "differs "],
        ),
        (&["stop.rhai"], 2, &["needs the grant `stop`"]),
        (
            &["stop.rhai", "--grants", "stop"],
            0,
            &[none, "tested/best"],
        ),
        (
            &["stop.rhai", "--grants", "stop", "--params", "{most: 0}"],
            0,
            &["asked for ", "too much"],
        ),
    ];
    for (arguments, code, says) in rows {
        let replay = ["--replay", run.path()];
        check(&scratch, &[arguments, &replay].concat(), code, says);
    }
    // A component in the place of a script.
    let file = scratch.stock("grad-norm-monitor");
    let file = file.to_str().expect("a path in UTF-8");
    let replay = [
        file,
        "--entry",
        "count",
        "--grants",
        "sync",
        "--replay",
        run.path(),
    ];
    check(
        &scratch,
        &replay,
        1,
        &["entry   `count`", "--trace gradients"],
    );
}
