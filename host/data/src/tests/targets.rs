//! Boxes, masks and keypoints that follow the image: a thing that is bright in the image stays inside its box, under its
//! mask and at its point, through every transform.

use anyhow::Result;
use serde_json::{Value, json};

use super::super::{
    Bounds, Boxes, Dataset, Keypoints, Mask, Pixels, Raster, Sample, Target, TransformList,
    Transforms,
};
use crate::random::Random;
use crate::transforms::Draw;

const SIZE: [usize; 2] = [40, 50];

/// Black images, each with one white rectangle of its own, which a box, a mask and a point mark.
pub(super) struct Marked;

impl Dataset for Marked {
    fn len(&self) -> usize {
        12
    }

    fn sample(&self, index: usize) -> Result<Sample> {
        let [top, left] = [2 + index, 3 + 2 * index];
        let [height, width] = [9 + index % 3, 12 + index % 5];
        let filled = |channels: usize, value: u8| {
            let places = (0..SIZE[0]).flat_map(|y| (0..SIZE[1]).map(move |x| [y, x]));
            let values = places.flat_map(|[y, x]| {
                let is_inside =
                    (top..top + height).contains(&y) && (left..left + width).contains(&x);
                vec![if is_inside { value } else { 0 }; channels]
            });
            Raster {
                shape: [channels, SIZE[0], SIZE[1]],
                values: values.collect(),
            }
        };
        let bounds = Bounds {
            class: index as i64,
            corners: [left, top, left + width, top + height].map(|place| place as f32),
            is_crowd: index == 11,
        };
        let boxes = Boxes {
            list: vec![bounds],
            ..Boxes::default()
        };
        let middle = [
            left as f32 + width as f32 / 2.0,
            top as f32 + height as f32 / 2.0,
            2.0,
        ];
        let targets = [
            ("boxes", Target::Boxes(boxes)),
            (
                "mask",
                Target::Mask(Mask {
                    classes: filled(1, 1),
                    ignore: 255,
                }),
            ),
            (
                "points",
                Target::Keypoints(Keypoints {
                    things: vec![vec![middle]],
                    mirrored: vec![0],
                }),
            ),
        ];
        Ok(Sample {
            target: targets
                .map(|(name, target)| (name.to_owned(), target))
                .into(),
            ..Sample::of_image(filled(3, 255), 255.0, Target::Class(0))
        })
    }

    fn input_shape(&self) -> Vec<i64> {
        vec![3, SIZE[0] as i64, SIZE[1] as i64]
    }

    fn class_names(&self) -> Option<&[String]> {
        None
    }

    fn description(&self) -> String {
        "marked".to_owned()
    }
}

pub(super) fn list(items: Value) -> Transforms {
    serde_json::from_value::<TransformList>(items)
        .unwrap()
        .into()
}

fn transformed(items: &Value, index: usize, seed: u64) -> Sample {
    let mut draw = Draw {
        random: Random::keyed(&[seed, index as u64]),
        dataset: &Marked,
    };
    let transforms = list(items.clone());
    transforms.output_shape(&Marked.input_shape()).unwrap();
    let steps = transforms.steps().unwrap();
    let mut sample = Marked.sample(index).unwrap();
    for step in &steps {
        sample = step.transform().apply(sample, &mut draw).unwrap();
    }
    sample
}

/// The middles of the pixels that are brighter than half.
fn bright(sample: &Sample, threshold: f32) -> Vec<[f32; 2]> {
    let raster = match sample.image.as_ref().unwrap() {
        Pixels::Bytes(raster) => Raster {
            shape: raster.shape,
            values: raster.values.iter().map(|&byte| f32::from(byte)).collect(),
        },
        Pixels::Floats(raster) => raster.clone(),
    };
    let width = raster.shape[2];
    let pixels = raster.values.chunks_exact(raster.shape[0]).enumerate();
    let bright = pixels.filter(|(_, pixel)| pixel[0] > threshold);
    bright
        .map(|(at, _)| [(at % width) as f32 + 0.5, (at / width) as f32 + 0.5])
        .collect()
}

fn is_inside([left, top, right, bottom]: [f32; 4], [x, y]: [f32; 2], margin: f32) -> bool {
    (left - margin..=right + margin).contains(&x) && (top - margin..=bottom + margin).contains(&y)
}

