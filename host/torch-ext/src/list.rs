//! `TensorList`: a `std::vector<at::Tensor>` that lives on the C++ side, so that a step over it allocates nothing per
//! tensor. Owns the vector's memory and shares the tensors; the operations on lists are in
//! `foreach`, `norms` and `fused`.

use std::ptr::NonNull;

use tch::Tensor;

use crate::ffi::{self, check, tensor_from};
use crate::{Error, Result};

/// A list of tensors for multi-tensor kernels, built once and used every step. The tensors are shared handles, as
/// clones by `shallow_clone` are.
pub struct TensorList {
    raw: NonNull<ffi::List>,
}

// SAFETY: the vector has one owner, and tch declares tensor handles themselves `Send`.
unsafe impl Send for TensorList {}

impl TensorList {
    /// An empty list.
    pub fn new() -> Self {
        // SAFETY: a plain constructor without arguments.
        let raw = unsafe { ffi::ext_list_new() };
        match NonNull::new(raw) {
            Some(raw) => Self { raw },
            None => unreachable!("C++ `new` throws rather than return null"),
        }
    }

    /// A list that shares the given tensors, in their order.
    pub fn from_tensors<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> Result<Self> {
        let mut list = Self::new();
        tensors
            .into_iter()
            .try_for_each(|tensor| list.push(tensor))?;
        Ok(list)
    }

    /// The number of tensors.
    pub fn len(&self) -> usize {
        // SAFETY: `raw` is valid as long as `self`.
        unsafe { ffi::ext_list_len(self.raw()) }
    }

    /// True for a list without tensors.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends a handle to `tensor`.
    pub fn push(&mut self, tensor: &Tensor) -> Result<()> {
        // SAFETY: both pointers are valid for the call; C++ copies the handle.
        check("list push", unsafe {
            ffi::ext_list_push(self.raw.as_ptr(), tensor.as_ptr())
        })
    }

    /// A handle to the tensor at `index`; an error past the end.
    pub fn get(&self, index: usize) -> Result<Tensor> {
        // SAFETY: `raw` is valid; C++ checks the index.
        tensor_from("list get", |out| unsafe {
            ffi::ext_list_get(self.raw(), index, out)
        })
    }

    /// Handles to all tensors, in order.
    pub fn to_tensors(&self) -> Result<Vec<Tensor>> {
        (0..self.len()).map(|index| self.get(index)).collect()
    }

    /// Becomes the gradients of those `parameters` that require one and have one, in order. `present`, one flag for
    /// each parameter, is then on for these parameters; returns true if a flag has changed.
    ///
    /// Makes one call for the whole list, and no allocation once the list has had its length. Does not sync.
    pub fn set_gradients_of(&mut self, parameters: &Self, present: &mut [bool]) -> Result<bool> {
        const OPERATION: &str = "gradients of a list";
        parameters.check_flags(OPERATION, present)?;
        let mut changed = false;
        // SAFETY: all pointers are valid for the call, and `present` has one element per parameter.
        check(OPERATION, unsafe {
            ffi::ext_list_gradients(
                self.raw.as_ptr(),
                parameters.raw(),
                present.as_mut_ptr(),
                &mut changed,
            )
        })?;
        Ok(changed)
    }

    /// True if these are the very tensors that are the gradients of `parameters`, in order, those of frozen ones too.
    /// Makes one call for the whole list. Does not sync.
    pub fn are_gradients_of(&self, parameters: &Self) -> bool {
        // SAFETY: both lists are valid for the call, which compares pointers.
        unsafe { ffi::ext_list_are_gradients(self.raw(), parameters.raw()) }
    }

    /// Makes these tensors the gradients of `parameters`, one for each, in order. Does not sync.
    pub fn give_gradients_to(&self, parameters: &Self) -> Result<()> {
        let (found, wanted) = (self.len(), parameters.len());
        if found != wanted {
            return Err(Error::Torch {
                operation: "give gradients",
                message: format!("{found} gradients for {wanted} parameters"),
            });
        }
        // SAFETY: both lists are valid for the call and of one length.
        unsafe { ffi::ext_list_give_gradients(self.raw(), parameters.raw()) };
        Ok(())
    }

    /// Becomes all gradients of `parameters`, those of frozen ones too, and sets them to zero in place. Does not sync.
    pub fn zero_gradients_of(&mut self, parameters: &Self) -> Result<()> {
        // SAFETY: both lists are valid for the call, and `self` is uniquely borrowed.
        check("zero_grad", unsafe {
            ffi::ext_list_zero_gradients(self.raw.as_ptr(), parameters.raw())
        })
    }

    /// Frees the gradients of these parameters, `of_frozen_too` or of those alone that require one. `had`, one flag for each
    /// parameter, goes on for those that had one. Does not sync.
    pub fn drop_gradients(&self, of_frozen_too: bool, had: &mut [bool]) -> Result<()> {
        self.check_flags("drop gradients", had)?;
        // SAFETY: the list is valid for the call, and `had` has one element per parameter.
        unsafe { ffi::ext_list_drop_gradients(self.raw(), of_frozen_too, had.as_mut_ptr()) };
        Ok(())
    }

    /// Gives a gradient of zeros to the parameters that `had` one, require one and have none now. Does not sync.
    pub fn fill_gradients(&self, had: &[bool]) -> Result<()> {
        const OPERATION: &str = "fill gradients";
        self.check_flags(OPERATION, had)?;
        // SAFETY: as above.
        check(OPERATION, unsafe {
            ffi::ext_list_fill_gradients(self.raw(), had.as_ptr())
        })
    }

    fn check_flags(&self, operation: &'static str, flags: &[bool]) -> Result<()> {
        if flags.len() == self.len() {
            return Ok(());
        }
        let message = format!("{} flags for {} parameters", flags.len(), self.len());
        Err(Error::Torch { operation, message })
    }

    pub(crate) fn raw(&self) -> *const ffi::List {
        self.raw.as_ptr()
    }
}

impl Default for TensorList {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for TensorList {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once.
        unsafe { ffi::ext_list_free(self.raw.as_ptr()) }
    }
}

impl std::fmt::Debug for TensorList {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TensorList")
            .field("len", &self.len())
            .finish()
    }
}
