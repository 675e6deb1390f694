//! Phases that fire, their order, and the callbacks that they reach. The stock callback `trace` sees the order.

use std::time::{Duration, Instant};

use crate::harness::wat_components::{FAIL, NOTHING, component};
use crate::harness::{Run, Scratch};

const TRACED: &str = "  - trace: {artifact: true}\n";
const ENDS: &str =
    "  - trace: {artifact: true, phases: [on-interrupt, on-exception, on-training-end]}\n";

/// Two epochs, the second after a resume: 29 of the 31 phases. The other two are the next tests'.
#[test]
fn all_phases_in_their_order() {
    let scratch = Scratch::with_callbacks(TRACED);
    let run = scratch.trained(&[
        "training_hyperparams.max_epochs=1",
        "training_hyperparams.average_best_models=false",
    ]);
    let first = run.trace();
    let run = scratch.trained(&["--resume", run.path()]);
    let order = format!("{first}\n\n# resumed\n\n{}", run.trace());
    let seen = |phase: &&phasebox_contract::phase::Phase| {
        order
            .lines()
            .any(|line| line.starts_with(&format!("{phase} ")))
    };
    let missing: Vec<_> = phasebox_contract::phase::Phase::ALL
        .iter()
        .filter(|phase| !seen(phase))
        .collect();
    assert_eq!(format!("{missing:?}"), "[Interrupt, Exception]");
    insta::assert_snapshot!("order_of_phases", order);
}

fn phases(run: &Run) -> Vec<String> {
    run.trace()
        .lines()
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn a_signal_interrupts_between_two_batches() {
    let scratch = Scratch::with_callbacks(ENDS);
    let child = scratch.start(&[
        "train",
        "recipe.yaml",
        "training_hyperparams.max_epochs=1000000",
    ]);
    let begun = Instant::now();
    while !scratch
        .started_run()
        .is_some_and(|run| run.has("ckpt_latest"))
    {
        assert!(begun.elapsed() < Duration::from_secs(60), "no epoch ends");
        std::thread::sleep(Duration::from_millis(5));
    }
    scratch.signal(&child, "TERM");
    let finished = scratch.finish(child);
    assert_eq!(finished.code, Some(130), "{}", finished.stderr);
    let run = scratch.run();
    assert_eq!(run.summary()["stop_reason"], "interrupted");
    assert_eq!(phases(&run), ["on-interrupt", "on-training-end"]);
}

#[test]
fn a_failing_callback_is_an_exception() {
    let scratch = Scratch::with_callbacks(&format!("  - ./failing.wasm\n{ENDS}"));
    scratch.write(
        "failing.wasm",
        component(&[("on-train-batch-loss-end", FAIL)]),
    );
    let finished = scratch.train(&[]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let run = scratch.run();
    assert_eq!(phases(&run), ["on-exception", "on-training-end"]);
    let last = finished.stderr.lines().last();
    assert_eq!(
        last,
        Some(
            "error: batch 0 of epoch 0: callback `failing` failed at on-train-batch-loss-end: it fails, as it was told"
        )
    );
}

/// A component is called at the phases that it exports: here in 5 batches of 3 steps, twice.
#[test]
fn exporting_is_subscribing() {
    for (phase, calls) in [
        ("on-training-start", 1),
        ("on-epoch-end", 2),
        ("on-train-batch-end", 10),
        ("on-train-batch-gradient-ready", 6),
        ("on-validation-batch-end", 4 + 2),
        ("on-test-batch-end", 2),
        ("on-checkpoint-loaded", 0),
    ] {
        let scratch = Scratch::with_callbacks("  - ./one.wasm\n");
        scratch.write("one.wasm", component(&[(phase, NOTHING)]));
        assert_eq!(
            scratch.trained(&[]).callback("one")["calls"],
            calls,
            "{phase}"
        );
    }
}

/// 50 batches in 25 steps an epoch, twice. A filtered call never reaches the callback.
#[test]
fn the_host_filters_calls() {
    for (phase, when, calls) in [
        ("on-train-batch-optimizer-stepped", "every: 1", 50),
        ("on-train-batch-optimizer-stepped", "every: 10", 5),
        ("on-train-batch-end", "every: 10, unit: batch", 10),
        ("on-epoch-end", "every: 10", 2),
        ("on-epoch-end", "every: 2, unit: epoch", 1),
    ] {
        let scratch =
            Scratch::with_callbacks(&format!("  - {{wasm: one.wasm, when: {{{when}}}}}\n"));
        scratch.write("one.wasm", component(&[(phase, NOTHING)]));
        let run = scratch.trained(&["training_hyperparams.max_train_batches=50"]);
        assert_eq!(run.callback("one")["calls"], calls, "{phase} {when}");
    }
}
