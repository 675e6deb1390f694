//! The callbacks `detection-visualization` and `extreme-batch-detection-visualization`: their pictures beside the boxes of
//! the data and those that `phasebox predict` finds with the same weights, their numbers beside those of the run's log.

use std::path::Path;

use image::RgbImage;
use phasebox_data::{Bounds, DatasetConfig, Pixels, Sample, Target, png};
use serde_json::{Value, json};

use crate::harness::training::{TrainedRun, Training, near};
use crate::harness::wat_components::{CHECKPOINT, component};
use crate::harness::{Scratch, repository};

/// Pixels of a side of an image of [`Training::boxes`], and of the gap between two in a grid.
const SIDE: u32 = 64;
const GAP: u32 = 2;
const WHITE: [u8; 3] = [255; 3];
/// Colors of classes, in turn.
const COLORS: [u32; 8] = [
    0xff3838, 0x00c2ff, 0x48f90a, 0xff9d97, 0xcfd231, 0xff37c7, 0x8438ff, 0xff701f,
];

fn color(class: i64) -> [u8; 3] {
    let [_, red, green, blue] = COLORS[class as usize % 8].to_be_bytes();
    [red, green, blue]
}

/// The samples of validation.
fn validation() -> Vec<Sample> {
    let config = json!({"scattered_digits": {
        "size": SIDE, "channels": 3, "digits": [1, 2], "scale": [2, 3], "targets": "boxes", "train": 32, "validation": 16,
    }});
    let config: DatasetConfig = serde_json::from_value(config).expect("a data set");
    let samples = config.load(Path::new("")).expect("built in").validation;
    (0..samples.len())
        .map(|index| samples.sample(index).expect("a sample"))
        .collect()
}

/// The boxes of a sample.
fn truths(sample: &Sample) -> &[Bounds] {
    match &sample.target[..] {
        [(_, Target::Boxes(boxes))] => &boxes.list,
        other => panic!("{other:?}"),
    }
}

/// The pixels of a sample, from black to white.
fn pixels(sample: &Sample) -> Vec<u8> {
    let Some(Pixels::Bytes(image)) = &sample.image else {
        panic!("{sample:?}");
    };
    let values = image.values().iter();
    let bright = values.map(|byte| (f32::from(*byte) * 255.0 / sample.white).round() as u8);
    bright.collect()
}

/// A picture of a run's log, by its name, of the last epoch.
fn picture(run: &TrainedRun, name: &str) -> RgbImage {
    let mut lines = run.lines().into_iter();
    let line = lines.rfind(|line| line["name"] == name);
    let line = line.unwrap_or_else(|| panic!("no picture `{name}`"));
    let file = line["image"].as_str().expect("a file").to_owned();
    image::open(run.path(&file)).expect("a PNG").to_rgb8()
}

/// A tile of a grid of `columns`, whose tiles are so wide.
fn tile(grid: &RgbImage, index: u32, columns: u32, width: u32) -> RgbImage {
    let (column, row) = (index % columns, index / columns);
    let (left, top) = (column * (width + GAP), row * (SIDE + GAP));
    image::imageops::crop_imm(grid, left, top, width, SIDE).to_image()
}

/// True for a pixel of the line of a box, whose fractions are cut off.
fn is_on_line(corners: [f32; 4], x: u32, y: u32) -> bool {
    let [x1, y1, x2, y2] = corners.map(|corner| corner.floor() as i64);
    let (x, y) = (i64::from(x), i64::from(y));
    let is_inside = (x1..=x2).contains(&x) && (y1..=y2).contains(&y);
    is_inside && (x == x1 || x == x2 || y == y1 || y == y2)
}

fn is_within(corners: [f32; 4], x: u32, y: u32) -> bool {
    let [x1, y1, x2, y2] = corners.map(|corner| corner.floor() as i64);
    (x1..=x2).contains(&i64::from(x)) && (y1..=y2).contains(&i64::from(y))
}

/// Checks that lines of boxes have their colors, and that all that is outside of boxes is the image.
fn check_boxes(tile: &RgbImage, sample: &Sample, line: &dyn Fn(&Bounds) -> [u8; 3]) {
    let (boxes, image) = (truths(sample), pixels(sample));
    let brightest = f32::from(*image.iter().max().expect("pixels"));
    for (x, y, pixel) in tile.enumerate_pixels() {
        let on = boxes
            .iter()
            .rfind(|bounds| is_on_line(bounds.corners, x, y));
        let is_within = boxes.iter().any(|bounds| is_within(bounds.corners, x, y));
        match on {
            Some(bounds) => assert_eq!(pixel.0, line(bounds), "({x}, {y})"),
            None if is_within => {}
            None => {
                let shade = f32::from(image[((y * SIDE + x) * 3) as usize]);
                // The brightest image of the batch is white.
                let error = f32::from(pixel.0[0]) - shade;
                assert!(
                    (-1.0..=255.0 - brightest + 1.0).contains(&error),
                    "({x}, {y})"
                );
            }
        }
    }
}

