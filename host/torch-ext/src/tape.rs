//! Work on the CPU that is done again without autograd, without choosing kernels and without allocating what it gives.
//! Owns a recording; decides nothing about what is recorded. CUDA has graphs for the same: see [`crate::cuda`].

use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use crate::ffi::{self, check};
use crate::{Error, Result};

/// The operations of some work, with the very tensors it read and wrote: all of them are kept as long as this is.
///
/// Doing it again calls the same kernels in the same order, so that equal numbers give equal bits, and random numbers
/// are drawn from the same generator. What the host computed in between is not done again.
#[derive(Debug)]
pub struct Tape {
    raw: NonNull<ffi::Tape>,
}

impl Tape {
    /// Does `work` and writes its operations down; what other threads do is not. In `work`, an operation that cannot be
    /// repeated fails: one that gives the host a value, has results of another size each time, or works on another device.
    /// So does the one whose results are too many.
    ///
    /// # Errors
    /// [`Error::TapeFull`] if results took more than `most_result_bytes`, or this thread records already.
    pub fn record<T>(most_result_bytes: usize, work: impl FnOnce() -> T) -> Result<(Tape, T)> {
        let mut raw = null_mut();
        // SAFETY: the out pointer is to a local.
        check("tape", unsafe {
            ffi::ext_tape_begin(most_result_bytes, &mut raw)
        })?;
        let Some(raw) = NonNull::new(raw) else {
            unreachable!("C++ `new` throws rather than return null")
        };
        let tape = Tape { raw };
        let recording = Recording(PhantomData);
        let done = work();
        drop(recording);
        // SAFETY: as in `replay`.
        match unsafe { ffi::ext_tape_is_full(tape.raw.as_ptr()) } {
            true => Err(Error::TapeFull { most_result_bytes }),
            false => Ok((tape, done)),
        }
    }

    /// Does all of it again, on the tensors as they are now. Results lie in the tensors of the recording.
    ///
    /// # Errors
    /// libtorch's; what came before the operation that failed is done.
    pub fn replay(&self) -> Result<()> {
        // SAFETY: the tape is valid as long as `self`, and no longer written.
        check("tape", unsafe { ffi::ext_tape_replay(self.raw.as_ptr()) })
    }

    /// How many operations there are.
    pub fn len(&self) -> usize {
        // SAFETY: as above.
        unsafe { ffi::ext_tape_len(self.raw.as_ptr()) }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once; `record` has ended.
        unsafe { ffi::ext_tape_free(self.raw.as_ptr()) }
    }
}

/// While this lives, this thread's operations are written down. Also ends when the work panics.
struct Recording(PhantomData<*const ()>);

impl Drop for Recording {
    fn drop(&mut self) {
        // SAFETY: takes nothing; ends what `ext_tape_begin` began on this thread.
        unsafe { ffi::ext_tape_end() }
    }
}
