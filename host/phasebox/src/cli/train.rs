//! `phasebox train`.

use std::path::PathBuf;

use clap::Args;

use super::train_options::TrainOptions;
use super::{Failure, RecipeArguments};

#[derive(Args)]
pub(super) struct Train {
    #[command(flatten)]
    recipe: RecipeArguments,
    #[command(flatten)]
    options: TrainOptions,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
}

impl Train {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut session = self.options.begin()?;
        let recipe = self.recipe.load()?;
        let summary = self
            .options
            .train(&recipe, &self.recipe, self.resume, &mut session)?;
        if summary.is_interrupted() {
            Err(Failure::Interrupted)
        } else {
            Ok(())
        }
    }
}
