//! CIFAR files, whole and damaged.

use std::fs;

use serde_json::{Value, json};
use tch::{Kind, Tensor};
use tempfile::TempDir;

use super::{all, check_refused, floats, integers, load};

/// A digit drawn four times as large in red, fainter in green, and inverted in blue: 3,072 bytes.
fn photo(digit: &[u8]) -> Vec<u8> {
    let channel =
        |color: fn(u8) -> u8| (0..1024).map(move |at| color(digit[at / 128 * 8 + at % 32 / 4]));
    channel(|byte| byte * 15)
        .chain(channel(|byte| byte * 5))
        .chain(channel(|byte| 255 - byte * 15))
        .collect()
}

/// `count` records of the binary version with `label_bytes` before each.
fn records(count: usize, label_bytes: fn(u8) -> Vec<u8>) -> Vec<u8> {
    let (digits, labels) = super::digit_bytes(count);
    let record =
        |(digit, label): (&Vec<u8>, &i64)| [label_bytes(*label as u8), photo(digit)].concat();
    digits.iter().zip(&labels).flat_map(record).collect()
}

fn cifar10() -> TempDir {
    let folder = TempDir::new().unwrap();
    for name in [
        "data_batch_1",
        "data_batch_2",
        "data_batch_3",
        "data_batch_4",
        "data_batch_5",
        "test_batch",
    ] {
        fs::write(
            folder.path().join(format!("{name}.bin")),
            records(6, |label| vec![label]),
        )
        .unwrap();
    }
    folder
}

fn recipe() -> Value {
    json!({"cifar10": {"root": "."}})
}

/// The first six images as torchvision would give them.
fn expected(mean: [f32; 3], std: [f32; 3]) -> Tensor {
    let pixels: Vec<u8> = super::digit_bytes(6)
        .0
        .iter()
        .flat_map(|digit| photo(digit))
        .collect();
    let pixels = Tensor::from_slice(&pixels)
        .view([6, 3, 32, 32])
        .to_kind(Kind::Float)
        / 255.0;
    (pixels - Tensor::from_slice(&mean).view([3, 1, 1])) / Tensor::from_slice(&std).view([3, 1, 1])
}

#[test]
fn the_binary_version_of_cifar10_is_read() {
    let splits = load(recipe(), cifar10().path()).unwrap();
    let (train, validation) = (all(&*splits.train), all(&*splits.validation));
    assert_eq!(
        (train.input().size(), validation.input().size()),
        (vec![30, 3, 32, 32], vec![6, 3, 32, 32])
    );
    assert_eq!(integers(&train.only_target())[..6], super::digit_bytes(6).1);
    let expected = expected([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]);
    assert_eq!(floats(&validation.input()), floats(&expected));
    assert_eq!(floats(&train.input().narrow(0, 24, 6)), floats(&expected));
}

#[test]
fn the_fine_labels_of_cifar100_are_read() {
    let folder = TempDir::new().unwrap();
    for name in ["train.bin", "test.bin"] {
        fs::write(
            folder.path().join(name),
            records(6, |label| vec![label % 2, label + 90]),
        )
        .unwrap();
    }
    let names: Vec<String> = (0..100).map(|class| format!("thing {class}")).collect();
    fs::write(
        folder.path().join("fine_label_names.txt"),
        names.join("\n") + "\n\n",
    )
    .unwrap();
    let splits = load(json!({"cifar100": {"root": "."}}), folder.path()).unwrap();
    let batch = all(&*splits.train);
    let labels: Vec<i64> = super::digit_bytes(6)
        .1
        .into_iter()
        .map(|label| label + 90)
        .collect();
    assert_eq!(integers(&batch.only_target()), labels);
    assert_eq!(
        floats(&batch.input()),
        floats(&expected(
            [0.5071, 0.4865, 0.4409],
            [0.2673, 0.2564, 0.2762]
        ))
    );
    assert_eq!(splits.train.class_names().unwrap()[99], "thing 99");
}

#[test]
fn damaged_folders_are_refused() {
    let check = |name: &str, bytes: &[u8], expected: &str| {
        let folder = cifar10();
        fs::write(folder.path().join(name), bytes).unwrap();
        check_refused(recipe(), folder.path(), &[expected]);
    };
    let whole = records(2, |label| vec![label]);
    check(
        "data_batch_3.bin",
        &whole[..whole.len() - 1],
        "data_batch_3.bin: 6145 bytes are no whole number of records",
    );
    check("data_batch_3.bin", &[], "data_batch_3.bin: 0 bytes");
    check(
        "test_batch.bin",
        &records(1, |_| vec![10]),
        "label 10 of sample 0 is not in 0..10",
    );
    check(
        "batches.meta.txt",
        b"cat\ndog\n",
        "batches.meta.txt: 2 class names, not 10",
    );
    let folder = cifar10();
    fs::remove_file(folder.path().join("data_batch_5.bin")).unwrap();
    check_refused(
        recipe(),
        folder.path(),
        &[
            "no file `data_batch_5.bin`",
            "`cifar-10-batches-bin` of the *binary*",
        ],
    );
}