fn boxes(sample: &Sample) -> &[Bounds] {
    match &sample.target[0].1 {
        Target::Boxes(boxes) => &boxes.list,
        other => panic!("{other:?}"),
    }
}

/// Each bright pixel is in a box, each box has a bright pixel, masks have the image's size and mark bright pixels, points
/// are in a box.
fn check(items: &Value, threshold: f32) {
    for (index, seed) in (0..12).flat_map(|index| (0..6).map(move |seed| (index, seed))) {
        let sample = transformed(items, index, seed);
        let bright = bright(&sample, threshold);
        let name = format!("{items} of sample {index}, seed {seed}");
        for place in &bright {
            let mut boxes = boxes(&sample).iter();
            assert!(
                boxes.any(|bounds| is_inside(bounds.corners, *place, 1.0)),
                "{name}: {place:?} is outside of all boxes"
            );
        }
        let [height, width] = sample.size().unwrap().map(|side| side as f32);
        for bounds in boxes(&sample) {
            let [left, top, right, bottom] = bounds.corners;
            let is_within = 0.0 <= left && right <= width && 0.0 <= top && bottom <= height;
            let has_area = left < right && top < bottom;
            assert!(is_within && has_area, "{name}: {bounds:?}");
        }
        let large = boxes(&sample)
            .iter()
            .filter(|bounds| bounds.sides().iter().all(|side| *side > 4.0));
        for bounds in large {
            let mut bright = bright.iter();
            assert!(
                bright.any(|place| is_inside(bounds.corners, *place, 0.0)),
                "{name}: nothing in {bounds:?}"
            );
        }
        check_mask(&sample, &name);
        check_points(&sample, &name);
    }
}

fn check_mask(sample: &Sample, name: &str) {
    let Target::Mask(mask) = &sample.target[1].1 else {
        panic!("no mask");
    };
    assert_eq!(mask.classes.size(), sample.size().unwrap(), "{name}");
    let width = mask.classes.shape[2];
    let marked = mask.classes.values.iter().enumerate();
    for (at, _) in marked.filter(|(_, class)| **class == 1) {
        let place = [(at % width) as f32 + 0.5, (at / width) as f32 + 0.5];
        let mut boxes = boxes(sample).iter();
        assert!(
            boxes.any(|bounds| is_inside(bounds.corners, place, 1.0)),
            "{name}: the mask at {place:?} is outside of all boxes"
        );
    }
}

fn check_points(sample: &Sample, name: &str) {
    let Target::Keypoints(points) = &sample.target[2].1 else {
        panic!("no points");
    };
    for &[x, y, known] in points.things.iter().flatten() {
        let mut boxes = boxes(sample).iter();
        assert!(
            known == 0.0 || boxes.any(|bounds| is_inside(bounds.corners, [x, y], 0.01)),
            "{name}: the point {x}, {y} is outside of all boxes"
        );
    }
}

#[test]
fn targets_follow_the_image() {
    for items in [
        json!([]),
        json!([{"Resize": {"size": 90}}]),
        json!([{"Resize": {"size": [31, 77]}}]),
        json!([{"CenterCrop": {"size": [30, 25]}}]),
        json!([{"RandomCrop": {"size": 36, "padding": 7}}]),
        json!([{"RandomResizedCrop": {"size": [48, 32], "scale": [0.3, 1.0]}}]),
        json!([{"RandomResizedCropAndInterpolation": {"size": 30, "interpolation": "random"}}]),
        json!([{"RandomHorizontalFlip": {"prob": 0.5}}]),
        json!([{"RandomHorizontalFlip": {"p": 1}}]),
        json!([{"RandomVerticalFlip": {"p": 1}}]),
        json!([{"DetectionRandomRotate90": {"prob": 1}}]),
        json!([{"SegResize": {"h": 60, "w": 33}}]),
        json!([{"SegRescale": {"long_size": 70}}]),
        json!([{"SegRandomRescale": {"scales": [0.5, 2.0]}}, {"SegPadShortToCropSize": {"crop_size": [60, 48]}},
               {"SegCropImageAndMask": {"crop_size": [60, 48], "mode": "random"}}]),
        json!(["SegRandomFlip", {"SegCropImageAndMask": {"crop_size": 33, "mode": "center"}}]),
        json!([{"DetectionRescale": {"output_shape": [64, 64]}}]),
        json!([{"DetectionPadToSize": {"output_size": [64, 71]}}]),
        json!([{"DetectionPaddedRescale": {"input_dim": [64, 96]}}]),
        json!([{"DetectionMosaic": {"input_dim": [48, 64], "prob": 0.7}}]),
        json!([{"DetectionRandomAffine": {"target_size": [60, 70], "scales": [0.6, 1.8]}}]),
        json!([{"DetectionMosaic": {"input_dim": 64}},
               {"DetectionRandomAffine": {"target_size": 64, "scales": [0.5, 1.5], "shear": 2.0}},
               "DetectionHorizontalFlip", {"DetectionPaddedRescale": {"input_dim": 64}}]),
    ] {
        // The border of 114 is darker.
        check(&items, 150.0);
    }
    // Half of white is 127, and the border of 114 becomes 57.
    check(
        &json!([{"DetectionMixup": {"input_dim": [48, 56], "mixup_scale": [0.8, 1.2]}}]),
        120.0,
    );
}

