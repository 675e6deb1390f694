//! Samples that were read once and are kept for the next time, as long as there is room: a small set of images is decoded
//! once, and of a large one the images that came first. Knows no file.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Sample;
use super::sample::Pixels;

/// The most bytes of pixels that one part of the data keeps.
const MOST_BYTES: usize = 256 << 20;

/// Samples by their indices.
pub(super) struct KeptSamples {
    samples: Vec<OnceLock<Sample>>,
    /// Bytes that are left.
    room: AtomicUsize,
}

impl KeptSamples {
    pub(super) fn new(count: usize) -> Self {
        Self {
            samples: (0..count).map(|_| OnceLock::new()).collect(),
            room: AtomicUsize::new(MOST_BYTES),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Sample> {
        self.samples.get(index)?.get().cloned()
    }

    /// Keeps a sample if there is room for its pixels.
    pub(super) fn keep(&self, index: usize, sample: &Sample) {
        let (Some(Pixels::Bytes(raster)), Some(place)) = (&sample.image, self.samples.get(index))
        else {
            return;
        };
        let bytes = raster.values.len();
        let less = |room: usize| room.checked_sub(bytes);
        let has_room = self
            .room
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        if has_room.is_ok() && place.set(sample.clone()).is_err() {
            // Another thread has kept it in the meantime.
            self.room.fetch_add(bytes, Ordering::Relaxed);
        }
    }
}
