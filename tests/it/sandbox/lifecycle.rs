//! Attacks while state is saved and loaded, while the run is interrupted, and on the file of a run in progress.

use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Expect::Contained;
use super::{Attack, How, USUAL, attack_run};
use crate::harness::wat_components::{LOAD, LOOP, NOTHING, SAVE, altered, component};
use crate::harness::{Scratch, TINY};

const PHASE: (&str, &str) = ("on-epoch-end", NOTHING);

/// A callback whose state ends beyond its memory.
fn two_gibibytes_of_state() -> Vec<u8> {
    const SAVED: &str = "\"\\00\\00\\00\\00\\00\\01\\00\\00\\05\\00\\00\\00\"";
    altered(
        &[("save-state", SAVE), PHASE],
        &[(
            SAVED,
            "\"\\00\\00\\00\\00\\00\\01\\00\\00\\ff\\ff\\ff\\7f\"",
        )],
    )
}

pub(crate) fn rows() -> Vec<Attack> {
    vec![
        Attack {
            name: "saves_without_end",
            how: How::Made(|| component(&[("save-state", LOOP), PHASE])),
            limits: "load_time: 100ms",
            expect: Contained("did not return in time: it may have 100 ms"),
            ..USUAL
        },
        Attack {
            name: "saves_too_much",
            how: How::Made(|| component(&[("save-state", SAVE), PHASE])),
            limits: "state: 4B",
            expect: Contained("raise `limits: {state: …}`"),
            ..USUAL
        },
        Attack {
            name: "two_gibibytes_of_state",
            how: How::Made(two_gibibytes_of_state),
            expect: Contained(""),
            ..USUAL
        },
    ]
}

#[test]
fn state_is_bounded() {
    attack_run::check(&rows());
}

/// Waits until `file` says `words`, for half a minute at most.
fn wait_for(scratch: &Scratch, words: &str) {
    let until = Instant::now() + Duration::from_secs(30);
    let says = || {
        scratch.started_run().is_some_and(|run| {
            run.has("metrics.jsonl") && run.text("metrics.jsonl").contains(words)
        })
    };
    while !says() {
        assert!(Instant::now() < until, "the run does not get to {words}");
        sleep(Duration::from_millis(20));
    }
}

/// `spins` may take ten minutes, and is stopped within seconds of the interrupt. The state that the other callback saved
/// is there when the run goes on.
#[test]
fn an_interrupt_ends_a_spinning_callback_and_saves_the_others() {
    let good = "  - wasm: good.wasm\n";
    let scratch = Scratch::with_callbacks(&format!(
        "{good}  - {{wasm: spins.wasm, limits: {{time: 600s, step_time: 600s}}, on_error: disable}}\n"
    ));
    const SAY: &str = "(call $log (i32.const 2) (i32.const 256) (i32.const 5))";
    scratch.write(
        "good.wasm",
        component(&[
            ("save-state", SAVE),
            ("load-state", LOAD),
            ("on-epoch-end", SAY),
        ]),
    );
    scratch.write("spins.wasm", component(&[("on-epoch-end", LOOP)]));
    let child = scratch.start(&["train", "recipe.yaml", "training_hyperparams.max_epochs=3"]);
    // Flushed once a second, while something is logged: the epoch before has to do.
    wait_for_epoch(&scratch);
    sleep(Duration::from_millis(500));
    let asked = Instant::now();
    scratch.signal(&child, "INT");
    let finished = scratch.finish(child);
    assert!(
        asked.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        asked.elapsed()
    );
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("within a second after the run was interrupted"),
        "{}",
        finished.stderr
    );
    let run = scratch.run();
    assert!(run.has("ckpt_latest"));
    scratch.write("recipe.yaml", format!("{TINY}{good}"));
    // A build that says nothing but what it is given to load.
    scratch.write(
        "good.wasm",
        component(&[
            ("save-state", SAVE),
            ("load-state", LOAD),
            ("on-epoch-end", NOTHING),
        ]),
    );
    let resumed = scratch.train(&["--resume", run.path(), "training_hyperparams.max_epochs=3"]);
    assert_eq!(resumed.code, Some(0), "{}", resumed.stderr);
    assert!(resumed.stderr.contains("good: asked"), "{}", resumed.stderr);
}

/// Instructions are counted there, and no clock: ten minutes of them take longer than anybody waits after a signal.
#[test]
fn a_signal_ends_a_deterministic_call_that_spins() {
    let scratch = Scratch::with_callbacks(
        "  - {wasm: spins.wasm, limits: {time: 600s, step_time: 600s}, on_error: disable}\n",
    );
    scratch.write("spins.wasm", component(&[("on-epoch-end", LOOP)]));
    let child = scratch.start(&["train", "recipe.yaml", "deterministic_callbacks=true"]);
    wait_for_epoch(&scratch);
    let asked = Instant::now();
    scratch.signal(&child, "TERM");
    let finished = scratch.finish(child);
    let took = asked.elapsed();
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    // A second of grace, a tenth to notice it, and the checkpoint on a busy machine.
    assert!(took < Duration::from_secs(5), "it took {took:?}");
    let said = "within a second after the run was interrupted";
    assert!(finished.stderr.contains(said), "{}", finished.stderr);
    assert!(scratch.run().has("ckpt_latest"));
}

/// Waits until training of the first epoch is over and the spinning begins.
fn wait_for_epoch(scratch: &Scratch) {
    let until = Instant::now() + Duration::from_secs(30);
    while scratch.started_run().is_none() {
        assert!(Instant::now() < until, "no run begins");
        sleep(Duration::from_millis(20));
    }
    sleep(Duration::from_secs(3));
}

/// The checkpoint has the state of another callback under the name of this one.
#[test]
fn a_strange_state_is_refused_by_who_should_read_it() {
    let scratch = Scratch::with_callbacks("  - {wasm: good.wasm, name: kept}\n");
    scratch.write(
        "good.wasm",
        component(&[("save-state", SAVE), ("load-state", LOAD), PHASE]),
    );
    let run = scratch.trained(&[]);
    scratch.write(
        "recipe.yaml",
        format!("{TINY}  - {{stock: early-stopping, name: kept, params: {{patience: 9}}}}\n"),
    );
    let finished = scratch.train(&["--resume", run.path(), "training_hyperparams.max_epochs=3"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    assert!(
        finished
            .stderr
            .contains("callback `kept` cannot read its saved state"),
        "{}",
        finished.stderr
    );
}

/// The run goes on with the bytes it began with.
#[test]
fn a_file_may_change_while_its_code_runs() {
    let scratch = Scratch::with_callbacks("  - {wasm: good.wasm, name: kept}\n");
    const SAY: &str = "(call $log (i32.const 2) (i32.const 256) (i32.const 5))";
    scratch.write("good.wasm", component(&[("on-train-batch-end", SAY)]));
    let child = scratch.start(&["train", "recipe.yaml", "training_hyperparams.max_epochs=60"]);
    wait_for(&scratch, "asked");
    scratch.write("good.wasm", "no callback any more");
    let finished = scratch.finish(child);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    assert_eq!(scratch.run().callback("kept")["calls"], 300);
}
