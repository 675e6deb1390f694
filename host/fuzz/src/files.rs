//! One input that is several files: a line `=== name` begins the next. Writes them into a folder, and never outside of it.

use std::fs;
use std::path::Path;

/// The start of a line that begins another file.
const NEXT_FILE: &[u8] = b"=== ";
/// The most files, and the longest path of one.
const MOST_FILES: usize = 64;
const LONGEST_PATH: usize = 80;

/// The files of an input by their paths. What stands before the first line `=== name` is the file `first`. A line whose name
/// is no path within a folder is part of the file that it stands in. The line end before `=== name` belongs to no file.
pub(crate) fn files<'a>(input: &'a [u8], first: &'a str) -> Vec<(&'a str, Vec<u8>)> {
    let mut files = Vec::new();
    let mut current = (first, Vec::new());
    for line in input.split_inclusive(|byte| *byte == b'\n') {
        match name(line).filter(|_| files.len() < MOST_FILES) {
            Some(name) => {
                current.1.pop();
                files.push(std::mem::replace(&mut current, (name, Vec::new())));
            }
            None => current.1.extend_from_slice(line),
        }
    }
    files.push(current);
    files
}

/// Writes a file into a folder. A path that is a folder already stays one.
pub(crate) fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    let _ = fs::create_dir_all(path.parent().expect("a file lies in a folder"));
    let _ = fs::write(path, bytes);
}

fn name(line: &[u8]) -> Option<&str> {
    let name = str::from_utf8(line.strip_prefix(NEXT_FILE)?).ok()?.trim();
    let is_within = name.len() <= LONGEST_PATH && name.split('/').all(is_plain);
    is_within.then_some(name)
}

/// True for a name within the folder of this input.
fn is_plain(part: &str) -> bool {
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !part.is_empty() && !part.starts_with("..") && part.bytes().all(is_known)
}