const DRAWN: &str = "detection-visualization";
const EXTREME: &str = "extreme-batch-detection-visualization";

/// No box of an untrained network has a score of 0.25.
#[test]
fn the_truth_is_drawn_in_white() {
    let run = Training::boxes()
        .callback(&format!(
            "{DRAWN}: {{batch_idx: 1, last_img_idx_in_batch: 4, artifact: true}}"
        ))
        .epochs(1)
        .run();
    let drawn = picture(&run, &format!("{DRAWN}/batch_1_images"));
    assert_eq!(drawn.dimensions(), (2 * SIDE + GAP, 2 * SIDE + GAP));
    for (index, sample) in (0..4).zip(&validation()[8..]) {
        check_boxes(&tile(&drawn, index, 2, SIDE), sample, &|_| WHITE);
    }
    let file = format!("artifacts/{DRAWN}/batch_1_images_epoch_0000.png");
    let file = image::open(run.path(&file)).expect("a PNG").to_rgb8();
    assert_eq!(file, drawn);
}

/// One box an image, whatever its score.
const ONE_BOX: &str = "post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.0, iou: 0.65, max_predictions: 1}}";

#[test]
fn the_detections_are_those_of_predict() {
    let metrics = "training_hyperparams.valid_metrics_list=[{CocoMetrics: {num_cls: 10, ";
    let run = Training::boxes()
        .with(format!("{metrics}{ONE_BOX}}}}}]"))
        .callback(&format!("{DRAWN}: {{{ONE_BOX}}}"))
        .epochs(1)
        .run();
    let drawn = picture(&run, &format!("{DRAWN}/batch_0_images"));
    let scratch = Scratch::new();
    let mut lines = 0;
    for (index, sample) in (0..8).zip(&validation()) {
        scratch.write(
            "image.png",
            png([64, 64], &pixels(sample)).expect("an image"),
        );
        let found = predicted(&scratch, &run);
        let tile = tile(&drawn, index, 3, SIDE);
        let class = found["index"].as_i64().expect("a class");
        let corner = |place: usize| found["box"][place].as_f64().expect("a number") as f32;
        let corners = [0, 1, 2, 3].map(corner);
        for (x, y, pixel) in tile.enumerate_pixels() {
            // At the border of the image predict cuts boxes off.
            let is_border = [x, y].iter().any(|place| [0, SIDE - 1].contains(place));
            if !is_border && is_on_line(corners, x, y) {
                assert_eq!(pixel.0, color(class), "{index}: ({x}, {y}), {found}");
                lines += 1;
            }
        }
    }
    assert!(lines > 100, "{lines}");
}

/// The one box that predict finds in `image.png`.
fn predicted(scratch: &Scratch, run: &TrainedRun) -> Value {
    let folder = run.path("");
    let folder = folder.to_str().expect("a path in UTF-8");
    let finished = scratch.phasebox(&["predict", "--json", folder, "image.png", "--conf", "0"]);
    assert_eq!(finished.code, Some(0), "{}", finished.stderr);
    let result: Value = serde_json::from_str(&finished.stdout).expect("JSON");
    result["images"][0]["boxes"][0].clone()
}

/// The value and the number of the batch that the callback tells of, in the last epoch.
fn told(run: &TrainedRun) -> (u64, f64) {
    let said = run.said(EXTREME, "info");
    let line = said.last().expect("a line");
    let rest = line.split_once("batch ").expect("its batch").1;
    let (batch, rest) = rest.split_once(' ').expect("its number");
    let value = rest.rsplit(", ").next().expect("its value");
    (
        batch.parse().expect("a number"),
        value.parse().expect("a number"),
    )
}

/// The mean over two batches and the value of the first of them tell both.
#[test]
fn the_batch_of_the_greatest_or_the_smallest_loss_is_shown() {
    let first = Training::boxes()
        .with("val_dataloader_params.max_batches=1")
        .epochs(1)
        .run();
    for part in ["loss", "iou"] {
        let name = format!("valid/{part}");
        for max in [false, true] {
            let entry =
                format!("{EXTREME}: {{loss_to_monitor: YoloXDetectionLoss/{part}, max: {max}}}");
            let run = Training::boxes().callback(&entry).epochs(1).run();
            let first = first.values(&name)[0];
            let second = 2.0 * run.values(&name)[0] - first;
            let batch = u64::from((second > first) == max);
            let value = [first, second][batch as usize];
            let (found, told) = told(&run);
            assert_eq!(found, batch, "{entry}: {first} and {second}");
            near(told, value, 1e-5, &entry);
            let kind = if max { "max" } else { "min" };
            let drawn = picture(&run, &format!("{EXTREME}/valid/{kind}_{part}_batch"));
            let samples = &validation()[8 * batch as usize..];
            check_truth_and_detections(&drawn, &samples[..8]);
        }
    }
}

