//! Numbers that only a GPU shows. `cargo xtask test --cuda` runs this, and with it the cases of other modules that train.

use crate::harness::{Scratch, repository};

/// The losses of the first steps of a recipe, as a callback reads them.
fn losses(recipe: &str, changes: &[&str], device: &str) -> Vec<f64> {
    let scratch = Scratch::new();
    let recipe = repository("recipes").join(recipe);
    let guest = repository("target/plugins/tests/loss-log.wasm");
    let callbacks = format!("phase_callbacks=[{{wasm: {}}}]", guest.display());
    let runs = scratch.path("runs").display().to_string();
    let mut arguments = vec![
        "train",
        recipe.to_str().expect("a path"),
        "experiment_name=tiny",
        "training_hyperparams.max_train_batches=20",
        "training_hyperparams.max_valid_batches=1",
        "training_hyperparams.allow_tf32=false",
        &callbacks,
        "--device",
        device,
        "--runs-dir",
        &runs,
    ];
    arguments.extend(changes);
    let finished = scratch.phasebox(&arguments);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let lines = scratch.run().metrics().into_iter();
    let logged = lines.filter(|line| line["name"] == "loss-log/loss");
    logged.filter_map(|line| line["value"].as_f64()).collect()
}

/// One epoch.
const ONE: &str = "training_hyperparams.max_epochs=1";

/// The first losses agree but for rounding, which each step of an optimizer makes greater.
#[track_caller]
fn check(recipe: &str, changes: &[&str]) {
    let [host, device] = ["cpu", "cuda"].map(|device| losses(recipe, changes, device));
    assert_eq!((host.len(), device.len()), (20, 20), "{recipe}");
    let errors = host.iter().zip(&device);
    let errors: Vec<f64> = errors
        .map(|(a, b)| (a - b).abs() / a.abs().max(1.0))
        .collect();
    let worst = errors.iter().copied().fold(0.0, f64::max);
    let listed: Vec<String> = errors.iter().map(|error| format!("{error:.0e}")).collect();
    eprintln!("{recipe}: the losses differ by {}", listed.join(" "));
    assert!(worst <= 1e-4, "{recipe}: {worst:e}\n{host:?}\n{device:?}");
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_an_mlp_are_the_cpus() {
    check("digits.yaml", &[ONE]);
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_a_convnet_are_the_cpus() {
    check("mnist5k.yaml", &[ONE, "arch_params.dropout=0"]);
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_resnet18_are_the_cpus() {
    check("resnet18.yaml", &[]);
}

#[test]
#[ignore = "needs a CUDA device: cargo xtask test --cuda"]
fn the_first_losses_of_yolox_are_the_cpus() {
    let ends = [
        "training_hyperparams.lr_warmup_epochs=0",
        "training_hyperparams.lr_cooldown_epochs=0",
    ];
    check("yolox_digits.yaml", &[&ends[..], &[ONE]].concat());
}
