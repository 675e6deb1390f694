//! A network with two named inputs and three named outputs, a loss of three parts with a parameter of its own, a metric
//! of two values and one that gathers every sample: trained from a recipe, natively from recordings, and as TorchScript.

use std::fmt::Write;
use std::path::Path;

use phasebox_data::DatasetConfig;
use serde_json::{Value, json};

use crate::harness::{Run, Scratch, repository};

/// Samples of the table.
const ROWS: usize = 600;

/// The first digits as a table: 64 pixels, the digit, whether it is odd, and its ink.
fn digits() -> String {
    let config: DatasetConfig = serde_json::from_value(json!({"digits": {}})).expect("it is known");
    let data = config.load(Path::new("")).expect("it is built in").train;
    let indices: Vec<usize> = (0..ROWS).collect();
    let stacked = data.in_one_pass().expect("images in memory");
    let batch = stacked.byte_batch(&indices, &Default::default(), &0.into());
    let batch = batch.expect("as many digits");
    let pixels = batch
        .inputs
        .single("inputs")
        .expect("images")
        .reshape([-1, 64]);
    let pixels = Vec::<Vec<u8>>::try_from(&pixels).expect("bytes");
    let classes = batch.target.single("target").expect("classes");
    let classes = Vec::<i64>::try_from(classes).expect("classes");
    let mut text: String = (0..64).map(|pixel| format!("p{pixel},")).collect();
    text.push_str("digit,odd,ink\n");
    for (digit, class) in pixels.iter().zip(classes) {
        let ink: u32 = digit.iter().map(|byte| u32::from(*byte)).sum();
        for byte in digit {
            write!(text, "{byte},").expect("a text grows");
        }
        let odd = class % 2;
        writeln!(text, "{class},{odd},{}", f64::from(ink) / 300.0).expect("a text grows");
    }
    text
}

/// Names of pixels, as the elements of a list.
fn pixels(range: std::ops::Range<usize>) -> String {
    let names: Vec<String> = range.map(|pixel| format!("p{pixel}")).collect();
    names.join(", ")
}

/// A folder with the table, both networks and a recipe that trains `architecture`.
pub(crate) fn scratch(architecture: &str, callbacks: &str) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("digits.csv", digits());
    let script = repository("recipes/data/torchscript/multi_task.pt");
    scratch.write("multi_task.pt", std::fs::read(script).expect("a file"));
    let (top, bottom) = (pixels(0..32), pixels(32..64));
    let recipe = format!(
        "\
experiment_name: tiny
dataset:
  csv:
    file: digits.csv
    features:
      top: [{top}]
      bottom: [{bottom}]
    target:
      digit: {{column: digit}}
      odd: {{column: odd, task: regression}}
      ink: {{column: ink, task: regression}}
train_dataloader_params: {{batch_size: 32}}
val_dataloader_params: {{batch_size: 50}}
architecture: {architecture}
training_hyperparams:
  max_epochs: 6
  optimizer: Adam
  initial_lr: 0.005
  lr_mode: Constant
  loss: MultiTaskLoss
  criterion_params:
    parts: {{digit: CrossEntropyLoss, odd: BCEWithLogitsLoss, ink: MSELoss}}
    weights: learned
  train_metrics_list: [AUROC: {{preds: odd, target: odd}}]
  valid_metrics_list:
    - Accuracy: {{preds: digit, target: digit}}
    - PrecisionRecall: {{preds: digit, target: digit}}
    - AUROC: {{preds: odd, target: odd}}
  metric_to_watch: digit/Recall
phase_callbacks:
{callbacks}"
    );
    scratch.write("recipe.yaml", recipe);
    scratch
}

pub(crate) const NATIVE: &str =
    "{multi_task_mlp: {hidden: [64], heads: {digit: 10, odd: 1, ink: 1}}}";
pub(crate) const SCRIPT: &str = "{torchscript: {file: multi_task.pt}}";

/// Every value of the last validation is there under its name, and good.
fn assert_learned(run: &Run) {
    let last = &run.summary()["final"];
    for (name, least) in [
        ("digit/Accuracy", 0.9),
        ("digit/Precision", 0.9),
        ("digit/Recall", 0.9),
        ("odd/AUROC", 0.98),
    ] {
        let value = last[name].as_f64();
        assert!(value.is_some_and(|value| value > least), "{name}: {last}");
    }
    for name in ["loss", "digit", "odd", "ink"] {
        assert!(last[name].is_f64(), "{name}: {last}");
    }
    assert_eq!(run.summary()["best"]["metric"], "digit/Recall");
}

/// An entry of the guest that reads every tensor by name.
fn named_items() -> String {
    let guest = repository("target/plugins/tests/named-items.wasm");
    let guest = guest.display();
    format!("  - {{wasm: {guest}, name: items, grants: [sync]}}\n")
}

