//! `smooth` in Rust, C, Python and JavaScript on real trainings: the same numbers to the last bit, also over a resume,
//! and the same refusals. Builds against the contract of an earlier day, which tests/contracts keeps, do the same.

use crate::harness::repository;
use crate::harness::training::{TrainedRun, Training, near};

/// Components by the language they are written in, below `target/plugins`.
const LANGUAGES: [(&str, &str); 4] = [
    ("Rust", "tests/smooth-rust.wasm"),
    ("C", "languages/smooth-c.wasm"),
    ("Python", "languages/smooth-python.wasm"),
    ("JavaScript", "languages/smooth-js.wasm"),
];
/// Components that were built against a kept contract: small ones as they were built, below the repository's root, and
/// large ones built from kept sources.
const KEPT: [(&str, &str); 4] = [
    ("Rust", "tests/contracts/0.1.0/smooth-rust.wasm"),
    ("C", "tests/contracts/0.1.0/smooth-c.wasm"),
    (
        "Python",
        "target/plugins/contracts/0.1.0/smooth-python.wasm",
    ),
    (
        "JavaScript",
        "target/plugins/contracts/0.1.0/smooth-js.wasm",
    ),
];
const SMOOTHING: f64 = 0.8;
/// Then the mean over samples is the mean over batches.
const FULL_BATCHES: &str = "train_dataloader_params.drop_last=true";
const PARAMS: &str = "smoothing: 0.8, patience: 12, min_delta: 0.01";

fn smooth(component: &str, params: &str) -> Training {
    let path = repository("target/plugins").join(component);
    let entry = format!(
        "{{wasm: '{}', name: smooth, params: {{{params}}}, grants: [stop]}}",
        path.display()
    );
    Training::digits()
        .callback(&entry)
        .with(FULL_BATCHES)
        .with("training_hyperparams.initial_lr=0.6")
}

fn training(component: &str) -> Training {
    smooth(component, PARAMS).checkpoints(8)
}

/// All that the callback did: every number it logged, and where and why it stopped the run.
fn deeds(run: &TrainedRun) -> (Vec<(u64, f64)>, serde_json::Value) {
    (
        run.logged("smooth/smoothed_loss"),
        run.summary()["stop_reason"].clone(),
    )
}

#[test]
fn all_languages_give_the_same_numbers_and_the_same_stop() {
    let runs = LANGUAGES.map(|(_, component)| training(component).run());
    let first = deeds(&runs[0]);
    assert!(
        first
            .1
            .as_str()
            .is_some_and(|reason| reason.contains("has not improved for 12 batches")),
        "{}",
        first.1
    );
    for ((language, _), run) in LANGUAGES.iter().zip(&runs) {
        assert_eq!(deeds(run), first, "{language}");
        assert_eq!(run.final_weights(), runs[0].final_weights(), "{language}");
        assert_eq!(
            run.checkpoint("epoch_1").callbacks[0].state.bytes,
            runs[0].checkpoint("epoch_1").callbacks[0].state.bytes
        );
    }
    check_smoothing(&runs[0]);
}

/// A callback that was built once need not be built again.
#[test]
fn builds_against_a_kept_contract_do_what_they_did() {
    let today = deeds(&training(LANGUAGES[0].1).run());
    for (language, component) in KEPT {
        let path = repository(component);
        let run = training(&path.display().to_string()).run();
        assert_eq!(deeds(&run), today, "{language}");
    }
}

/// The mean loss of the first epoch, which the trainer logs, ties the numbers to the real losses: undone, the smoothing
/// gives each batch's loss. The value of the epoch's last batch comes with the next epoch's first.
fn check_smoothing(run: &TrainedRun) {
    let logged = run.logged("smooth/smoothed_loss");
    let batches = run.logged("train/loss")[0].0 as usize;
    let undone = |pair: &[(u64, f64)]| (pair[1].1 - SMOOTHING * pair[0].1) / (1.0 - SMOOTHING);
    let rest: f64 = logged.windows(2).take(batches - 1).map(undone).sum();
    near(
        (logged[0].1 + rest) / batches as f64,
        run.values("train/loss")[0],
        1e-6,
        "mean of the first epoch",
    );
}

/// The state of one language is the state of all: each goes on where another was cut.
#[test]
fn a_run_resumes_with_the_numbers_of_one_that_was_never_cut() {
    for (index, (language, component)) in LANGUAGES.iter().enumerate() {
        let (_, next) = LANGUAGES[(index + 1) % LANGUAGES.len()];
        let whole = training(component).run();
        let cut = whole.checkpoint("epoch_1").state.global_step;
        let resumed = training(next).from(&whole, "epoch_1").run();
        let mut expected = deeds(&whole);
        expected.0.retain(|(step, _)| *step > cut);
        assert_eq!(deeds(&resumed), expected, "cut in {language}");
    }
}

#[test]
fn parameters_are_refused_by_name_in_all_languages() {
    for (language, component) in LANGUAGES {
        for (params, expected) in [
            (
                "smothing: 0.5",
                "unknown parameter `smothing`; did you mean `smoothing`? known: min_delta, patience, smoothing",
            ),
            (
                "smoothing: 1.0",
                "parameter `smoothing`: expected less than 1, found 1.0",
            ),
            (
                "patience: 2.5",
                "parameter `patience`: expected a whole number, found 2.5",
            ),
        ] {
            let (code, message) = smooth(component, params).fail();
            assert_eq!(code, 2, "{language}: {message}");
            assert!(message.contains(expected), "{language}: {message}");
        }
    }
}
