//! The callback `training-stage-switch`. Weights stand still, so that the loss tells which criterion and which data it is of.

use crate::harness::training::{STANDSTILL, Training, near};

const EPOCHS: u64 = 4;

fn still() -> Training {
    Training::digits()
        .with(STANDSTILL)
        .with("train_dataloader_params.shuffle=false")
        .checkpoints(EPOCHS)
}

fn smoothed(label_smoothing: f64) -> Training {
    still().with(format!(
        "training_hyperparams.criterion_params={{label_smoothing: {label_smoothing}}}"
    ))
}

fn switch(changes: &str) -> String {
    format!("training-stage-switch: {{next_stage_start_epoch: 2, {changes}}}")
}

#[test]
fn the_loss_changes_from_the_epoch_on() {
    let entry = switch("set_loss: {label_smoothing: 0.2}");
    let (switched, before, after) = (
        still().callback(&entry).run(),
        still().run(),
        smoothed(0.2).run(),
    );
    for name in ["train/loss", "valid/loss"] {
        let expected = [&before.values(name)[..2], &after.values(name)[2..]].concat();
        assert_eq!(switched.values(name), expected, "{name}");
    }
    // The smoothed loss is linear in the smoothing: (1 − e) · plain + e · the mean over all classes.
    let [plain, mean] = [&before, &smoothed(1.0).run()].map(|run| run.values("train/loss")[3]);
    near(
        switched.values("train/loss")[3],
        0.8 * plain + 0.2 * mean,
        1e-6,
        "smoothed by 0.2",
    );
    assert!(
        (mean - plain).abs() > 1e-3,
        "{plain} and {mean}: smoothing must show"
    );
}

/// 1,437 samples: 23 batches of 64, then 45 of 32.
#[test]
fn the_data_change_from_the_epoch_on() {
    let steps = |changes: &str| -> Vec<u64> {
        let run = still().callback(&switch(changes)).run();
        run.logged("train/loss")
            .into_iter()
            .map(|(step, _)| step)
            .collect()
    };
    assert_eq!(steps("set_dataset: {batch_size: 32}"), [23, 46, 91, 136]);
    assert_eq!(steps("set_dataset: {max_batches: 5}"), [23, 46, 51, 56]);
}

#[test]
fn the_rate_changes_from_the_epoch_on() {
    let run = still().callback(&switch("set_lr: 1e-29")).run();
    assert_eq!(run.values("lr/default"), [1e-30, 1e-30, 1e-29, 1e-29]);
}

/// `late` is listed first: if the switch of `early` happened again after the resume, its rate would win.
#[test]
fn it_happens_once_also_over_a_resume() {
    let entry = |name: &str, epoch: u64, changes: &str| {
        format!(
            "{{stock: training-stage-switch, name: {name}, params: {{next_stage_start_epoch: {epoch}, {changes}}}}}"
        )
    };
    let changes = "set_lr: 1e-29, set_loss: {label_smoothing: 0.2}, set_dataset: {max_batches: 5}";
    let (late, early) = (
        entry("late", 2, "set_lr: 1e-28"),
        entry("early", 1, changes),
    );
    let training = || still().callback(&late).callback(&early);
    let whole = training().run();
    assert_eq!(whole.values("lr/default"), [1e-30, 1e-29, 1e-28, 1e-28]);
    let resumed = training().from(&whole, "epoch_3").run();
    for name in ["lr/default", "train/loss", "valid/loss"] {
        assert_eq!(resumed.logged(name), whole.logged(name)[3..], "{name}");
    }
}

#[test]
fn a_value_that_the_loss_does_not_take_is_refused() {
    let changes = "set_loss: {label_smoothing: 2}";
    let (code, message) = still().callback(&switch(changes)).fail();
    assert_eq!(code, 2, "{message}");
    assert!(
        message.contains("callback `training-stage-switch` failed at on-epoch-start"),
        "{message}"
    );
    assert!(message.contains("label_smoothing"), "{message}");
}
