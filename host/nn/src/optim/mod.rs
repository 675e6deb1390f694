//! Optimizers: the update of parameters from their gradients, with state that checkpoints. Owns the parameter groups,
//! their hyperparameters and the state tensors. Does not know schedules (they write `learning_rate`), clipping or
//! when a step is due.
//!
//! One generic [`Optimizer`] drives a rule per algorithm (`sgd`, `adam`, `rmsprop`); the rules run libtorch's fused or
//! multi-tensor kernels over lists that are kept from step to step. The results are those of `torch.optim` 2.11.
//!
//! **To add an optimizer**: one file here with its `optimizer_params` (a struct with `deny_unknown_fields`) that
//! implements `Rule`; one row in `config::OPTIMIZERS`; rows in `tests/reference/optimizers.py`.

mod adam;
mod config;
mod group;
mod hyperparameter;
mod rmsprop;
mod rule;
mod sgd;
mod state;
mod stepper;
#[cfg(test)]
mod tests;

pub use config::{OptimizerConfig, check_name};
pub use group::{Grouping, LearningRates, ParameterGroup};

use anyhow::Result;
use tch::Tensor;
use torch_ext::TensorList;

/// Bytes that the results of a recorded step on the CPU may take, gradients included. Steps with larger results are
/// not recorded: their kernels take so much longer than the overhead around them that little would be gained
/// (docs/benchmarks.md).
pub const RECORDED_BYTES: usize = 16 << 20;

/// An optimizer over named parameters, in groups. Only [`Optimizer::load_state`] syncs the device.
pub trait Optimizer: Send {
    /// The name recipes use, like `SGD`.
    fn name(&self) -> &'static str;

    /// The groups, in the order of the recipe.
    fn groups(&self) -> &[ParameterGroup];

    /// The groups, for schedules that set learning rates. Their parameters are fixed once the optimizer is built.
    fn groups_mut(&mut self) -> &mut [ParameterGroup];

    /// Updates every parameter that requires a gradient and has one; the others keep their value and their state.
    fn step(&mut self) -> Result<()>;

    /// Sets all gradients to zero in place, in one multi-tensor operation.
    ///
    /// If the parameters take more than [`RECORDED_BYTES`] on the CPU, no step is recorded, and the gradients are freed
    /// instead: zeroing and adding costs 30 ms on top of a 200 ms ResNet-18 step (measured with PyTorch,
    /// `set_to_none=False`). Either way a parameter that had no part in the last backward pass takes a step with a
    /// gradient of zero, where PyTorch's `set_to_none` would pass it over.
    fn zero_grad(&mut self) -> Result<()>;

    /// Frees the gradients of parameters that learn: the next backward pass writes new ones instead of adding to them, one
    /// kernel less for each. A frozen parameter keeps its gradient of zeros.
    fn free_gradients(&mut self) -> Result<()>;

    /// [`Optimizer::zero_grad`] frees gradients, so that no step can be recorded.
    fn frees_gradients(&self) -> bool;

    /// Puts zeros in place of the gradients that were freed and that no backward pass has written since.
    fn restore_gradients(&mut self) -> Result<()>;

    /// The gradients the next step will use, all groups in one list.
    fn gradients(&mut self) -> Result<&TensorList>;

    /// The names of each group's hyperparameters, `lr` and `weight_decay` first.
    fn hyperparameter_names(&self) -> Vec<&'static str>;

    /// A group's hyperparameter; an error names the groups or hyperparameters that exist.
    fn hyperparameter(&self, group: &str, name: &str) -> Result<f64>;

    /// Sets a group's hyperparameter from the next step on. Refuses NaN and values out of range, and says the range.
    fn set_hyperparameter(&mut self, group: &str, name: &str, value: f64) -> Result<()>;

    /// A number that differs after each change that a recording cannot see: of a hyperparameter other than a learning
    /// rate, or of the set of state tensors.
    fn version(&self) -> u64;

    /// Handles to the live state, named `<buffer>/<parameter>`, such as `exp_avg/layer1.weight`; step counts are 0-d
    /// float32. The next step changes them in place: copy them to keep their values.
    fn state(&self) -> Vec<(String, Tensor)>;

    /// The names that [`Optimizer::state`] gives and [`Optimizer::load_state`] wants, in order.
    fn state_names(&self) -> Vec<String>;

    /// Copies a saved state in. Names and shapes must be this optimizer's exactly; nothing is written otherwise.
    fn load_state(&mut self, saved: Vec<(String, Tensor)>) -> Result<()>;

    /// From now on steps read learning rates from tensors on the parameters' device, so that a recording sees changes.
    /// Call before a step is recorded; weight decay and momentum stay frozen into the recording.
    fn use_device_learning_rates(&mut self) -> Result<()>;

    /// Writes learning rates that changed to the tensors of [`Optimizer::use_device_learning_rates`]; does nothing
    /// without them. Call before a step is made or replayed, not while it is recorded.
    fn upload_learning_rates(&mut self) -> Result<()>;
}

/// Builds the optimizer that `config` names over all `parameters` (name and leaf tensor, on one device).
///
/// # Errors
/// Hyperparameters out of range, a learning-rate group that matches nothing, a parameter that no group takes; the
/// message names the key.
pub fn build(
    config: &OptimizerConfig,
    parameters: Vec<(String, Tensor)>,
    grouping: &Grouping,
) -> Result<Box<dyn Optimizer>> {
    config.settings.build(config.name, parameters, grouping)
}
