//! Memory that tensors on the CPU gave back: kept for the next tensor. Knows nothing of a GPU's, which libtorch keeps itself.

use crate::ffi;

/// Has the C library keep what is freed, from now on in this process, in place of giving it back to the system.
///
/// The tensors of a training step are freed and made anew in each step. glibc maps large ones from the system each time,
/// which zeroes them page by page: about a tenth of the processor's time in a step of YOLOX-nano. The process stays as large as it
/// once was, and a block that grows is copied where it would have been moved. Heaps of threads beside the main one still
/// shrink, and other C libraries than glibc decide for themselves.
pub fn keep_freed_memory() {
    // SAFETY: takes nothing; glibc's `mallopt` holds the lock of the heap whose settings it writes.
    unsafe { ffi::ext_keep_freed_memory() }
}
