//! Values that a callback has set for a second stage, after a resume with a recipe that has changed: they hold on, but for
//! those that the recipe has changed itself.

use serde_json::Value;

use crate::harness::training::{STANDSTILL, TrainedRun, Training};

/// A second stage from epoch 1 on: L1 is counted, and digits are mirrored no more.
const SWITCH: &str = "training-stage-switch: {next_stage_start_epoch: 1, set_loss: {use_l1: true}, \
                      set_dataset: {DetectionHorizontalFlip: false}}";

fn training() -> Training {
    let flips = "train_transforms=[{DetectionHorizontalFlip: {prob: 0.5}}, {DetectionPaddedRescale: {input_dim: [64, 64]}}, \
                 {DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}}]";
    Training::boxes().callback(SWITCH).with(flips)
}

/// The parameters of the train data that callbacks have set, as the checkpoint has them.
fn set_of_data(run: &TrainedRun) -> Value {
    run.checkpoint("latest").state.trainer["loaders"][0].clone()
}

/// L1 in the third epoch, and what is set of the train data.
fn resumed(first: &TrainedRun, change: &str) -> (f64, Value) {
    let mut again = training().epochs(3).from(first, "latest");
    if !change.is_empty() {
        again = again.with(change);
    }
    let run = again.run();
    let l1 = run.values("train/l1").pop().expect("an epoch");
    (l1, set_of_data(&run))
}

#[test]
fn a_second_stage_outlives_what_the_recipe_changes_beside_it() {
    let first = training().epochs(2).run();
    let off = serde_json::json!({"DetectionHorizontalFlip": null});
    assert_eq!(set_of_data(&first), off);
    let check = |change: &str, counts_l1: bool, data: &Value| {
        let (l1, found) = resumed(&first, change);
        assert_eq!(l1 > 0.0, counts_l1, "{change}: L1 {l1}");
        assert_eq!(found, *data, "{change}");
    };
    check("", true, &off);
    check(
        "training_hyperparams.criterion_params.cls_weight=1.5",
        true,
        &off,
    );
    check(
        "training_hyperparams.criterion_params.use_l1=false",
        false,
        &off,
    );
    check("train_dataloader_params.num_workers=1", true, &off);
    let other_flip = "train_transforms=[{DetectionHorizontalFlip: {prob: 0.25}}, {DetectionPaddedRescale: {input_dim: [64, 64]}}, \
                      {DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}}]";
    check(other_flip, true, &serde_json::json!({}));
    let vertical = "train_transforms=[{DetectionHorizontalFlip: {prob: 0.5}}, {DetectionVerticalFlip: {prob: 0.5}}, \
                    {DetectionPaddedRescale: {input_dim: [64, 64]}}, \
                    {DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}}]";
    check(vertical, true, &off);
}

/// A stage may not give the loss other boxes, nor the network other numbers, than were checked.
#[test]
fn a_second_stage_keeps_the_kind_of_its_batches() {
    for set in [
        "{DetectionTargetsFormatTransform: false}",
        "{DetectionTargetsFormatTransform: {output_format: LABEL_NORMALIZED_CXCYWH}}",
        "{DetectionTargetsFormatTransform: {min_bbox_edge_size: 1000}}",
        "{DetectionPaddedRescale: false}",
    ] {
        let switch =
            format!("training-stage-switch: {{next_stage_start_epoch: 1, set_dataset: {set}}}");
        let checked = Training::boxes().callback(&switch).check();
        assert_eq!(checked.code, Some(2), "{set}: {}", checked.stdout);
        let told = checked.stderr.contains("as it is") || checked.stderr.contains("as they are");
        assert!(told, "{set}: {}", checked.stderr);
    }
}

/// A network that does not change is best in its first epoch, and a value of another validation is no rival of that.
#[test]
fn the_best_of_another_validation_begins_anew() {
    let still = |epochs: u64| Training::digits().with(STANDSTILL).epochs(epochs);
    let first = still(2).run();
    let check = |change: &str, expected: u64| {
        let again = still(3).from(&first, "latest").with(change).run();
        let watched = again.checkpoint("latest").state.watched;
        let best_epoch = watched.and_then(|watched| watched.best_epoch);
        assert_eq!(best_epoch, Some(expected), "{change}");
    };
    check("training_hyperparams.clip_grad_norm=5", 0);
    check("val_dataloader_params.batch_size=90", 0);
    check("val_dataloader_params.max_batches=1", 2);
}
