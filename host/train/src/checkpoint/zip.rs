//! The entries of a zip archive whose files are stored as they are, as `torch.save` writes them. Borrows the archive's
//! bytes; knows nothing of what they mean, and neither unpacks nor checks sums.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};

/// The files of an archive by name; without bytes those that are compressed.
pub(super) struct Entries<'a>(HashMap<String, Option<&'a [u8]>>);

/// The end of the directory: its signature, and its length without the comment.
const END: (&[u8], usize) = (b"PK\x05\x06", 22);
/// The end of the directory of an archive beyond 4 GiB.
const END_64: (&[u8], usize) = (b"PK\x06\x06", 56);
const FILE: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";
/// The longest comment behind the directory.
const COMMENT: usize = 0xffff;

impl<'a> Entries<'a> {
    /// Reads the directory at the archive's end.
    ///
    /// # Errors
    /// Bytes that are no archive or were cut off; a file that lies outside, or shares bytes with others.
    pub(super) fn read(archive: &'a [u8]) -> Result<Entries<'a>> {
        let (count, mut at) = directory(archive).context("it has no directory: it was cut off")?;
        let mut entries = HashMap::new();
        let mut bytes_left = archive.len();
        for _ in 0..count {
            let (name, bytes, next) = file(archive, at)?;
            // Files that share their bytes would make a small archive a large one.
            let left = bytes_left.checked_sub(bytes.map_or(0, <[u8]>::len));
            bytes_left = left.context("its files have more bytes than it")?;
            entries.insert(name, bytes);
            at = next;
        }
        Ok(Entries(entries))
    }

    /// The folder of the only file whose path ends in `/name`.
    pub(super) fn folder_of(&self, name: &str) -> Option<&str> {
        let mut paths = self.0.keys();
        paths.find_map(|path| path.strip_suffix(name)?.strip_suffix('/'))
    }

    /// The bytes of a file that is not compressed.
    pub(super) fn get(&self, path: &str) -> Option<&'a [u8]> {
        self.0.get(path).copied().flatten()
    }
}

/// The number of files, and the place of the directory.
fn directory(archive: &[u8]) -> Option<(u64, usize)> {
    let (signature, length) = END;
    let from = archive.len().saturating_sub(length + COMMENT);
    let tail = &archive[from..];
    let found = tail.windows(4).rposition(|window| window == signature)?;
    let end = tail.get(found..).filter(|end| end.len() >= length)?;
    let (count, place) = (number(end, 10, 2)?, number(end, 16, 4)?);
    if count != 0xffff && place != 0xffff_ffff {
        return Some((count, usize::try_from(place).ok()?));
    }
    // The locator, 20 bytes before the end, says where the large end is.
    let locator = archive.get((from + found).checked_sub(20)?..)?;
    let end = archive.get(usize::try_from(number(locator, 8, 8)?).ok()?..)?;
    let is_end = end.starts_with(END_64.0) && end.len() >= END_64.1;
    let place = usize::try_from(number(end, 48, 8)?).ok()?;
    is_end.then_some((number(end, 32, 8)?, place))
}

/// The name and the bytes of the file at a place of the directory, and the place of the next one.
fn file(archive: &[u8], at: usize) -> Result<(String, Option<&[u8]>, usize)> {
    const DAMAGED: &str = "its directory is damaged";
    let entry = archive.get(at..).context(DAMAGED)?;
    ensure!(entry.starts_with(FILE), DAMAGED);
    let field = |place, size| number(entry, place, size).context(DAMAGED);
    let [name_length, extra_length, comment_length] =
        [field(28, 2)?, field(30, 2)?, field(32, 2)?].map(|length| length as usize);
    let name = entry.get(46..46 + name_length).context(DAMAGED)?;
    let name = String::from_utf8_lossy(name).into_owned();
    let extra = &entry[46 + name_length..];
    let extra = extra.get(..extra_length).context(DAMAGED)?;
    let numbers = [field(24, 4)?, field(20, 4)?, field(42, 4)?];
    let [_, size, start] = wide(extra, numbers).context(DAMAGED)?;
    let Some(bytes) = local(archive, start, size) else {
        bail!("its file `{}` was cut off", name.escape_debug());
    };
    let is_stored = field(10, 2)? == 0;
    let next = at + 46 + name_length + extra_length + comment_length;
    Ok((name, is_stored.then_some(bytes), next))
}

/// The size of a file, the size that it is packed to, and its place: those that 32 bits do not hold stand in the extra
/// field, in this order.
fn wide(extra: &[u8], mut numbers: [u64; 3]) -> Option<[usize; 3]> {
    const LARGE: u64 = 0xffff_ffff;
    let mut at = 0;
    for wide in numbers.iter_mut().filter(|number| **number == LARGE) {
        *wide = number(large_field(extra)?, at, 8)?;
        at += 8;
    }
    let [size, packed, start] = numbers.map(|number| usize::try_from(number).ok());
    Some([size?, packed?, start?])
}

/// The part of an extra field that has numbers of 64 bits.
fn large_field(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let length = number(extra, 2, 2)? as usize;
        let field = extra.get(4..4 + length)?;
        if number(extra, 0, 2)? == 1 {
            return Some(field);
        }
        extra = &extra[4 + length..];
    }
}

/// The bytes of the file whose local header is at `start`.
fn local(archive: &[u8], start: usize, size: usize) -> Option<&[u8]> {
    let header = archive.get(start..)?;
    if !header.starts_with(LOCAL) {
        return None;
    }
    let lengths = number(header, 26, 2)? + number(header, 28, 2)?;
    let bytes = header.get(30 + lengths as usize..)?;
    bytes.get(..size)
}

/// A little-endian number of up to 8 bytes.
fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let mut wide = [0; 8];
    wide[..size].copy_from_slice(bytes.get(at..at.checked_add(size)?)?);
    Some(u64::from_le_bytes(wide))
}
