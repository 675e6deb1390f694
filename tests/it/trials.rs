//! The trial of `phasebox check`: what a run would fail at is refused with its place, and nothing is left behind.

use std::fs;
use std::path::Path;

use phasebox::assemble::{Assembly, Extent, Options};
use phasebox_recipe::Recipe;
use phasebox_train::checkpoint::{self, NamedTensors};

use crate::harness::recipes::STATEFUL;
use crate::harness::wat_components::{FAIL, component};
use crate::harness::{Scratch, TINY, alone};

/// A recipe that its parts alone do not refuse.
struct Row {
    /// Texts in [`TINY`], each with the text that takes its place.
    edits: &'static [(&'static str, &'static str)],
    callbacks: &'static str,
    /// The line that is to blame.
    line: u64,
    /// Words of the refusal.
    expected: &'static [&'static str],
}

const GOOD: Row = Row {
    edits: &[],
    callbacks: "  []\n",
    line: 0,
    expected: &[],
};

/// The data of [`TINY`].
const DIGITS: &str = "{digits: {test_fraction: 0.1}}";
const NUMBERS: &str = "{csv: {file: data.csv, target: y, task: regression}}";
const BOXES: &str = "{scattered_digits: {size: 32, scale: [1, 2], train: 64, validation: 16}}";
const TRAIN_LOADER: &str = "train_dataloader_params: {batch_size: 16}";

