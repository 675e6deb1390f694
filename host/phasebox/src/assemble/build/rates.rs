//! The learning rates of a whole run, known before it begins: pure arithmetic. Owns the refusal of rates that are no numbers,
//! and the note about epochs that train nothing.

use anyhow::Result;
use phasebox_data::DataLoader;
use phasebox_nn::optim::Optimizer;
use phasebox_nn::schedule::{Progress, Schedule};
use phasebox_recipe::{Note, Recipe};

use super::{Built, at};

/// Refuses rates that leave the numbers.
///
/// # Errors
/// The first such rate, at the line of `lr_mode`.
pub(super) fn check(
    recipe: &Recipe,
    schedule: &Schedule,
    optimizer: &dyn Optimizer,
    loader: &DataLoader,
) -> Result<()> {
    let run = run(recipe, loader);
    let mut groups = optimizer.groups().iter();
    let checked = groups.try_for_each(|group| schedule.check_run(group.initial_learning_rate, run));
    at(&[&recipe.training_hyperparams.schedule], checked)
}

/// A line about the epochs at the end whose rates are 0, if there are any.
pub(in crate::assemble) fn note(recipe: &Recipe, built: &Built) -> Option<Note> {
    let run = run(recipe, &built.train_loader);
    let mut groups = built.optimizer.groups().iter();
    let zero = groups.try_fold(0, |latest: u64, group| {
        let from = built
            .schedule
            .ends_at_zero(group.initial_learning_rate, run)?;
        Some(latest.max(from))
    });
    let epoch = zero?;
    let schedule = &recipe.training_hyperparams.schedule;
    let mode = schedule.get("lr_mode").unwrap_or(schedule);
    Some(Note {
        location: mode.location.clone(),
        text: format!(
            "`lr_mode`: the learning rate is 0 from epoch {epoch} on, and nothing is trained then"
        ),
    })
}

/// The length of a run.
fn run(recipe: &Recipe, loader: &DataLoader) -> Progress {
    let training = &recipe.training_hyperparams;
    let accumulate = training.batch_accumulate.max(1);
    Progress {
        epoch: 0,
        step_in_run: 0,
        steps_per_epoch: loader.batches().div_ceil(accumulate),
        max_epochs: training.max_epochs,
    }
}
