//! The digits inside the binary.

use std::path::Path;

use serde_json::json;

use super::{all, counts, digits, floats, integers, load};

#[test]
fn they_are_the_published_images() {
    let splits = digits();
    let (train, validation) = (all(&*splits.train), all(&*splits.validation));
    assert_eq!(train.input().size(), [1437, 1, 8, 8]);
    assert_eq!(validation.input().size(), [360, 1, 8, 8]);
    let labels = [
        integers(&train.only_target()),
        integers(&validation.only_target()),
    ]
    .concat();
    assert_eq!(
        counts(&labels, 10),
        [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    );
    // The sum of all pixels 0–16 of the CSV file, by a script of its own; sixteenths are exact in float32.
    let sum: f64 = [train, validation]
        .iter()
        .flat_map(|batch| floats(&batch.input()))
        .map(f64::from)
        .sum();
    assert_eq!(sum * 16.0, 561_718.0);
}

#[test]
fn every_class_is_validated_in_proportion() {
    let validation = all(&*digits().validation);
    assert_eq!(
        counts(&integers(&validation.only_target()), 10),
        [36, 37, 35, 37, 36, 36, 36, 36, 35, 36]
    );
}

#[test]
fn a_test_part_comes_out_of_the_training_part() {
    let splits = load(json!({"digits": {"test_fraction": 0.1}}), Path::new("")).unwrap();
    let sizes = [
        &splits.train,
        &splits.validation,
        splits.test.as_ref().unwrap(),
    ]
    .map(|part| part.len());
    assert_eq!(sizes, [1293, 360, 144]);
    assert_eq!(
        all(&*splits.validation).input(),
        all(&*digits().validation).input()
    );
    assert_eq!(splits.train.num_classes(), Some(10));
}

#[test]
fn wrong_keys_are_refused() {
    let check = |config, expected: &str| {
        let message = format!("{:#}", load(config, Path::new("")).err().unwrap());
        assert!(message.contains(expected), "{message}");
    };
    check(json!({"digits": {"root": "x"}}), "unknown field `root`");
    check(json!({"digit": {}}), "unknown variant `digit`, expected");
    check(
        json!({"digits": {"test_fraction": 1.5}}),
        "`test_fraction`: a held-out fraction must be in [0, 1), it is 1.5",
    );
}
