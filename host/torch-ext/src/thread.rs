//! How a thread computes on the CPU: with the threads of OpenMP, or alone. Knows no number of threads.

use crate::ffi;

/// Has the operations that this thread calls run in it alone, from now on.
///
/// A thread that makes batches beside the training calls this first. Each thread whose operations share their loops has
/// others of its own for them, and with more of those in the process than processors, GNU's OpenMP puts them to sleep
/// between two loops where they waited awake. The training's threads, too, had to be woken up for each loop: two of them ran a
/// step of YOLOX-nano no faster than PyTorch's in 1.15 times its time.
pub fn compute_alone() {
    // SAFETY: takes nothing, and changes only numbers that OpenMP keeps for the calling thread.
    unsafe { ffi::ext_compute_alone() }
}
