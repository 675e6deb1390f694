//! `phasebox predict`: the classes and boxes that a run's network finds in image files, with the weights and transforms
//! of its validation, and the refusal of what is no image.

use std::fs;
use std::path::Path;

use phasebox_data::{DatasetConfig, Pixels, Target, png};
use serde_json::{Value, json};

use crate::harness::{Run, Scratch};

/// The digits of validation as files, and their classes.
fn digits(scratch: &Scratch) -> Vec<(String, i64)> {
    let config = json!({"digits": {"test_fraction": 0.1}});
    let config: DatasetConfig = serde_json::from_value(config).expect("a data set");
    let digits = config.load(Path::new("")).expect("built in").validation;
    let mut files = Vec::new();
    for index in 0..digits.len() {
        let sample = digits.sample(index).expect("a digit");
        let (Some(Pixels::Bytes(image)), [(_, Target::Class(class))]) =
            (&sample.image, &sample.target[..])
        else {
            panic!("{sample:?}");
        };
        let bytes = image.values().iter();
        let brighter = bytes.map(|byte| (f32::from(*byte) * 255.0 / sample.white).round() as u8);
        let colors: Vec<u8> = brighter.flat_map(|byte| [byte; 3]).collect();
        let name = format!("digit-{index}.png");
        scratch.write(&name, png([8, 8], &colors).expect("192 bytes"));
        files.push((name, *class));
    }
    files
}

fn predict(scratch: &Scratch, arguments: &[&str]) -> Value {
    let finished = scratch.phasebox(&[&["predict", "--json"], arguments].concat());
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let result: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let folder = result["folder"].as_str().expect("a folder");
    let written = fs::read(scratch.path(folder).join("predictions.json"));
    let written: Value = serde_json::from_slice(&written.expect("a file")).expect("JSON");
    assert_eq!(written, result);
    result
}

/// The accuracy that the run logged at its best epoch.
fn logged_accuracy(run: &Run) -> f64 {
    let best = run.summary()["best"]["epoch"].clone();
    let lines = run.metrics().into_iter();
    let mut lines = lines.filter(|line| line["epoch"] == best && line["name"] == "valid/Accuracy");
    let value = lines.next().expect("it was logged");
    value["value"].as_f64().expect("a number")
}

/// As many are right as the run's validation found, whichever weights that looks at.
#[test]
fn classes_are_those_of_the_runs_validation() {
    for (callbacks, changes) in [
        ("  []\n", &[] as &[&str]),
        ("  []\n", &["training_hyperparams.ema=true"]),
        ("  - ema: {decay: 0.5}\n", &[]),
    ] {
        let scratch = Scratch::with_callbacks(callbacks);
        let run = scratch.trained(changes);
        let files = digits(&scratch);
        let names = files.iter().map(|(name, _)| name.as_str());
        let arguments: Vec<&str> = [run.path()].into_iter().chain(names).collect();
        let result = predict(&scratch, &arguments);
        let images = result["images"].as_array().expect("a list");
        assert_eq!(images.len(), files.len());
        let is_right = |(image, (_, class)): &(&Value, &(String, i64))| {
            image["classes"][0]["index"].as_i64() == Some(*class)
        };
        let right = images.iter().zip(&files).filter(is_right).count();
        let accuracy = right as f64 / files.len() as f64;
        assert!(
            (accuracy - logged_accuracy(&run)).abs() < 1e-9,
            "{accuracy}"
        );
        let classes = images[0]["classes"].as_array().expect("a list");
        assert_eq!(classes.len(), 5);
        let class = |place: usize| classes[place]["probability"].as_f64();
        assert!(class(0) > class(1) && class(0) < Some(1.0), "{classes:?}");
    }
}

