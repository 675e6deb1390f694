//! Shorter spellings of frequent calls. Each is one crossing unless it says otherwise, and none syncs.

use crate::bindings::phasebox::train::context::PhaseContext;
use crate::bindings::phasebox::train::tensor::Tensor;
use crate::error::Result;

impl Tensor {
    /// The lengths of the dimensions; empty for a single number.
    pub fn shape(&self) -> Result<Vec<i64>> {
        Ok(self.info()?.shape)
    }

    /// self + other
    pub fn plus(&self, other: &Tensor) -> Result<Tensor> {
        self.add(other, 1.0)
    }

    /// self × factor
    pub fn scale(&self, factor: f64) -> Result<Tensor> {
        self.affine(factor, 0.0)
    }

    /// The sum of all elements (0-d).
    pub fn sum_all(&self) -> Result<Tensor> {
        self.sum(&[], false)
    }

    /// The mean of all elements (0-d).
    pub fn mean_all(&self) -> Result<Tensor> {
        self.mean(&[], false)
    }

    /// The smallest element (0-d).
    pub fn min_all(&self) -> Result<Tensor> {
        self.amin(&[], false)
    }

    /// The largest element (0-d).
    pub fn max_all(&self) -> Result<Tensor> {
        self.amax(&[], false)
    }

    /// The vector p-norm of all elements (0-d).
    pub fn norm_all(&self, p: f64) -> Result<Tensor> {
        self.norm(p, &[], false)
    }
}

impl PhaseContext {
    /// Logs a number as `<callback>/<name>` at the current step. One crossing.
    pub fn log(&self, name: &str, value: f64) -> Result<()> {
        self.log_scalar(name, value)
    }

    /// Logs a tensor with one element when its value has arrived. One crossing, no sync.
    pub fn log_tensor(&self, name: &str, value: &Tensor) -> Result<()> {
        self.log_scalar_tensor(name, value)
    }
}
