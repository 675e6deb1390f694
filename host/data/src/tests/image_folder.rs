//! Folders of images, whole and damaged.

use std::fs;
use std::path::Path;

use image::{GrayImage, ImageFormat, Rgb, RgbImage};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Augmentation, DataLoader, TransformList};
use super::{Batches as _, check_refused, floats, integers, load};

/// The first ten digits as 8×8 images in `train/<class>/` and `val/<class>/`, in color with a red channel at half strength.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (digits, labels) = super::digit_bytes(10);
    for (number, (digit, label)) in digits.iter().zip(labels).enumerate() {
        let gray = GrayImage::from_raw(8, 8, digit.iter().map(|byte| byte * 15).collect()).unwrap();
        let image = RgbImage::from_fn(8, 8, |x, y| {
            let byte = gray.get_pixel(x, y).0[0];
            Rgb([byte / 2, byte, byte])
        });
        for part in ["train", "val"] {
            let class = folder.path().join(part).join(format!("digit {label}"));
            fs::create_dir_all(&class).unwrap();
            image.save(class.join(format!("{number}.png"))).unwrap();
        }
    }
    folder
}

fn recipe() -> Value {
    json!({"image_folder": {"root": "."}})
}

fn plain(keys: Value) -> Augmentation {
    let mut keys = keys;
    keys["normalize"] = json!({"mean": [0], "std": [1]});
    serde_json::from_value(keys).unwrap()
}

#[test]
fn classes_and_pixels_are_those_of_the_files() {
    let folder = folder();
    let splits = load(recipe(), folder.path()).unwrap();
    let (digits, labels) = super::digit_bytes(10);
    let mut classes = labels.clone();
    classes.sort_unstable();
    let batch = splits
        .train
        .batch(&(0..10).collect::<Vec<_>>(), &plain(json!({})), 0)
        .unwrap();
    assert_eq!(batch.input().size(), [10, 3, 8, 8]);
    let names = splits.train.class_names().unwrap();
    let named: Vec<String> = integers(&batch.only_target())
        .iter()
        .map(|&class| names[class as usize].clone())
        .collect();
    assert_eq!(
        named,
        classes
            .iter()
            .map(|class| format!("digit {class}"))
            .collect::<Vec<_>>()
    );
    // Sums of channels do not depend on the order of the files.
    let sum = |part: &dyn Fn(u8) -> u8| {
        digits
            .iter()
            .flatten()
            .map(|&byte| f64::from(part(byte * 15)))
            .sum::<f64>()
    };
    let channels = [sum(&|byte| byte / 2), sum(&|byte| byte), sum(&|byte| byte)];
    for (channel, expected) in (0..).zip(channels) {
        let actual: f64 = floats(&batch.input().select(1, channel))
            .into_iter()
            .map(|value| f64::from(value) * 255.0)
            .sum();
        assert!(
            (actual - expected).abs() < 1e-2,
            "channel {channel}: {actual} instead of {expected}"
        );
    }
}

#[test]
fn gray_images_other_formats_and_sizes_are_read() {
    let folder = folder();
    let extra = folder.path().join("train/digit 0");
    RgbImage::from_pixel(30, 20, Rgb([100, 100, 100]))
        .save(extra.join("zz.bmp"))
        .unwrap();
    let splits = load(
        json!({"image_folder": {"root": ".", "channels": 1}}),
        folder.path(),
    )
    .unwrap();
    let all: Vec<usize> = (0..splits.train.len()).collect();
    let batch = splits
        .train
        .batch(&all, &plain(json!({"resize": 8, "center_crop": 8})), 0)
        .unwrap();
    assert_eq!(batch.input().size(), [11, 1, 8, 8]);
    let evenly: Vec<f32> = (0..11)
        .map(|at| batch.input().get(at))
        .find(|image| image.std(false).double_value(&[]) < 1e-6)
        .map(|image| floats(&image))
        .unwrap();
    assert_eq!(evenly, vec![100.0 / 255.0; 64]);
    let message = format!(
        "{:#}",
        splits.train.batch(&all, &plain(json!({})), 0).unwrap_err()
    );
    assert!(
        message.contains("zz.bmp: an image of [20, 30] pixels")
            && message.contains("hint: give `resize"),
        "{message}"
    );
}

#[test]
fn damaged_folders_are_refused() {
    let check = |damage: &dyn Fn(&Path), expected: &[&str]| {
        let folder = folder();
        damage(folder.path());
        check_refused(recipe(), folder.path(), expected);
    };
    check(
        &|root| fs::remove_dir_all(root.join("val")).unwrap(),
        &["val: cannot be listed", "root/train/<class>/*.png"],
    );
    check(
        &|root| fs::create_dir(root.join("train/empty")).unwrap(),
        &["empty: no image in it"],
    );
    check(
        &|root| fs::create_dir(root.join("val/cat")).unwrap(),
        &["cat: no such class in the training part", "digit 0"],
    );
    let no_class = |root: &Path| {
        fs::remove_dir_all(root.join("val")).unwrap();
        fs::create_dir(root.join("val")).unwrap();
    };
    check(&no_class, &["val: no class in it"]);
    check(
        &|root| fs::write(root.join("train/digit 0/0.png"), "no image").unwrap(),
        &["0.png: not an image"],
    );
    check_refused(
        json!({"image_folder": {"root": ".", "channels": 4}}),
        folder().path(),
        &["not 4"],
    );
}

#[test]
fn a_damaged_image_is_the_error_of_its_batch() {
    let folder = folder();
    let path = folder.path().join("val/digit 9/broken.png");
    let whole = RgbImage::new(8, 8);
    whole.save_with_format(&path, ImageFormat::Png).unwrap();
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let validation = load(recipe(), folder.path()).unwrap().validation;
    let failed: Vec<usize> = (0..validation.len())
        .filter(|&index| validation.batch(&[index], &plain(json!({})), 0).is_err())
        .collect();
    assert_eq!(failed, [10]);
    let message = format!(
        "{:#}",
        validation.batch(&[10], &plain(json!({})), 0).unwrap_err()
    );
    assert!(
        message.contains("broken.png: not an image that can be read: ")
            && message.contains("\nhint: replace it"),
        "{message}"
    );
}

#[test]
fn a_sample_that_a_transform_does_not_fit_is_named_with_its_file() {
    let folder = folder();
    let splits = load(recipe(), folder.path()).unwrap();
    let class = fs::read_dir(folder.path().join("train")).unwrap().next();
    let small = class.unwrap().unwrap().path().join("small.png");
    GrayImage::new(4, 4).save(&small).unwrap();
    let splits_with_small = load(recipe(), folder.path()).unwrap();
    assert_eq!(splits_with_small.train.len(), splits.train.len() + 1);
    let items = json!([{"RandomVerticalFlip": {"p": 1}}, {"RandomCrop": {"size": 6}}]);
    let list: TransformList = serde_json::from_value(items).unwrap();
    let config = serde_json::from_value(json!({"batch_size": 1})).unwrap();
    let mut loader = DataLoader::new("train", splits_with_small.train, config, list, 0).unwrap();
    loader.start(0, 0).unwrap();
    let failed: Vec<String> = loader
        .filter_map(|batch| Some(format!("{:#}", batch.err()?)))
        .collect();
    let [message] = failed.as_slice() else {
        panic!("{failed:?}");
    };
    for part in [
        "small.png",
        "`RandomCrop`",
        ": sample ",
        "does not fit an image of [4, 4]",
    ] {
        assert!(message.contains(part), "{message}");
    }
}
