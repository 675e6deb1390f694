//! Norms of a list of tensors, and clipping by them. Work without autograd, do not sync, and are operators of libtorch
//! by themselves, so that a [`crate::Tape`] records each as one operation.

use tch::Tensor;

use crate::Result;
use crate::ffi::{self, tensor_from};
use crate::list::TensorList;

// SAFETY (every block below): a `TensorList` is a valid pointer for as long as it is borrowed, C++ does not keep it past
// the call, and libtorch checks dtypes and devices.
impl TensorList {
    /// The `p`-norm of each tensor, as one 1-d tensor on their device. At `f64::INFINITY` the largest magnitude.
    pub fn norms(&self, p: f64) -> Result<Tensor> {
        // SAFETY: see above.
        tensor_from("_foreach_norm", |out| unsafe {
            ffi::ext_norms(self.raw(), p, out)
        })
    }

    /// The `p`-norm of all elements together, as a 0-d tensor on their device; zero for an empty list.
    pub fn norm(&self, p: f64) -> Result<Tensor> {
        // SAFETY: see above.
        tensor_from("_foreach_norm", |out| unsafe {
            ffi::ext_norm(self.raw(), p, out)
        })
    }

    /// The `p`-norm of the differences from `before`, tensor by tensor, divided by the `p`-norm of `before`, which counts
    /// as 1e-12 at least: a 0-d tensor on their device; zero for empty lists. Both have the same shapes and dtypes.
    pub fn relative_change(&self, before: &TensorList, p: f64) -> Result<Tensor> {
        // SAFETY: see above.
        tensor_from("_foreach_norm", |out| unsafe {
            ffi::ext_relative_change(self.raw(), before.raw(), p, out)
        })
    }

    /// Scales gradients so that their joint `p`-norm is at most `max_norm`, and returns the norm from before: a 0-d
    /// tensor on their device. Uses the formula of `torch.nn.utils.clip_grad_norm_`: the factor
    /// `min(1, max_norm / (norm + 1e-6))` is multiplied in even where it is 1, which spares the sync.
    pub fn clip_grad_norm_(&self, max_norm: f64, p: f64) -> Result<Tensor> {
        // SAFETY: see above.
        tensor_from("clip_grad_norm_", |out| unsafe {
            ffi::ext_clip_grad_norm(self.raw(), max_norm, p, out)
        })
    }
}
