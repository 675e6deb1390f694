//! The callback `lr-warmup-cosine`, compared with the formula of its README.

use std::f64::consts::PI;

use crate::harness::training::{STANDSTILL, TrainedRun, Training, flat, near, norm};

/// The rate of the step after `done` steps of `all`, with 5 of warm-up from 1/6 of 0.1 and down to 0.02 of it.
fn expected(done: f64, all: f64) -> f64 {
    let warmup = 5.0;
    if done < warmup {
        return 0.1 * (1.0 / 6.0 + 5.0 / 6.0 * done / warmup);
    }
    0.1 * (0.02 + 0.98 * (1.0 + (PI * (done - warmup) / (all - warmup)).cos()) / 2.0)
}

fn training(epochs: u64, batches: u64) -> Training {
    Training::digits()
        .callback("lr-warmup-cosine: {warmup_steps: 5, final_lr_ratio: 0.02}")
        .with(format!("train_dataloader_params.max_batches={batches}"))
        .checkpoints(epochs)
}

/// Rates are logged at the end of an epoch, after its last step.
fn check_rates(run: &TrainedRun, all: u64) {
    let rates = run.logged("lr/default");
    assert_eq!(rates.last().map(|(step, _)| *step), Some(all));
    for (step, rate) in rates {
        near(
            rate,
            expected(step as f64 - 1.0, all as f64),
            1e-12,
            &format!("step {step} of {all}"),
        );
    }
}

#[test]
fn the_rate_follows_the_formula_at_every_step() {
    check_rates(&training(24, 1).run(), 24);
}

#[test]
fn steps_count_over_epochs() {
    check_rates(&training(8, 3).run(), 24);
    // Five batches make one step: the last of the epoch stands alone.
    let accumulated = training(8, 6).with("training_hyperparams.batch_accumulate=5");
    check_rates(&accumulated.run(), 16);
}

/// Plain SGD moves the weights by the rate times the gradient, whose norm another callback logs.
#[test]
fn the_optimizer_uses_the_rate() {
    let run = training(12, 1).callback("grad-norm-monitor: {}").run();
    let norms = run.values("grad-norm-monitor/grad_norm");
    for step in 2..=12 {
        let moved = norm(&(flat(&run.weights(step)) - flat(&run.weights(step - 1))));
        let rate = expected(step as f64 - 1.0, 12.0);
        near(
            moved,
            rate * norms[step as usize - 1],
            1e-3,
            &format!("step {step}"),
        );
    }
}

#[test]
fn its_own_initial_rate_is_taken_before_the_recipes() {
    let run = Training::digits()
        .with(STANDSTILL)
        .callback("lr-warmup-cosine: {initial_lr: 0.3}")
        .epochs(1)
        .run();
    near(
        run.values("lr/default")[0],
        0.3 * (0.01 + 0.99 * (1.0 + (PI * 22.0 / 23.0).cos()) / 2.0),
        1e-12,
        "step 23",
    );
}

/// A resumed run has the rates of a run that was not cut, bit for bit: they depend on the step alone.
#[test]
fn a_resumed_run_goes_on_with_the_rates() {
    let whole = training(8, 3).run();
    let resumed = training(8, 3).from(&whole, "epoch_3").run();
    assert_eq!(
        whole.logged("lr/default")[3..],
        resumed.logged("lr/default")
    );
    assert_eq!(whole.final_weights(), resumed.final_weights());
}
