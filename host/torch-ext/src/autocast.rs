//! Mixed precision for a scope: eligible operators run in a 16-bit dtype while the guard lives. tch's `autocast`
//! switches CUDA's float16 alone; this one also does bfloat16, on both devices. Does not scale losses: bfloat16 needs
//! no scaling.

use std::ffi::c_int;
use std::marker::PhantomData;

use tch::{Device, Kind};

use crate::ffi::{self, check};
use crate::{Error, Result};

/// A kind of device whose operators are cast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutocastDevice {
    /// Operators on the CPU.
    Cpu,
    /// Operators on CUDA devices of every index.
    Cuda,
}

impl TryFrom<Device> for AutocastDevice {
    type Error = Error;

    fn try_from(device: Device) -> Result<Self> {
        match device {
            Device::Cpu => Ok(Self::Cpu),
            Device::Cuda(_) => Ok(Self::Cuda),
            Device::Mps | Device::Vulkan => Err(Error::Device(device)),
        }
    }
}

/// A guard that [`Autocast::on`] made; dropping it restores the settings from before. Guards end in
/// the reverse order of their start, as scopes do. Drop it before `backward`: gradients follow the dtypes of the forward
/// pass.
#[derive(Debug)]
#[must_use = "autocast ends when the guard is dropped"]
pub struct Autocast {
    device: AutocastDevice,
    previous: (bool, c_int),
    /// The settings are a thread's own, so the guard must end on the thread it began on.
    on_this_thread: PhantomData<*const ()>,
}

impl Autocast {
    /// Runs eligible operators in `kind`: bfloat16, or float16.
    ///
    /// # Errors
    /// Another dtype.
    pub fn on(device: AutocastDevice, kind: Kind) -> Result<Self> {
        let dtype = scalar_type(kind)?;
        let mut previous = (false, 0);
        let cuda = device == AutocastDevice::Cuda;
        // SAFETY: the out pointers are to locals that outlive the call.
        check("autocast", unsafe {
            ffi::ext_autocast_enter(cuda, true, dtype, &mut previous.0, &mut previous.1)
        })?;
        Ok(Self {
            device,
            previous,
            on_this_thread: PhantomData,
        })
    }
}

impl Drop for Autocast {
    fn drop(&mut self) {
        let (enabled, dtype) = self.previous;
        // SAFETY: takes numbers that libtorch itself gave. It fails only for unknown devices, which `enter` refused.
        drop(ffi::take(unsafe {
            ffi::ext_autocast_exit(self.device == AutocastDevice::Cuda, enabled, dtype)
        }));
    }
}

/// The number of a 16-bit float in c10's `ScalarType`.
fn scalar_type(kind: Kind) -> Result<c_int> {
    match kind {
        Kind::Half => Ok(5),
        Kind::BFloat16 => Ok(15),
        other => Err(Error::AutocastKind(other)),
    }
}
