//! Mistakes in recipes of detection: each is refused by `check` at the line that is to blame, with the remedy, or a note
//! says what follows from it.

mod notes;
mod rows;

use std::fmt::Write as _;

use phasebox_data::png;
use serde_json::{Value, json};

use self::notes::{ACCEPTED, NOTED, NOTED_OF_FILES};
use self::rows::{OF_FILES, REFUSED, Row};
use crate::harness::Scratch;

/// A small network on small canvases.
const BOXES: &str = "\
experiment_name: boxes
dataset: {scattered_digits: {size: 64, channels: 3, digits: [1, 2], scale: [2, 3], train: 40, validation: 24}}
train_dataloader_params: {batch_size: 8, collate_fn: DetectionCollateFN}
val_dataloader_params: {batch_size: 8, collate_fn: DetectionCollateFN}
train_transforms:
  - DetectionPaddedRescale: {input_dim: 64}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
val_transforms:
  - DetectionPaddedRescale: {input_dim: 64}
  - DetectionTargetsFormatTransform: {output_format: LABEL_CXCYWH}
architecture: custom_yolox
arch_params: {num_classes: 10, depth_mult_factor: 0.01, width_mult_factor: 0.0625}
training_hyperparams:
  max_epochs: 2
  initial_lr: 0.001
  loss: YoloXDetectionLoss
  criterion_params: {num_classes: 10}
  valid_metrics_list:
    - DetectionMetrics_050:
        num_cls: 10
        normalize_targets: true
        post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.01, iou: 0.65}}
  metric_to_watch: mAP@0.50
";

/// The data of [`BOXES`], and files in their place.
const DIGITS: &str = "dataset: {scattered_digits: {size: 64, channels: 3, digits: [1, 2], scale: [2, 3], train: 40, validation: 24}}";
const FILES: &str = "\
dataset:
  coco_detection:
    train: {data_dir: ., json_file: train.json, images_dir: .}
    validation: {data_dir: ., json_file: valid.json, images_dir: .}";

/// Four images in COCO's format, the first of 64×64 pixels.
fn write_files(scratch: &Scratch) {
    std::fs::create_dir(scratch.path("annotations")).expect("ours");
    let heights = [64, 48, 48, 48];
    let image = |(id, height): (usize, usize)| {
        let name = format!("{id}.png");
        let colors = vec![90; height * 64 * 3];
        scratch.write(&name, png([height, 64], &colors).expect("an image"));
        json!({"id": id, "file_name": name, "height": height, "width": 64})
    };
    let images: Vec<Value> = heights.into_iter().enumerate().map(image).collect();
    let boxes =
        |id: usize| json!({"id": id, "image_id": id, "category_id": id, "bbox": [4, 4, 40, 40]});
    let category = |id: usize| json!({"id": id, "name": id.to_string()});
    let categories: Vec<Value> = (0..10).map(category).collect();
    for (file, count) in [
        ("annotations/train.json", 4),
        ("annotations/valid.json", 4),
        ("annotations/none.json", 0),
        ("annotations/crowds.json", 4),
        ("beside.json", 4),
    ] {
        let mut annotations: Vec<Value> = (0..count).map(boxes).collect();
        if file.contains("crowds") {
            annotations
                .iter_mut()
                .for_each(|one| one["iscrowd"] = 1.into());
        }
        let document =
            json!({"images": images, "annotations": annotations, "categories": categories});
        scratch.write(file, document.to_string());
    }
}

/// The exit code of `check`, and all that it says.
fn checked(scratch: &Scratch, base: &str, row: &Row) -> (Option<i32>, String) {
    let mut recipe = base.to_owned();
    for (old, new) in row.edits {
        assert!(recipe.contains(old), "{old}");
        recipe = recipe.replacen(old, new, 1);
    }
    scratch.write("recipe.yaml", recipe);
    let finished = scratch.phasebox(&["check", "recipe.yaml"]);
    (finished.code, finished.stdout + &finished.stderr)
}

/// One test for all rows: each is a process of its own.
#[test]
fn mistakes_are_told_with_their_places() {
    let scratch = Scratch::new();
    write_files(&scratch);
    let files = BOXES.replace(DIGITS, FILES);
    let mut wrong = String::new();
    for (base, rows, code) in [
        (BOXES, REFUSED, 2),
        (BOXES, NOTED, 0),
        (&files, OF_FILES, 2),
        (&files, NOTED_OF_FILES, 0),
    ] {
        for row in rows {
            let (found, said) = checked(&scratch, base, row);
            let place = format!("recipe.yaml:{}: ", row.line);
            let mut lines = said.lines();
            let is_told = lines.any(|line| {
                line.contains(&place) && row.words.iter().all(|words| line.contains(words))
            });
            if found != Some(code) || !is_told {
                let _ = writeln!(wrong, "{:?}: {:?} {said}", row.edits, row.line);
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn good_recipes_of_detection_have_no_notes() {
    let scratch = Scratch::new();
    for row in ACCEPTED {
        let (code, said) = checked(&scratch, BOXES, row);
        assert_eq!(code, Some(0), "{:?}: {said}", row.edits);
        let notes = said
            .lines()
            .filter(|line| line.starts_with("note:"))
            .count();
        assert_eq!(notes, 0, "{:?}: {said}", row.edits);
    }
}
