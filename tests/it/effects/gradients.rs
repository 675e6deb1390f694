//! The callbacks `grad-clip` and `grad-norm-monitor`. Under plain SGD the gradient that the optimizer used is the difference of two
//! checkpoints divided by the rate.

use crate::harness::training::{TrainedRun, Training, distance, flat, near, norm};

const RATE: f64 = 0.1;
const STEPS: u64 = 8;
/// The relative error of a difference of float32 weights.
const TOLERANCE: f64 = 1e-4;

/// The gradient that step `step` used. That of the first step is not known, because no checkpoint precedes it.
fn used_gradient(run: &TrainedRun, step: u64) -> tch::Tensor {
    (flat(&run.weights(step - 1)) - flat(&run.weights(step))) / RATE
}

fn clipped(params: &str) -> TrainedRun {
    Training::digits()
        .callback(&format!("grad-clip: {params}"))
        .step_by_step(STEPS)
        .run()
}

/// With momentum and many steps, one gradient that differs would show in all steps after it.
#[test]
fn clipping_is_the_trainers_own_clipping_bit_for_bit() {
    let training = || {
        Training::digits()
            .with("training_hyperparams.optimizer_params={momentum: 0.9, weight_decay: 0}")
            .epochs(3)
    };
    let own = training()
        .with("training_hyperparams.clip_grad_norm=0.2")
        .run();
    let callback = training().callback("grad-clip: {max_norm: 0.2}").run();
    let (own, other) = (own.checkpoint("latest"), callback.checkpoint("latest"));
    assert_eq!(own.model, other.model);
    assert_eq!(own.optimizer, other.optimizer);
    assert_ne!(
        training().run().final_weights(),
        own.model,
        "the limit was never reached"
    );
}

#[test]
fn the_norm_of_the_gradients_used_is_limited() {
    let max_norm = 0.29;
    let run = clipped("{max_norm: 0.29}");
    let before = run.values("grad-clip/norm");
    assert!(
        before.iter().any(|norm| *norm > max_norm),
        "the limit was never reached: {before:?}"
    );
    for step in 2..=STEPS {
        let expected = before[step as usize - 1].min(max_norm);
        near(
            norm(&used_gradient(&run, step)),
            expected,
            TOLERANCE,
            &format!("step {step}"),
        );
    }
}

#[test]
fn a_limit_that_is_never_reached_changes_nothing() {
    let loose = clipped("{max_norm: 1e6}");
    let plain = Training::digits().step_by_step(STEPS).run();
    assert_eq!(loose.final_weights(), plain.final_weights());
    for step in 2..=STEPS {
        let logged = loose.values("grad-clip/norm")[step as usize - 1];
        near(
            logged,
            norm(&used_gradient(&plain, step)),
            TOLERANCE,
            &format!("step {step}"),
        );
    }
}

#[test]
fn each_element_is_limited() {
    let limit = 0.02;
    let run = clipped("{max_value: 0.02}");
    for step in 2..=STEPS {
        let largest = used_gradient(&run, step).abs().max().double_value(&[]);
        near(largest, limit, TOLERANCE, &format!("step {step}"));
    }
}

#[test]
fn another_order_of_the_norm() {
    let run = clipped("{max_norm: 0.1, norm_type: 1}");
    for step in 2..=STEPS {
        let sum = used_gradient(&run, step)
            .abs()
            .sum(tch::Kind::Double)
            .double_value(&[]);
        near(sum, 0.1, 1e-3, &format!("step {step}"));
    }
}

#[test]
fn the_monitor_sees_what_the_optimizer_uses() {
    let clip = "grad-clip: {max_norm: 0.29}";
    let monitor = "grad-norm-monitor: {per_layer: true}";
    let run = Training::digits()
        .callback(clip)
        .callback(monitor)
        .step_by_step(STEPS)
        .run();
    let norms = run.values("grad-norm-monitor/grad_norm");
    let ratios = run.values("grad-norm-monitor/update_ratio");
    for step in 2..=STEPS {
        let (index, what) = (step as usize - 1, format!("step {step}"));
        near(
            norms[index],
            norm(&used_gradient(&run, step)),
            TOLERANCE,
            &what,
        );
        let (before, after) = (flat(&run.weights(step - 1)), flat(&run.weights(step)));
        near(
            ratios[index],
            norm(&(&after - &before)) / norm(&before),
            TOLERANCE,
            &what,
        );
    }
    check_layers(&run);
}

fn check_layers(run: &TrainedRun) {
    for (name, _) in run.weights(1) {
        let logged = run.values(&format!("grad-norm-monitor/grad_norm/{name}"));
        for step in 2..=STEPS {
            let layer = |step| {
                let mut weights = run.weights(step);
                weights.retain(|(known, _)| *known == name);
                flat(&weights)
            };
            let used = norm(&((layer(step - 1) - layer(step)) / RATE));
            near(
                logged[step as usize - 1],
                used,
                1e-3,
                &format!("{name} at step {step}"),
            );
        }
    }
}

#[test]
fn monitor_and_clip_agree_on_gradients_that_are_not_clipped() {
    let training = Training::digits()
        .callback("grad-norm-monitor: {}")
        .callback("grad-clip: {max_norm: 1e6}");
    let run = training.run();
    let (monitor, clip) = (
        run.logged("grad-norm-monitor/grad_norm"),
        run.logged("grad-clip/norm"),
    );
    assert_eq!(
        (monitor.len(), &monitor),
        (46, &clip),
        "all steps of two epochs"
    );
}

#[test]
fn the_monitor_can_look_at_every_nth_step_and_at_some_parameters() {
    let entry = "grad-norm-monitor: {every_n_steps: 10, parameter_glob: 'fc.*', histogram_bins: 4}";
    let run = Training::digits().callback(entry).run();
    let steps: Vec<u64> = run
        .logged("grad-norm-monitor/grad_norm")
        .into_iter()
        .map(|(step, _)| step)
        .collect();
    assert_eq!(steps, [0, 10, 20, 30, 40]);
    let of_bias = |line: &serde_json::Value| line["name"] == "grad-norm-monitor/grad/fc.bias";
    let counts = |line: &serde_json::Value| line["histogram"]["counts"].as_array().map(Vec::len);
    let histograms: Vec<_> = run
        .lines()
        .iter()
        .filter(|line| of_bias(line))
        .map(counts)
        .collect();
    assert_eq!(histograms, [Some(4); 5]);
}

/// The distance is zero, not a tolerance: the callback only reads.
#[test]
fn the_monitor_changes_no_weight() {
    let training = || Training::digits().epochs(1);
    let watched = training()
        .callback("grad-norm-monitor: {per_layer: true, histogram_bins: 8}")
        .run();
    assert_eq!(
        distance(
            &flat(&watched.final_weights()),
            &flat(&training().run().final_weights())
        ),
        0.0
    );
}
