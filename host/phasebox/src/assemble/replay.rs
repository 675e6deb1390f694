//! From a recipe to a replay: one callback of the recipe, the context that a trainer would give it, and a trace in the place
//! of the training.

use std::path::{Path, PathBuf};

use anyhow::Result;
use phasebox_recipe::Recipe;
use phasebox_train::logger::RunFolder;
use phasebox_train::trace::{Replay, TraceFile};

use super::{Assembly, Options, callbacks, context};

/// A file in the place of a callback's own, held to no digest: the one that its author works on.
#[derive(Clone, Debug)]
pub struct StandIn {
    /// The callback's name in the recipe.
    pub name: String,
    /// The component; of a script, its entry names the file.
    pub file: PathBuf,
}

/// The metric to watch, where a callback that is not replayed has published it.
pub(super) fn published_by_others(recipe: &Recipe, options: &Options) -> Option<String> {
    let watched = &recipe.training_hyperparams.metric_to_watch;
    let is_published = options.stand_in.is_some() && watched.contains('/');
    is_published.then(|| watched.clone())
}

impl Assembly<'_> {
    /// A replay of `trace`, which the run in `traced` has written. What callbacks log goes to `folder`.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn replay(self, trace: TraceFile, traced: &Path, folder: &RunFolder) -> Result<Replay> {
        let mut context = context(&self.recipe, self.built, self.watched, folder);
        context.run.ckpt_dir = traced.display().to_string();
        let (callbacks, _) = callbacks::into_callbacks(self.callbacks);
        Replay::new(context, callbacks, trace)
    }
}
