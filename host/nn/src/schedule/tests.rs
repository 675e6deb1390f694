//! Schedules against PyTorch's numbers (tests/reference/schedules.py), and what they refuse.

use serde_json::{Value, json};

use super::{Progress, ScheduleConfig};

const REFERENCE: &str = include_str!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/reference/schedules.json"
));
const STEPS_PER_EPOCH: u64 = 5;
const MAX_EPOCHS: u64 = 6;

fn progress(step_in_run: u64) -> Progress {
    Progress {
        epoch: step_in_run / STEPS_PER_EPOCH,
        step_in_run,
        steps_per_epoch: STEPS_PER_EPOCH,
        max_epochs: MAX_EPOCHS,
    }
}

fn check(row: &Value) {
    let config: ScheduleConfig =
        serde_json::from_value(row["keys"].clone()).expect("keys of a recipe");
    let schedule = config.build(MAX_EPOCHS).expect("a schedule");
    let expected: Vec<f64> =
        serde_json::from_value(row["learning_rates"].clone()).expect("numbers");
    assert_eq!(expected.len() as u64, STEPS_PER_EPOCH * MAX_EPOCHS);
    for (step, expected) in expected.into_iter().enumerate() {
        let found = schedule.learning_rate(0.1, progress(step as u64));
        assert!(
            (found - expected).abs() <= 1e-12,
            "{}: step {step}: {found} is not {expected}",
            row["keys"]
        );
    }
}

#[test]
fn learning_rates_are_pytorchs() {
    let rows: Vec<Value> = serde_json::from_str(REFERENCE).expect("the reference");
    assert!(!rows.is_empty());
    rows.iter().for_each(check);
}

#[test]
fn every_mode_of_the_list_is_one() {
    for mode in super::MODES {
        let read = serde_json::from_value::<super::LrMode>(json!({ *mode: {} }));
        let refusal = read.map_or_else(|error| error.to_string(), |_| String::new());
        assert!(!refusal.contains("unknown variant"), "{mode}: {refusal}");
    }
}

#[test]
fn groups_keep_their_proportions() {
    let schedule = ScheduleConfig {
        lr_warmup_epochs: 2,
        ..ScheduleConfig::default()
    }
    .build(MAX_EPOCHS)
    .expect("built");
    for step in 0..30 {
        let (small, large) = (
            schedule.learning_rate(0.1, progress(step)),
            schedule.learning_rate(1.0, progress(step)),
        );
        assert!(
            (10.0 * small - large).abs() < 1e-12,
            "step {step}: {small} and {large}"
        );
    }
}

#[test]
fn runs_of_any_length_have_finite_rates() {
    for mode in [
        json!("CosineLRScheduler"),
        json!("FlatCosineLRScheduler"),
        json!("PolyLRScheduler"),
        json!({"OneCycleLR": {"three_phase": true}}),
    ] {
        let config: ScheduleConfig =
            serde_json::from_value(json!({"lr_mode": mode})).expect("keys");
        let schedule = config.build(1).expect("a schedule");
        for (steps_per_epoch, step_in_run) in [(0, 0), (1, 0), (1, 9), (2, 1)] {
            let rate = schedule.learning_rate(
                0.1,
                Progress {
                    epoch: 0,
                    step_in_run,
                    steps_per_epoch,
                    max_epochs: 1,
                },
            );
            assert!(rate.is_finite() && rate >= 0.0, "{mode}: {rate}");
        }
    }
}

/// The keys are refused with a message that has `expected` in it.
fn check_refused(keys: Value, expected: &str) {
    let built = serde_json::from_value::<ScheduleConfig>(keys.clone()).map_err(anyhow::Error::from);
    let error = built
        .and_then(|config| config.build(MAX_EPOCHS))
        .expect_err("refused")
        .to_string();
    assert!(error.contains(expected), "{keys}: {error}");
}

#[test]
fn faulty_keys_are_refused_with_a_remedy() {
    check_refused(
        json!({"lr_mode": "StepLRScheduler", "lr_updates": [1]}),
        "needs `lr_decay_factor`",
    );
    check_refused(
        json!({"lr_mode": "StepLRScheduler", "lr_decay_factor": 0.1}),
        "needs `lr_updates`",
    );
    check_refused(
        json!({"lr_mode": "step", "lr_updates": [1], "step_lr_update_freq": 2, "lr_decay_factor": 0.1}),
        "exclude each other",
    );
    check_refused(
        json!({"lr_mode": "step", "step_lr_update_freq": 0, "lr_decay_factor": 0.1}),
        "epochs above 0",
    );
    check_refused(
        json!({"lr_mode": "ExponentialLRScheduler", "lr_decay_factor": -1}),
        "`lr_decay_factor` = -1",
    );
    check_refused(
        json!({"lr_mode": "cosine", "cosine_final_lr_ratio": -0.5}),
        "cosine_final_lr_ratio",
    );
    check_refused(json!({"lr_mode": "Cosinus"}), "unknown variant `Cosinus`");
    check_refused(
        json!({"lr_warmup_epochs": 4, "lr_cooldown_epochs": 3}),
        "exceed `max_epochs` (6)",
    );
    check_refused(
        json!({"lr_warmup_steps": 10}),
        "warmup_mode: LinearBatchLRWarmup",
    );
    check_refused(
        json!({"lr_mode": "flat_cosine", "cosine_final_lr_ratio": -0.5}),
        "cosine_final_lr_ratio",
    );
    check_refused(
        json!({"lr_mode": "flat_cosine", "lr_warmup_steps": 3}),
        "warmup_mode: LinearBatchLRWarmup",
    );
    check_refused(
        json!({"warmup_mode": "QuadraticBatchLRWarmup", "lr_warmup_steps": 3, "lr_mode": "cosine"}),
        "use `lr_warmup_epochs`",
    );
    check_refused(
        json!({"lr_mode": {"OneCycleLR": {}}, "lr_warmup_epochs": 1, "warmup_mode": "quadratic_batch_step"}),
        "warms up by itself",
    );
    check_refused(
        json!({"warmup_mode": "LinearBatchLRWarmup", "lr_warmup_epochs": 1}),
        "set `lr_warmup_steps`",
    );
    check_refused(
        json!({"lr_mode": "step", "lr_updates": [-1], "lr_decay_factor": 0.1}),
        "`lr_updates` = -1",
    );
    check_refused(
        json!({"warmup_mode": null, "lr_warmup_epochs": 1}),
        "needs a `warmup_mode`",
    );
    check_refused(
        json!({"lr_warmup_epochs": 1, "warmup_initial_lr": -0.1}),
        "warmup_initial_lr",
    );
    check_refused(
        json!({"lr_mode": {"OneCycleLR": {}}, "lr_warmup_epochs": 1}),
        "warms up by itself",
    );
    check_refused(
        json!({"lr_mode": {"OneCycleLR": {"pct_start": 1.5}}}),
        "pct_start` = 1.5",
    );
    check_refused(
        json!({"lr_mode": {"OneCycleLR": {"max_lrs": 1.0}}}),
        "unknown field `max_lrs`",
    );
    check_refused(
        json!({"lr_mode": {"MultiStepLR": {"gamma": 0.5}}}),
        "missing field `milestones`",
    );
}
