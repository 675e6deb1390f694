//! One operation on every tensor of a list, by libtorch's `_foreach_*` operators: a handful of kernels on CUDA however
//! long the list is. Operations in place run without autograd and do nothing to an empty list. None syncs the device.
//! Norms are in `norms`.

use tch::Tensor;

use crate::Result;
use crate::ffi::{self, check, tensor_from};
use crate::list::TensorList;

// SAFETY (every block below): a `TensorList` and a `Tensor` are valid pointers for as long as they are borrowed, C++
// keeps none of them past the call, and checks of lengths, shapes and devices are libtorch's own.
impl TensorList {
    /// Multiplies by a number.
    pub fn mul_scalar_(&self, factor: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_mul_", unsafe {
            ffi::ext_foreach_mul_scalar(self.raw(), factor)
        })
    }

    /// Multiplies by a 0-d tensor that need not leave its device.
    pub fn mul_tensor_(&self, factor: &Tensor) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_mul_", unsafe {
            ffi::ext_foreach_mul_tensor(self.raw(), factor.as_ptr())
        })
    }

    /// Divides by a number.
    pub fn div_scalar_(&self, divisor: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_div_", unsafe {
            ffi::ext_foreach_div_scalar(self.raw(), divisor)
        })
    }

    /// Divides by a 0-d tensor that need not leave its device.
    pub fn div_tensor_(&self, divisor: &Tensor) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_div_", unsafe {
            ffi::ext_foreach_div_tensor(self.raw(), divisor.as_ptr())
        })
    }

    /// Adds a number.
    pub fn add_scalar_(&self, value: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_add_", unsafe {
            ffi::ext_foreach_add_scalar(self.raw(), value)
        })
    }

    /// Adds with a factor: `self += alpha * other`.
    pub fn add_(&self, other: &Self, alpha: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_add_", unsafe {
            ffi::ext_foreach_add(self.raw(), other.raw(), alpha)
        })
    }

    /// Moves towards `end`: `self += weight * (end - self)`, one step of an exponential moving average.
    pub fn lerp_(&self, end: &Self, weight: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_lerp_", unsafe {
            ffi::ext_foreach_lerp(self.raw(), end.raw(), weight)
        })
    }

    /// Copies `source` in, converting dtypes. From pageable host memory the copy may block the host.
    pub fn copy_(&self, source: &Self) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_copy_", unsafe {
            ffi::ext_foreach_copy(self.raw(), source.raw())
        })
    }

    /// Raises every element to at least `minimum`; NaN stays.
    pub fn clamp_min_(&self, minimum: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_clamp_min_", unsafe {
            ffi::ext_foreach_clamp_min(self.raw(), minimum)
        })
    }

    /// Lowers every element to at most `maximum`; NaN stays.
    pub fn clamp_max_(&self, maximum: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_clamp_max_", unsafe {
            ffi::ext_foreach_clamp_max(self.raw(), maximum)
        })
    }

    /// Takes the square root of every element.
    pub fn sqrt_(&self) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_sqrt_", unsafe {
            ffi::ext_foreach_sqrt(self.raw())
        })
    }

    /// Adds products: `self += value * left * right`.
    pub fn addcmul_(&self, left: &Self, right: &Self, value: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_addcmul_", unsafe {
            ffi::ext_foreach_addcmul(self.raw(), left.raw(), right.raw(), value)
        })
    }

    /// Adds quotients: `self += value * numerator / denominator`.
    pub fn addcdiv_(&self, numerator: &Self, denominator: &Self, value: f64) -> Result<()> {
        // SAFETY: see above.
        check("_foreach_addcdiv_", unsafe {
            ffi::ext_foreach_addcdiv(self.raw(), numerator.raw(), denominator.raw(), value)
        })
    }

    /// Counts the elements that are infinite or NaN: a 0-d int64 tensor on their device. Copies the list once into
    /// temporary memory. A cheaper way to learn that there is one at all is a [`TensorList::norm`] that is not finite.
    pub fn count_nonfinite(&self) -> Result<Tensor> {
        // SAFETY: see above.
        tensor_from("count_nonfinite", |out| unsafe {
            ffi::ext_count_nonfinite(self.raw(), out)
        })
    }
}
