//! A shared library that is opened from memory, and its symbols. Knows no library by name.

use std::ffi::{CStr, c_void};

use crate::Result;
use crate::ffi::{self, check};

/// Opens a library for good.
pub(crate) fn open(bytes: &[u8]) -> Result<*mut c_void> {
    let mut library = std::ptr::null_mut();
    // SAFETY: the bytes are borrowed for the call, and the out pointer is to a local.
    check("open", unsafe {
        ffi::ext_open_library(bytes.as_ptr(), bytes.len(), &mut library)
    })?;
    Ok(library)
}

/// The address of `name` in a library from [`open`].
pub(crate) fn symbol(library: *mut c_void, name: &CStr) -> Result<*mut c_void> {
    let mut address = std::ptr::null_mut();
    // SAFETY: the library is never closed, and the out pointer is to a local.
    check("open", unsafe {
        ffi::ext_library_symbol(library, name.as_ptr(), &mut address)
    })?;
    Ok(address)
}
