//! The predictions and the target that a loss or a metric compares, where a batch has several of each. Owns the two keys
//! `preds` and `target` of a parameter block.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};
use tch::Tensor;
use torch_ext::Items;

use crate::params;

/// A choice of one prediction and one target by name. Without a name there must be one alone.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Chosen {
    preds: Option<String>,
    target: Option<String>,
}

/// The keys of the choice.
const KEYS: [&str; 2] = ["preds", "target"];

impl Chosen {
    /// Takes the choice out of a parameter block; answers the rest of the block too.
    ///
    /// # Errors
    /// A name that is no text, or that would not show as it is in logs.
    pub(crate) fn take(owner: &str, block: &Value) -> Result<(Chosen, Value)> {
        let Value::Object(block) = block else {
            return Ok((Chosen::default(), block.clone()));
        };
        let mut rest = block.clone();
        let mut keys = Map::new();
        for key in KEYS {
            if let Some(value) = rest.shift_remove(key) {
                keys.insert(key.to_owned(), value);
            }
        }
        let chosen: Chosen = params::read(owner, &Value::Object(keys))?;
        for name in [&chosen.preds, &chosen.target].into_iter().flatten() {
            ensure!(
                !name.contains(char::is_control),
                "parameters of {owner}: no tensor is named {name:?}: a name has no control characters"
            );
        }
        Ok((chosen, Value::Object(rest)))
    }

    /// Writes the choice, if there is one, as the keys it was read from.
    pub(crate) fn write(&self, block: &mut Map<String, Value>) {
        for (key, name) in KEYS.into_iter().zip([&self.preds, &self.target]) {
            if let Some(name) = name {
                block.insert(key.to_owned(), name.clone().into());
            }
        }
    }

    /// The name of the chosen prediction, or else of the target.
    pub(crate) fn name(&self) -> Option<&str> {
        self.preds.as_deref().or(self.target.as_deref())
    }

    /// The prediction and the target.
    ///
    /// # Errors
    /// An unknown name; several to choose from, and no choice.
    #[inline]
    pub(crate) fn of<'a>(
        &self,
        preds: &'a Items,
        target: &'a Items,
    ) -> Result<(&'a Tensor, &'a Tensor)> {
        self.of_usual(preds, target, None)
    }

    /// As [`Chosen::of`]: of several predictions it is `usual` if the recipe names none.
    #[inline]
    pub(crate) fn of_usual<'a>(
        &self,
        preds: &'a Items,
        target: &'a Items,
        usual: Option<&str>,
    ) -> Result<(&'a Tensor, &'a Tensor)> {
        let usual = usual.filter(|_| preds.len() > 1);
        let name = self.preds.as_deref().or(usual);
        let preds = one(preds, "predictions", "preds", name)?;
        Ok((
            preds,
            one(target, "targets", "target", self.target.as_deref())?,
        ))
    }
}

#[inline]
fn one<'a>(items: &'a Items, what: &str, key: &str, name: Option<&str>) -> Result<&'a Tensor> {
    match name {
        None => items
            .single(what)
            .with_context(|| format!("must be told which to compare: write `{key}: NAME`")),
        Some(name) => items
            .get(name)
            .with_context(|| format!("looks for `{key}: {name}`")),
    }
}
