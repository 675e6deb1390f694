//! The part of a recipe's entry that one plugin is made of.

use phasebox_contract::grants::Grants;
use phasebox_contract::limits::Limits;

/// The settings of one plugin, as a recipe gives them.
#[derive(Clone, Debug)]
pub struct PluginSettings {
    /// Unique within the run.
    pub name: String,
    /// The recipe's `params`: a JSON object, or null where the entry has none.
    pub params: serde_json::Value,
    /// Rights beyond reading without a sync and logging.
    pub grants: Grants,
    /// Bounds on what the callback uses.
    pub limits: Limits,
    /// The run's seed, from which the callback's own random numbers are derived.
    pub seed: u64,
}
