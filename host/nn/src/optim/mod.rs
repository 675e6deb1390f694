//! Optimizers: the update of parameters from their gradients, with state that checkpoints. Owns the parameter groups,
//! their hyper-parameters and the state tensors. Does not know schedules (they write `learning_rate`), clipping or
//! when a step is due.
//!
//! One generic [`Optimizer`] drives a rule per algorithm (`sgd`, `adam`, `rmsprop`); the rules run libtorch's fused or
//! multi-tensor kernels over lists that are kept from step to step. The results are those of `torch.optim` 2.11.

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

pub use adam::Adam;
pub use config::OptimizerConfig;
pub use group::{Grouping, LearningRates, ParameterGroup};
pub use rmsprop::RmsProp;
pub use sgd::Sgd;

use anyhow::Result;
use tch::Tensor;
use torch_ext::TensorList;

/// Steps on the CPU whose results take more are not recorded: their kernels take so much longer than what surrounds
/// them that little would be gained (docs/benchmarks.md). Gradients are among the results.
pub const RECORDED_BYTES: usize = 16 << 20;

/// An optimizer over named parameters, in groups. Nothing here syncs the device but loading a state.
pub trait Optimizer: Send {
    /// The name recipes use, like `SGD`.
    fn name(&self) -> &'static str;

    /// The groups, in the order of the recipe.
    fn groups(&self) -> &[ParameterGroup];

    /// The groups, for schedules that set learning rates. Their parameters are fixed once the optimizer is built.
    fn groups_mut(&mut self) -> &mut [ParameterGroup];

    /// Updates every parameter that requires a gradient and has one; the others keep their value and their state.
    fn step(&mut self) -> Result<()>;

    /// Sets all gradients to zero in place, in one multi-tensor operation. They stay allocated, so that recordings see
    /// the same memory every step. Parameters of more than [`RECORDED_BYTES`] on the CPU, where nothing is recorded, have
    /// theirs freed instead: to fill zeros and add to them takes PyTorch's loop (`set_to_none=False`) 30 ms more than the
    /// 200 of a ResNet-18's step. Either way a
    /// parameter that had no part in the last backward pass takes a step with a gradient of zero, where PyTorch's
    /// `set_to_none` would pass it over.
    fn zero_grad(&mut self) -> Result<()>;

    /// Zeros in place of gradients that [`Optimizer::zero_grad`] has freed, for who wants to see them meanwhile.
    fn restore_gradients(&mut self) -> Result<()>;

    /// The gradients the next step will use, all groups in one list.
    fn gradients(&mut self) -> Result<&TensorList>;

    /// The hyper-parameters each group has, `lr` and `weight_decay` first.
    fn hyperparameter_names(&self) -> Vec<&'static str>;

    /// A group's hyper-parameter; an error names the groups or hyper-parameters that there are.
    fn hyperparameter(&self, group: &str, name: &str) -> Result<f64>;

    /// Sets a group's hyper-parameter from the next step on. Refuses NaN and values out of range, and says the range.
    fn set_hyperparameter(&mut self, group: &str, name: &str, value: f64) -> Result<()>;

    /// Another number after each change that a captured graph cannot see: of a hyper-parameter other than a learning
    /// rate, or of which state there is.
    fn version(&self) -> u64;

    /// Handles to the live state, named `<buffer>/<parameter>`, such as `exp_avg/layer1.weight`; step counts are 0-d
    /// float32. Copy them to keep a moment's values.
    fn state(&self) -> Vec<(String, Tensor)>;

    /// The names that [`Optimizer::state`] gives and [`Optimizer::load_state`] wants, in order.
    fn state_names(&self) -> Vec<String>;

    /// Copies a saved state in. Names and shapes must be this optimizer's exactly; nothing is written otherwise.
    fn load_state(&mut self, saved: Vec<(String, Tensor)>) -> Result<()>;

    /// From now on steps read learning rates from tensors on the parameters' device, so that a captured CUDA graph
    /// sees changes. Call before capturing; weight decay and momentum stay frozen into the graph.
    fn use_device_learning_rates(&mut self) -> Result<()>;

    /// Writes learning rates that changed to those tensors. Call before a step or its replay, not while capturing;
    /// nothing to do before [`Optimizer::use_device_learning_rates`].
    fn upload_learning_rates(&mut self) -> Result<()>;
}

/// Builds the optimizer that `config` names over all `parameters` (name and leaf tensor, on one device).
///
/// Errors name the key: hyper-parameters out of range, a learning-rate group that matches nothing, a parameter that
/// no group takes.
pub fn build(
    config: &OptimizerConfig,
    parameters: Vec<(String, Tensor)>,
    grouping: &Grouping,
) -> Result<Box<dyn Optimizer>> {
    let groups = grouping.split(parameters, config.weight_decay())?;
    Ok(match config {
        OptimizerConfig::Sgd(rule) => Box::new(stepper::Stepper::new(*rule, groups)?),
        OptimizerConfig::Adam(rule) => Box::new(stepper::Stepper::new(rule.coupled(), groups)?),
        OptimizerConfig::AdamW(rule) => Box::new(stepper::Stepper::new(rule.decoupled(), groups)?),
        OptimizerConfig::RmsProp(rule) => Box::new(stepper::Stepper::new(*rule, groups)?),
    })
}
