//! The settings of a trainer, from the keys of a recipe. Owns the conversion; the keys and their defaults are the
//! recipe's.

use anyhow::{Result, ensure};
use phasebox_files::atomic_file::Durability;
use phasebox_recipe::{Recipe, RecordSteps};
use phasebox_train::trainer::{Saving, Settings};

pub(super) fn settings(recipe: &Recipe) -> Result<Settings> {
    let training = &recipe.training_hyperparams;
    let saving = &training.saving;
    ensure!(training.max_epochs > 0, "`max_epochs` must be at least 1");
    Ok(Settings {
        max_epochs: epochs(training.max_epochs),
        skips_middle_epochs: false,
        validation_every: epochs(training.evaluation.run_validation_freq),
        test_every: epochs(training.evaluation.run_test_freq),
        clip_grad_norm: training.clip_grad_norm,
        channels_last: training.channels_last,
        nan_policy: training.nan_policy,
        record_steps: training.record_steps == RecordSteps::Auto,
        average_best_models: training.average_best_models,
        recipe: recipe.to_json(),
        saving: Saving {
            enabled: saving.save_model,
            epochs: saving
                .save_ckpt_epoch_list
                .iter()
                .map(|epoch| epochs(*epoch))
                .collect(),
            every_steps: saving.save_ckpt_every_n_steps,
            best_tag: tag(&saving.ckpt_best_name),
            durability: Durability::Process,
        },
    })
}

/// A number of epochs; more than 32 bits hold never ends either.
fn epochs(written: u64) -> u32 {
    u32::try_from(written).unwrap_or(u32::MAX)
}

/// `ckpt_best.pth`, as SuperGradients names it, is the tag `best`.
pub(crate) fn tag(name: &str) -> String {
    let name = name.strip_suffix(".pth").unwrap_or(name);
    name.strip_prefix("ckpt_").unwrap_or(name).to_owned()
}
