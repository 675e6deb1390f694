//! The number of a network's outputs against the number of classes that the data have.

use anyhow::{Result, anyhow};
use phasebox_recipe::{Node, Recipe};

use super::super::build::Built;
use super::probe::Seen;

/// The classes that the outputs of a network stand for.
pub(super) struct Classes<'a> {
    recipe: &'a Recipe,
    count: Option<i64>,
    loss: &'static str,
}

impl<'a> Classes<'a> {
    pub(super) fn of(recipe: &'a Recipe, built: &Built) -> Classes<'a> {
        let count = built.train_loader.dataset().num_classes();
        Classes {
            recipe,
            count: count.map(|count| count as i64),
            loss: built.criterion.name(),
        }
    }

    /// A warning about outputs that no class has.
    ///
    /// # Errors
    /// Classes that no output has.
    pub(super) fn check(&self, seen: &Seen) -> Result<Option<String>> {
        let (Some(classes), Some(outputs)) = (self.count, seen.outputs) else {
            return Ok(None);
        };
        let place = &self.place().location;
        let message = match self.loss {
            "CrossEntropyLoss" if outputs == 1 => format!(
                "the network has one output for {classes} classes, and `CrossEntropyLoss` compares outputs: give it \
                 {classes}, or for two classes use `BCEWithLogitsLoss`"
            ),
            "CrossEntropyLoss" | "PresenceLoss" if outputs < classes => format!(
                "the network has {outputs} outputs, and the data have {classes} classes: write `num_classes: {classes}`"
            ),
            "CrossEntropyLoss" | "PresenceLoss" if outputs > classes => {
                let warning = format!(
                    "{place}: the network has {outputs} outputs, and the data have {classes} classes: the others are \
                     never right"
                );
                return Ok(Some(warning));
            }
            _ => return Ok(None),
        };
        Err(anyhow!(place.error(message)))
    }

    /// The key that decides the number of outputs.
    fn place(&self) -> &Node {
        let written = self.recipe.arch_params.get("num_classes");
        written.unwrap_or(&self.recipe.architecture)
    }
}
