//! Arbitrary data sets: tables, records, IDX files, images, packed or not, and the keys that name them.

use std::path::Path;

use phasebox_data::{Augmentation, Dataset, DatasetConfig, Epoch, Splits};
use serde_json::Value;

use crate::cost::{Memory, within};
use crate::files;

/// The data set's name and keys, `{"csv": {…}}`.
const KEYS: &str = "keys.json";
/// Samples of each part that are read.
const SAMPLES: usize = 4;
/// The most pixels of an image that is decoded: the header says how many, and a small file may stand for many.
const MOST_PIXELS: usize = 1 << 20;

/// The largest number in keys: images are scaled to what they say.
const LARGEST: f64 = 512.0;

/// Cells become numbers; images become pixels.
const PLAIN: Memory = Memory {
    free: 32 << 20,
    each: 128,
};
/// A byte that is packed stands for a thousand at most.
const PACKED: Memory = Memory {
    free: 96 << 20,
    each: 64 << 10,
};

/// Reads a data set from the files of an input, and some of its samples. Returns true if it was read.
///
/// # Panics
/// If phasebox does; if reading takes more than is in proportion.
pub fn run(bytes: &[u8]) -> bool {
    let files = files::files(bytes, KEYS);
    let Some((name, keys)) = keys(&files[0].1) else {
        return false;
    };
    let Ok(config) = DatasetConfig::named(&name, keys) else {
        return false;
    };
    let folder = tempfile::tempdir().expect("a folder for the data");
    for (name, bytes) in &files[1..] {
        files::write(folder.path(), name, bytes);
    }
    let is_packed = files.iter().any(|(name, _)| name.ends_with(".gz"));
    let memory = if is_packed { PACKED } else { PLAIN };
    within(memory, bytes.len(), || read(&config, folder.path()))
}

/// The name and the keys, if all paths in them stay within the folder of the input, and no image is asked to be large.
fn keys(text: &[u8]) -> Option<(String, Value)> {
    let value: Value = serde_json::from_slice(text).ok()?;
    let mut entries = value.as_object()?.iter();
    let (name, keys) = entries.next().filter(|(_, keys)| stays(keys))?;
    Some((name.clone(), keys.clone()))
}

fn stays(keys: &Value) -> bool {
    match keys {
        Value::String(text) => !text.contains("..") && !text.starts_with('/'),
        Value::Number(number) => number.as_f64().is_some_and(|number| number < LARGEST),
        Value::Array(items) => items.iter().all(stays),
        Value::Object(entries) => entries.values().all(stays),
        _ => true,
    }
}

fn read(config: &DatasetConfig, folder: &Path) -> bool {
    let Ok(Splits {
        train,
        validation,
        test,
    }) = config.load(folder)
    else {
        return false;
    };
    let parts = [Some(train), Some(validation), test];
    parts
        .iter()
        .flatten()
        .for_each(|part| look_at(part.as_ref()));
    true
}

/// Reads the first samples, one by one and together.
fn look_at(part: &dyn Dataset) {
    let indices: Vec<usize> = (0..part.len().min(SAMPLES)).collect();
    let small = indices.into_iter().filter(|index| is_small(part, *index));
    let small: Vec<usize> = small.collect();
    for index in &small {
        let _ = part.sample(*index);
    }
    assert!(
        part.sample(part.len()).is_err(),
        "there is none beyond the last"
    );
    let keys = Augmentation::default();
    if let Some(in_one_pass) = part.in_one_pass() {
        let _ = in_one_pass.batch(&small, &keys, &Epoch::from(0));
        let _ = in_one_pass.byte_batch(&small, &keys, &Epoch::from(0));
    }
}

fn is_small(part: &dyn Dataset, index: usize) -> bool {
    match part.header(index) {
        Ok(Some([height, width])) => height.saturating_mul(width) <= MOST_PIXELS,
        Ok(None) => true,
        Err(_) => false,
    }
}
