//! Numbers that only a GPU shows. `cargo xtask test --cuda` runs this, and with it the cases of other modules that train.

use crate::harness::{Scratch, repository};

/// Steps of a run.
const STEPS: usize = 20;
/// One epoch of them, all digits of float32 in its convolutions.
const SHORT: [&str; 6] = [
    "training_hyperparams.max_epochs=1",
    "training_hyperparams.max_train_batches=20",
    "training_hyperparams.max_valid_batches=1",
    "training_hyperparams.lr_warmup_epochs=0",
    "training_hyperparams.lr_cooldown_epochs=0",
    "training_hyperparams.allow_tf32=false",
];

/// The losses of the first steps of a recipe, as a callback reads them.
fn losses(recipe: &str, changes: &[&str], device: &str) -> Vec<f64> {
    let scratch = Scratch::new();
    let recipe = repository("recipes").join(recipe).display().to_string();
    let guest = repository("target/plugins/tests/loss-log.wasm");
    let callbacks = format!("phase_callbacks=[{{wasm: {}}}]", guest.display());
    let runs = scratch.path("runs").display().to_string();
    let own = [&*recipe, "experiment_name=tiny", &*callbacks];
    let place = ["--device", device, "--runs-dir", &*runs];
    let arguments = [&["train"], &own[..], &SHORT, changes, &place].concat();
    let finished = scratch.phasebox(&arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let lines = scratch.run().metrics().into_iter();
    let logged = lines.filter(|line| line["name"] == "loss-log/loss");
    logged.filter_map(|line| line["value"].as_f64()).collect()
}

/// The first `close` losses agree to 1e-4. Later ones need not: in a network with normalized batches a step makes each
/// rounding some hundred times greater, as one thread of a CPU beside two shows as well.
#[track_caller]
fn check(recipe: &str, changes: &[&str], close: usize) {
    let [host, device] = ["cpu", "cuda"].map(|device| losses(recipe, changes, device));
    assert_eq!((host.len(), device.len()), (STEPS, STEPS), "{recipe}");
    let errors = host.iter().zip(&device);
    let errors: Vec<f64> = errors
        .map(|(a, b)| (a - b).abs() / a.abs().max(1.0))
        .collect();
    let listed: Vec<String> = errors.iter().map(|error| format!("{error:.0e}")).collect();
    eprintln!("{recipe}: the losses differ by {}", listed.join(" "));
    assert!(
        errors[..close].iter().all(|error| *error <= 1e-4),
        "{recipe}: {listed:?}"
    );
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_an_mlp_are_the_cpus() {
    check("digits.yaml", &[], STEPS);
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_a_convnet_are_the_cpus() {
    check("mnist5k.yaml", &["arch_params.dropout=0"], 2);
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_resnet18_are_the_cpus() {
    check("resnet18.yaml", &[], 2);
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_yolox_are_the_cpus() {
    check("yolox_digits.yaml", &[], 2);
}
