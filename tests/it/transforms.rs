//! Transforms in a recipe: the list trains as the mapping does, masks train from a recipe with a stage switch, and
//! mistakes are refused with place and remedy.

use crate::harness::training::Training;
use crate::harness::{Scratch, TINY, repository};

#[test]
fn a_list_trains_to_the_weights_of_the_mapping() {
    let with = |transforms: &str| {
        let training = Training::digits().with(format!("train_transforms={transforms}"));
        training.run().final_weights()
    };
    let mapping = with("{random_crop: {size: 8, padding: 1}, horizontal_flip: 0.5}");
    let list = "[{RandomCrop: {size: 8, padding: 1}}, {RandomHorizontalFlip: {prob: 0.5}}]";
    assert_eq!(with(list), mapping);
    // `RandomErasing` is no part of the one pass: the samples go step by step, with the same draws.
    let steps =
        "[{RandomCrop: {size: 8, padding: 1}}, RandomHorizontalFlip, {RandomErasing: {p: 0}}]";
    assert_eq!(with(steps), mapping);
    assert_ne!(with("[RandomHorizontalFlip]"), mapping);
}

/// Digits on a canvas, the class of each pixel, and a network for any size.
const MASKS: &str = "\
experiment_name: tiny
dataset: {scattered_digits: {targets: mask, size: 32, scale: [1, 2.5], train: 96, validation: 32}}
train_dataloader_params: {batch_size: 16}
architecture: {torchscript: {file: segmenter.pt}}
train_transforms:
  - SegRandomFlip: {prob: 0.5}
  - SegRandomRescale: {scales: [0.7, 1.4]}
  - SegPadShortToCropSize: {crop_size: [32, 32]}
  - SegCropImageAndMask: {crop_size: [32, 32], mode: random}
  - SegStandardize: {max_value: 255}
training_hyperparams:
  max_epochs: 4
  save_ckpt_epoch_list: [1]
  optimizer: Adam
  initial_lr: 0.01
  loss: CrossEntropyLoss
  metric_to_watch: loss
  greater_metric_to_watch_is_better: false
phase_callbacks:
  - TrainingStageSwitch: {next_stage_start_epoch: 2, set_dataset: {SegRandomRescale: false}}
";

fn masks() -> Scratch {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", MASKS);
    let network = repository("recipes/data/torchscript/segmenter.pt");
    scratch.write("segmenter.pt", std::fs::read(network).expect("a file"));
    scratch
}

#[test]
fn masks_train_and_a_stage_switches_a_transform_off() {
    let scratch = masks();
    let run = scratch.trained(&[]);
    let losses: Vec<f64> = run
        .metrics()
        .iter()
        .filter(|line| line["name"] == "valid/loss")
        .filter_map(|line| line["value"].as_f64())
        .collect();
    let (first, last) = (losses[0], losses[losses.len() - 1]);
    assert!(last < 0.8 * first, "{losses:?}");
    let weights = |run: &crate::harness::Run| run.bytes("ckpt_latest/model.safetensors");
    let expected = weights(&run);
    let threads = masks();
    let run = threads.trained(&["train_dataloader_params.num_workers=3"]);
    assert!(weights(&run) == expected, "three threads");
    let unswitched = masks();
    let run = unswitched.trained(&["phase_callbacks=[]"]);
    assert!(
        weights(&run) != expected,
        "the switch changes the epochs after it"
    );
}

#[test]
fn mistakes_are_refused_with_their_place() {
    let check = |section: &str, expected: &str| {
        let scratch = Scratch::new();
        scratch.write("recipe.yaml", format!("{section}\n{TINY}  []\n"));
        let checked = scratch.phasebox(&["check", "recipe.yaml"]);
        let message = checked.stderr;
        assert!(message.contains(expected), "{section}: {message}");
        assert_ne!(checked.code, Some(0), "{section}");
    };
    let list = |item: &str| format!("train_transforms:\n  - {item}");
    check(
        &list("RandomCropp: {size: 8}"),
        "recipe.yaml:2: unknown transform `RandomCropp`; did you mean `RandomCrop`?",
    );
    check(
        &list("RandomCrop: {siz: 8}"),
        "unknown key `siz` in `train_transforms[0].RandomCrop`; did you mean `size`?",
    );
    check(
        &list("RandomCrop: {size: 9}"),
        "recipe.yaml:2: loader `train`: `RandomCrop`: a crop of [9, 9] pixels does not fit",
    );
    for name in ["DetectionMosaic", "DetectionMixup"] {
        check(
            &list(&format!("{name}: {{input_dim: 8}}")),
            &format!(
                "recipe.yaml:2: loader `train`: `{name}`: it joins several images, and the target here is about one"
            ),
        );
    }
    check(
        &list("RandAugment: {num_ops: 2}"),
        "there is no transform `RandAugment` yet: use `RandAugmentTransform`",
    );
    check(
        &list("KeypointsHSV"),
        "there is no transform `KeypointsHSV` yet",
    );
    check(
        &list("ToTensor:\n    size: 3"),
        "`ToTensor` and `size` stand in one item",
    );
    check(
        "train_transforms: bright",
        "expected a list or a mapping, found the text \"bright\"",
    );
    check(
        "test_dataloader_params: {collate_fn: DetectionCollate}",
        "did you mean `DetectionCollateFN`?",
    );
}
