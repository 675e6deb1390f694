//! IDX files, whole and damaged.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use tempfile::TempDir;

use super::{Batches as _, all, check_refused, counts, digits, floats, integers, load};

const NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

fn recipes() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../recipes"))
}

#[test]
fn the_recipes_subset_is_mnist() {
    let splits = load(json!({"mnist": {"root": "data/mnist5k"}}), recipes()).unwrap();
    let parts = [
        // Class counts and sums of pixels, counted in the files by a script of its own.
        (
            &splits.train,
            4000,
            [403, 385, 414, 401, 399, 403, 388, 403, 409, 395],
            105_307_505.0,
        ),
        (
            &splits.validation,
            1000,
            [97, 115, 86, 99, 101, 97, 112, 97, 91, 105],
            25_959_597.0,
        ),
    ];
    for (part, count, classes, sum) in parts {
        let batch = all(&**part);
        assert_eq!(batch.input().size(), [count, 1, 28, 28]);
        assert_eq!(counts(&integers(&batch.only_target()), 10), classes);
        let pixels = floats(&batch.input())
            .into_iter()
            .map(|value| (f64::from(value) * 0.3081 + 0.1307) * 255.0);
        let actual: f64 = pixels.sum();
        assert!(
            (actual / sum - 1.0).abs() < 1e-6,
            "{actual} instead of {sum}"
        );
    }
    assert_eq!(
        integers(&all(&*splits.train).only_target())[..8],
        [5, 8, 1, 5, 6, 2, 9, 3]
    );
    assert!(splits.test.is_none());
}

#[test]
fn with_a_validation_fraction_the_test_files_are_the_test() {
    let splits = load(
        json!({"mnist": {"root": "data/mnist5k", "validation_fraction": 0.1}}),
        recipes(),
    )
    .unwrap();
    let sizes = [
        &splits.train,
        &splits.validation,
        splits.test.as_ref().unwrap(),
    ]
    .map(|part| part.len());
    assert_eq!(sizes, [3600, 400, 1000]);
}

/// An IDX file as published: magic number, lengths, data.
fn idx(lengths: &[u32], data: &[u8]) -> Vec<u8> {
    let header = [0x0800 | lengths.len() as u32]
        .into_iter()
        .chain(lengths.iter().copied());
    header
        .flat_map(u32::to_be_bytes)
        .chain(data.iter().copied())
        .collect()
}

/// Twenty digits to train with and the same to test with, as MNIST files of 8×8 pixels.
fn small() -> (TempDir, Vec<u8>, Vec<u8>) {
    let folder = TempDir::new().unwrap();
    let (pixels, labels) = super::digit_bytes(20);
    let labels: Vec<u8> = labels.into_iter().map(|label| label as u8).collect();
    let files = (idx(&[20, 8, 8], &pixels.concat()), idx(&[20], &labels));
    for (name, bytes) in NAMES.iter().zip([&files.0, &files.1, &files.0, &files.1]) {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    (folder, files.0, files.1)
}

pub(super) fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn plain_and_packed_files_of_any_size_are_read() {
    let (folder, images, _) = small();
    fs::remove_file(folder.path().join(NAMES[0])).unwrap();
    fs::write(
        folder.path().join(NAMES[0]).with_extension("gz"),
        packed(&images),
    )
    .unwrap();
    let splits = load(json!({"fashion_mnist": {"root": "."}}), folder.path()).unwrap();
    let indices: Vec<usize> = (0..20).collect();
    let plain = serde_json::from_value(json!({"normalize": {"mean": [0], "std": [1]}})).unwrap();
    let pixels = splits.train.batch(&indices, &plain, 0).unwrap().input() * (255.0 / 16.0);
    let expected = all(&*digits().train).input().narrow(0, 0, 20);
    assert!(pixels.allclose(&expected, 1e-6, 1e-6, false));
    assert_eq!(splits.train.class_names().unwrap()[9], "Ankle boot");
}

#[test]
fn damaged_files_are_refused() {
    let check_part = |name: &str, bytes: &[u8], expected: &[&str]| {
        let (folder, ..) = small();
        fs::remove_file(folder.path().join(name.trim_end_matches(".gz"))).unwrap();
        fs::write(folder.path().join(name), bytes).unwrap();
        check_refused(
            json!({"mnist": {"root": "."}}),
            folder.path(),
            &[expected, &["hint: "]].concat(),
        );
    };
    let check = |name: &str, bytes: &[u8], expected: &[&str]| {
        check_part(name, bytes, &[expected, &[name]].concat())
    };
    let (_folder, images, labels) = small();
    let [image_file, label_file, ..] = NAMES;
    check(
        image_file,
        &images[..images.len() - 1],
        &["truncated: 1279 bytes of data where 1280 belong"],
    );
    check(
        image_file,
        &images[..1200],
        &["it is said to have 1280 bytes of data, but can hold 1200 at most"],
    );
    check(
        image_file,
        &[&images[..], &[0]].concat(),
        &["it goes on after the data"],
    );
    check(
        image_file,
        &images[..9],
        &["12 bytes of its IDX header, but can hold 9 at most"],
    );
    check(
        image_file,
        b"",
        &["4 bytes of its IDX header, but can hold 0 at most"],
    );
    check(
        image_file,
        &labels,
        &["starts with [00, 00, 08, 01]", "with [00, 00, 08, 03]"],
    );
    check(
        image_file,
        b"<html>404</html>",
        &["starts with [3c, 68, 74, 6d]"],
    );
    check(
        image_file,
        &idx(&[u32::MAX, 28, 28], &[]),
        &["3367254359280 bytes of data, but can hold 16 at most"],
    );
    check(
        image_file,
        &idx(&[u32::MAX; 3], &[]),
        &["more than fits any memory"],
    );
    check_part(image_file, &idx(&[20, 0, 8], &[]), &["it holds no images"]);
    check_part(
        image_file,
        &idx(&[19, 8, 8], &images[16..16 + 19 * 64]),
        &["19 train images but 20 labels"],
    );
    check_part(
        label_file,
        &idx(&[20], &[[9; 19].as_slice(), &[10]].concat()),
        &["mnist (train, ", "label 10 of sample 19 is not in 0..10"],
    );
    let archive = format!("{image_file}.gz");
    check(&archive, &images, &["cannot be read"]);
    check(&archive, &packed(&images)[..100], &["cannot be read"]);
    check(
        &archive,
        &packed(&images[..images.len() - 1]),
        &["truncated: 1279 bytes of data where 1280 belong"],
    );
    let bomb = packed(&idx(&[100_000, 32, 32], &vec![0; 102_400_000]));
    check(&archive, &bomb, &["102400000 bytes of data, but can hold "]);
    let mut damaged = packed(&images);
    let checksum = damaged.len() - 8;
    damaged[checksum] ^= 1;
    check(&archive, &damaged, &["cannot be read"]);
}

#[test]
fn a_missing_file_is_named() {
    let folder = TempDir::new().unwrap();
    let expected = [
        "no file `train-images-idx3-ubyte` or `train-images-idx3-ubyte.gz`",
        "`root` must hold",
    ];
    check_refused(
        json!({"mnist": {"root": "absent"}}),
        folder.path(),
        &expected,
    );
}
