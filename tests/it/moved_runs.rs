//! A run's folder without its data: predictions need none, and an evaluation the validation alone.

use std::fs;
use std::path::Path;

use phasebox_contract::digest::Digest;
use phasebox_data::png;
use serde_json::{Value, json};

use crate::harness::{Run, Scratch, TINY};

/// An image of one color, and of another for each number.
fn image(scratch: &Scratch, name: &str, number: usize) {
    let colors: Vec<u8> = (0..64 * 64 * 3)
        .map(|place| (place * (number + 3) % 251) as u8)
        .collect();
    let bytes = png([64, 64], &colors).expect("an image");
    scratch.write(name, bytes);
}

/// Two classes of images, scaled to what the network takes.
fn classes() -> Scratch {
    let scratch = Scratch::new();
    for (part, count) in [("train", 40), ("val", 8)] {
        for (place, class) in ["cats", "dogs"].into_iter().enumerate() {
            fs::create_dir_all(scratch.path(part).join(class)).expect("ours");
            for number in 0..count {
                image(
                    &scratch,
                    &format!("{part}/{class}/{number}.png"),
                    number + 50 * place,
                );
            }
        }
    }
    let data = "{image_folder: {root: .}}\ntrain_transforms: &t [{Resize: {size: [8, 8]}}]\nval_transforms: *t";
    let recipe = TINY.replace("{digits: {test_fraction: 0.1}}", data);
    scratch.write("recipe.yaml", recipe + "  []\n");
    scratch
}

const BOXES: &str = "\
experiment_name: tiny
dataset:
  coco_detection:
    train: {data_dir: data, json_file: train.json, images_dir: ., input_dim: 48}
    validation: {data_dir: data, json_file: valid.json, images_dir: ., input_dim: 48}
train_dataloader_params: {batch_size: 4, collate_fn: DetectionCollateFN}
val_dataloader_params: {batch_size: 4, collate_fn: DetectionCollateFN}
train_transforms: &transforms
  - DetectionPaddedRescale: {input_dim: 64}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
val_transforms: *transforms
architecture: custom_yolox
arch_params: {num_classes: 2, depth_mult_factor: 0.01, width_mult_factor: 0.0625}
training_hyperparams:
  max_epochs: 1
  initial_lr: 0.001
  loss: YoloXDetectionLoss
  criterion_params: {num_classes: 2}
  valid_metrics_list:
    - DetectionMetrics_050: {num_cls: 2, normalize_targets: true}
  metric_to_watch: mAP@0.50
";

/// Images with boxes of two classes.
fn boxes() -> Scratch {
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path("data/annotations")).expect("ours");
    for (part, count) in [("train", 8), ("valid", 4)] {
        let images: Vec<Value> = (0..count)
            .map(|id| {
                let name = format!("{part}-{id}.png");
                image(&scratch, &format!("data/{name}"), id);
                json!({"id": id, "file_name": name, "height": 64, "width": 64})
            })
            .collect();
        let annotations: Vec<Value> = (0..count)
            .map(|id| json!({"id": id, "image_id": id, "category_id": 3 + id % 2, "bbox": [4, 4, 40, 40]}))
            .collect();
        let categories = json!([{"id": 3, "name": "car"}, {"id": 4, "name": "bus"}]);
        let document =
            json!({"images": images, "annotations": annotations, "categories": categories});
        let file = format!("data/annotations/{part}.json");
        scratch.write(&file, document.to_string());
    }
    scratch.write("recipe.yaml", BOXES);
    scratch
}

/// The answer of a command that ends well, and what it says.
fn answer(scratch: &Scratch, arguments: &[&str]) -> (Value, String) {
    let finished = scratch.phasebox(arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    let answer = serde_json::from_str(&finished.stdout).expect("JSON");
    (answer, finished.stderr)
}

/// Trains, takes `train` and then all data away, and compares what is found before and after.
fn check(scratch: &Scratch, train: &str, all: &[&str]) {
    let run = scratch.trained(&[]);
    image(scratch, "photo.png", 7);
    let predict = ["predict", "--json", run.path(), "photo.png"];
    let eval = ["eval", "--json", run.path()];
    let (found, _) = answer(scratch, &predict);
    let (judged, said) = answer(scratch, &eval);
    assert!(!said.contains("note"), "{said}");
    fs::rename(scratch.path(train), scratch.path("elsewhere")).expect("a move");
    let (again, said) = answer(scratch, &eval);
    assert_eq!(again["metrics"], judged["metrics"]);
    let words = "the training data are not read, and the checkpoint tells their classes";
    assert!(said.contains(words), "{said}");
    for folder in all {
        let _ = fs::remove_dir_all(scratch.path(folder));
    }
    let (again, _) = answer(scratch, &predict);
    assert_eq!(again["images"], found["images"]);
    let refused = scratch.phasebox(&eval);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    check_older(scratch, &run, &predict);
}

/// A checkpoint of an earlier version, which keeps nothing of the data.
fn check_older(scratch: &Scratch, run: &Run, predict: &[&str]) {
    let file = run.0.join("ckpt_best/checkpoint.json");
    let mut checkpoint = run.json("ckpt_best/checkpoint.json");
    let trainer = checkpoint["state"]["trainer"].as_object_mut();
    trainer.expect("a state").remove("data").expect("it has");
    write_checkpoint(&file, &checkpoint);
    let refused = scratch.phasebox(predict);
    assert_eq!(refused.code, Some(2), "{}", refused.stderr);
    let words = "the data are needed here, since the checkpoint keeps nothing of them";
    assert!(refused.stderr.contains(words), "{}", refused.stderr);
}

fn write_checkpoint(file: &Path, checkpoint: &Value) {
    let text = checkpoint.to_string();
    let line = format!("{}  checkpoint.json\n", Digest::of(text.as_bytes()));
    fs::write(file, text).expect("ours");
    fs::write(file.with_extension("json.sha256"), line).expect("ours");
}

#[test]
fn classes_are_found_without_the_data() {
    check(&classes(), "train", &["val"]);
}

#[test]
fn boxes_are_found_without_the_data() {
    check(&boxes(), "data/annotations/train.json", &["data"]);
}
