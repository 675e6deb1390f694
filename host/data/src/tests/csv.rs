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
    for name in ["", "a\u{1b}", &"a".repeat(10_000)] {
        let words = "is no name: it needs 1 to 128 bytes";
        check(good, json!({"features": {name: ["a"]}}), words);
        check(good, json!({"target": {name: {"column": "y"}}}), words);
    }
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
        "line 2, column `y`: `no` is not a finite number",
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
    check(
        "a,y\n1,x\n",
        json!({"delimiter": "\""}),
        "no quote and no end of a line",
    );
    check("a,a,y\n1,1,x\n", json!({}), "two columns are named `a`");
    check("a,y\n", json!({}), "no rows");
    check("y\nx\n", json!({}), "no feature is left");
    check("", json!({}), "no column `y`");
    check(
        "x,y\n1,a\n2,b\n3,\"a\n4,b\n5,a\n6,b\n",
        json!({}),
        "line 4: a quote is opened and not closed",
    );
    check(
        "\"x,y\n1,a\n",
        json!({}),
        "line 1: a quote is opened and not closed",
    );
    let endless = format!("x,y\n1,\"{}", "\n".repeat(17 << 20));
    check(&endless, json!({}), "line 2: a quote is opened");
    let endless = format!("x,y\n1,{}", "a".repeat(17 << 20));
    check(&endless, json!({}), "line 2: more than 16777216 bytes");
    for [one, other] in [["1", "1.0"], ["1", "01"], ["-0", "0"], ["1e2", "100.0"]] {
        let text = format!("x,y\n1,{one}\n2,{one}\n3,{other}\n4,{other}\n5,7\n6,7\n");
        check(&text, json!({}), "(first in line");
        check(
            &text,
            json!({}),
            "are one number\nhint: write it in one way",
        );
    }
    check(
        "x,y\n1,a\u{1b}[2J\n2,b\n3,a\n4,b\n",
        json!({}),
        "line 2, column `y`: the class `a\\u{1b}[2J` has a character",
    );
    check(
        "x,y\n1,a\n2,b\0\n3,a\n4,b\n",
        json!({}),
        "line 3, column `y`: the class `b\\u{0}` has a character",
    );
    check(
        ",x,y\n0,1,b\n1,2,a\n",
        json!({}),
        "a column without a name is no feature",
    );
    let names: String = (0..100_001).map(|row| format!("1,n{row}\n")).collect();
    check(
        &format!("x,y\n{names}"),
        json!({}),
        "more than 100000 different values",
    );
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

/// Rows `x,y` with the target of each, one in the middle replaced.
fn with_target(cell: &str) -> String {
    format!("x,y\n1,a\n2,b\n3,{cell}\n4,b\n5,a\n")
}

#[test]
fn a_target_that_is_missing_is_refused_at_its_cell() {
    for cell in ["", "  ", "NA", "nan", "N/A", "null", "None", "\"\""] {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("t.csv"), with_target(cell)).unwrap();
        let keys = json!({"csv": {"file": "t.csv", "target": "y"}});
        let expected = ["line 4, column `y`: the target is missing", "t.csv"];
        check_refused(keys, folder.path(), &expected);
    }
}

