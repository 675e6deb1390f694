//! Host tensors to a device while it works on something else. Owns the pinned copy, the stream and the event of each
//! transfer; what is transferred, and when, is the caller's.

use tch::{Device, Tensor};

use crate::Result;
use crate::ffi::{self, device_index, tensor_from};

/// A copy of a host tensor in page-locked memory, which CUDA reads by itself. Needs CUDA; may be called in any thread.
pub fn pin_memory(tensor: &Tensor) -> Result<Tensor> {
    // SAFETY: the tensor is borrowed for the call.
    tensor_from("pin_memory", |out| unsafe {
        ffi::ext_pin_memory(tensor.as_ptr(), out)
    })
}

/// A host tensor on `device`: itself on the CPU. On CUDA a copy, queued on a stream of its own, which what is queued on
/// the current stream from now on waits for; the host waits for nothing. Pins the tensor first unless it is pinned.
pub fn upload(tensor: &Tensor, device: Device) -> Result<Tensor> {
    if device == Device::Cpu {
        return Ok(tensor.shallow_clone());
    }
    let index = device_index(device)?;
    // SAFETY: the tensor is borrowed for the call; libtorch keeps pinned memory until the copies from it are done.
    tensor_from("copy to the device", |out| unsafe {
        ffi::ext_upload(tensor.as_ptr(), index, out)
    })
}