/// The truth is on the left, in the colors of classes; on the right nothing is found.
fn check_truth_and_detections(drawn: &RgbImage, samples: &[Sample]) {
    for (index, sample) in (0..).zip(samples) {
        let both = tile(drawn, index, 3, 2 * SIDE);
        let truth = tile(&both, 0, 1, SIDE);
        check_boxes(&truth, sample, &|bounds| color(bounds.class));
        let found = image::imageops::crop_imm(&both, SIDE, 0, SIDE, SIDE).to_image();
        let is_gray = |pixel: &image::Rgb<u8>| pixel.0 == [pixel.0[0]; 3];
        assert!(found.pixels().all(is_gray), "something was found");
    }
}

/// Weights of an untrained network find little, so every box counts.
const ALL_BOXES: &str = "num_cls: 10, post_prediction_callback: {YoloXPostPredictionCallback: {conf: 0.0, iou: 1.0, max_predictions: 900}}";

#[test]
fn the_metric_is_that_of_the_batch_alone() {
    let metric = format!("{{CocoMetrics: {{{ALL_BOXES}}}}}");
    let listed = format!("training_hyperparams.valid_metrics_list=[{metric}]");
    let entry = format!("{EXTREME}: {{metric: {metric}, metric_component_name: AR100, max: true}}");
    let one = Training::boxes()
        .with("val_dataloader_params.max_batches=1")
        .with(listed)
        .callback(&entry)
        .epochs(1)
        .run();
    let (batch, value) = told(&one);
    assert_eq!((batch, vec![value]), (0, one.values("valid/AR100")));
    assert!(value > 0.0, "nothing was found");
    picture(&one, &format!("{EXTREME}/valid/max_AR100_batch"));
}

/// Accuracy is a mean over samples: the mean over its batches is that of the pass.
#[test]
fn a_callback_reads_a_metric_of_each_batch() {
    let guest = repository("target/plugins/tests/detections.wasm");
    let entry = |params: Value| {
        json!({"wasm": guest, "grants": ["files", "sync"], "params": params}).to_string()
    };
    let run = Training::digits()
        .callback(&entry(json!({"metric": {"TopK": {"k": 1}}})))
        .with("val_dataloader_params.batch_size=90")
        .epochs(1)
        .run();
    let batches = (0..4).map(|batch| run.values(&format!("detections/batch_{batch}/Top1"))[0]);
    let batches: Vec<f64> = batches.collect();
    let mean = batches.iter().sum::<f64>() / 4.0;
    near(mean, run.values("valid/Accuracy")[0], 1e-12, "the mean");
    assert!(batches.iter().any(|value| *value != mean), "{batches:?}");
    let levels = json!({"metric": {"CocoMetrics": {"num_cls": 10}}, "has_levels": true});
    let run = Training::boxes().callback(&entry(levels)).epochs(1).run();
    let (distances, sizes) = (
        run.values("detections/distance"),
        run.values("detections/size"),
    );
    assert_eq!(distances.len(), 2);
    for (distance, size) in distances.into_iter().zip(sizes) {
        assert!(distance <= 1e-5 * size, "{distance} of {size}");
    }
}

#[test]
fn batches_of_training_are_shown_too() {
    let entries = format!(
        "  - {DRAWN}: {{phase: TRAIN_BATCH_END, batch_idx: 3}}\n  - {EXTREME}: {{loss_to_monitor: loss, \
         enable_on_train_loader: true, enable_on_valid_loader: false, max: true, max_images: 2}}\n"
    );
    let run = Training::boxes().callbacks(&entries).epochs(1).run();
    let drawn = picture(&run, &format!("{DRAWN}/batch_3_images"));
    assert_eq!(drawn.dimensions(), (3 * SIDE + 2 * GAP, 3 * SIDE + 2 * GAP));
    let drawn = picture(&run, &format!("{EXTREME}/train/max_loss_batch"));
    assert_eq!(drawn.dimensions(), (4 * SIDE + GAP, SIDE));
    let (batch, _) = told(&run);
    assert!(batch < 4);
}

