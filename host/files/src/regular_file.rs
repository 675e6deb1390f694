//! The one door to files that others may have written: regular files alone are opened, through links too, and no more is
//! read than the caller has room for. A pipe would wait for a writer, and a device never ends. Knows no format.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
#[cfg(unix)]
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

#[cfg(unix)]
use rustix::fs::OFlags;

/// Opens a file to read it; answers its bytes, too.
///
/// # Errors
/// No file, none that may be read, or something else than a regular file; the message has the kind and the remedy, and
/// leaves the path to the caller.
pub fn open(path: &Path) -> io::Result<(File, u64)> {
    check(path)?;
    let mut options = OpenOptions::new();
    options.read(true);
    // Another may have taken its place by now: a pipe must not wait for its writer.
    #[cfg(unix)]
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let file = options.open(path)?;
    let length = regular(&file.metadata()?)?;
    Ok((file, length))
}

/// Refuses a path to something that is there and is no regular file, before it is opened by others than [`open`].
///
/// # Errors
/// As [`open`].
pub fn check(path: &Path) -> io::Result<()> {
    regular(&path.metadata()?).map(drop)
}

/// Reads a file whole.
///
/// # Errors
/// As [`open`]; a file of more than `most` bytes, before memory is taken for it.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (file, length) = open(path)?;
    if length > most {
        return Err(too_large(length, most));
    }
    let mut bytes = Vec::new();
    // One byte more shows a file that grows, such as those of /proc, whose length is 0.
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    match bytes.len() as u64 {
        read if read > most => Err(too_large(read, most)),
        _ => Ok(bytes),
    }
}

/// Reads a text whole.
///
/// # Errors
/// As [`read`]; `InvalidData` if it is not UTF-8.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let text = String::from_utf8(read(path, most)?);
    text.map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8 text"))
}

fn too_large(length: u64, most: u64) -> io::Error {
    let words = format!("it has {length} bytes or more, and at most {most} are read");
    io::Error::new(ErrorKind::FileTooLarge, words)
}

/// The bytes of a regular file.
fn regular(metadata: &Metadata) -> io::Result<u64> {
    if metadata.is_file() {
        return Ok(metadata.len());
    }
    let words = format!("it is {}: name a regular file", kind(metadata.file_type()));
    Err(io::Error::new(ErrorKind::InvalidInput, words))
}

#[cfg(not(unix))]
fn kind(kind: FileType) -> &'static str {
    match kind.is_dir() {
        true => "a folder",
        false => "no file",
    }
}

#[cfg(unix)]
fn kind(kind: FileType) -> &'static str {
    if kind.is_dir() {
        "a folder"
    } else if kind.is_fifo() {
        "a pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "a device"
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType as Type, Mode, mknodat};

    use super::*;

    #[test]
    fn regular_files_alone_are_read() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "text")?;
        std::fs::write(path("bytes"), [0xff])?;
        File::create(path("huge"))?.set_len(1 << 40)?;
        symlink("file", path("link"))?;
        symlink("link loop", path("link loop"))?;
        mknodat(CWD, path("pipe"), Type::Fifo, Mode::RUSR, 0)?;
        let _socket = UnixListener::bind(path("socket"))?;
        for (name, expected) in [
            ("file", Ok("text")),
            ("link", Ok("text")),
            ("bytes", Err("it is not UTF-8 text")),
            (
                "huge",
                Err("it has 1099511627776 bytes or more, and at most 4 are read"),
            ),
            ("absent", Err("No such file")),
            ("link loop", Err("Too many levels")),
            ("pipe", Err("it is a pipe: name a regular file")),
            ("socket", Err("it is a socket: name")),
            (".", Err("it is a folder: name")),
            ("/dev/zero", Err("it is a device: name")),
            ("/proc/self/status", Err("it has 5 bytes or more")),
        ] {
            let found = read_text(&path(name), 4).map_err(|error| error.to_string());
            let is_expected = match (&found, expected) {
                (Ok(text), Ok(expected)) => text == expected,
                (Err(error), Err(expected)) => error.contains(expected),
                _ => false,
            };
            assert!(is_expected, "{name}: {found:?}");
        }
        Ok(())
    }
}
