//! Parameters of callbacks that do not fit the run: refused before training, at the line of the callback's entry.

use serde_json::{Value, json};

use crate::harness::training::Training;
use crate::harness::wat_components::{FAIL, LOOP, NOTHING, TRAP, component};
use crate::harness::{Scratch, TINY, repository};

/// An entry whose parameters fit no run of the digits in four epochs, and words of its refusal.
const REFUSED: [(&str, &str); 17] = [
    (
        "training-stage-switch: {next_stage_start_epoch: 4, set_lr: 0.1}",
        "the run has 4 epochs",
    ),
    (
        "training-stage-switch: {next_stage_start_epoch: 1, set_loss: {label_smothing: 0.1}}",
        "there is no `label_smothing`; this run has",
    ),
    (
        "training-stage-switch: {next_stage_start_epoch: 1, set_dataset: {batch_sizes: 3}}",
        "there is no `batch_sizes`; this run has",
    ),
    (
        "early-stopping: {monitor: Acuracy}",
        "the run gives no `Acuracy` at on-validation-loader-end",
    ),
    (
        "early-stopping: {monitor: F1, phase: on-train-loader-end}",
        "the run gives no `F1` at on-train-loader-end",
    ),
    (
        "early-stopping: {start_from_epoch: 4}",
        "the run has 4 epochs",
    ),
    (
        "lr-warmup-cosine: {warmup_steps: 1000000}",
        "parameter `warmup_steps`: the run has",
    ),
    (
        "{stock: lr-warmup-cosine, name: a, params: {warmup_steps: 93}}",
        "the run has 92 steps, fewer than 93",
    ),
    (
        "early-stopping: {monitor: Accuracy, mode: min}",
        "`Accuracy` is better when it is greater; write `mode: max`",
    ),
    (
        "EarlyStop: {monitor: Accuracy}",
        "`Accuracy` is better when it is greater; write `mode: max`",
    ),
    (
        "YoloXTrainingStageSwitchCallback: {next_stage_start_epoch: 2}",
        "there is no `use_l1`; this run has",
    ),
    (
        "training-stage-switch: {next_stage_start_epoch: 1, set_loss: {smoothing: 0.0}}",
        "there is no `smoothing`; this run has",
    ),
    (
        "early-stopping: {mode: max, threshold: 0.5, divergence_threshold: 0.6}",
        "parameters `threshold` and `divergence_threshold`",
    ),
    (
        "grad-norm-monitor: {parameter_glob: \"layer*\"}",
        "the network has no parameter like `layer*`",
    ),
    (
        "trace: {phases: [on-epoch-end, on-test-loader-end]}",
        "this run has no test set, and `on-test-loader-end` never comes",
    ),
    (
        "grad-clip: {max_norm: 1.0, norm_type: 0}",
        "`norm_type` must be above 0",
    ),
    (
        "{stock: early-stopping, name: b, params: {monitor: a/score}}",
        "known: loss, Accuracy",
    ),
];

#[test]
fn parameters_that_fit_no_run_are_refused_at_their_line() {
    for (entry, expected) in REFUSED {
        let (code, message) = Training::digits().callback(entry).epochs(4).fail();
        assert_eq!(code, 2, "{entry}: {message}");
        assert!(message.contains(expected), "{entry}: {message}");
        assert!(message.contains("recipe.yaml:"), "{entry}: {message}");
    }
}

#[test]
fn the_last_epoch_and_the_last_step_are_of_the_run() {
    let switch = "training-stage-switch: {next_stage_start_epoch: 0, set_lr: 0.1}";
    let warm_up = "lr-warmup-cosine: {warmup_steps: 23}";
    let stop = "early-stopping: {start_from_epoch: 0, strict: false, monitor: none}";
    let training = Training::digits().callback(switch).callback(warm_up);
    training.callback(stop).epochs(1).run();
}

/// Facts of the run with their values.
fn facts() -> [(&'static str, Value); 14] {
    [
        ("/epochs", json!(4)),
        ("/steps_per_epoch", json!(23)),
        ("/batch_size", json!(64)),
        ("/loaders/train/batches", json!(23)),
        ("/loaders/train/parameters/max_batches", Value::Null),
        ("/loaders/test", Value::Null),
        ("/loss/name", json!("CrossEntropyLoss")),
        ("/optimizer/groups/0/learning_rate", json!(0.1)),
        ("/metrics/validation", json!(["loss", "Accuracy"])),
        ("/published", json!(["publisher/score"])),
        ("/inputs/0/shape", json!([1, 8, 8])),
        ("/targets", json!(["target"])),
        ("/preds", json!(["preds"])),
        ("/grants", json!(["sync"])),
    ]
}

/// Checks that the guest finds `expected` among its facts, by way of `phasebox check`, which trains nothing.
fn check_fact(path: &str, expected: &Value, code: i32) {
    let guest = repository("target/plugins/tests/publisher.wasm");
    let entry = json!({
        "wasm": guest,
        "grants": ["sync"],
        "params": { "scores": [], "fact": [path, expected] },
    });
    let training = Training::digits().callback(&entry.to_string()).epochs(4);
    let finished = training.check();
    assert_eq!(finished.code, Some(code), "{path}: {}", finished.stderr);
}

#[test]
fn callbacks_are_told_the_facts_of_the_run() {
    for (path, expected) in facts() {
        check_fact(path, &expected, 0);
    }
    check_fact("/epochs", &json!(5), 2);
}

/// `check-run` is bounded as every call while loading is, and its failures are refusals.
#[test]
fn a_check_that_fails_or_never_ends_is_refused() {
    for (body, expected) in [
        (FAIL, "cannot work in this run: it fails, as it was told"),
        (TRAP, "failed in `check-run`"),
        (LOOP, "did not return in time: it may have 100 ms"),
    ] {
        let scratch = Scratch::new();
        let entry = "  - {wasm: bad.wasm, limits: {load_time: 100ms}}\n";
        scratch.write("recipe.yaml", format!("{TINY}{entry}"));
        let functions = [("check-run", body), ("on-epoch-end", NOTHING)];
        scratch.write("bad.wasm", component(&functions));
        let finished = scratch.train(&[]);
        assert_eq!(finished.code, Some(2), "{}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
        assert!(
            finished.stderr.contains("recipe.yaml:"),
            "{}",
            finished.stderr
        );
        assert!(scratch.started_run().is_none(), "no run was begun");
    }
}