#[test]
fn odd_input_is_refused_by_name() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let before = fs::read_dir(scratch.path("runs/tiny"))
        .expect("runs")
        .count();
    scratch.write("text.png", "no image");
    scratch.write(
        "wide.png",
        png([1, 100_000], &vec![0; 300_000]).expect("a row"),
    );
    scratch.write("good.png", png([8, 8], &[0; 192]).expect("192 bytes"));
    fs::create_dir(scratch.path("folder.png")).expect("ours");
    let inside = format!("{}/checkpoints", run.path());
    let refused = |arguments: &[&str], code: i32, words: &[&str]| {
        let arguments = [&["predict", run.path()], arguments].concat();
        let finished = scratch.phasebox(&arguments);
        let message = scratch.readable(&finished.stderr);
        assert_eq!(finished.code, Some(code), "{message}");
        for word in words {
            assert!(message.contains(word), "{word}: {message}");
        }
    };
    refused(&["missing.png"], 2, &["missing.png", "not an image"]);
    refused(&["folder.png"], 2, &["folder.png", "not an image"]);
    refused(&["wide.png"], 2, &["wide.png", "100000x1 pixels"]);
    refused(
        &["good.png", "--out", "text.png"],
        2,
        &["text.png", "cannot make"],
    );
    refused(
        &["good.png", "--out", &inside],
        2,
        &["`--out` lies in the run"],
    );
    refused(&["good.png", "--conf", "2"], 2, &["between 0 and 1"]);
    refused(&[], 2, &["<IMAGE>"]);
    let finished = scratch.phasebox(&["predict", "folder.png", "good.png"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    let after = fs::read_dir(scratch.path("runs/tiny"))
        .expect("runs")
        .count();
    assert_eq!(before, after, "a refusal leaves no folder");
    refused(&["good.png", "text.png"], 1, &["text.png", "not an image"]);
}

/// The network of a run takes images of one size, and the transforms make none.
#[test]
fn an_image_that_the_network_cannot_take_is_an_error_with_its_name() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    scratch.write("large.png", png([9, 8], &[0; 216]).expect("216 bytes"));
    let finished = scratch.phasebox(&["predict", run.path(), "large.png"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    assert!(finished.stderr.contains("large.png"), "{}", finished.stderr);
}

/// A file that turns out to be broken after its header.
#[test]
fn an_image_that_fails_does_not_end_the_others() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let good = png([8, 8], &[7; 192]).expect("192 bytes");
    scratch.write("first.png", &good);
    scratch.write("cut.png", &good[..good.len() - 20]);
    scratch.write("last.png", &good);
    let files = ["first.png", "cut.png", "last.png"];
    let finished = scratch.phasebox(&[&["predict", "--json", run.path()], &files[..]].concat());
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    for words in ["1 of 3 images have no prediction", "cut.png"] {
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
    let result: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    let images = result["images"].as_array().expect("a list");
    assert_eq!(images.len(), 2);
    assert_eq!(images[1]["image"], "last.png");
    assert_eq!(images[0]["classes"], images[1]["classes"]);
    assert_eq!(result["failed"][0]["image"], "cut.png");
    let folder = scratch.path(result["folder"].as_str().expect("a folder"));
    assert!(folder.join("predictions.json").is_file());
}

/// A detection network on small canvases, too young to be right.
const DETECTION: &str = "\
experiment_name: tiny
dataset: {scattered_digits: {size: 64, channels: 3, digits: [1, 2], scale: [2, 3], targets: boxes, train: 16, validation: 8}}
train_dataloader_params: {batch_size: 8, collate_fn: DetectionCollateFN}
val_dataloader_params: {batch_size: 8, collate_fn: DetectionCollateFN}
train_transforms: &transforms
  - DetectionPaddedRescale: {input_dim: [64, 64]}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
val_transforms: *transforms
architecture: yolox_n
arch_params: {num_classes: 10}
training_hyperparams:
  max_epochs: 1
  initial_lr: 0.001
  loss: YoloXDetectionLoss
  criterion_params: {strides: [8, 16, 32], num_classes: 10}
  valid_metrics_list:
    - DetectionMetrics_050: &metric
        num_cls: 10
        normalize_targets: true
        post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.0, iou: 0.65, max_predictions: 50}}
    - CocoMetrics: *metric
  metric_to_watch: mAP@0.50
