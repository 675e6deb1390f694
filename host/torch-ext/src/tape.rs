//! Tapes: recordings of work on the CPU, whose replay needs no autograd, no choice of kernels and no memory for results.
//! Owns the recorded operations; decides nothing about what is recorded. CUDA has graphs for this: see [`crate::cuda`].

use std::marker::PhantomData;
use std::ptr::{NonNull, null_mut};

use crate::ffi::{self, check};
use crate::{Error, Result};

/// The operations of some work, with the very tensors that they read and wrote. The tape keeps these tensors alive.
///
/// A replay calls the same kernels in the same order: equal numbers give equal bits, and random numbers are drawn anew
/// from the same generator. Computations of the host in between are not repeated.
#[derive(Debug)]
pub struct Tape {
    raw: NonNull<ffi::Tape>,
}

impl Tape {
    /// Runs `work` and records the operations of this thread. In `work`, an operation that cannot be replayed fails: one
    /// that gives the host a value, has results of another size each time, or works on another device. An operation whose
    /// results no longer fit in `most_result_bytes` fails too.
    ///
    /// # Errors
    /// [`Error::TapeFull`] if the results did not fit in `most_result_bytes`; a recording within a recording.
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

    /// Repeats all operations on the tensors as they are now. Results are written into the tensors of the recording. Does
    /// not sync, as nothing on the CPU does.
    ///
    /// # Errors
    /// libtorch's. The operations before the one that failed are done.
    pub fn replay(&self) -> Result<()> {
        // SAFETY: the tape is valid as long as `self`, and no longer written.
        check("tape", unsafe { ffi::ext_tape_replay(self.raw.as_ptr()) })
    }

    /// The number of recorded operations.
    pub fn operations(&self) -> usize {
        // SAFETY: as in `replay`.
        unsafe { ffi::ext_tape_len(self.raw.as_ptr()) }
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once; `record` has ended.
        unsafe { ffi::ext_tape_free(self.raw.as_ptr()) }
    }
}

/// While this lives, this thread's operations are recorded. It ends also when the work panics.
struct Recording(PhantomData<*const ()>);

impl Drop for Recording {
    fn drop(&mut self) {
        // SAFETY: takes nothing; ends what `ext_tape_begin` began on this thread.
        unsafe { ffi::ext_tape_end() }
    }
}
