//! The data sets `cifar10` and `cifar100` in their binary version. Downloads nothing.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use phasebox_files::regular_file;
use serde::{Deserialize, Serialize};

use super::data_file::{DataFile, with_hint};
use super::images::Images;
use super::transforms::Normalize;
use super::{Splits, numbered};

const SHAPE: [usize; 3] = [3, 32, 32];
const IMAGE_BYTES: usize = 3 * 32 * 32;
const SPLIT_SEED: u64 = 0;
/// The most bytes of the file of class names.
const MOST_NAME_BYTES: u64 = 1 << 16;

/// Recipe keys of `cifar10` and `cifar100`. Samples are float32 `[3, 32, 32]`, red, green and blue, normalized with the
/// statistics of the training set unless the recipe says otherwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CifarConfig {
    /// Folder of the unpacked binary version: `cifar-10-batches-bin` or `cifar-100-binary`.
    pub root: PathBuf,
    /// Validate with this fraction of the training files and keep the test file for the test; 0 validates with that.
    #[serde(default)]
    pub validation_fraction: f64,
}

/// The differences between the two data sets (Krizhevsky 2009). A record is the label bytes, the last of which counts,
/// then the pixels.
pub(super) struct Kind {
    name: &'static str,
    folder: &'static str,
    label_bytes: usize,
    classes: usize,
    train: &'static [&'static str],
    test: &'static str,
    class_names: &'static str,
    mean: [f64; 3],
    std: [f64; 3],
}

pub(super) const CIFAR10: Kind = Kind {
    name: "cifar10",
    folder: "cifar-10-batches-bin",
    label_bytes: 1,
    classes: 10,
    train: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    test: "test_batch.bin",
    class_names: "batches.meta.txt",
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2470, 0.2435, 0.2616],
};

/// A coarse label of 20 comes first and is not used.
pub(super) const CIFAR100: Kind = Kind {
    name: "cifar100",
    folder: "cifar-100-binary",
    label_bytes: 2,
    classes: 100,
    train: &["train.bin"],
    test: "test.bin",
    class_names: "fine_label_names.txt",
    mean: [0.5071, 0.4865, 0.4409],
    std: [0.2673, 0.2564, 0.2762],
};

impl CifarConfig {
    pub(super) fn load(&self, base: &Path, kind: &Kind) -> Result<Splits> {
        let root = base.join(&self.root);
        let classes = class_names(&root, kind)?;
        let train = read_part(&root, "train", kind.train, kind, &classes)?;
        let test = read_part(&root, "test", &[kind.test], kind, &classes)?;
        Splits::published(train, test, self.validation_fraction, SPLIT_SEED)
    }
}

fn read_part(
    root: &Path,
    part: &str,
    files: &[&str],
    kind: &Kind,
    classes: &[String],
) -> Result<Images> {
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    let record = kind.label_bytes + IMAGE_BYTES;
    for name in files {
        let bytes = read_records(root, name, record, kind)?;
        for bytes in bytes.chunks_exact(record) {
            labels.push(i64::from(bytes[kind.label_bytes - 1]));
            // The file has all red bytes, then all green, then all blue.
            let planes = &bytes[kind.label_bytes..];
            pixels.extend((0..IMAGE_BYTES).map(|at| planes[at % 3 * 1024 + at / 3]));
        }
    }
    let description = format!("{} ({part}, {})", kind.name, root.display());
    let normalize = Normalize {
        mean: kind.mean.to_vec(),
        std: kind.std.to_vec(),
    };
    Images {
        description,
        shape: SHAPE,
        pixels,
        labels,
        classes: classes.to_vec(),
        white: 255.0,
        normalize,
    }
    .checked()
}

fn read_records(root: &Path, name: &str, record: usize, kind: &Kind) -> Result<Vec<u8>> {
    let remedy = format!(
        "`root` must be the folder `{}` of the *binary* version",
        kind.folder
    );
    let file = DataFile::find(root, name, &remedy)?;
    let path = file.path.display().to_string();
    let mut bytes = Vec::new();
    let read = file.into_reader().read_to_end(&mut bytes);
    read.map_err(|error| {
        with_hint(
            format!("{path}: cannot be read"),
            &format!("hint: {remedy}"),
            error,
        )
    })?;
    let length = bytes.len();
    ensure!(
        length > 0 && length % record == 0,
        "{path}: {length} bytes are no whole number of records of {record} bytes: truncated, or another format\nhint: {remedy}"
    );
    Ok(bytes)
}

/// The names of the classes, one a line of their file; numbers where the file was not copied along.
fn class_names(root: &Path, kind: &Kind) -> Result<Vec<String>> {
    let path = root.join(kind.class_names);
    if !path.exists() {
        return Ok(numbered(kind.classes));
    }
    let text = regular_file::read_text(&path, MOST_NAME_BYTES).map_err(|error| {
        let fault = format!("{}: cannot be read", path.display());
        with_hint(fault, "hint: fetch it again, or remove it", error)
    })?;
    let names: Vec<String> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let (found, wanted) = (names.len(), kind.classes);
    ensure!(
        found == wanted,
        "{}: {found} class names, not {wanted}\nhint: fetch it again, or remove it",
        path.display()
    );
    Ok(names)
}
