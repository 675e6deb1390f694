//! `ScriptModule`: a TorchScript file as a network that trains, with its parameters and its buffers. Knows neither
//! architectures nor recipes.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::{NonNull, null_mut};

use tch::{Device, Tensor};

use crate::ffi::{self, check, device_index, take, tensor_from};
use crate::{Error, Result, TensorList};

/// A module that `torch.jit.save` wrote. Its tensors are shared: what changes in place here changes there.
pub struct ScriptModule {
    raw: NonNull<ffi::Module>,
}

// SAFETY: the module has one owner; libtorch ties nothing in it to a thread.
unsafe impl Send for ScriptModule {}

impl ScriptModule {
    /// Reads the file at `path` onto `device`. The file is code: libtorch's interpreter runs it unsandboxed.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        const OPERATION: &str = "torch::jit::load";
        let unusable = |reason: &str| Error::Torch {
            operation: OPERATION,
            message: reason.to_owned(),
        };
        let text = path
            .to_str()
            .ok_or_else(|| unusable("the path is not UTF-8"))?;
        let text = CString::new(text).map_err(|_| unusable("the path holds a NUL"))?;
        let index = device_index(device)?;
        let mut raw = null_mut();
        // SAFETY: the path is a NUL-terminated string that lives through the call.
        check(OPERATION, unsafe {
            ffi::ext_script_load(text.as_ptr(), index, &mut raw)
        })?;
        NonNull::new(raw)
            .map(|raw| Self { raw })
            .ok_or_else(|| unusable("no module came back"))
    }

    /// Switches dropout and batch statistics of all submodules.
    pub fn set_train(&self, train: bool) -> Result<()> {
        // SAFETY: `raw` is valid as long as `self`, which is not `Sync`.
        check("Module::train", unsafe {
            ffi::ext_script_set_train(self.raw.as_ptr(), train)
        })
    }

    /// The module's `forward` on one tensor; an error too where it answers with anything but a tensor. The graph runs
    /// as written, operation by operation, so that equal inputs give equal bits at every call. No sync of its own.
    pub fn forward(&self, input: &Tensor) -> Result<Tensor> {
        // SAFETY: both pointers are valid for the call.
        tensor_from("forward", |out| unsafe {
            ffi::ext_script_forward(self.raw.as_ptr(), input.as_ptr(), out)
        })
    }

    /// All parameters under their names in the module (`layer.0.weight`), in its order.
    pub fn parameters(&self) -> Result<Vec<(String, Tensor)>> {
        self.named("named_parameters", ffi::ext_script_parameters)
    }

    /// All buffers, likewise.
    pub fn buffers(&self) -> Result<Vec<(String, Tensor)>> {
        self.named("named_buffers", ffi::ext_script_buffers)
    }

    fn named(
        &self,
        operation: &'static str,
        read: ffi::ReadNamed,
    ) -> Result<Vec<(String, Tensor)>> {
        let list = TensorList::new();
        let mut names: *mut c_char = null_mut();
        // SAFETY: the module and the list are valid for the call; the shim fills both out pointers or neither.
        check(operation, unsafe {
            read(self.raw.as_ptr(), list.raw().cast_mut(), &mut names)
        })?;
        let names = take(names).unwrap_or_default();
        Ok(names
            .lines()
            .map(str::to_owned)
            .zip(list.to_tensors()?)
            .collect())
    }
}

impl Drop for ScriptModule {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once.
        unsafe { ffi::ext_script_free(self.raw.as_ptr()) }
    }
}
