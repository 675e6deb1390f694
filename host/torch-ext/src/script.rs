//! `ScriptModule`: a TorchScript file as a network that trains, with its parameters and its buffers. Knows neither
//! architectures nor recipes.

use std::ffi::{CString, c_char};
use std::path::Path;
use std::ptr::{NonNull, null_mut};

use tch::{Device, Tensor};

use crate::ffi::{self, device_index, take};
use crate::message::reason;
use crate::{Error, Items, Result, TensorList};

/// A module that `torch.jit.save` wrote. The tensors it gives are its own: a change in place of one changes the module.
pub struct ScriptModule {
    raw: NonNull<ffi::Module>,
}

// SAFETY: the module has one owner; libtorch ties nothing in it to a thread.
unsafe impl Send for ScriptModule {}

const LOAD: &str = "torch::jit::load";
const FORWARD: &str = "forward";

impl ScriptModule {
    /// Reads the file at `path` onto `device`. The file is code: libtorch's interpreter runs it unsandboxed.
    pub fn load(path: &Path, device: Device) -> Result<Self> {
        let text = path
            .to_str()
            .ok_or_else(|| not_loaded("the path is not UTF-8"))?;
        let text = CString::new(text).map_err(|_| not_loaded("the path holds a NUL"))?;
        let index = device_index(device)?;
        let mut raw = null_mut();
        // SAFETY: the path is a NUL-terminated string that lives through the call.
        check(LOAD, unsafe {
            ffi::ext_script_load(text.as_ptr(), index, &mut raw)
        })?;
        NonNull::new(raw)
            .map(|raw| Self { raw })
            .ok_or_else(|| not_loaded("no module came back"))
    }

    /// Switches all submodules between training and evaluation, as dropout and batch normalization need.
    pub fn set_train(&self, train: bool) -> Result<()> {
        // SAFETY: `raw` is valid as long as `self`, which is not `Sync`.
        check("Module::train", unsafe {
            ffi::ext_script_set_train(self.raw.as_ptr(), train)
        })
    }

    /// Calls the module's `forward`. Inputs whose names are all names of its parameters go to these; inputs of which none
    /// has such a name go in their order. Results are named as the module names them: by the keys of a dict, the fields
    /// of a named tuple or the places in a tuple or list, with dots between levels; one tensor has no name. The program
    /// runs as written, operation by operation, so that equal inputs give equal bits at every call. Does not sync by
    /// itself.
    ///
    /// # Errors
    /// An exception of the module; names of which only some are names of parameters; a result that holds anything but
    /// tensors, or none of them, or more than 4,096, or one of a dtype that tch lacks.
    pub fn forward(&self, inputs: &Items) -> Result<Items> {
        let tensors = TensorList::from_tensors(inputs.tensors())?;
        let names = CString::new(inputs.names().join("\n")).unwrap_or_default();
        let outputs = TensorList::new();
        let mut output_names: *mut c_char = null_mut();
        // SAFETY: all pointers are valid for the call; C++ fills both outputs or neither.
        check(FORWARD, unsafe {
            ffi::ext_script_forward(
                self.raw.as_ptr(),
                tensors.raw(),
                names.as_ptr(),
                outputs.raw().cast_mut(),
                &mut output_names,
            )
        })?;
        let names = take(output_names).unwrap_or_default();
        let mut tensors = outputs.to_tensors()?;
        if tensors.iter().any(|tensor| tensor.f_kind().is_err()) {
            return Err(refused(
                "it returned a tensor of a dtype that has no place here: let it return floats or integers",
            ));
        }
        match (names.as_str(), tensors.pop()) {
            (_, None) => Err(refused("it returned no tensor")),
            ("\n", Some(tensor)) => Ok(tensor.into()),
            (_, Some(last)) => {
                tensors.push(last);
                let names: Vec<&str> = names.split_terminator('\n').collect();
                match names.len() == tensors.len() {
                    true => Items::named(names.into_iter().zip(tensors)),
                    false => Err(refused("a key of a dict holds a line feed")),
                }
            }
        }
    }

    /// All parameters under their names in the module (`layer.0.weight`), in its order.
    pub fn parameters(&self) -> Result<Vec<(String, Tensor)>> {
        self.named("named_parameters", ffi::ext_script_parameters)
    }

    /// All buffers under their names in the module, in its order.
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
        // SAFETY: the module and the list are valid for the call; C++ fills both out pointers or neither.
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

/// Makes the text of an exception an error with the exception's reason.
fn check(operation: &'static str, exception: ffi::Message) -> Result<()> {
    take(exception).map_or(Ok(()), |exception| {
        let message = reason(&exception).to_owned();
        Err(Error::Torch { operation, message })
    })
}

fn refused(reason: &str) -> Error {
    Error::Torch {
        operation: FORWARD,
        message: reason.to_owned(),
    }
}

fn not_loaded(reason: &str) -> Error {
    Error::Torch {
        operation: LOAD,
        message: reason.to_owned(),
    }
}

impl Drop for ScriptModule {
    fn drop(&mut self) {
        // SAFETY: the only owner frees it once.
        unsafe { ffi::ext_script_free(self.raw.as_ptr()) }
    }
}
