//! Pixels changed by transforms against those of torchvision, OpenCV and PyTorch (tests/reference/transforms.py).

use serde::Deserialize;

use crate::raster::{Filter, Raster};
use crate::transforms::color::{Tone, shift_hsv, toned};
use crate::transforms::detection::AffineDraw;
use crate::transforms::rand_augment::{Operation, map, recolored};

#[derive(Deserialize)]
struct Reference {
    shape: [usize; 3],
    image: Vec<u8>,
    rows: Vec<Row>,
    matrices: Vec<Matrix>,
}

#[derive(Deserialize)]
struct Row {
    operation: String,
    arguments: Vec<f64>,
    shape: [usize; 3],
    expected: Vec<u8>,
    tolerance: u8,
    /// The image, if it is another one than the reference's.
    image: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Matrix {
    angle: f64,
    scale: f64,
    shear: [f64; 2],
    shift: [f64; 2],
    to: [usize; 2],
    matrix: [f64; 6],
}

fn reference() -> Reference {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/reference/transforms.json"
    ));
    serde_json::from_str(text).unwrap()
}

/// `[channels, height, width]` of a shape of numpy's.
fn shape([height, width, channels]: [usize; 3]) -> [usize; 3] {
    [channels, height, width]
}

fn changed(mut image: Raster<u8>, row: &Row) -> Raster<u8> {
    let arguments = &row.arguments;
    let size = || [arguments[0], arguments[1]].map(|side| side as usize);
    let filter = |filter| image.clone().resized(size(), filter).unwrap();
    let tone = match row.operation.as_str() {
        "brightness" => Tone::Brightness,
        "contrast" => Tone::Contrast,
        "saturation" => Tone::Saturation,
        "hue" => Tone::Hue,
        "hsv" => {
            let shift = [0, 1, 2].map(|at| arguments[at] as i32);
            shift_hsv(&mut image, shift);
            return image;
        }
        "linear" => return filter(Filter::Linear),
        "antialiased" => return filter(Filter::Antialiased),
        "bicubic" => return filter(Filter::Bicubic),
        "nearest" => return filter(Filter::Nearest),
        "warp" => {
            let matrix = arguments[..6].try_into().unwrap();
            let size = [arguments[6], arguments[7]].map(|side| side as usize);
            let warped = image.warped(matrix, size, Filter::Linear, &[114.0]);
            return warped.unwrap();
        }
        other if row.operation.starts_with("rand_") => {
            let matrix = map(operation(other), arguments[0], image.size()).unwrap();
            let fill = [124.0, 116.0, 104.0];
            let moved = image.warped(matrix, image.size(), Filter::Nearest, &fill);
            return moved.unwrap();
        }
        other => {
            recolored(&mut image, operation(other), arguments[0]);
            return image;
        }
    };
    toned(&mut image, tone, arguments[0] as f32);
    image
}

fn operation(name: &str) -> Operation {
    match name {
        "autocontrast" => Operation::AutoContrast,
        "equalize" => Operation::Equalize,
        "invert" => Operation::Invert,
        "posterize" => Operation::Posterize,
        "solarize" => Operation::Solarize,
        "solarize_add" => Operation::SolarizeAdd,
        "enhance_color" => Operation::Color,
        "enhance_contrast" => Operation::Contrast,
        "enhance_brightness" => Operation::Brightness,
        "enhance_sharpness" => Operation::Sharpness,
        "rand_rotate" => Operation::Rotate,
        "rand_shear_x" => Operation::ShearX,
        "rand_shear_y" => Operation::ShearY,
        "rand_translate_x" => Operation::TranslateX,
        "rand_translate_y" => Operation::TranslateY,
        other => panic!("{other}"),
    }
}

#[test]
fn pixels_are_those_of_the_reference() {
    let reference = reference();
    for row in &reference.rows {
        let image = match &row.image {
            Some(own) => (row.shape, own),
            None => (reference.shape, &reference.image),
        };
        let image = Raster {
            shape: shape(image.0),
            values: image.1.clone(),
        };
        let actual = changed(image, row);
        let name = format!("{} {:?}", row.operation, row.arguments);
        assert_eq!(actual.shape, shape(row.shape), "{name}");
        let pairs = actual.values.iter().zip(&row.expected);
        let worst = pairs.map(|(actual, expected)| actual.abs_diff(*expected));
        let worst = worst.max().unwrap();
        assert!(worst <= row.tolerance, "{name}: off by {worst}");
    }
}

#[test]
fn the_affine_map_is_that_of_the_reference() {
    let reference = reference();
    let [_, height, width] = shape(reference.shape);
    for row in reference.matrices {
        let draw = AffineDraw {
            angle: row.angle,
            scale: row.scale,
            shear: row.shear,
            shift: row.shift,
        };
        let matrix = draw.matrix([height, width], row.to);
        for (actual, expected) in matrix.iter().zip(row.matrix) {
            assert!(
                (actual - expected).abs() < 1e-9,
                "{matrix:?} for {:?}",
                row.matrix
            );
        }
    }
}
