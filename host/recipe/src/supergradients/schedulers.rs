//! `lr_mode` as SuperGradients writes a scheduler of PyTorch: with the `phase` at which it steps. Owns which phase each
//! scheduler has here.

use super::super::location::Result;
use super::super::node::Node;
use super::said::Said;

/// A scheduler, the phases that mean the same as its own steps, and how often it steps.
const SCHEDULERS: &[(&str, &[&str], &str)] = &[
    (
        "MultiStepLR",
        &["TRAIN_EPOCH_END", "VALIDATION_EPOCH_END"],
        "once an epoch",
    ),
    ("OneCycleLR", &["TRAIN_BATCH_STEP"], "with the optimizer"),
];

pub(super) fn lower(recipe: &mut Node, said: &mut Said) -> Result<()> {
    let training = recipe.get_mut("training_hyperparams");
    let Some(mode) = training.and_then(|training| training.get_mut("lr_mode")) else {
        return Ok(());
    };
    for (name, phases, steps) in SCHEDULERS {
        let options = mode.get_mut(name);
        let Some(phase) = options.and_then(|options| options.take("phase")) else {
            continue;
        };
        let written = phase.value.as_str().unwrap_or_default();
        let written = written.trim_start_matches("Phase.");
        if phases.contains(&written) {
            said.note(&phase, &format!("`{name}` always steps {steps}"));
        } else if !phase.value.is_null() {
            let found = phase.value.describe();
            let message = format!(
                "`phase` of `{name}` is {found}, but it steps {steps} here: write `{}`, or remove the key",
                phases[0]
            );
            return Err(phase.location.error(message));
        }
    }
    Ok(())
}
