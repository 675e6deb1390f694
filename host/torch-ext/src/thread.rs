//! How a thread computes on the CPU: with the threads of OpenMP, or alone. Knows no number of threads.

use crate::ffi;

/// Has the loops of OpenMP that this thread's operations are made of run in it alone, from now on. Loops of MKL, as in products of
/// matrices, and other libraries for threads keep their count.
///
/// A thread that makes batches beside the training calls this first. OpenMP gives each thread that shares a loop a team of its
/// own. With more threads in all teams than processors, GNU's OpenMP puts a thread to sleep that waits for its next loop, where
/// it would have stayed awake; each loop of the training then has to wake one. On two processors a step of YOLOX-nano took 0.58 s
/// in place of 0.47 s (docs/benchmarks.md).
pub fn compute_alone() {
    // SAFETY: takes nothing, and changes only numbers that OpenMP keeps for the calling thread.
    unsafe { ffi::ext_compute_alone() }
}
