//! What an algorithm has to say for itself: its hyper-parameters, the state it needs and its arithmetic. Everything
//! else about optimizers is in `stepper` and `state`.

use anyhow::Result;
use torch_ext::LearningRate;

use super::state::Lists;

/// The hyper-parameters of a group for one step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<'a> {
    pub(super) learning_rate: LearningRate<'a>,
    pub(super) weight_decay: f64,
    /// Whether these parameters step for the first time; only told to rules for which that makes a difference.
    pub(super) first: bool,
}

/// One algorithm with the settings of one group.
pub(super) trait Rule: Clone + Send {
    /// The name recipes use.
    fn name(&self) -> &'static str;

    /// The names of the hyper-parameters beside `lr` and `weight_decay`.
    fn hyperparameters(&self) -> &'static [&'static str];

    /// A hyper-parameter by name, to read or to write.
    fn hyperparameter(&mut self, name: &str) -> Option<&mut f64>;

    /// Refuses combinations that make no sense; single values have been checked.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// The state tensors it keeps for each parameter, of the parameter's shape.
    fn buffers(&self) -> Vec<&'static str>;

    /// Tensors of the parameters' shapes that are overwritten in every step, so not saved.
    fn scratch(&self, _weight_decay: f64) -> Vec<&'static str> {
        Vec::new()
    }

    /// Whether it needs to know how many steps each parameter has taken.
    fn counts_steps(&self) -> bool {
        false
    }

    /// Whether a parameter's first step is computed differently.
    fn first_step_differs(&self) -> bool {
        false
    }

    /// Updates the parameters of `lists`, which are not empty.
    fn update(&self, lists: &Lists, step: Step<'_>) -> Result<()>;
}
