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

/// A picture that compresses badly, so that a cut takes pixels away.
fn noise() -> RgbImage {
    RgbImage::from_fn(48, 40, |x, y| {
        let mix = (x * 7919 + y * 104_729) ^ (x * y);
        Rgb([mix as u8, (mix >> 3) as u8, (mix >> 5) as u8])
    })
}

/// Replaces the only image of a class, then reads it.
fn read_in_place_of_an_image(name: &str, bytes: &[u8]) -> anyhow::Result<Vec<f32>> {
    let folder = TempDir::new().unwrap();
    for part in ["train", "val"] {
        fs::create_dir_all(folder.path().join(part).join("cat")).unwrap();
        fs::write(folder.path().join(part).join("cat").join(name), bytes).unwrap();
    }
    let train = load(recipe(), folder.path())?.train;
    Ok(floats(&train.batch(&[0], &plain(json!({})), 0)?.input()))
}

/// No format is filled up where bytes are missing, as Pillow fills none up.
#[test]
fn images_that_were_cut_off_are_refused_by_name() {
    use ImageFormat::{Bmp, Gif, Jpeg, Png, WebP};
    for (format, name) in [
        (Jpeg, "a.jpg"),
        (Png, "a.png"),
        (Bmp, "a.bmp"),
        (Gif, "a.gif"),
        (WebP, "a.webp"),
    ] {
        let mut bytes = std::io::Cursor::new(Vec::new());
        noise().write_to(&mut bytes, format).unwrap();
        let whole = bytes.into_inner();
        read_in_place_of_an_image(name, &whole).unwrap();
        for part in [2, 3, 10] {
            let cut = &whole[..whole.len() - whole.len() / part];
            let refused = read_in_place_of_an_image(name, cut).unwrap_err();
            let message = format!("{refused:#}");
            assert!(message.contains(name), "{message}");
            assert!(
                message.contains("not an image that can be read: "),
                "{message}"
            );
            let reason = message.split(": ").last().unwrap_or_default();
            assert!(
                message.ends_with("hint: replace it, or remove it"),
                "{message}"
            );
            assert_eq!(message.matches(reason).count(), 1, "{message}");
        }
    }
    let refused = read_in_place_of_an_image("a.jpg", b"").unwrap_err();
    assert!(format!("{refused:#}").contains("a.jpg"), "{refused:#}");
}

/// A GIF without rows of pixels, by hand: a panic of the loader.
#[test]
fn an_image_without_pixels_is_refused() {
    for (width, height) in [(5, 0), (0, 5), (0, 0)] {
        let screen = [width, 0, height, 0, 0, 0, 0];
        let bytes = [b"GIF89a", &screen[..], b",\0\0\0\0\x05\0\x05\0\0\x02\0;"].concat();
        let refused = read_in_place_of_an_image("a.gif", &bytes).unwrap_err();
        let message = format!("{refused:#}");
        assert!(message.contains("a.gif"), "{message}");
        assert!(!message.contains("panicked"), "{message}");
    }
}

/// A thumbnail within a JPEG has an end marker of its own.
#[test]
fn the_end_of_a_thumbnail_is_not_the_end_of_its_image() {
    let mut bytes = std::io::Cursor::new(Vec::new());
    noise().write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    let whole = bytes.into_inner();
    let segment = [0xff, 0xe1, 0, 8, 0xff, 0xd8, 0, 1, 0xff, 0xd9];
    let with_thumbnail = [&whole[..2], &segment, &whole[2..]].concat();
    read_in_place_of_an_image("a.jpg", &with_thumbnail).unwrap();
    let cut = &with_thumbnail[..with_thumbnail.len() / 2];
    let refused = read_in_place_of_an_image("a.jpg", cut).unwrap_err();
    assert!(
        format!("{refused:#}").contains("was cut off"),
        "{refused:#}"
    );
}

