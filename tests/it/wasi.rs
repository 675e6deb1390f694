//! Callbacks that import WASI: it is answered inside the sandbox, with nothing behind it. Small ones are WebAssembly text;
//! `toolchains` has those that toolchains make by default.
//!
//! | file | owns |
//! |---|---|
//! | `small` | a component of text that imports WASI of any 0.2 |
//! | `toolchains` | Python, JavaScript, C and Go, as they are built without a thought of phasebox |

pub(crate) mod small;
mod toolchains;

use crate::harness::Scratch;
use crate::harness::training::{TrainedRun, Training};

use self::small::{Deed, importing, small};

/// A training of two batches with the callback in this file.
fn training(file: &str, rest: &str) -> Training {
    Training::digits()
        .callback(&format!("{{wasm: '{file}', name: guest{rest}}}"))
        .epochs(1)
        .with("train_dataloader_params.max_batches=2")
}

fn written(bytes: &[u8]) -> (Scratch, String) {
    let scratch = Scratch::new();
    scratch.write("guest.wasm", bytes);
    let path = scratch.path("guest.wasm").display().to_string();
    (scratch, path)
}

fn trained(deed: Deed, version: &str) -> TrainedRun {
    let (_scratch, path) = written(&small(deed, version));
    training(&path, "").run()
}

fn failed(deed: Deed) -> String {
    let (_scratch, path) = written(&small(deed, "0.2.3"));
    let (code, message) = training(&path, "").fail();
    assert_eq!(code, 1, "{message}");
    message
}

#[test]
fn output_is_in_the_log_whatever_patch_release_is_imported() {
    for version in ["0.2.0", "0.2.3", "0.2.9", "0.2.12", "0.2.99"] {
        let run = trained(Deed::Print, version);
        assert_eq!(
            run.said("guest", "info"),
            ["printed", "printed"],
            "{version}"
        );
        let run = trained(Deed::PrintError, version);
        assert_eq!(
            run.said("guest", "warn"),
            ["printed", "printed"],
            "{version}"
        );
    }
}

#[test]
fn the_last_words_are_the_reason_of_a_trap() {
    for (deed, words) in [
        (Deed::PrintErrorAndTrap, "on-train-batch-start: printed"),
        (Deed::Exit, "it ended itself, with exit status 1"),
    ] {
        let message = failed(deed);
        assert!(message.contains(words), "{message}");
    }
    // Standard output is no reason.
    let message = failed(Deed::PrintAndTrap);
    assert!(message.contains("it gave up (`unreachable`)"), "{message}");
}

/// Numbers, as the callback writes them: eight letters from 'a' to 'p' for 32 bits.
fn numbers(seed: u64, name: &str, deed: Deed) -> Vec<String> {
    let (_scratch, path) = written(&small(deed, "0.2.6"));
    let run = Training::digits()
        .callback(&format!("{{wasm: '{path}', name: {name}}}"))
        .epochs(1)
        .with("train_dataloader_params.max_batches=2")
        .with(format!("training_hyperparams.seed={seed}"))
        .run();
    run.said(name, "info")
}

#[test]
fn random_numbers_follow_the_seed_and_the_name() {
    let first = numbers(1, "a", Deed::Random);
    assert_ne!(first[0], first[1]);
    assert_eq!(numbers(1, "a", Deed::Random), first);
    for (seed, name) in [(2, "a"), (1, "b")] {
        assert_ne!(numbers(seed, name, Deed::Random), first, "{seed} {name}");
    }
}

#[test]
fn time_is_the_same_in_every_run_and_nobody_waits() {
    let begun = std::time::Instant::now();
    let first = numbers(1, "a", Deed::Sleep);
    assert!(begun.elapsed().as_secs() < 600, "it slept for an hour");
    assert_ne!(first[0], first[1]);
    assert_eq!(numbers(2, "b", Deed::Sleep), first);
}

/// A resume draws on where the run was cut.
#[test]
fn a_resume_goes_on_with_the_numbers() {
    let (_scratch, path) = written(&small(Deed::Random, "0.2.6"));
    let training = || training(&path, "").checkpoints(2);
    let whole = training().run();
    let cut = training().from(&whole, "epoch_1").run();
    assert_eq!(cut.said("guest", "info"), whole.said("guest", "info")[2..]);
}

#[test]
fn it_is_shown_and_can_be_refused() {
    let scratch = Scratch::new();
    scratch.write("guest.wasm", small(Deed::Print, "0.2.3"));
    let shown = scratch.phasebox(&["inspect", "guest.wasm"]);
    assert!(
        shown.stdout.contains(
            "wasi        cli, io, random: answered inside the sandbox, nothing is reachable"
        ) || shown
            .stdout
            .contains("wasi        cli, clocks, io, random: answered"),
        "{}",
        shown.stdout
    );
    let path = scratch.path("guest.wasm").display().to_string();
    // Once before it is compiled for the first time, and once after.
    for _ in 0..2 {
        let (code, message) = training(&path, ", wasi: refuse").fail();
        assert_eq!(code, 2, "{message}");
        let words = "imports WASI (cli/exit, cli/stderr, cli/stdout,";
        assert!(message.contains(words), "{message}");
        assert!(
            message.contains("its entry says `wasi: refuse`"),
            "{message}"
        );
        training(&path, ", wasi: answer").run();
    }
}

#[test]
fn what_is_not_answered_is_refused_by_name() {
    for (imports, words) in [
        (
            &["wasi:nn/tensor@0.2.0-rc"][..],
            "it imports `wasi:nn/tensor@0.2.0-rc`, which is not answered",
        ),
        (
            &[
                "wasi:cli/environment@0.3.0",
                "wasi:io/poll@0.2.0",
                "wasi:keyvalue/store@0.2.0",
            ],
            "it imports `wasi:cli/environment@0.3.0`, `wasi:keyvalue/store@0.2.0`, which are not answered",
        ),
        (
            &["acme:trainer/types@0.1.0", "env"],
            "it imports `acme:trainer/types@0.1.0`, `env`, which are not part of phasebox:train@0.1.0",
        ),
    ] {
        let (_scratch, path) = written(&importing(imports));
        let (code, message) = training(&path, "").fail();
        assert_eq!(code, 2, "{message}");
        assert!(message.contains(words), "{message}");
    }
}