/// A resume in the middle of an epoch shows the batch from before it.
#[test]
fn the_batch_is_kept_over_a_resume() {
    let scratch = Scratch::new();
    scratch.write(
        "asks.wasm",
        component(&[("on-train-batch-end", CHECKPOINT)]),
    );
    let asks = scratch.path("asks.wasm");
    let asks = format!(
        "{{wasm: {}, grants: [checkpoint], when: {{every: 2, unit: batch}}}}",
        asks.display()
    );
    let shows = format!("{EXTREME}: {{loss_to_monitor: loss, enable_on_train_loader: true}}");
    let training = || Training::boxes().callback(&shows).callback(&asks).epochs(1);
    let whole = training().run();
    let name = format!("{EXTREME}/train/min_loss_batch");
    // The checkpoint is that of batch 2.
    let told = told_in_training(&whole);
    assert!(!told.contains("batch 3"), "{told}");
    let resumed = training().from(&whole, "asked").run();
    assert_eq!(told_in_training(&whole), told_in_training(&resumed));
    assert_eq!(picture(&whole, &name), picture(&resumed, &name));
}

fn told_in_training(run: &TrainedRun) -> String {
    let said = run.said(EXTREME, "info").into_iter();
    let mut lines = said.filter(|line| line.starts_with("train: "));
    let line = lines.next().expect("a line");
    line.split(',').next().unwrap_or_default().to_owned()
}

/// Wrong parameters, and the words that refuse them.
const REFUSED: &[(&str, &str)] = &[
    (
        "DetectionVisualizationCallback: {freq: 0}",
        "`freq`: at least 1",
    ),
    (
        "DetectionVisualizationCallback: {batch_idx: 2}",
        "the validation loader has 2 batches",
    ),
    (
        "DetectionVisualizationCallback: {last_img_idx_in_batch: 0}",
        "`last_img_idx_in_batch`",
    ),
    (
        "DetectionVisualizationCallback: {last_img_idx_in_batch: -2}",
        "`last_img_idx_in_batch`",
    ),
    (
        "DetectionVisualizationCallback: {classes: [a, b]}",
        "it has 2 names, and the data have 10 classes",
    ),
    (
        "DetectionVisualizationCallback: {phase: VALIDATION_EPOCH_END}",
        "no batch at `VALIDATION_EPOCH_END`; use `TRAIN_BATCH_END`",
    ),
    (
        "DetectionVisualizationCallback: {phase: TEST_BATCH_END}",
        "the run has no test data",
    ),
    (
        "DetectionVisualizationCallback: {normalize_targets: false}",
        "the transforms give boxes in pixels",
    ),
    (
        "DetectionVisualizationCallback: {post_prediction_callback: {YoloXPostPredictionCallback: {conf: 2}}}",
        "`conf` must be between 0 and 1",
    ),
    (
        "DetectionVisualizationCallback: {post_prediction_callback: {SSDPostPredictCallback: {}}}",
        "use `YoloXPostPredictionCallback`",
    ),
    (
        "DetectionVisualizationCallback: {post_prediction_callback: {YoloXPostPredictionCallback: {classes: [10]}}}",
        "the last of 10 classes is 9",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {metric: {CocoMetrics: {num_cls: 3}}, metric_component_name: AP}",
        "write `num_cls: 10`",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {}",
        "give one of them",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {loss_to_monitor: loss, metric: {CocoMetrics: {num_cls: 10}}, metric_component_name: AP}",
        "give one of them",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {loss_to_monitor: YoloXDetectionLoss/giou}",
        "the loss has no `YoloXDetectionLoss/giou`; it has loss, iou",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {loss_to_monitor: loss, metric_component_name: AP}",
        "`metric_component_name`",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {loss_to_monitor: loss, freq: 3}",
        "the run has 2",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {loss_to_monitor: loss, max_images: 0}",
        "`max_images`",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {loss_to_monitor: loss, enable_on_valid_loader: false}",
        "nothing would be shown",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {metric: Accuracy}",
        "does not compare boxes",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {metric: {CocoMetrics: {num_cls: 10}}}",
        "must be one of its values: AP, AP50",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {metric: {CocoMetrics: {num_cls: 10}}, metric_component_name: mAP}",
        "must be one of its values",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {metric: {DetectionMetrics: {num_cls: 10}}, metric_component_name: F1@0.50:0.95}",
        "LABEL_NORMALIZED_CXCYWH",
    ),
    (
        "ExtremeBatchDetectionVisualizationCallback: {metric: {CocoMetrics: {num_cls: 10}}, metric_component_name: AP, enable_on_train_loader: true}",
        "use `loss_to_monitor`",
    ),
];

#[test]
fn wrong_parameters_are_refused_at_check() {
    for (entry, expected) in REFUSED {
        let finished = Training::boxes().callback(entry).check();
        let message = &finished.stderr;
        assert_eq!(finished.code, Some(2), "{entry}: {message}");
        assert!(message.contains(expected), "{entry}: {message}");
        assert!(message.contains("recipe.yaml:"), "{entry}: {message}");
    }
    for entry in [DRAWN, EXTREME] {
        let finished = Training::digits().callback(entry).check();
        assert_eq!(finished.code, Some(2), "{entry}: {}", finished.stderr);
    }
}
