//! Metrics that a callback publishes: they are logged, decide which epoch is best, and survive a resume. A recipe that
//! watches one that nobody gives is refused.

use serde_json::{Value, json};

use crate::harness::training::{TrainedRun, Training};
use crate::harness::{Scratch, repository};

const WATCHED: &str = "training_hyperparams.metric_to_watch=publisher/score";

/// An entry of `tests/guests/publisher`.
fn publisher(params: &Value) -> String {
    json!({
        "wasm": repository("target/plugins/tests/publisher.wasm"),
        "grants": ["sync"],
        "params": params,
    })
    .to_string()
}

/// A training that watches these scores, which are higher the better.
fn watching(params: &Value) -> Training {
    Training::digits()
        .callback(&publisher(params))
        .with("train_dataloader_params.max_batches=4")
        .with(WATCHED)
        .with("training_hyperparams.greater_metric_to_watch_is_better=true")
}

fn best(run: &TrainedRun) -> (Value, Value) {
    let summary = run.summary();
    let best = &summary["best"];
    (best["epoch"].clone(), best["value"].clone())
}

#[test]
fn the_best_epoch_is_the_one_with_the_best_published_value() {
    for as_tensor in [false, true] {
        let scores = [0.25, 0.75, 0.5, 0.125];
        let params = json!({ "scores": scores, "as_tensor": as_tensor });
        let run = watching(&params)
            .with("training_hyperparams.average_best_models=true")
            .checkpoints(4)
            .run();
        assert_eq!(best(&run), (json!(1), json!(0.75)), "{as_tensor}");
        let logged = run.values("publisher/score");
        let last: Vec<f64> = logged.into_iter().filter(|score| *score >= 0.0).collect();
        assert_eq!(last, scores);
        assert_eq!(run.weights(2), run.checkpoint("best").model);
    }
}

#[test]
fn the_best_value_is_kept_over_a_resume() {
    let scores = |last: f64| json!({ "scores": [0.25, 0.75, 0.5, last] });
    let whole = watching(&scores(0.625)).checkpoints(4).run();
    let resumed = || {
        watching(&scores(0.625))
            .checkpoints(4)
            .from(&whole, "epoch_2")
    };
    assert_eq!(best(&resumed().run()), (json!(1), json!(0.75)));
    let better = watching(&scores(1.5))
        .checkpoints(4)
        .from(&whole, "epoch_2");
    assert_eq!(best(&better.run()), (json!(3), json!(1.5)));
}

#[test]
fn early_stopping_follows_a_published_metric() {
    let scores = json!({ "scores": [0.5, 0.25, 0.125, 0.0] });
    let stop = "early-stopping: {monitor: publisher/score, mode: max, patience: 2}";
    let run = watching(&scores).callback(stop).epochs(4).run();
    assert_eq!(
        run.values("early-stopping/checks_without_improvement"),
        [0.0, 1.0, 2.0]
    );
}

#[test]
fn the_recipe_says_which_direction_is_better() {
    let scores = json!({ "scores": [0.5, 0.25] });
    let run = watching(&scores)
        .with("training_hyperparams.greater_metric_to_watch_is_better=false")
        .epochs(2)
        .run();
    assert_eq!(best(&run), (json!(1), json!(0.25)));
}

#[test]
fn a_missing_value_ends_the_run_with_the_callbacks_name() {
    let scores = json!({ "scores": [0.5] });
    let (code, message) = watching(&scores).epochs(2).fail();
    assert_eq!(code, 1, "{message}");
    let expected = "callback `publisher` did not publish its metric `score`";
    assert!(message.contains(expected), "{message}");
}

#[test]
fn a_metric_that_nobody_publishes_is_refused() {
    let scores = json!({ "scores": [0.5] });
    let watch = |name: &str| format!("training_hyperparams.metric_to_watch={name}");
    for (training, watched, expected) in [
        (
            watching(&scores),
            "publisher/skore",
            "callbacks publish publisher/score",
        ),
        (
            Training::digits(),
            "publisher/score",
            "no callback of this recipe lists",
        ),
    ] {
        let (code, message) = training.with(watch(watched)).fail();
        assert_eq!(code, 2, "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(watched), "{message}");
    }
}

/// A name of the validation loss, and no direction: the epoch with the smallest loss is the best.
#[test]
fn a_loss_is_watched_under_its_names_and_the_smallest_is_best() {
    for name in ["loss", "val_loss", "valid/loss", "CrossEntropyLoss"] {
        let watch = format!("training_hyperparams.metric_to_watch={name}");
        let rates = "training_hyperparams.lr_mode={MultiStepLR: {milestones: [1], gamma: 100}}";
        let run = Training::digits().with(watch).with(rates).epochs(3).run();
        let losses = run.values("valid/loss");
        let least = losses.iter().copied().fold(f64::INFINITY, f64::min);
        assert!(
            losses[2] > least,
            "{losses:?}: the last epoch is not the best"
        );
        assert_eq!(run.summary()["best"]["value"], json!(least), "{name}");
        assert_eq!(run.summary()["best"]["metric"], "loss", "{name}");
    }
}

#[test]
fn a_direction_is_known_or_written() {
    let greater = |is_better: bool| {
        format!("training_hyperparams.greater_metric_to_watch_is_better={is_better}")
    };
    let watch = |name: &str| format!("training_hyperparams.metric_to_watch={name}");
    let scores = json!({ "scores": [0.5] });
    let published = Training::digits()
        .callback(&publisher(&scores))
        .with(WATCHED);
    for (training, expected) in [
        (
            Training::digits().with(watch("loss")).with(greater(true)),
            "`loss` is better when it is smaller",
        ),
        (
            Training::digits()
                .with(watch("Accuracy"))
                .with(greater(false)),
            "`Accuracy` is better when it is greater",
        ),
        (published, "only the recipe can say which values are better"),
    ] {
        let (code, message) = training.fail();
        assert_eq!(code, 2, "{message}");
        assert!(message.contains(expected), "{message}");
        assert!(
            message.contains("greater_metric_to_watch_is_better"),
            "{message}"
        );
    }
}

#[test]
fn a_watched_value_that_is_no_number_is_said_once() {
    let scratch = Scratch::with_callbacks("  []\n");
    let finished = scratch.train(&[
        "training_hyperparams.metric_to_watch=loss",
        "training_hyperparams.initial_lr=1e30",
        "training_hyperparams.nan_policy=ignore",
        "training_hyperparams.average_best_models=false",
    ]);
    let warning = "`loss`, is not a number: no such epoch is the best";
    let count = finished.stderr.matches(warning).count();
    assert_eq!(count, 1, "{}", finished.stderr);
}