const ROWS: [Row; 27] = [
    // Fault 2.
    Row {
        edits: &[
            (
                "architecture: mlp\narch_params: {hidden: [16]}",
                "architecture: resnet18",
            ),
            ("batch_size: 16}", "batch_size: 19}"),
            ("  max_train_batches: 5\n", ""),
        ],
        line: 3,
        expected: &[
            "one value a channel",
            "the last batch of an epoch has 1 sample",
            "drop_last: true",
        ],
        ..GOOD
    },
    // Fault 17.
    Row {
        edits: &[(
            "architecture",
            "train_transforms: {resize: [16, 16]}\narchitecture",
        )],
        line: 5,
        expected: &[
            "`val_transforms` give samples of another shape",
            "[1, 16, 16]",
            "[1, 1, 8, 8]",
            "write the same size in both",
        ],
        ..GOOD
    },
    Row {
        edits: &[("loss: CrossEntropyLoss", "loss: BCEWithLogitsLoss")],
        line: 13,
        expected: &[
            "loss `BCEWithLogitsLoss` is for labels of 0 and 1, and the data have 10 classes: use `CrossEntropyLoss`",
        ],
        ..GOOD
    },
    Row {
        edits: &[(
            "valid_metrics_list: [Accuracy]",
            "valid_metrics_list: [Accuracy, Top11]",
        )],
        line: 15,
        expected: &["in validation, computing a metric", "metric `Top11`"],
        ..GOOD
    },
    Row {
        edits: &[(
            "train_metrics_list: [Accuracy]",
            "train_metrics_list: [Top11]",
        )],
        line: 14,
        expected: &["in training, computing a metric", "metric `Top11`"],
        ..GOOD
    },
    Row {
        edits: &[("loss: CrossEntropyLoss", "loss: MSELoss")],
        line: 13,
        expected: &["loss `MSELoss` is for numbers, and the target is of classes"],
        ..GOOD
    },
    Row {
        edits: &[(
            "valid_metrics_list: [Accuracy]",
            "valid_metrics_list: [Accuracy, MAE]",
        )],
        line: 15,
        expected: &["metric `MAE` is for numbers, and the target is of classes"],
        ..GOOD
    },
    Row {
        edits: &[
            (DIGITS, NUMBERS),
            ("hidden: [16]", "num_classes: 1"),
            ("CrossEntropyLoss", "MSELoss"),
        ],
        line: 14,
        expected: &["metric `Accuracy` is for classes, and the target is of numbers"],
        ..GOOD
    },
    Row {
        edits: &[
            (DIGITS, NUMBERS),
            ("hidden: [16]", "num_classes: 1"),
            ("  train_metrics_list: [Accuracy]\n", ""),
            ("[Accuracy]", "[MSE]\n  metric_to_watch: MSE"),
        ],
        line: 13,
        expected: &["loss `CrossEntropyLoss` is for classes, and the target is of numbers"],
        ..GOOD
    },
    Row {
        edits: &[("hidden: [16]", "num_classes: 5")],
        line: 6,
        expected: &["the network has 5 outputs, and the data have 10 classes"],
        ..GOOD
    },
    Row {
        edits: &[
            ("hidden: [16]", "num_classes: 1"),
            ("CrossEntropyLoss", "BCEWithLogitsLoss"),
        ],
        line: 13,
        expected: &["the data have 10 classes: use `CrossEntropyLoss`"],
        ..GOOD
    },
    Row {
        edits: &[
            (DIGITS, BOXES),
            (
                "architecture: mlp",
                "train_transforms: [DetectionTargetsFormatTransform: {output_format: XYXY_LABEL}]\narchitecture: mlp",
            ),
            (
                TRAIN_LOADER,
                "train_dataloader_params: {batch_size: 16, collate_fn: DetectionCollateFN}",
            ),
            (
                "{batch_size: 180}",
                "{batch_size: 16, collate_fn: DetectionCollateFN}",
            ),
            ("CrossEntropyLoss", "PresenceLoss"),
            ("  train_metrics_list: [Accuracy]\n", ""),
            (
                "  valid_metrics_list: [Accuracy]\n",
                "  metric_to_watch: loss\n",
            ),
        ],
        line: 5,
        expected: &["`output_format: XYXY_LABEL` puts the class behind the box"],
        ..GOOD
    },
    Row {
        edits: &[
            (DIGITS, BOXES),
            (
                "architecture: mlp",
                "train_transforms: [DetectionTargetsFormatTransform: {output_format: LABEL_XYXY}]\narchitecture: custom_yolox",
            ),
            (
                "hidden: [16]",
                "depth_mult_factor: 0.33, width_mult_factor: 0.25, channels_in: 1",
            ),
            (
                TRAIN_LOADER,
                "train_dataloader_params: {batch_size: 16, collate_fn: DetectionCollateFN}",
            ),
            (
                "{batch_size: 180}",
                "{batch_size: 16, collate_fn: DetectionCollateFN}",
            ),
            (
                "CrossEntropyLoss",
                "{YoloXDetectionLoss: {num_classes: 10}}",
            ),
            ("  train_metrics_list: [Accuracy]\n", ""),
            (
                "  valid_metrics_list: [Accuracy]\n",
                "  metric_to_watch: loss\n",
            ),
        ],
        line: 5,
        expected: &["boxes come as LABEL_XYXY, and `YoloXDetectionLoss` reads LABEL_CXCYWH"],
        ..GOOD
    },
    // The metric would take corners for centers, and be 0.
    Row {
        edits: &[
            (DIGITS, BOXES),
            (
                TRAIN_LOADER,
                "train_dataloader_params: {batch_size: 16, collate_fn: DetectionCollateFN}",
            ),
            (
                "{batch_size: 180}",
                "{batch_size: 16, collate_fn: DetectionCollateFN}",
            ),
            (
                "architecture: mlp",
                "val_transforms: [DetectionTargetsFormatTransform: {output_format: LABEL_XYXY}]\narchitecture: mlp",
            ),
            ("CrossEntropyLoss", "PresenceLoss"),
            ("  train_metrics_list: [Accuracy]\n", ""),
            (
                "  valid_metrics_list: [Accuracy]\n",
                "  metric_to_watch: loss\n  valid_metrics_list: [CocoMetrics: {num_cls: 10}]\n",
            ),
        ],
        line: 5,
        expected: &["boxes come as LABEL_XYXY, and `CocoMetrics` reads LABEL_CXCYWH"],
        ..GOOD
    },
    Row {
        callbacks: "  - {wasm: case.wasm, on_error: abort}\n",
        line: 18,
        expected: &[
            "callback `case` failed at on-validation-batch-end",
            "as it was told",
        ],
        ..GOOD
    },
    // A value that only the last epoch sets.
    Row {
        callbacks: "  - TrainingStageSwitch: {next_stage_start_epoch: 1, set_loss: {label_smoothing: 2.0}}\n",
        line: 18,
        expected: &[
            "failed at on-epoch-start",
            "`label_smoothing` must be between 0 and 1",
        ],
        ..GOOD
    },
    Row {
        callbacks: "  - TrainingStageSwitch: {next_stage_start_epoch: 1, set_dataset: {batch_size: 0}}\n",
        line: 18,
        expected: &[
            "failed at on-epoch-start",
            "`batch_size` must be at least 1",
        ],
        ..GOOD
    },
    Row {
        edits: &[("initial_lr: 0.01", "initial_lr: 1.0e+38")],
        line: 11,
        expected: &["after a step at learning rate", "the weights are"],
        ..GOOD
    },
    // A loss that any rate is too large for.
    Row {
        edits: &[(
            "loss: CrossEntropyLoss",
            "criterion_params: {z_loss: 1.0e+30}\n  loss: CrossEntropyLoss",
        )],
        line: 13,
        expected: &["perhaps since the loss has a number so large"],
        ..GOOD
    },
    // Steps that leave weights with which nothing can be computed, before a loss shows it.
    Row {
        edits: &[(
            "loss: CrossEntropyLoss",
            "optimizer: AdamW\n  optimizer_params:\n    eps: 0\n  loss: CrossEntropyLoss",
        )],
        line: 14,
        expected: &[
            "the weights are as large as NaN",
            "give the optimizer other parameters",
        ],
        ..GOOD
    },
    Row {
        edits: &[(
            "loss: CrossEntropyLoss",
            "optimizer: RMSprop\n  optimizer_params:\n    alpha: 1\n  loss: CrossEntropyLoss",
        )],
        line: 15,
        expected: &["`alpha` = 1 is out of range"],
        ..GOOD
    },
    Row {
        callbacks: "  - TrainingStageSwitch:\n      next_stage_start_epoch: 1\n      set_lr: 1.0e+9\n",
        line: 20,
        expected: &["after a step at learning rate 1000000000"],
        ..GOOD
    },
    Row {
        edits: &[(
            "lr_mode: Constant",
            "lr_mode: {MultiStepLR: {milestones: [1], gamma: 1.0e+300}}",
        )],
        line: 12,
        expected: &["in epoch 1, beyond what a number can be"],
        ..GOOD
    },
    Row {
        edits: &[(
            "loss: CrossEntropyLoss",
            "loss: CrossEntropyLoss\n  criterion_params:\n    weight: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0]",
        )],
        line: 15,
        expected: &["`weight` is 0 for every class"],
        ..GOOD
    },
    Row {
        edits: &[
            ("batch_size: 16}", "batch_size: 2}"),
            (
                "loss: CrossEntropyLoss",
                "loss: CrossEntropyLoss\n  criterion_params:\n    weight: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]",
            ),
        ],
        line: 15,
        expected: &[
            "`weight` is 0 for the classes of a whole batch",
            "the loss is NaN",
        ],
        ..GOOD
    },
    Row {
        edits: &[(
            "loss: CrossEntropyLoss",
            "loss: CrossEntropyLoss\n  criterion_params: {smooth_eps: 0.1, label_smoothing: 0.1}",
        )],
        line: 14,
        expected: &["`smooth_eps` and `label_smoothing` are two names of one parameter"],
        ..GOOD
    },
    Row {
        edits: &[(
            "  valid_metrics_list: [Accuracy]\n",
            "  valid_metrics_list: [Accuracy]\n  metric_to_watch: F1\n",
        )],
        line: 16,
        expected: &["validation gives no `F1`", "add it to `valid_metrics_list`"],
        ..GOOD
    },
];