/// Tables that are read, with the names of their classes.
#[test]
fn tables_of_other_programs_are_read() {
    let check = |text: &str, keys: Value, classes: &[&str]| {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("t.csv"), text).unwrap();
        let mut recipe = json!({"csv": {"file": "t.csv", "target": "y"}});
        for (key, value) in keys.as_object().unwrap() {
            recipe["csv"][key] = value.clone();
        }
        let splits = load(recipe, folder.path()).unwrap();
        assert_eq!(splits.train.class_names().unwrap(), classes, "{text}");
    };
    check("\u{feff}y,x\nb,1\na,2\nb,3\na,4\n", json!({}), &["a", "b"]);
    check(
        "x,y\r\n1,b\r\n2,a\r\n3,b\r\n4,a\r\n",
        json!({}),
        &["a", "b"],
    );
    let quoted = "note,x,y\n\"two\nlines, and \"\"more\"\"\",1,b\n-,2,a\n-,3,b\n-,4,a\n";
    check(quoted, json!({"features": ["x"]}), &["a", "b"]);
    // Columns that no key names are not looked at.
    let unused = "id,id,x,y\nq,,1,b\nq,,2,a\nq,,3,b\nq,,4,a\n";
    check(unused, json!({"features": ["x"]}), &["a", "b"]);
    let ten = "x,y\n1,10\n2,1\n3,2\n4,10\n5,1\n6,2\n";
    check(ten, json!({}), &["1", "2", "10"]);
    check(&ten.replace("10", "10.0"), json!({}), &["1", "2", "10.0"]);
    // Two integers that are one number in float64.
    let [one, other] = ["9007199254740992", "9007199254740993"];
    let large = format!("x,y\n1,{one}\n2,{other}\n3,{one}\n4,{other}\n");
    check(&large, json!({}), &[one, other]);
    let unnamed = ",x,y\n0,1,b\n1,2,a\n2,3,b\n3,4,a\n";
    check(unnamed, json!({"features": ["x"]}), &["a", "b"]);
    let inches = "note,x,y\n5\" wide,1,b\n-\"-,2,a\n-,3,b\n-,4,a\n";
    check(inches, json!({"features": ["x"]}), &["a", "b"]);
    let marked = "\u{feff}\"y\",x\nb,1\na,2\nb,3\na,4\n";
    check(marked, json!({}), &["a", "b"]);
}

/// A small file must not fill the memory.
#[test]
fn more_is_packed_than_is_meant() {
    let folder = TempDir::new().unwrap();
    let text = format!("x,y\n{}", "1,a\n2,b\n".repeat(8 << 20));
    fs::write(
        folder.path().join("t.csv.gz"),
        super::mnist::packed(text.as_bytes()),
    )
    .unwrap();
    let keys = json!({"csv": {"file": "t.csv.gz", "target": "y"}});
    let expected = [
        "t.csv.gz: ",
        "bytes are packed in it, 64 times its own: unpack it",
    ];
    check_refused(keys, folder.path(), &expected);
}

/// Columns that are one another moved or scaled are equal once they are standardized.
#[test]
fn numbers_are_standardized_before_they_are_rounded() {
    let mut text = "x,late,huge,tiny,same,y\n".to_owned();
    for row in 0..80 {
        let late = 1_700_000_000_u64 + row;
        let label = if row < 40 { "low" } else { "high" };
        writeln!(text, "{row},{late},{row}e300,{row}e-300,0.1,{label}").unwrap();
    }
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("t.csv"), text).unwrap();
    let keys = json!({"csv": {"file": "t.csv", "target": "y"}});
    let splits = load(keys, folder.path()).unwrap();
    for part in [&splits.train, &splits.validation] {
        let values = floats(&all(&**part).input());
        for row in values.chunks(5) {
            for moved in &row[1..4] {
                assert!((moved - row[0]).abs() < 1e-6, "{row:?}");
            }
            assert_eq!(row[4], 0.0);
        }
    }
    let inputs = all(&*splits.train).input().select(1, 1);
    assert!((inputs.std(false).double_value(&[]) - 1.0).abs() < 1e-6);
}

#[test]
fn numbers_beyond_float32_are_refused_unless_they_are_standardized() {
    let text = "x,y\n1,a\n2,b\n1e300,a\n4,b\n5,a\n6,b\n";
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("t.csv"), text).unwrap();
    let keys =
        |standardize| json!({"csv": {"file": "t.csv", "target": "y", "standardize": standardize}});
    let expected = ["line 4, column `x`: 1e300 is too large for float32"];
    check_refused(keys(false), folder.path(), &expected);
    load(keys(true), folder.path()).unwrap();
}

#[test]
fn a_column_is_listed_once() {
    let features = json!(["p1", "p2", "p1"]);
    let keys = json!({"csv": {"file": "digits.csv", "target": "class", "features": features}});
    let expected = ["`features` lists `p1` twice"];
    check_refused(keys, table().path(), &expected);
}