/// A callback sees every tensor under its name, and the metric that it publishes decides which epoch is best.
#[test]
fn a_callback_reads_every_tensor_and_decides_the_best() {
    for (architecture, more) in [(NATIVE, &[][..]), (SCRIPT, &["preds/features"])] {
        let scratch = scratch(architecture, &named_items());
        let watched = "items/both_right";
        let run = scratch.trained(&[
            &format!("training_hyperparams.metric_to_watch={watched}"),
            "training_hyperparams.greater_metric_to_watch_is_better=true",
        ]);
        let lines = run.metrics();
        let values = |name: &str| -> Vec<f64> {
            let named = lines.iter().filter(|line| line["name"] == name);
            named.filter_map(|line| line["value"].as_f64()).collect()
        };
        let seen = [
            "inputs/top",
            "inputs/bottom",
            "target/digit",
            "target/odd",
            "target/ink",
            "preds/digit",
            "preds/odd",
            "preds/ink",
            "part/loss",
            "part/digit",
            "part/odd",
            "part/ink",
        ];
        for name in seen.iter().chain(more) {
            assert_eq!(values(&format!("items/{name}")).len(), 6 * 15, "{name}");
        }
        let published = values(watched);
        let best = &run.summary()["best"];
        let highest = published.iter().copied().fold(0.0, f64::max);
        assert_eq!(
            (published.len(), best["value"].as_f64()),
            (6, Some(highest)),
            "{best}"
        );
        assert_eq!(best["metric"], watched);
    }
}

#[test]
fn a_network_of_named_tensors_is_trained_from_recordings() {
    let scratch = scratch(NATIVE, "");
    let run = scratch.trained(&[]);
    assert_learned(&run);
    let recorded = &run.summary()["recorded_steps"];
    let replayed = recorded["replayed_batches"].as_u64();
    assert!(
        replayed > recorded["eager_batches"].as_u64().map(|eager| 5 * eager),
        "{recorded}"
    );
    assert_eq!(recorded["not_recorded"], Value::Array(Vec::new()));
}

#[test]
fn a_torchscript_network_of_named_tensors_says_why_it_is_not_recorded() {
    let scratch = scratch(SCRIPT, "");
    let checked = scratch.phasebox(&["check", "recipe.yaml"]);
    let reason = "recorded steps: none: the network is a TorchScript file";
    assert!(checked.stdout.contains(reason), "{}", checked.stdout);
    assert_learned(&scratch.trained(&[]));
}

/// An input whose name is misspelled must not end up in the place of another.
#[test]
fn torchscript_inputs_are_not_guessed() {
    let scratch = scratch(SCRIPT, "");
    let recipe = std::fs::read_to_string(scratch.path("recipe.yaml")).expect("a recipe");
    scratch.write(
        "recipe.yaml",
        recipe.replace("      top: [", "      topp: ["),
    );
    let finished = scratch.train(&[]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    let reason = "its parameters are bottom top";
    assert!(finished.stderr.contains(reason), "{}", finished.stderr);
}

/// Targets of boxes, from none to as many as an image has room for: batches are padded to few shapes, so that nearly all
/// of them are replayed once each shape has been recorded.
#[test]
fn batches_of_ragged_targets_are_replayed() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", RAGGED);
    let checked = scratch.phasebox(&["check", "recipe.yaml"]);
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
    let run = scratch.trained(&[]);
    let recorded = &run.summary()["recorded_steps"];
    let count = |key: &str| recorded[key].as_f64().expect("a number");
    let (replayed, eager) = (count("replayed_batches"), count("eager_batches"));
    // Three eager batches of each shape come before its recording.
    let warm_up = 3.0 * count("recordings");
    assert!(count("recordings") >= 3.0, "rows vary: {recorded}");
    assert!(replayed >= 0.9 * (replayed + eager - warm_up), "{recorded}");
    assert!(replayed >= 0.85 * (replayed + eager), "{recorded}");
    let losses: Vec<f64> = run
        .metrics()
        .iter()
        .filter(|line| line["name"] == "train/loss")
        .filter_map(|line| line["value"].as_f64())
        .collect();
    assert!(losses.last() < losses.first(), "{losses:?}");
}

/// Up to 14 boxes an image and 4 images a batch: 0 to 56 rows, padded to 16, 32 or 64.
const RAGGED: &str = "\
experiment_name: tiny
dataset: {scattered_digits: {size: 64, digits: [0, 14], scale: [1.0, 1.3], train: 640, validation: 32}}
train_dataloader_params: {batch_size: 4, collate_fn: DetectionCollateFN}
val_dataloader_params: {batch_size: 16, collate_fn: DetectionCollateFN}
architecture: mlp
arch_params: {hidden: [32], num_classes: 10}
training_hyperparams:
  max_epochs: 4
  optimizer: Adam
  initial_lr: 0.003
  lr_mode: Constant
  loss: PresenceLoss
  train_metrics_list: []
  valid_metrics_list: []
  metric_to_watch: loss
  greater_metric_to_watch_is_better: false
";
