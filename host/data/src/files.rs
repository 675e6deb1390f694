//! Opens data files and reads parts of them whose size a header promised. Knows no format.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use flate2::read::MultiGzDecoder;

/// Deflate cannot shrink data by more than this factor (its longest match, 258 bytes, costs at least 2 bits).
const DEFLATE_RATIO: u64 = 1032;

/// An open data file, unpacked while it is read if its name ends in `.gz`.
pub(super) struct DataFile {
    pub(super) path: PathBuf,
    reader: Box<dyn Read>,
    /// No more bytes than this can come out.
    most: u64,
}

impl DataFile {
    /// Opens `folder/name`, or `folder/name.gz` where only that exists.
    ///
    /// # Errors
    /// When neither can be opened; the message names the folder and repeats `remedy`.
    pub(super) fn find(folder: &Path, name: &str, remedy: &str) -> Result<Self> {
        let packed = folder.join(format!("{name}.gz"));
        match [folder.join(name), packed]
            .into_iter()
            .find(|path| path.is_file())
        {
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
    /// When it does not exist or may not be read.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let failed = || {
            format!(
                "{}: cannot be opened\nhint: paths start at the recipe's folder",
                path.display()
            )
        };
        let file = File::open(path).with_context(failed)?;
        let length = file.metadata().with_context(failed)?.len();
        let packed = path.extension().is_some_and(|extension| extension == "gz");
        let (reader, most): (Box<dyn Read>, u64) = match packed {
            true => (
                Box::new(MultiGzDecoder::new(BufReader::new(file))),
                length.saturating_mul(DEFLATE_RATIO),
            ),
            false => (Box::new(BufReader::new(file)), length),
        };
        Ok(Self {
            path: path.to_owned(),
            reader,
            most,
        })
    }

    /// Reads the next `count` bytes, named `what` in messages.
    ///
    /// # Errors
    /// When there are fewer. A count that the file cannot hold is refused before memory is taken for it.
    pub(super) fn read(&mut self, count: u64, what: &str) -> Result<Vec<u8>> {
        let (path, most) = (self.path.display(), self.most);
        ensure!(
            count <= most,
            "{path}: it is said to have {count} bytes of {what}, but can hold {most} at most\n{DAMAGED}"
        );
        let mut bytes = Vec::new();
        let read = self.reader.by_ref().take(count).read_to_end(&mut bytes);
        let read = read.with_context(|| format!("{path}: cannot be read\n{DAMAGED}"))?;
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
        let path = self.path.display();
        let left = self
            .reader
            .read(&mut [0])
            .with_context(|| format!("{path}: cannot be read\n{DAMAGED}"))?;
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

/// What to do about a file that is not what it should be.
pub(super) const DAMAGED: &str = "hint: the file is damaged or of another kind; fetch it again";