#[test]
fn turns_and_mirrors_are_exact() {
    let sample = transformed(&json!([{"RandomHorizontalFlip": {"p": 1}}]), 0, 0);
    assert_eq!(boxes(&sample)[0].corners, [35.0, 2.0, 47.0, 11.0]);
    let sample = transformed(&json!([{"RandomVerticalFlip": {"p": 1}}]), 0, 0);
    assert_eq!(boxes(&sample)[0].corners, [3.0, 29.0, 15.0, 38.0]);
    let points = Keypoints {
        things: vec![vec![[1.0, 5.0, 2.0], [4.0, 6.0, 1.0]]],
        mirrored: vec![1, 0],
    };
    let image = Raster {
        shape: [1, 10, 10],
        values: vec![0; 100],
    };
    let sample = Sample::of_image(image, 255.0, Target::Keypoints(points));
    let mirror = crate::sample::Move::Mirror;
    let sample = sample
        .moved(mirror, &crate::sample::Fill::default())
        .unwrap();
    let Target::Keypoints(points) = &sample.target[0].1 else {
        panic!("no points");
    };
    assert_eq!(points.things, [[[6.0, 6.0, 1.0], [9.0, 5.0, 2.0]]]);
}

#[test]
fn padding_fills_image_and_mask() {
    let pad = |fill: Value| json!([{"SegPadShortToCropSize": fill}]);
    let sample = transformed(
        &pad(json!({"crop_size": [53, 45], "fill_image": [1, 2, 3], "fill_mask": 9})),
        0,
        0,
    );
    let (Some(Pixels::Bytes(image)), Target::Mask(mask)) = (&sample.image, &sample.target[1].1)
    else {
        panic!("an image of bytes with a mask");
    };
    assert_eq!(
        (image.shape, mask.classes.shape),
        ([3, 45, 53], [1, 45, 53])
    );
    assert_eq!(&image.values[..6], &[1, 2, 3, 1, 2, 3]);
    // Five rows and three columns more: the odd one stands at the top and left.
    let row = |row: usize| &mask.classes.values[row * 53..][..53];
    assert!(row(2).iter().all(|class| *class == 9) && row(43).iter().all(|class| *class == 9));
    let columns = row(3);
    assert_eq!((&columns[..3], &columns[52..]), (&[9, 9, 0][..], &[9][..]));
}

#[test]
fn small_boxes_end_where_they_are_filtered() {
    let affine = |wh_thr: f64| {
        json!([{"DetectionRandomAffine": {
            "target_size": [40, 50], "filter_box_candidates": true, "wh_thr": wh_thr,
            "degrees": 0, "shear": 0, "scales": [1, 1], "translate": 0,
        }}])
    };
    assert_eq!(boxes(&transformed(&affine(2.0), 0, 0)).len(), 1);
    assert_eq!(boxes(&transformed(&affine(9.5), 0, 0)).len(), 0);
    let format =
        |least: f64| json!([{"DetectionTargetsFormatTransform": {"min_bbox_edge_size": least}}]);
    assert_eq!(boxes(&transformed(&format(8.9), 0, 0)).len(), 1);
    assert_eq!(boxes(&transformed(&format(9.0), 0, 0)).len(), 0);
}
