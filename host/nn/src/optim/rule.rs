//! The rule of an algorithm: its hyperparameters, the state it needs and its arithmetic. Everything else about
//! optimizers is in `stepper` and `state`.

use anyhow::Result;
use torch_ext::LearningRate;

use super::state::Lists;

/// The hyperparameters of a group for one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) learning_rate: LearningRate<'a>,
    pub(super) weight_decay: f64,
    /// These parameters step for the first time. Only set for rules whose first step differs.
    pub(super) first: bool,
}

/// One algorithm with the settings of one group.
pub(super) trait Rule: Clone + Send {
    /// The weight decay that groups start with.
    fn weight_decay(&self) -> f64;

    /// The names of the hyperparameters beside `lr` and `weight_decay`.
    fn hyperparameters(&self) -> &'static [&'static str];

    /// A hyperparameter by name, to read or to write.
    fn hyperparameter(&mut self, name: &str) -> Option<&mut f64>;

    /// Refuses combinations that make no sense. The range of each value has been checked before.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The names of the state tensors that the rule keeps for each parameter, of the parameter's shape.
    fn buffers(&self) -> Vec<&'static str>;

    /// The names of tensors of the parameters' shapes that are overwritten in every step, and therefore not saved.
    fn scratch(&self, _weight_decay: f64) -> Vec<&'static str> {
        Vec::new()
    }

    /// The rule needs the number of steps each parameter has taken.
    fn counts_steps(&self) -> bool {
        false
    }

    /// A parameter's first step is computed differently.
    fn first_step_differs(&self) -> bool {
        false
    }

    /// Updates the parameters of `lists`, which are not empty.
    fn update(&self, lists: &Lists, step: Step<'_>) -> Result<()>;
}
