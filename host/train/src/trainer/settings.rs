//! How to train, beyond what the context holds. Owns plain values; a recipe's text becomes these in
//! `assemble`.

use phasebox_contract::policy::NanPolicy;
use phasebox_files::atomic_file::Durability;

/// How to train, beyond what the context holds.
pub struct Settings {
    /// Epochs to train.
    pub max_epochs: u32,
    /// Only the first and the last of these epochs are trained.
    pub skips_middle_epochs: bool,
    /// Epochs from one validation to the next.
    pub validation_every: u32,
    /// Epochs from one test to the next.
    pub test_every: u32,
    /// Largest 2-norm of all gradients together.
    pub clip_grad_norm: Option<f64>,
    /// The channels of a pixel lie together in memory.
    pub channels_last: bool,
    /// The policy for a loss that is not finite.
    pub nan_policy: NanPolicy,
    /// Steps are replayed from recordings where that is safe.
    pub record_steps: bool,
    /// The average of the best models is validated at the end.
    pub average_best_models: bool,
    /// Which checkpoints are written.
    pub saving: Saving,
    /// The resolved recipe, which every checkpoint keeps; null if there is none.
    pub recipe: serde_json::Value,
}

impl Settings {
    /// The epoch that comes after `epoch`.
    pub(super) fn epoch_after(&self, epoch: u32) -> u32 {
        let next = epoch + 1;
        match self.skips_middle_epochs && next < self.max_epochs {
            true => self.max_epochs - 1,
            false => next,
        }
    }
}

/// Which checkpoints are written.
pub struct Saving {
    /// Without it, none are.
    pub enabled: bool,
    /// Epochs, counted from 1, whose checkpoint is kept.
    pub epochs: Vec<u32>,
    /// Optimizer steps from one checkpoint inside an epoch to the next.
    pub every_steps: Option<u64>,
    /// Tag of the best epoch's checkpoint.
    pub best_tag: String,
    /// How much a checkpoint survives.
    pub durability: Durability,
}
