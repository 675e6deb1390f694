//! The callback `save-first-batch`, compared with the pixels of the embedded digits. The CSV file has them as 0 to 16, and
//! every run holds out the same fifth of its rows for validation.

use std::io::Read;
use std::path::PathBuf;

use flate2::read::GzDecoder;

use crate::harness::repository;
use crate::harness::training::{TrainedRun, Training};

/// Pixels of a side of a digit, and of the gap between two.
const SIDE: u32 = 8;
const GAP: u32 = 2;

type Digit = Vec<u8>;

fn digits() -> Vec<Digit> {
    let file = std::fs::File::open(repository("host/data/assets/digits.csv.gz"))
        .expect("the data are in the clone");
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    let row = |line: &str| -> Digit {
        line.split(',')
            .take(64)
            .map(|pixel| pixel.parse().expect("0 to 16"))
            .collect()
    };
    text.lines().map(row).collect()
}

fn training() -> Training {
    Training::digits().with("train_dataloader_params.shuffle=false")
}

fn file(run: &TrainedRun, name: &str) -> PathBuf {
    run.path("artifacts/save-first-batch").join(name)
}

/// The digits of a picture in reading order, `columns` in a row; each must lie on the grid and all else be black.
fn tiles(run: &TrainedRun, name: &str, columns: u32, rows: u32, count: usize) -> Vec<Digit> {
    let picture = image::open(file(run, name)).expect("a PNG").to_luma8();
    let side = |tiles: u32| tiles * (SIDE + GAP) - GAP;
    assert_eq!(picture.dimensions(), (side(columns), side(rows)), "{name}");
    let mut tiles = vec![Digit::new(); (columns * rows) as usize];
    for (x, y, pixel) in picture.enumerate_pixels() {
        let (column, row) = (x / (SIDE + GAP), y / (SIDE + GAP));
        let index = (row * columns + column) as usize;
        if x % (SIDE + GAP) < SIDE && y % (SIDE + GAP) < SIDE && index < count {
            tiles[index].push(sixteenths(pixel.0[0]));
        } else {
            assert_eq!(pixel.0, [0], "{name}: ({x}, {y}) is outside all digits");
        }
    }
    tiles.truncate(count);
    tiles
}

/// Undoes round(255 · p / 16), which must leave no remainder.
fn sixteenths(gray: u8) -> u8 {
    let pixel = (f64::from(gray) * 16.0 / 255.0).round();
    assert_eq!(
        (pixel * 255.0 / 16.0).round(),
        f64::from(gray),
        "{gray} is no digit's gray"
    );
    pixel as u8
}

/// The file's rows go to one of the two parts, in order: nothing else gives these sequences.
fn check_order(train: &[Digit], validation: &[Digit]) {
    let (mut next_train, mut next_validation) = (0, 0);
    for digit in digits() {
        match (train.get(next_train), validation.get(next_validation)) {
            (Some(tile), _) if *tile == digit => next_train += 1,
            (Some(_), Some(tile)) if *tile == digit => next_validation += 1,
            (Some(_), _) => panic!(
                "row {} of the file is in neither picture",
                next_train + next_validation
            ),
            (None, _) => {
                return assert!(next_validation > 0, "no validation digit among the first");
            }
        }
    }
}

#[test]
fn pictures_show_the_first_batches() {
    let run = training()
        .callback("save-first-batch: {max_images: 20, stretch: false}")
        .run();
    for epoch in ["0000", "0001"] {
        let train = tiles(&run, &format!("train_epoch_{epoch}.png"), 5, 4, 20);
        let validation = tiles(&run, &format!("validation_epoch_{epoch}.png"), 5, 4, 20);
        check_order(&train, &validation);
    }
    assert_eq!(
        std::fs::read_dir(file(&run, ""))
            .expect("its folder")
            .count(),
        4,
        "two pictures an epoch"
    );
}

/// Pixels that normalization moved out of 0 to 1 are moved back. Without that they would be cut off.
#[test]
fn stretched_pictures_show_normalized_digits() {
    let normalized = "train_transforms={normalize: {mean: [0.5], std: [0.25]}}";
    let run = training()
        .with(normalized)
        .callback("save-first-batch: {max_images: 3}")
        .epochs(1)
        .run();
    let plain = training()
        .callback("save-first-batch: {max_images: 3, stretch: false}")
        .epochs(1)
        .run();
    let name = "train_epoch_0000.png";
    assert_eq!(tiles(&run, name, 2, 2, 3), tiles(&plain, name, 2, 2, 3));
}

/// A batch of 7 is shown whole, and shuffled data are shown as the network gets them: other digits each epoch.
#[test]
fn a_small_batch_is_shown_whole_and_as_shuffled() {
    let batches = Training::digits().with("train_dataloader_params.batch_size=7");
    let run = batches.callback("save-first-batch: {stretch: false}").run();
    let [first, second] =
        ["0000", "0001"].map(|epoch| tiles(&run, &format!("train_epoch_{epoch}.png"), 3, 3, 7));
    let all = digits();
    assert!(first.iter().chain(&second).all(|tile| all.contains(tile)));
    assert_ne!(first, second);
}
