//! The data set `digits`: 1,797 real images inside the binary, so that a first run needs no download.

use std::sync::Arc;

use anyhow::{Context, Result};
use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};

use super::images::Images;
use super::transforms::Normalize;
use super::{Splits, numbered};

/// E. Alpaydin, C. Kaynak, 1998, CC BY 4.0; see `assets/README.md`.
const CSV_GZ: &[u8] = include_bytes!("../assets/digits.csv.gz");

/// 360 of the 1,797, the same ones in every run and version.
const VALIDATION_FRACTION: f64 = 0.2;
const SPLIT_SEED: u64 = 0;

/// Recipe keys of `digits`. Samples are float32 `[1, 8, 8]`, pixel / 16, in `[0, 1]`; 10 classes.
/// 1,437 samples to train on and 360 to validate with, each class in proportion.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DigitsConfig {
    /// The fraction of the training part to set aside as a test set.
    pub test_fraction: f64,
}

impl DigitsConfig {
    pub(super) fn load(&self) -> Result<Splits> {
        let (train, validation) = parts()?;
        let validation = Arc::new(validation);
        let (train, test) = train
            .hold_out(self.test_fraction, SPLIT_SEED)
            .context("digits: `test_fraction`")?;
        Ok(Splits {
            train: Arc::new(train),
            validation,
            test: test.map(|test| Arc::new(test) as _),
        })
    }
}

/// The digits to train on and those to validate with.
pub(super) fn parts() -> Result<(Images, Images)> {
    let all = decode()
        .context("the embedded digits are damaged: this binary was built from a broken checkout")?;
    let (train, validation) = all.hold_out(VALIDATION_FRACTION, SPLIT_SEED)?;
    Ok((train, validation.context("the validation part is empty")?))
}

fn decode() -> Result<Images> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(GzDecoder::new(CSV_GZ));
    let mut pixels = Vec::new();
    let mut labels = Vec::new();
    for row in reader.deserialize() {
        let mut row: Vec<u8> = row?;
        labels.push(i64::from(row.pop().context("an empty row")?));
        pixels.append(&mut row);
    }
    let normalize = Normalize {
        mean: vec![0.0],
        std: vec![1.0],
    };
    let description = "digits (UCI, 8×8)".to_owned();
    Images {
        description,
        shape: [1, 8, 8],
        pixels,
        labels,
        classes: numbered(10),
        white: 16.0,
        normalize,
    }
    .checked()
}
