//! Callbacks that only look: a run with one is, to the last bit, the run without it.

use crate::harness::training::{TrainedRun, Training};

fn training() -> Training {
    // Dropout draws from torch's generator in every step: a callback that drew as well would show.
    Training::digits()
        .architecture("{mlp: {hidden: [32], dropout: 0.2}}")
        .epochs(3)
}

fn check(training: fn() -> Training, entry: &str, plain: &TrainedRun) {
    let watched = training().callback(entry).run();
    assert_eq!(watched.own_lines(), plain.own_lines(), "{entry}");
    let (watched, plain) = (watched.checkpoint("latest"), plain.checkpoint("latest"));
    assert_eq!(watched.model, plain.model, "{entry}");
    assert_eq!(watched.optimizer, plain.optimizer, "{entry}");
    assert_eq!(watched.rng, plain.rng, "{entry}");
}

#[test]
fn what_only_looks_changes_no_number() {
    let plain = training().run();
    for entry in [
        "trace: {}",
        "trace: {artifact: true, phases: ['on-train-*']}",
        "grad-norm-monitor: {per_layer: true, histogram_bins: 8}",
        "save-first-batch: {}",
        "early-stopping: {patience: 100}",
        "grad-clip: {max_norm: 1e9}",
    ] {
        check(training, entry, &plain);
    }
}

#[test]
fn what_draws_detections_changes_no_number() {
    let plain = Training::boxes().run();
    for entry in [
        "detection-visualization: {phase: TRAIN_BATCH_END}",
        "detection-visualization: {artifact: true}",
        "extreme-batch-detection-visualization: {loss_to_monitor: iou, enable_on_train_loader: true}",
        "extreme-batch-detection-visualization: {metric: {CocoMetrics: {num_cls: 10}}, metric_component_name: AP}",
    ] {
        check(Training::boxes, entry, &plain);
    }
}

/// The lines tell the order of the phases: an epoch of two batches, as the contract draws it.
#[test]
fn a_trace_is_the_same_in_the_log_and_in_its_file() {
    let entry =
        "trace: {artifact: true, phases: [on-epoch-start, 'on-train-batch-*', on-epoch-end]}";
    let run = Training::digits()
        .epochs(1)
        .with("train_dataloader_params.max_batches=1")
        .callback(entry)
        .run();
    let file =
        std::fs::read_to_string(run.path("artifacts/trace/trace.txt")).expect("the artifact");
    let expected = [
        "on-epoch-start epoch=0 batch=- step=0",
        "on-train-batch-start epoch=0 batch=0 step=0",
        "on-train-batch-forward-end epoch=0 batch=0 step=0",
        "on-train-batch-loss-end epoch=0 batch=0 step=0",
        "on-train-batch-backward-end epoch=0 batch=0 step=0",
        "on-train-batch-gradient-step-start epoch=0 batch=0 step=0",
        "on-train-batch-gradient-ready epoch=0 batch=0 step=0",
        "on-train-batch-optimizer-stepped epoch=0 batch=0 step=0",
        "on-train-batch-gradient-step-end epoch=0 batch=0 step=1",
        "on-train-batch-end epoch=0 batch=0 step=1",
        "on-epoch-end epoch=0 batch=- step=1",
    ];
    assert_eq!(file.lines().collect::<Vec<_>>(), expected);
    // Lines of a run on a GPU are compared without their order.
    let (mut said, mut expected) = (run.said("trace", "info"), expected);
    said.sort();
    expected.sort();
    assert_eq!(said, expected);
}
