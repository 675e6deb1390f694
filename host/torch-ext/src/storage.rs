//! The memory of tensors: who shares it, how large it is, and how it is arranged. None of this syncs.

use tch::Tensor;

use crate::{Result, ffi};

/// True if writing to one tensor may change the other, because both are views of one storage.
pub fn shares_storage(left: &Tensor, right: &Tensor) -> bool {
    // SAFETY: both are borrowed for the call, and C++ handles undefined tensors.
    unsafe { ffi::ext_shares_storage(left.as_ptr(), right.as_ptr()) }
}

/// True if both are handles to one tensor, with one gradient; two views of one storage are two tensors.
pub fn is_same(left: &Tensor, right: &Tensor) -> bool {
    // SAFETY: both are borrowed for the call, which compares two pointers.
    unsafe { ffi::ext_is_same(left.as_ptr(), right.as_ptr()) }
}

/// The bytes that a tensor keeps alive: all of its storage, of which it may show only a part.
pub fn storage_bytes(tensor: &Tensor) -> Result<usize> {
    let mut bytes = 0;
    // SAFETY: borrowed for the call, and C++ handles undefined tensors.
    ffi::check("storage bytes", unsafe {
        ffi::ext_storage_bytes(tensor.as_ptr(), &mut bytes)
    })?;
    Ok(bytes)
}

/// Lays a tensor `[N, channels, height, width]` out with the channels of a pixel together in memory: a copy with equal
/// values, or `tensor` itself if it lies so already.
pub fn channels_last(tensor: &Tensor) -> Result<Tensor> {
    // SAFETY: the tensor is borrowed for the call.
    ffi::tensor_from("channels_last", |out| unsafe {
        ffi::ext_channels_last(tensor.as_ptr(), out)
    })
}
