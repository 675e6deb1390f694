//! Tables, whole and damaged.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::{Augmentation, DataLoader};
use super::{Batches as _, all, check_refused, counts, floats, integers, load};

/// 300 digits as a table: their 64 pixels, their class and how much ink they have.
fn table() -> TempDir {
    let folder = TempDir::new().unwrap();
    let mut text: String = (0..64).map(|pixel| format!("p{pixel},")).collect();
    text.push_str("class,ink\n");
    let (digits, labels) = super::digit_bytes(300);
    for (digit, label) in digits.iter().zip(labels) {
        digit
            .iter()
            .for_each(|byte| write!(text, "{byte},").unwrap());
        let ink: u32 = digit.iter().map(|&byte| u32::from(byte)).sum();
        writeln!(text, "{label}, {ink}").unwrap();
    }
    fs::write(folder.path().join("digits.csv"), text).unwrap();
    folder
}

#[test]
fn rows_are_classified() {
    let keys = json!({"csv": {"file": "digits.csv", "target": "class", "standardize": false, "test_fraction": 0.25}});
    let splits = load(keys, table().path()).unwrap();
    let parts = [
        &splits.train,
        &splits.validation,
        splits.test.as_ref().unwrap(),
    ];
    assert_eq!(parts.map(|part| part.len()), [180, 60, 60]);
    let labels: Vec<i64> = parts
        .iter()
        .flat_map(|part| integers(&all(&***part).only_target()))
        .collect();
    let (digits, expected) = super::digit_bytes(300);
    assert_eq!(counts(&labels, 10), counts(&expected, 10));
    // All 64 pixels and the ink, which is their sum: twice the ink of the digits.
    let sum: f64 = parts
        .iter()
        .flat_map(|part| floats(&all(&***part).input()))
        .map(f64::from)
        .sum();
    let ink: f64 = digits.iter().flatten().map(|&byte| f64::from(byte)).sum();
    assert_eq!((splits.train.input_shape(), sum), (vec![65], 2.0 * ink));
    assert_eq!(splits.train.class_names().unwrap()[7], "7");
}

#[test]
fn a_number_is_predicted_from_chosen_columns() {
    let keys = json!({"csv": {
        "file": "digits.csv", "target": "ink", "task": "regression", "features": ["p20", "p21"], "standardize": false,
    }});
    let splits = load(keys, table().path()).unwrap();
    let batch = splits
        .validation
        .batch(&[3, 1], &Augmentation::default(), 0)
        .unwrap();
    assert_eq!(
        (batch.input().size(), batch.only_target().size()),
        (vec![2, 2], vec![2, 1])
    );
    assert_eq!(splits.validation.num_classes(), None);
    let (digits, _) = super::digit_bytes(300);
    let targets = floats(&batch.only_target());
    for (row, features) in floats(&batch.input()).chunks(2).enumerate() {
        let same = |digit: &&Vec<u8>| {
            let ink: u32 = digit.iter().map(|&byte| u32::from(byte)).sum();
            [f32::from(digit[20]), f32::from(digit[21]), ink as f32]
                == [features[0], features[1], targets[row]]
        };
        assert!(
            digits.iter().any(|digit| same(&digit)),
            "row {row} is none of the file's"
        );
    }
}

#[test]
fn features_are_standardized_by_the_training_rows() {
    let splits = load(
        json!({"csv": {"file": "digits.csv", "target": "class"}}),
        table().path(),
    )
    .unwrap();
    let inputs = all(&*splits.train).input();
    let (deviation, mean) = inputs.std_mean_dim([0i64].as_slice(), false, false);
    assert!(mean.abs().max().double_value(&[]) < 1e-6);
    let ink = deviation.double_value(&[64]);
    assert!((ink - 1.0).abs() < 1e-6, "{ink}");
    // The first pixel is blank in every digit.
    assert_eq!(deviation.double_value(&[0]), 0.0);
}

#[test]
fn damaged_tables_are_refused() {
    let check = |text: &str, keys: Value, expected: &str| {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("t.csv"), text).unwrap();
        let mut recipe = json!({"csv": {"file": "t.csv", "target": "y"}});
        for (key, value) in keys.as_object().unwrap() {
            recipe["csv"][key] = value.clone();
        }
        check_refused(recipe, folder.path(), &[expected, "t.csv"]);
    };
    let good = "a,b,y\n1,2,no\n3,4,yes\n5,6,no\n7,8,yes\n";
    check(
        good,
        json!({"target": "z"}),
        "no column `z`\nhint: it has a, b, y",
    );
    check(good, json!({"features": ["a", "c"]}), "no column `c`");
    check(
        good,
        json!({"features": ["a", "y"]}),
        "has the target `y` in it",
    );
    check(
        good,
        json!({"delimiter": ";"}),
        "no column `y`\nhint: it has a,b,y",
    );
    check(
        good,
        json!({"task": "regression"}),
        "target of row 1: `no` is not a finite number",
    );
    check(
        good,
        json!({"validation_fraction": 0}),
        "no row to validate with",
    );
    check(good, json!({"validation_fraction": 2}), "must be in [0, 1)");
    check(
        good,
        json!({"target": "a", "features": ["b"]}),
        "4 different values in 4 rows",
    );
    check(
        "a,y\n1,x\n,x\n",
        json!({}),
        "line 3, column `a`: `` is not a finite number",
    );
    check(
        "a,y\n1,x\nnan,x\n",
        json!({}),
        "`nan` is not a finite number",
    );
    check("a,y\n1,x\n2\n", json!({}), "found record with 1 fields");
    check("a,a,y\n1,1,x\n", json!({}), "two columns are named `a`");
    check("a,y\n", json!({}), "no rows");
    check("y\nx\n", json!({}), "no feature is left");
    check("", json!({}), "no column `y`");
    let folder = TempDir::new().unwrap();
    check_refused(
        json!({"csv": {"file": "no.csv", "target": "y"}}),
        folder.path(),
        &["no.csv: cannot be opened"],
    );
}

#[test]
fn samples_are_the_rows_of_a_batch() {
    let keys = json!({"csv": {
        "file": "digits.csv",
        "features": {"top": ["p20", "p21"], "low": ["p40"]},
        "target": {"digit": {"column": "class"}, "ink": {"column": "ink", "task": "regression"}},
    }});
    let data = load(keys, table().path()).unwrap().train;
    let whole = all(&*data);
    // No one pass leads to this collation, which stacks what is not ragged.
    let config = json!({"batch_size": 1000, "collate_fn": "DetectionCollateFN"});
    let config = serde_json::from_value(config).unwrap();
    let mut loader = DataLoader::new("train", data, config, Augmentation::default(), 0).unwrap();
    loader.start(0, 0).unwrap();
    let batch = loader.next().unwrap().unwrap();
    for (one, other) in [
        (&batch.inputs, &whole.inputs),
        (&batch.target, &whole.target),
    ] {
        assert_eq!(one.names(), other.names());
        assert!(
            one.tensors()
                .zip(other.tensors())
                .all(|(one, other)| one == other)
        );
    }
}
