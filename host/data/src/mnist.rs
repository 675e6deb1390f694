//! The data sets `mnist` and `fashion_mnist`: IDX files as published, packed or not. Downloads nothing.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use super::data_file::DataFile;
use super::images::Images;
use super::transforms::Normalize;
use super::{Splits, numbered};

const SPLIT_SEED: u64 = 0;
const REMEDY: &str = "`root` must hold train-images-idx3-ubyte, train-labels-idx1-ubyte and the two t10k files, each with \
    or without .gz; a relative path starts at the recipe's folder";

/// Recipe keys of `mnist` and `fashion_mnist`. Samples are float32 `[1, 28, 28]` (the size is the file's), normalized with
/// the statistics of the full training set unless the recipe says otherwise; 10 classes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MnistConfig {
    /// Folder of the four files.
    pub root: PathBuf,
    /// Validate with this fraction of the training files and keep the t10k files for the test; 0 validates with t10k.
    #[serde(default)]
    pub validation_fraction: f64,
}

/// The differences between data sets of this format.
pub(super) struct Kind {
    name: &'static str,
    classes: fn() -> Vec<String>,
    mean: f64,
    std: f64,
}

/// LeCun, Cortes, Burges.
pub(super) const MNIST: Kind = Kind {
    name: "mnist",
    classes: || numbered(10),
    mean: 0.1307,
    std: 0.3081,
};

/// Xiao, Rasul, Vollgraf 2017.
pub(super) const FASHION_MNIST: Kind = Kind {
    name: "fashion_mnist",
    classes: clothes,
    mean: 0.2860,
    std: 0.3530,
};

fn clothes() -> Vec<String> {
    let names = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ];
    names.map(str::to_owned).to_vec()
}

impl MnistConfig {
    pub(super) fn load(&self, base: &Path, kind: &Kind) -> Result<Splits> {
        let root = base.join(&self.root);
        let [train, test] = ["train", "t10k"].map(|part| {
            let images = read_part(&root, part, kind);
            images.with_context(|| format!("data set `{}`", kind.name))
        });
        Splits::published(train?, test?, self.validation_fraction, SPLIT_SEED)
    }
}

fn read_part(root: &Path, part: &str, kind: &Kind) -> Result<Images> {
    let ([count, height, width], pixels) = read_idx(root, &format!("{part}-images-idx3-ubyte"))?;
    let ([labels], label_bytes) = read_idx(root, &format!("{part}-labels-idx1-ubyte"))?;
    ensure!(
        count == labels,
        "{}: {count} {part} images but {labels} labels\nhint: {REMEDY}",
        root.display()
    );
    let description = format!("{} ({part}, {})", kind.name, root.display());
    let normalize = Normalize {
        mean: vec![kind.mean],
        std: vec![kind.std],
    };
    let labels = label_bytes.into_iter().map(i64::from).collect();
    let shape = [1, height, width];
    Images {
        description,
        shape,
        pixels,
        labels,
        classes: (kind.classes)(),
        white: 255.0,
        normalize,
    }
    .checked()
}

/// Reads an IDX file of bytes with `D` dimensions: two zeros, the type (8: unsigned byte), `D`, each length as a big-endian
/// 32-bit number, then the data.
fn read_idx<const D: usize>(root: &Path, name: &str) -> Result<([usize; D], Vec<u8>)> {
    let mut file = DataFile::find(root, name, REMEDY)?;
    let path = file.path.display().to_string();
    let magic = file.read(4, "its IDX header")?;
    let expected = [0, 0, 8, D as u8];
    if magic != expected {
        bail!(
            "{path}: starts with {magic:02x?}, an IDX file of {D} dimensions with {expected:02x?}\nhint: {REMEDY}"
        );
    }
    let header = file.read(4 * D as u64, "its IDX header")?;
    let mut lengths = [0; D];
    for (length, bytes) in lengths.iter_mut().zip(header.chunks_exact(4)) {
        *length = bytes
            .iter()
            .fold(0, |value, &byte| value << 8 | usize::from(byte));
    }
    let size = lengths
        .iter()
        .try_fold(1u64, |size, &length| size.checked_mul(length as u64));
    let size = size.with_context(|| {
        format!("{path}: its header claims {lengths:?}, more than fits any memory\nhint: {REMEDY}")
    })?;
    let data = file.read(size, "data")?;
    file.end()?;
    Ok((lengths, data))
}
