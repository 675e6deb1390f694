//! The callback `early-stopping`, compared with a reading of the metrics of a run that nothing stops.

use crate::harness::training::{TrainedRun, Training};

const EPOCHS: u64 = 24;

/// A rate so high that the metrics go up and down.
fn training() -> Training {
    Training::digits()
        .checkpoints(EPOCHS)
        .with("training_hyperparams.initial_lr=0.6")
}

/// A condition on the sequence of a metric, which stops a run.
struct Row {
    params: &'static str,
    metric: &'static str,
    /// 1 if more is better, −1 if less is.
    sign: f64,
    patience: usize,
    min_delta: f64,
    first_epoch: usize,
}

/// The epochs of a run that stops after `patience` values in a row that do not beat the best.
fn epochs_before_stop(row: &Row, values: &[f64]) -> usize {
    let mut best = values[row.first_epoch];
    let mut without = 0;
    for (epoch, value) in values.iter().enumerate().skip(row.first_epoch + 1) {
        if row.sign * (value - best) > row.min_delta {
            (best, without) = (*value, 0);
            continue;
        }
        without += 1;
        if without == row.patience {
            return epoch + 1;
        }
    }
    panic!("{}: nothing stops {values:?}", row.params)
}

fn check_stop(params: &str, metric: &str, epochs: usize, free: &TrainedRun) -> TrainedRun {
    let run = training()
        .callback(&format!("early-stopping: {params}"))
        .run();
    assert_eq!(
        run.values(metric),
        free.values(metric)[..epochs],
        "{params}"
    );
    let summary = run.summary();
    assert_eq!(summary["epochs"], epochs, "{params}");
    let reason = summary["stop_reason"].as_str().expect("a sentence");
    let name = metric.rsplit('/').next().expect("a name");
    assert!(
        reason.starts_with(&format!("stopped: {name}: ")),
        "{params}: {reason}"
    );
    assert!(
        reason.ends_with("(asked by `early-stopping`)"),
        "{params}: {reason}"
    );
    assert_eq!(
        summary["asked"].as_array().map(Vec::len),
        Some(1),
        "{params}"
    );
    run
}

#[test]
fn it_stops_where_the_metrics_say() {
    let free = training().run();
    let row = |params, metric, sign, patience| Row {
        params,
        metric,
        sign,
        patience,
        min_delta: 0.0,
        first_epoch: 0,
    };
    for row in [
        row("{patience: 2}", "valid/Accuracy", 1.0, 2),
        row(
            "{monitor: Accuracy, mode: max, patience: 4}",
            "valid/Accuracy",
            1.0,
            4,
        ),
        row("{monitor: loss, patience: 2}", "valid/loss", -1.0, 2),
        row("{monitor: loss, mode: min}", "valid/loss", -1.0, 3),
        Row {
            min_delta: 0.02,
            ..row(
                "{monitor: loss, patience: 2, min_delta: 0.02, phase: on-train-loader-end}",
                "train/loss",
                -1.0,
                2,
            )
        },
        Row {
            first_epoch: 6,
            ..row(
                "{patience: 1, start_from_epoch: 6}",
                "valid/Accuracy",
                1.0,
                1,
            )
        },
    ] {
        let epochs = epochs_before_stop(&row, &free.values(row.metric));
        let run = check_stop(row.params, row.metric, epochs, &free);
        let logged = run.values("early-stopping/checks_without_improvement");
        assert_eq!(
            logged.last(),
            Some(&(row.patience as f64)),
            "{}",
            row.params
        );
    }
}

#[test]
fn it_stops_at_a_threshold() {
    let free = training().run();
    let first = |holds: &dyn Fn(f64) -> bool| {
        free.values("valid/loss")
            .iter()
            .position(|value| holds(*value))
    };
    let good = first(&|loss| loss < 0.5).expect("it learns") + 1;
    check_stop(
        "{monitor: loss, patience: 99, threshold: 0.5}",
        "valid/loss",
        good,
        &free,
    );
    let bad = first(&|loss| loss > 1.0).expect("it begins badly") + 1;
    check_stop(
        "{monitor: loss, patience: 99, divergence_threshold: 1.0}",
        "valid/loss",
        bad,
        &free,
    );
}

/// The run is cut one epoch before its end: had the count begun anew, it would go on for `patience` epochs.
#[test]
fn patience_lasts_over_a_resume() {
    let training = || training().callback("early-stopping: {patience: 3}");
    let whole = training().run();
    let epochs = whole.summary()["epochs"].as_u64().expect("a count");
    assert!((4..EPOCHS).contains(&epochs), "{epochs}");
    let resumed = training()
        .from(&whole, &format!("epoch_{}", epochs - 1))
        .run();
    assert_eq!(resumed.summary()["epochs"], epochs);
    assert_eq!(
        resumed.summary()["stop_reason"],
        whole.summary()["stop_reason"]
    );
    assert_eq!(resumed.final_weights(), whole.final_weights());
}

#[test]
fn an_unknown_metric_is_an_error_or_a_warning() {
    let training = || Training::digits().epochs(1);
    let (code, message) = training()
        .callback("early-stopping: {monitor: Acuracy}")
        .fail();
    assert_eq!(code, 2);
    assert!(message.contains("the run gives no `Acuracy`"), "{message}");
    assert!(message.contains("known: loss, Accuracy"), "{message}");
    let run = training()
        .callback("early-stopping: {monitor: Acuracy, strict: false}")
        .run();
    assert_eq!(run.said("early-stopping", "warn").len(), 1);
}
