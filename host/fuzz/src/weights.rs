//! Arbitrary files of weights: safetensors, archives of `torch.save`, and the pickles in them.

use std::fs;

use phasebox_train::checkpoint::load_weights;

use crate::cost::{Memory, within};

/// The file itself, and values of a pickle, which take 60 bytes for each of theirs.
const MEMORY: Memory = Memory {
    free: 1 << 18,
    each: 400,
};
/// Bytes of tensors for each of the file, and in a file of any size.
const REPEATS: usize = 4;
const FREE_BYTES: usize = 16 << 20;

/// The beginning of a pickle.
const PICKLE: u8 = 0x80;
/// The numbers of the storages `0` and `1` of an archive that is made around a pickle.
const NUMBERS: [u8; 64] = [0x3f; 64];

/// Reads weights from a file of these bytes; a pickle is put into an archive first. Returns true if they were read.
///
/// # Panics
/// If tensors take more than the file can hold, or names are not sorted or come twice.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the file");
    let path = folder.path().join("weights");
    let file = match bytes.first() {
        Some(&PICKLE) => archive(bytes),
        _ => bytes.to_vec(),
    };
    fs::write(&path, &file).expect("a file in the folder");
    let Ok(weights) = within(MEMORY, file.len(), || load_weights(&path, 0)) else {
        return false;
    };
    let names: Vec<&String> = weights.tensors.iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted_by(|one, other| one < other), "{names:?}");
    let sizes = weights.tensors.iter().map(|(_, tensor)| {
        let kind = tensor.f_kind().expect("it has a dtype");
        tensor.numel() * kind.elt_size_in_bytes()
    });
    let (taken, most) = (sizes.sum::<usize>(), FREE_BYTES + REPEATS * file.len());
    assert!(
        taken <= most,
        "{taken} bytes of tensors, and {most} at most"
    );
    true
}

/// An archive as `torch.save` writes it, with a pickle whose mutations need not fit to sizes and places.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let files = [
        ("archive/data.pkl", pickle),
        ("archive/byteorder", b"little"),
        ("archive/data/0", &NUMBERS),
        ("archive/data/1", &NUMBERS[..10]),
    ];
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let start = small(archive.len());
        archive.extend(header(b"PK\x03\x04", name, bytes));
        archive.extend([name.as_bytes(), bytes].concat());
        directory.extend(header(b"PK\x01\x02\0\0", name, bytes));
        directory.extend([0; 10]);
        directory.extend(start);
        directory.extend(name.as_bytes());
    }
    let (place, size) = (small(archive.len()), small(directory.len()));
    archive.extend(directory);
    archive.extend(*b"PK\x05\x06\0\0\0\0\x04\0\x04\0");
    archive.extend([&size[..], &place, &[0, 0]].concat());
    archive
}

/// The signature, and what a file's own header and its entry in the directory have in common: version, flags, no
/// compression, a time, a sum that nobody checks, both sizes, and the lengths of the name and of an extra field.
fn header(signature: &[u8], name: &str, bytes: &[u8]) -> Vec<u8> {
    let size = small(bytes.len());
    let length = [name.len() as u8, 0, 0, 0];
    [signature, &[0; 14], &size, &size, &length].concat()
}

fn small(number: usize) -> [u8; 4] {
    u32::try_from(number)
        .expect("an input is small")
        .to_le_bytes()
}