fn scratch(row: &Row) -> Scratch {
    let scratch = Scratch::new();
    let mut recipe = format!("{TINY}{}", row.callbacks);
    for (old, new) in row.edits {
        assert!(recipe.contains(old), "{old}");
        recipe = recipe.replacen(old, new, 1);
    }
    scratch.write("recipe.yaml", recipe);
    scratch.write("case.wasm", component(&[("on-validation-batch-end", FAIL)]));
    let rows: String = (0..80)
        .map(|row| format!("{},{}\n", row % 7, row % 5))
        .collect();
    scratch.write("data.csv", format!("x,y\n{rows}"));
    scratch
}

#[test]
fn what_a_run_fails_at_is_refused_with_its_place() {
    for row in &ROWS {
        let finished = scratch(row).phasebox(&["check", "recipe.yaml"]);
        let message = &finished.stderr;
        assert_eq!(
            finished.code,
            Some(2),
            "{:?}: {}{message}",
            row.expected,
            finished.stdout
        );
        let place = format!("recipe.yaml:{}: ", row.line);
        assert!(message.contains(&place), "{place}: {message}");
        for words in row.expected {
            assert!(message.contains(words), "{words}: {message}");
        }
    }
}

/// A callback whose failures a run goes on after fails in the trial too.
#[test]
fn a_failure_that_ends_no_run_is_told() {
    let scratch = Scratch::with_callbacks("  - {wasm: case.wasm, on_error: disable}\n");
    scratch.write("case.wasm", component(&[("on-epoch-end", FAIL)]));
    let finished = scratch.phasebox(&["check", "recipe.yaml"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let warning = "recipe.yaml:18: callback `case` failed at on-epoch-end: it fails, as it was told; disabled";
    assert!(finished.stdout.contains(warning), "{}", finished.stdout);
}

#[test]
fn a_recipe_for_a_gpu_is_tried_on_the_cpu() {
    let scratch = Scratch::with_callbacks("  []\n");
    let finished = scratch.phasebox(&["check", "recipe.yaml", "device=cuda"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let is_told = finished.stdout.contains("not seen: the recipe wants a GPU");
    assert!(is_told || tch::Cuda::is_available(), "{}", finished.stdout);
}

/// The names of the files and folders in `folder` and below.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("a readable entry").path();
        found.push(path.display().to_string());
        if path.is_dir() {
            found.extend(files(&path));
        }
    }
    found.sort();
    found
}

#[test]
fn a_trial_leaves_no_file_behind() {
    for (epoch_end, extent) in [("a", None), ("b", Some("--full"))] {
        let scratch = Scratch::with_callbacks("  - Trace: {artifact: true}\n  - SaveFirstBatch\n");
        scratch.write(epoch_end, "");
        let own = scratch.path("tmp");
        fs::create_dir(&own).expect("a folder");
        let before = files(scratch.path("").as_path());
        let arguments = ["check", "recipe.yaml"].into_iter().chain(extent);
        let mut command = scratch.command(&arguments.collect::<Vec<_>>());
        let child = command
            .env("TMPDIR", &own)
            .spawn()
            .expect("the binary starts");
        let finished = scratch.finish(child);
        assert_eq!(finished.code, Some(0), "{}", finished.stderr);
        assert_eq!(files(scratch.path("").as_path()), before);
    }
}

/// The weights after a run of `recipe`, which `trial` comes before.
fn trained(recipe: &Recipe, folder: &Path, trials: &[Extent]) -> NamedTensors {
    let options = || Options {
        runs_dir: folder.join("runs"),
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        ..Options::default()
    };
    let assembly = Assembly::new(recipe, options()).expect("a good recipe");
    for extent in trials {
        let other = Assembly::new(recipe, options()).expect("a good recipe");
        let tried = other.trial(*extent).expect("it goes through");
        assert!(tried.warnings.is_empty(), "{:?}", tried.warnings);
    }
    let summary = assembly.trainer().and_then(|trainer| trainer.train());
    let run = summary.expect("it trains").run;
    let latest = checkpoint::load(&run.join("ckpt_latest"));
    latest.expect("a checkpoint").model
}

#[test]
fn a_trial_changes_no_run_of_its_process() {
    let _alone = alone();
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", STATEFUL);
    let recipe = Recipe::load(scratch.path("recipe.yaml"), &[]).expect("a good recipe");
    let folder = scratch.path("");
    let plain = trained(&recipe, &folder, &[]);
    for trials in [[Extent::TwoSamples], [Extent::WholeBatch]] {
        let after = trained(&recipe, &folder, &trials);
        assert_eq!(plain, after, "{trials:?}");
    }
}
