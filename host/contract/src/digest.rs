//! The sha256 that identifies a file's bytes, and its text form. Owns hashing and hexadecimal digits; which files are
//! identified so is decided elsewhere.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, ensure};
use sha2::{Digest as _, Sha256};

/// Bytes that are read at once from a reader.
const CHUNK_BYTES: usize = 1 << 16;

/// A sha256. Its text is 64 lowercase hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut hasher = Hasher::default();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The digest of everything that `reader` still gives.
    ///
    /// # Errors
    /// If reading fails.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Digest> {
        let mut hasher = Hasher::default();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match reader.read(&mut chunk)? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&chunk[..count]),
            }
        }
    }
}

/// A digest in the making, for bytes that come piece by piece.
#[derive(Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Adds `bytes` to those that came before.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes so far.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl FromStr for Digest {
    type Err = Error;

    /// Reads 64 hexadecimal digits, with `sha256:` before them or without.
    fn from_str(text: &str) -> Result<Digest> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        ensure!(
            digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()),
            "expected 64 hexadecimal digits, found `{text}`"
        );
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16)
                .context("two hexadecimal digits are a byte")?;
        }
        Ok(Digest(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn bytes_and_a_reader_have_one_digest() {
        let of_reader = Digest::of_reader(&b"abc"[..]).expect("bytes can be read");
        assert_eq!(Digest::of(b"abc").to_string(), ABC);
        assert_eq!(of_reader, Digest::of(b"abc"));
    }

    #[test]
    fn its_text_is_read_back() {
        for text in [ABC.to_owned(), format!("sha256:{ABC}"), ABC.to_uppercase()] {
            let read: Digest = text.parse().expect("a digest");
            assert_eq!(read, Digest::of(b"abc"));
        }
        for text in ["", "sha256:", "ba78", &format!("{ABC}0"), &"ä".repeat(32)] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}
