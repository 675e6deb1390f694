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

/// Bytes of a host tensor that [`fill`] copies to CUDA faster than [`upload`] does.
pub const FILLED_AT_ONCE: u64 = 64 << 10;

/// Copies a host tensor into `target`, of any device, layout and dtype. On CUDA the copy is queued on the current stream,
/// behind the work that is queued there, at a quarter of the driver's calls that [`upload`] makes, which copies while the
/// device computes. The host waits only for a tensor of more than [`FILLED_AT_ONCE`].
pub fn fill(target: &Tensor, source: &Tensor) -> Result<()> {
    // SAFETY: both tensors are borrowed for the call, in which CUDA takes the bytes of the source.
    check("fill", unsafe {
        ffi::ext_fill(target.as_ptr(), source.as_ptr())
    })
}
