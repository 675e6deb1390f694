//! The fingerprint of a data set: it tells other samples from the same ones without reading their files. Owns the order of
//! what is digested; which facts identify a sample is the data set's to say.

use phasebox_contract::digest::{Digest, Hasher};

/// The most numbers of a long list that are digested, evenly spread.
const MOST_NUMBERS: usize = 1 << 20;

/// A fingerprint in the making.
#[derive(Default)]
pub(super) struct Fingerprint(Hasher);

impl Fingerprint {
    /// Adds a text, with its length: two texts are not one.
    pub(super) fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    /// Adds a number of things, or the index of one.
    pub(super) fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_le_bytes());
    }

    /// Adds a list, by the bytes of its numbers. Of a long one only every so many.
    pub(super) fn list<const N: usize, T: Copy>(&mut self, list: &[T], bytes: fn(T) -> [u8; N]) {
        self.count(list.len());
        let step = list.len().div_ceil(MOST_NUMBERS).max(1);
        let chosen = list.iter().step_by(step);
        chosen.for_each(|number| self.0.update(&bytes(*number)));
    }

    pub(super) fn finish(self) -> Digest {
        self.0.finish()
    }
}