phase_callbacks:
";

#[test]
fn boxes_are_in_pixels_of_the_file() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", format!("{DETECTION}  []\n"));
    let run = scratch.trained(&[]);
    let best = run.summary()["best"]["metric"].clone();
    assert_eq!(best, "mAP@0.50", "{}", run.summary());
    let names: Vec<Value> = run
        .metrics()
        .iter()
        .map(|line| line["name"].clone())
        .collect();
    for name in ["valid/mAP@0.50", "valid/AP50", "valid/AR_large"] {
        assert!(names.contains(&name.into()), "{name}: {names:?}");
    }
    let size = [90, 200];
    let colors: Vec<u8> = (0..90 * 200 * 3).map(|place| (place % 251) as u8).collect();
    scratch.write("photo.png", png(size, &colors).expect("a photo"));
    fs::create_dir(scratch.path("other")).expect("ours");
    scratch.write("other/photo.png", png(size, &colors).expect("a photo"));
    let files = ["photo.png", "other/photo.png"];
    let result = predict(
        &scratch,
        &[&[run.path(), "--conf", "0"], &files[..]].concat(),
    );
    let images = result["images"].as_array().expect("a list");
    for (image, drawn) in images.iter().zip(["photo.png", "photo-2.png"]) {
        assert_eq!([&image["height"], &image["width"]], [90, 200]);
        let boxes = image["boxes"].as_array().expect("a list");
        // `max_predictions` of the run's metric; some lie in the border.
        assert!((20..=50).contains(&boxes.len()), "{}", boxes.len());
        let scores = boxes.iter().map(|found| found["score"].as_f64());
        assert!(scores.rev().is_sorted());
        let corner = |found: &Value, place: usize| found["box"][place].as_f64().expect("a number");
        for found in boxes {
            let [x1, y1, x2, y2] = [0, 1, 2, 3].map(|place| corner(found, place));
            assert!(0.0 <= x1 && x1 < x2 && x2 <= 200.0, "{found}");
            assert!(0.0 <= y1 && y1 < y2 && y2 <= 90.0, "{found}");
        }
        // The input is 64 pixels wide, and so would be boxes that were not scaled back.
        assert!(boxes.iter().any(|found| corner(found, 2) > 100.0));
        assert_eq!(image["drawn"], drawn);
        let folder = scratch.path(result["folder"].as_str().expect("a folder"));
        let picture = image::open(folder.join(drawn))
            .expect("an image")
            .into_rgb8();
        assert_eq!(picture.dimensions(), (200, 90));
        assert!(picture.as_raw() != &colors, "nothing is drawn");
    }
    // So narrow that a box in it is less than a pixel of the input.
    let row = png([4, 3000], &vec![50; 36_000]).expect("a row");
    scratch.write("wide.png", row);
    let wide = predict(&scratch, &[run.path(), "--conf", "0", "wide.png"]);
    assert!(wide["images"][0]["boxes"].is_array(), "{wide}");
    let none = predict(&scratch, &[run.path(), "--conf", "1", "photo.png"]);
    assert_eq!(none["images"][0]["boxes"], json!([]));
}

/// Weights that a rate without measure has made useless.
#[test]
fn output_that_is_no_number_is_an_error() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[
        "training_hyperparams.initial_lr=1e36",
        "training_hyperparams.nan_policy=ignore",
    ]);
    scratch.write("good.png", png([8, 8], &[9; 192]).expect("192 bytes"));
    let latest = format!("{}/ckpt_latest", run.path());
    let finished = scratch.phasebox(&["predict", &latest, "good.png"]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    for words in ["good.png", "the network's output is not a number"] {
        assert!(finished.stderr.contains(words), "{}", finished.stderr);
    }
}