/// Numbers by hand from the formula in Pillow's `Convert.c`: `(19595 R + 38470 G + 7471 B + 32768) >> 16`.
#[test]
fn color_becomes_gray_as_pillow_makes_it() {
    for (color, gray) in [
        ([255, 0, 0], 76),
        ([0, 255, 0], 150),
        ([0, 0, 255], 29),
        ([10, 200, 99], 132),
        ([255, 255, 255], 255),
    ] {
        let folder = folder();
        RgbImage::from_pixel(8, 8, Rgb(color))
            .save(folder.path().join("train/digit 0/0.png"))
            .unwrap();
        let keys = json!({"image_folder": {"root": ".", "channels": 1}});
        let train = load(keys, folder.path()).unwrap().train;
        let values = floats(&train.batch(&[0], &plain(json!({})), 0).unwrap().input());
        assert_eq!((values[0] * 255.0).round(), gray as f32, "{color:?}");
    }
}

/// Images within folders of a class count, as in torchvision; the rest is counted.
#[test]
fn folders_within_a_class_are_walked() {
    let folder = folder();
    let class = folder.path().join("train/digit 0");
    let deep = class.join("2024/Märch");
    fs::create_dir_all(&deep).unwrap();
    GrayImage::new(8, 8).save(deep.join("one.png")).unwrap();
    fs::rename(deep.join("one.png"), deep.join("ONE.PNG")).unwrap();
    fs::write(deep.join("notes.txt"), "x").unwrap();
    fs::write(class.join(".hidden.png"), "x").unwrap();
    fs::write(folder.path().join("train/README"), "x").unwrap();
    let splits = load(recipe(), folder.path()).unwrap();
    assert_eq!(splits.train.len(), 11);
    let description = splits.train.description();
    assert!(
        description.contains("3 files that are no images passed over"),
        "{description}"
    );
    assert!(!splits.validation.description().contains("passed over"));
    let loops = |root: &Path| {
        std::os::unix::fs::symlink(root.join("train"), root.join("train/digit 0/up")).unwrap()
    };
    let folder = self::folder();
    loops(folder.path());
    let expected = ["up: a link to a folder that is read anyway"];
    check_refused(recipe(), folder.path(), &expected);
    let folder = self::folder();
    std::os::unix::fs::symlink("nowhere", folder.path().join("train/digit 0/x.png")).unwrap();
    check_refused(
        recipe(),
        folder.path(),
        &["x.png: no file, or a link to none"],
    );
}

/// A header promises more pixels than memory: it is refused before any is taken.
#[test]
fn an_image_larger_than_memory_is_refused() {
    let mut bytes = vec![0_u8; 54];
    bytes[..2].copy_from_slice(b"BM");
    bytes[10] = 54;
    bytes[14] = 40;
    for place in [18, 22] {
        bytes[place..place + 4].copy_from_slice(&60_000_u32.to_le_bytes());
    }
    (bytes[26], bytes[28]) = (1, 24);
    let folder = folder();
    fs::write(folder.path().join("train/digit 0/zz.bmp"), &bytes).unwrap();
    let train = load(recipe(), folder.path()).unwrap().train;
    let all: Vec<usize> = (0..train.len()).collect();
    let refused = train.batch(&all, &plain(json!({})), 0).unwrap_err();
    let message = format!("{refused:#}");
    assert!(
        message.contains("zz.bmp: not an image that can be read"),
        "{message}"
    );
    // The header of the first image of a part is read with the list of files.
    fs::write(folder.path().join("train/digit 0/-.bmp"), &bytes).unwrap();
    let expected = [
        "-.bmp: not an image",
        "its 60000x60000 pixels are more than 134217728",
    ];
    super::check_refused(recipe(), folder.path(), &expected);
}

/// 16 bits become 8 by their share of white; transparency is left out, the color below it stays.
#[test]
fn deep_and_transparent_images_become_color() {
    let folder = folder();
    let path = folder.path().join("train/digit 0/0.png");
    let deep = image::ImageBuffer::from_pixel(8, 8, image::Rgb([0_u16, 0x8080, 0xffff]));
    image::DynamicImage::ImageRgb16(deep).save(&path).unwrap();
    let first = || {
        let train = load(recipe(), folder.path()).unwrap().train;
        let values = floats(&train.batch(&[0], &plain(json!({})), 0).unwrap().input());
        [0, 64, 128].map(|at| (values[at] * 255.0).round())
    };
    assert_eq!(first(), [0.0, 128.0, 255.0]);
    let clear = image::RgbaImage::from_pixel(8, 8, image::Rgba([10, 20, 30, 0]));
    clear.save(&path).unwrap();
    assert_eq!(first(), [10.0, 20.0, 30.0]);
}
