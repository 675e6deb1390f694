//! Pictures and boxes changed by the detection transforms, with all their draws, against those of OpenCV and numpy
//! (tests/reference/detection_transforms.py).

use anyhow::Result;
use serde::Deserialize;
use serde_json::Value;

use super::super::{Bounds, Boxes, Dataset, Pixels, Raster, Sample, Target};
use super::targets::list;
use crate::random::Random;
use crate::transforms::Draw;

/// Height and width of the pictures.
const SIZES: [[usize; 2]; 5] = [[20, 26], [19, 11], [12, 12], [25, 40], [18, 33]];

#[derive(Deserialize)]
struct Reference {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    transforms: Value,
    seed: u64,
    index: usize,
    /// Height, width, channels.
    shape: [usize; 3],
    pixels: Vec<f32>,
    /// The class and four numbers.
    boxes: Vec<[f32; 5]>,
}

/// Waves with a bright frame above and below, and two boxes.
struct Pictures;

impl Dataset for Pictures {
    fn len(&self) -> usize {
        SIZES.len()
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let [height, width] = SIZES[index];
        let mut values = Vec::new();
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            for c in 0..3 {
                let wave = (x * (3 + c) + y * (5 + index) + 40 * index) % 128;
                let wave = wave.min(128 - wave) * 3 + 17 * c;
                let is_edge = [y == 0, y == height - 1];
                values.push(match is_edge {
                    [true, _] => 220,
                    [_, true] => 200,
                    _ => wave as u8,
                });
            }
        }
        let image = Raster {
            shape: [3, height, width],
            values,
        };
        let [h, w] = [height, width].map(|side| side as f32);
        let bounds = |class: usize, corners: [f32; 4]| Bounds {
            class: class as i64,
            corners,
            is_crowd: false,
        };
        let boxes = Boxes {
            list: vec![
                bounds(index, [2.0, 3.0, w - 5.0, h - 2.0]),
                bounds(9 - index, [w / 4.0, 0.0, w / 2.0, h / 3.0]),
            ],
            ..Boxes::default()
        };
        Ok(Sample::of_image(image, 255.0, Target::Boxes(boxes)))
    }

    fn input_shape(&self) -> Vec<i64> {
        vec![3, 20, 26]
    }

    fn class_names(&self) -> Option<&[String]> {
        None
    }

    fn description(&self) -> String {
        "pictures".to_owned()
    }
}

fn transformed(row: &Row) -> Sample {
    let mut draw = Draw {
        random: Random::keyed(&[row.seed, row.index as u64]),
        dataset: &Pictures,
    };
    let mut sample = Pictures.sample(row.index).unwrap();
    for step in list(row.transforms.clone()).steps().unwrap() {
        sample = step.transform().apply(sample, &mut draw).unwrap();
    }
    sample
}

/// Height, width and channels, the pixels as numbers, and how much each may be off.
fn pixels(sample: &Sample) -> ([usize; 3], Vec<f32>, f32) {
    let (shape, values, tolerance) = match sample.image.as_ref().unwrap() {
        Pixels::Bytes(raster) => {
            let values = raster.values.iter().map(|byte| f32::from(*byte));
            (raster.shape, values.collect::<Vec<_>>(), 1.0)
        }
        Pixels::Floats(raster) => {
            let most = raster
                .values
                .iter()
                .fold(0.0, |most: f32, value| most.max(*value));
            let tolerance = if most > 10.0 { 1.0 } else { 1e-4 };
            (raster.shape, raster.values.clone(), tolerance)
        }
    };
    let [channels, height, width] = shape;
    ([height, width, channels], values, tolerance)
}

#[test]
fn pictures_and_boxes_are_those_of_the_reference() {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/detection_transforms.json"
    ));
    let reference: Reference = serde_json::from_str(text).unwrap();
    assert_eq!(reference.rows.len(), 32);
    for row in &reference.rows {
        let mut sample = transformed(row);
        let name = format!("{} with seed {}", row.transforms, row.seed);
        let (shape, values, tolerance) = pixels(&sample);
        assert_eq!(shape, row.shape, "{name}");
        let pairs = values.iter().zip(&row.pixels);
        let worst = pairs.fold(0.0, |worst: f32, (one, other)| {
            worst.max((one - other).abs())
        });
        // The whole pipeline rounds to bytes five times.
        let steps = row.transforms.as_array().unwrap().len();
        let tolerance = if steps > 1 { 3.0 } else { tolerance };
        assert!(worst <= tolerance, "{name}: a pixel is off by {worst}");
        let size = sample.size().unwrap();
        let boxes = sample.boxes_mut().next().unwrap();
        let rows: Vec<[f32; 5]> = boxes
            .list
            .iter()
            .map(|bounds| bounds.columns(boxes.format, size))
            .collect();
        assert_eq!(rows.len(), row.boxes.len(), "{name}");
        let pairs = rows.iter().flatten().zip(row.boxes.iter().flatten());
        for (one, other) in pairs {
            assert!(
                (one - other).abs() < 1e-3,
                "{name}: {rows:?} for {:?}",
                row.boxes
            );
        }
    }
}
