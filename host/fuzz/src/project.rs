//! Arbitrary projects of callbacks, as `phasebox build` reads them before a compiler starts: manifest, sources, phases.

use phasebox_author::phases_of;

use crate::cost::{Memory, within};
use crate::files::{files, write};

/// The table of languages is read once; a project's files are held one by one.
const MEMORY: Memory = Memory {
    free: 16 << 20,
    each: 400,
};
/// The file that an input begins with.
const MANIFEST: &str = "phasebox.yaml";

/// Reads a project of these files. Returns true if it is one.
///
/// # Panics
/// If reading does, or costs more than files of that size may.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the project");
    for (name, bytes) in files(bytes, MANIFEST) {
        write(folder.path(), name, &bytes);
    }
    within(MEMORY, bytes.len(), || phases_of(folder.path()).is_ok())
}
