//! Conditions of equal runs. The state of libtorch's default random number generators, one for each
//! device: a checkpoint keeps it, so that a resumed run draws the numbers it would have drawn. And kernels whose sums have
//! a fixed order, or all digits of float32. Knows no other generators, as those of data loaders or guests.

use tch::{Device, Tensor};

use crate::Result;
use crate::ffi::{self, check, device_index, tensor_from};

/// The state of a device's default generator: a 1-d uint8 tensor on the CPU, opaque but for its length. For CUDA it holds
/// the seed and the offset, which the host knows. Does not sync.
pub fn rng_state(device: Device) -> Result<Tensor> {
    let index = device_index(device)?;
    // SAFETY: no pointers but the out pointer that `tensor_from` makes.
    tensor_from("generator get_state", |out| unsafe {
        ffi::ext_rng_state(index, out)
    })
}

/// Puts a state from [`rng_state`] back.
///
/// # Errors
/// A state of another kind of device.
pub fn set_rng_state(device: Device, state: &Tensor) -> Result<()> {
    let index = device_index(device)?;
    // SAFETY: the tensor is borrowed for the call; libtorch checks its dtype and size.
    check("generator set_state", unsafe {
        ffi::ext_set_rng_state(index, state.as_ptr())
    })
}

/// Has libtorch choose kernels whose sums have a fixed order, where it has any, from now on in this process. Those of the
/// CPU always do; on a GPU they may be slower. An operation without such a kernel runs all the same, and is named in a warning
/// of libtorch, once. As `torch.use_deterministic_algorithms(wanted, warn_only=True)`.
pub fn use_deterministic_kernels(wanted: bool) -> Result<()> {
    // SAFETY: takes a flag.
    check("deterministic kernels", unsafe {
        ffi::ext_use_deterministic_kernels(wanted)
    })
}

/// Has convolutions on a GPU round their operands to 10 bits (TensorFloat-32), which is faster by some times, from now on in
/// this process. libtorch's default, as `torch.backends.cudnn.allow_tf32`. Matrix products keep 23 bits either way.
pub fn allow_tf32(allowed: bool) -> Result<()> {
    // SAFETY: takes a flag.
    check("allow_tf32", unsafe { ffi::ext_allow_tf32(allowed) })
}

/// Seeds the default generators of the CPU and of all CUDA devices. Where CUDA will be used, load it before.
pub fn manual_seed(seed: u64) -> Result<()> {
    // SAFETY: takes a number.
    check("manual_seed", unsafe { ffi::ext_manual_seed(seed) })
}
