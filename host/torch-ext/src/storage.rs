//! What tch does not say about the memory of a tensor, and how to arrange it. None syncs.

use tch::Tensor;

use crate::{Result, ffi};

/// Whether writing to one tensor may change the other: both are views of one storage.
pub fn shares_storage(left: &Tensor, right: &Tensor) -> bool {
    // SAFETY: both are borrowed for the call, and the shim handles undefined tensors.
    unsafe { ffi::ext_shares_storage(left.as_ptr(), right.as_ptr()) }
}

/// Whether the tensor is strided and its elements fill one block without gaps or overlaps, in any order of
/// dimensions: what multi-tensor kernels want for their fast path.
pub fn is_dense(tensor: &Tensor) -> bool {
    // SAFETY: borrowed for the call, and the shim handles undefined tensors.
    unsafe { ffi::ext_is_dense(tensor.as_ptr()) }
}

/// How many bytes the tensor keeps alive: all of its storage, of which it may show only a part.
pub fn storage_bytes(tensor: &Tensor) -> Result<usize> {
    let mut bytes = 0;
    // SAFETY: borrowed for the call, and the shim handles undefined tensors.
    ffi::check("storage bytes", unsafe {
        ffi::ext_storage_bytes(tensor.as_ptr(), &mut bytes)
    })?;
    Ok(bytes)
}

/// The same `[N, channels, height, width]` values with the channels of a pixel together in memory; no copy if they are.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    // SAFETY: the tensor is borrowed for the call.
    ffi::tensor_from("channels_last", |out| unsafe {
        ffi::ext_channels_last(tensor.as_ptr(), out)
    })
}
