//! Copies of host tensors to a device while it works on something else. Owns the pinned copy, the stream and the event of
//! each transfer. The caller decides what is transferred, and when.

use tch::{Device, Tensor};

use crate::Result;
use crate::ffi::{self, check, device_index, tensor_from};

/// Copies a host tensor to page-locked memory, which CUDA reads by itself. Needs CUDA. May be called from every thread.
pub fn pin_memory(tensor: &Tensor) -> Result<Tensor> {
    // SAFETY: the tensor is borrowed for the call.
    tensor_from("pin_memory", |out| unsafe {
        ffi::ext_pin_memory(tensor.as_ptr(), out)
    })
}

/// Brings a host tensor to `device`; to the CPU, it is the tensor itself. To CUDA the copy is queued on a stream for copies
/// alone: work that is queued on the current stream after this call waits for the copy, the host does not. Pins the tensor
/// first unless it is pinned.
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

/// Copies a host tensor into `target`, of any device, layout and dtype. On CUDA the copy is queued on the current stream: it
/// waits for work that is queued there, and the host waits for nothing. Costs fewer calls of the driver than [`upload`],
/// which copies while the device computes.
pub fn fill(target: &Tensor, source: &Tensor) -> Result<()> {
    // SAFETY: both tensors are borrowed for the call; the source is copied or kept until its copy is done.
    check("fill", unsafe {
        ffi::ext_fill(target.as_ptr(), source.as_ptr())
    })
}
