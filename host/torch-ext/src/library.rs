//! The libtorch of this process: its version, and its CUDA half, which is loaded only when a run asks for it. So one
//! binary serves machines with and without a GPU.

use std::ffi::CStr;

use crate::ffi::{self, check};
use crate::{Error, Result};

/// The version of the libtorch this was built against, like `2.11.0`.
pub fn libtorch_version() -> &'static str {
    // SAFETY: a string literal of C++.
    unsafe { CStr::from_ptr(ffi::ext_libtorch_version()) }
        .to_str()
        .unwrap_or("unknown")
}

/// Loads libtorch_cuda from beside libc10. The first call takes a second or two, later ones cost nothing.
///
/// Call it before anything else asks libtorch about CUDA, seeding included: libtorch looks for its CUDA half once and
/// remembers that there was none.
///
/// # Errors
/// [`Error::Cuda`] where it cannot be loaded.
pub fn load_cuda() -> Result<()> {
    // SAFETY: takes nothing; the loader runs static constructors of a library that is part of this libtorch.
    ffi::take(unsafe { ffi::ext_load_cuda() }).map_or(Ok(()), |message| Err(Error::Cuda(message)))
}

/// The number of CUDA devices; zero where CUDA has not been loaded.
pub fn cuda_device_count() -> Result<usize> {
    let mut count = 0;
    // SAFETY: the out pointer is to a local.
    check("CUDA device count", unsafe {
        ffi::ext_cuda_device_count(&mut count)
    })?;
    Ok(usize::try_from(count).unwrap_or(0))
}
