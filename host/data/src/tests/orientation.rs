//! The orientation that a camera noted in a file (EXIF): images with boxes follow it, folders of classes do not.

use std::fs::{self, File};
use std::path::Path;

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder};
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{DataLoader, Dataset, LoaderConfig, Pixels};
use super::load;
use super::targets::list;

/// Notes a number of the EXIF standard, and writes 20×10 pixels, the first two of them marked.
fn write(mut encoder: impl ImageEncoder, number: u8) {
    let mut image = RgbImage::new(20, 10);
    image.put_pixel(0, 0, image::Rgb([255; 3]));
    image.put_pixel(1, 0, image::Rgb([200; 3]));
    let mut note = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    note.extend([number, 0, 0, 0, 0, 0, 0, 0]);
    encoder.set_exif_metadata(note).unwrap();
    let color = ExtendedColorType::Rgb8;
    encoder.write_image(&image, 20, 10, color).unwrap();
}

fn png(path: &Path) -> PngEncoder<File> {
    PngEncoder::new(File::create(path).unwrap())
}

/// A folder for each format with boxes, whose annotations have `size`: width and height.
fn folder(number: u8, size: [usize; 2]) -> TempDir {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    write(png(&path("a.png")), number);
    let [width, height] = size;
    let file = json!({
        "images": [{"id": 0, "file_name": "a.png", "width": width, "height": height}],
        "categories": [{"id": 0, "name": "cat"}],
        "annotations": [{"id": 0, "image_id": 0, "category_id": 0, "bbox": [0, 0, 5, 5]}],
    });
    fs::write(path("boxes.json"), file.to_string()).unwrap();
    let left = 2.5 / width as f64;
    let top = 2.5 / height as f64;
    let line = format!("0 {left} {top} {} {}", 2.0 * left, 2.0 * top);
    fs::write(path("a.txt"), line).unwrap();
    let text = format!(
        "<annotation><size><width>{width}</width><height>{height}</height></size><object><name>cat</name>\
         <bndbox><xmin>0</xmin><ymin>0</ymin><xmax>5</xmax><ymax>5</ymax></bndbox></object></annotation>"
    );
    fs::write(path("a.xml"), text).unwrap();
    folder
}

fn recipe(format: &str) -> Value {
    let mut part = json!({"data_dir": ".", "images_dir": "."});
    let keys = match format {
        "coco_detection" => json!({"json_annotation_file": "boxes.json"}),
        "yolo_detection" => json!({"labels_dir": ".", "classes": ["cat"]}),
        _ => json!({"labels_dir": "."}),
    };
    let all = part.as_object_mut().unwrap();
    all.extend(keys.as_object().unwrap().clone());
    json!({ format: {"train": part.clone(), "validation": part} })
}

/// The column and the row of the pixel of this brightness.
fn place(data: &dyn Dataset, brightness: u8) -> [usize; 2] {
    let sample = data.sample(0).unwrap();
    let width = sample.size().unwrap()[1];
    let Some(Pixels::Bytes(raster)) = sample.image else {
        panic!("no bytes");
    };
    let mut reds = raster.values.iter().step_by(3);
    let at = reds.position(|red| *red == brightness).unwrap();
    [at % width, at / width]
}

/// The places are those of the standard: where the first row of the file and its first column are seen.
#[test]
fn images_with_boxes_are_turned() {
    let check = |number: u8, size: [usize; 2], first: [usize; 2], second: [usize; 2]| {
        let folder = folder(number, size);
        for format in ["coco_detection", "yolo_detection", "voc_detection"] {
            let data = load(recipe(format), folder.path()).unwrap().train;
            let places = [255, 200].map(|brightness| place(&*data, brightness));
            assert_eq!(places, [first, second], "{format} {number}");
            let sides = Some([size[1], size[0]]);
            assert_eq!(data.header(0).unwrap(), sides, "{format} {number}");
            let mut sample = data.sample(0).unwrap();
            let boxes = sample.boxes_mut().next().unwrap();
            assert_eq!(boxes.list[0].corners, [0.0, 0.0, 5.0, 5.0], "{format}");
        }
    };
    check(0, [20, 10], [0, 0], [1, 0]);
    check(1, [20, 10], [0, 0], [1, 0]);
    check(2, [20, 10], [19, 0], [18, 0]);
    check(3, [20, 10], [19, 9], [18, 9]);
    check(4, [20, 10], [0, 9], [1, 9]);
    check(5, [10, 20], [0, 0], [0, 1]);
    check(6, [10, 20], [9, 0], [9, 1]);
    check(7, [10, 20], [9, 19], [9, 18]);
    check(8, [10, 20], [0, 19], [0, 18]);
    check(9, [20, 10], [0, 0], [1, 0]);
}

#[test]
fn a_jpeg_is_turned_too() {
    let folder = folder(6, [10, 20]);
    fs::remove_file(folder.path().join("a.png")).unwrap();
    let file = File::create(folder.path().join("a.jpg")).unwrap();
    write(JpegEncoder::new(file), 6);
    let data = load(recipe("voc_detection"), folder.path()).unwrap().train;
    assert_eq!(data.header(0).unwrap(), Some([20, 10]));
    assert_eq!(data.sample(0).unwrap().size().unwrap(), [20, 10]);
}

#[test]
fn annotations_of_the_picture_before_it_is_turned_are_refused() {
    let folder = folder(6, [20, 10]);
    for format in ["coco_detection", "voc_detection"] {
        let data = load(recipe(format), folder.path()).unwrap().train;
        for error in [data.sample(0).err(), data.header(0).err()] {
            let message = error.expect("the wrong size").to_string();
            let pixels = "a.png: 10×20 pixels, but 20×10 in ";
            let reason = ": the file says (EXIF) that its picture is turned";
            let is_told = message.contains(pixels) && message.contains(reason);
            assert!(is_told, "{format}: {message}");
        }
    }
}

#[test]
fn a_picture_from_elsewhere_is_turned_as_those_of_the_data() {
    let folder = folder(6, [10, 20]);
    let data = load(recipe("yolo_detection"), folder.path()).unwrap().train;
    let config = json!({"collate_fn": "DetectionCollateFN"});
    let config: LoaderConfig = serde_json::from_value(config).unwrap();
    let loader = DataLoader::new("train", data, config, list(json!([])), 0).unwrap();
    let (picture, _) = loader.picture(&folder.path().join("a.png")).unwrap();
    assert_eq!(picture.size, [20, 10]);
}

#[test]
fn folders_of_classes_are_read_as_they_lie() {
    let folder = TempDir::new().unwrap();
    for part in ["train/cat", "val/cat"] {
        let path = folder.path().join(part);
        fs::create_dir_all(&path).unwrap();
        write(png(&path.join("a.png")), 6);
    }
    let recipe = json!({"image_folder": {"root": "."}});
    let data = load(recipe, folder.path()).unwrap().train;
    assert_eq!(data.header(0).unwrap(), Some([10, 20]));
    assert_eq!(data.sample(0).unwrap().size().unwrap(), [10, 20]);
}
