//! Parameters that give way to the recipe of a resumed run, among those that callbacks had set. Owns the choice by name.

use serde_json::{Map, Value};

/// Which of the parameters of a loader or a loss give way: those that the recipe has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GivesWay {
    /// None: what callbacks have set holds on.
    #[default]
    Nothing,
    /// Those of these names.
    Names(Vec<String>),
    /// All, as where the loss is another one.
    Everything,
}

impl GivesWay {
    /// True if the recipe has changed nothing.
    pub fn is_nothing(&self) -> bool {
        *self == GivesWay::Nothing
    }

    /// Adds parameters.
    pub fn add(&mut self, names: impl IntoIterator<Item = String>) {
        match self {
            GivesWay::Everything => {}
            GivesWay::Nothing => *self = GivesWay::Names(names.into_iter().collect()),
            GivesWay::Names(known) => known.extend(names),
        }
    }

    /// The values of a saved state that hold on; none where all give way, or where it is no mapping.
    pub(super) fn kept(&self, state: &Value) -> Map<String, Value> {
        let state = state.as_object().cloned().unwrap_or_default();
        match self {
            GivesWay::Nothing => state,
            GivesWay::Everything => Map::new(),
            GivesWay::Names(names) => state
                .into_iter()
                .filter(|(name, _)| !names.contains(name))
                .collect(),
        }
    }
}
