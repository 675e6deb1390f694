//! Opens data files and reads parts of them whose size a header promised. Knows no format.

use std::fmt::Display;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail, ensure};
use flate2::read::MultiGzDecoder;
use phasebox_files::regular_file;

/// The most bytes that a packed file may have for each of its own, and in a packed file of any size: a small file must
/// not fill the memory.
const MOST_RATIO: u64 = 64;
const FREE_BYTES: u64 = 4 << 20;
/// The most bytes of a file as it lies on the disk.
const MOST_BYTES: u64 = 16 << 30;

/// An open data file, unpacked while it is read if its name ends in `.gz`.
pub(super) struct DataFile {
    pub(super) path: PathBuf,
    reader: Box<dyn Read>,
    /// The most bytes that can come out.
    most: u64,
}

impl DataFile {
    /// Opens `folder/name`, or `folder/name.gz` where only that exists.
    ///
    /// # Errors
    /// When neither can be opened; the message names the folder and repeats `remedy`.
    pub(super) fn find(folder: &Path, name: &str, remedy: &str) -> Result<Self> {
        let packed = folder.join(format!("{name}.gz"));
        let mut paths = [folder.join(name), packed].into_iter();
        match paths.find(|path| path.exists()) {
            Some(path) => Self::open(&path),
            None => bail!(
                "{}: no file `{name}` or `{name}.gz`\nhint: {remedy}",
                folder.display()
            ),
        }
    }

    /// Opens one file.
    ///
    /// # Errors
    /// When it does not exist, may not be read, or is no regular file.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let (file, length) = open(path).map_err(|error| {
            let fault = format!("{}: cannot be opened", path.display());
            with_hint(fault, "hint: paths start at the recipe's folder", error)
        })?;
        ensure!(
            length <= MOST_BYTES,
            "{}: {length} bytes; data are held in memory, and at most {MOST_BYTES} are read",
            path.display()
        );
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let (reader, most): (Box<dyn Read>, u64) = if packed {
            let most = length.saturating_mul(MOST_RATIO).saturating_add(FREE_BYTES);
            (Box::new(Unpacked::new(file, most)), most)
        } else {
            (Box::new(file.take(length)), length)
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            most,
        })
    }

    fn unreadable(&self, error: io::Error) -> anyhow::Error {
        let fault = format!("{}: cannot be read", self.path.display());
        with_hint(fault, DAMAGED, error)
    }

    /// Reads the next `count` bytes, named `what` in messages.
    ///
    /// # Errors
    /// When there are fewer. A count that the file cannot hold is refused before memory is taken for it.
    pub(super) fn read(&mut self, count: u64, what: &str) -> Result<Vec<u8>> {
        let path = self.path.display();
        let most = self.most;
        ensure!(
            count <= most,
            "{path}: it is said to have {count} bytes of {what}, but can hold {most} at most\n{DAMAGED}"
        );
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(count).read_to_end(&mut bytes);
        let read = read.map_err(|error| self.unreadable(error))?;
        ensure!(
            read as u64 == count,
            "{path}: truncated: {read} bytes of {what} where {count} belong\n{DAMAGED}"
        );
        Ok(bytes)
    }

    /// Checks that everything was read.
    ///
    /// # Errors
    /// When bytes are left, or the checksum of a packed file is wrong.
    pub(super) fn end(&mut self) -> Result<()> {
        let left = self.reader.read(&mut [0]);
        let left = left.map_err(|error| self.unreadable(error))?;
        let path = self.path.display();
        ensure!(
            left == 0,
            "{path}: it goes on after the data that its header promises\n{DAMAGED}"
        );
        Ok(())
    }

    /// The rest of the file as a stream.
    pub(super) fn into_reader(self) -> Box<dyn Read> {
        self.reader
    }
}

fn open(path: &Path) -> io::Result<(BufReader<File>, u64)> {
    let (file, length) = regular_file::open(path)?;
    Ok((BufReader::new(file), length))
}

/// The bytes that a packed file stands for, up to a limit.
struct Unpacked {
    reader: MultiGzDecoder<BufReader<File>>,
    most: u64,
    left: u64,
}

impl Unpacked {
    fn new(file: BufReader<File>, most: u64) -> Self {
        Self {
            reader: MultiGzDecoder::new(file),
            most,
            left: most,
        }
    }
}

impl Read for Unpacked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let left = self.left.checked_sub(read as u64);
        self.left = left.ok_or_else(|| {
            let most = self.most;
            io::Error::other(format!(
                "more than {most} bytes are packed in it, {MOST_RATIO} times its own: unpack it if they are all meant"
            ))
        })?;
        Ok(read)
    }
}

/// An error that says the fault, then its cause, then `hint`, which would hide the cause if it came before. The cause is
/// text alone: the sources of an error often repeat it.
pub(super) fn with_hint(fault: String, hint: &str, cause: impl Display) -> anyhow::Error {
    anyhow!("{fault}: {cause}\n{hint}")
}

/// The hint for a file that is not in its format.
pub(super) const DAMAGED: &str = "hint: the file is damaged or of another kind; fetch it again";
