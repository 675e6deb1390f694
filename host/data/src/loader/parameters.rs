//! The parameters of a loader that a callback may read and change, and their place in a checkpoint. What they mean for a
//! batch is `loader`'s.

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};

use super::{DataLoader, LoaderConfig, check, fields, replaced};
use crate::transforms::{OF_BOXES, Transforms};

/// Parameters that only a recipe sets: they are about the machine, not about the data.
const FIXED: [&str; 2] = ["num_workers", "prefetch"];

impl DataLoader {
    /// The names that [`get`](Self::get) and [`set`](Self::set) know.
    pub fn parameters(&self) -> Vec<String> {
        let values = self.values().unwrap_or_default();
        values
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
            .filter(|key| !FIXED.contains(&key.as_str()))
            .collect()
    }

    /// A parameter as it will be at the next start; `null` for a transform that is off.
    ///
    /// # Errors
    /// When there is no such parameter; the message lists those that exist.
    pub fn get(&self, key: &str) -> Result<Value> {
        let known = !FIXED.contains(&key);
        let value = self
            .values()?
            .into_iter()
            .find_map(|mut values| values.remove(key))
            .filter(|_| known);
        value.with_context(|| self.unknown(key))
    }

    /// Changes a parameter from the next start on. `null` switches off a transform or a limit; `horizontal_flip` is off at
    /// 0. A transform of a list is switched off by `false` too, on again as the recipe has it by `true`, and changed by a
    /// mapping of parameters.
    ///
    /// # Errors
    /// When there is no such parameter or the value does not fit; everything then stays as it was.
    pub fn set(&mut self, key: &str, value: Value) -> Result<()> {
        self.get(key)?;
        let failed = format!("loader `{}`: cannot set `{key}` to {value}", self.name);
        let (config, transforms, saved) = self.with(key, &value).with_context(|| failed.clone())?;
        check(&*self.dataset, &config, &transforms, self.shard).with_context(|| failed.clone())?;
        self.check_same_kind(&transforms).context(failed)?;
        (self.config, self.transforms) = (config, transforms);
        self.changed.insert(key.to_owned(), saved);
        Ok(())
    }

    /// Refuses transforms that would give a batch of another kind: network, loss and metrics were checked with this one.
    fn check_same_kind(&self, transforms: &Transforms) -> Result<()> {
        if *transforms == self.transforms {
            return Ok(());
        }
        ensure!(
            transforms.box_format() == self.transforms.box_format(),
            "boxes would have another format, which the loss was not checked with: leave `{OF_BOXES}` as it is"
        );
        let [before, after] = [&self.transforms, transforms].map(|each| each.scale(&*self.dataset));
        let is_same = match (before?, after?) {
            (Some(before), Some(after)) => before.is_as(&after),
            (before, after) => before.is_none() && after.is_none(),
        };
        ensure!(
            is_same,
            "pixels would become other numbers than the network was trained with: leave the transforms of their scale as they are"
        );
        Ok(())
    }

    /// The parameters with one changed, and the value that brings the change back.
    fn with(&self, key: &str, value: &Value) -> Result<(LoaderConfig, Transforms, Value)> {
        let config = replaced(fields(&self.config)?, key, value)?;
        let (transforms, saved) = self.transforms.with(key, value)?;
        Ok((config, transforms, saved))
    }

    /// The parameters that were changed, as an object, for a checkpoint.
    pub fn state(&self) -> Value {
        Value::Object(self.changed.clone())
    }

    /// Changes again what [`state`](Self::state) says was changed.
    ///
    /// # Errors
    /// When `state` is no object, or a parameter does not fit any more.
    pub fn restore(&mut self, state: &Value) -> Result<()> {
        let Value::Object(changed) = state else {
            bail!(
                "loader `{}`: a saved state must be an object, not {state}",
                self.name
            );
        };
        changed
            .iter()
            .try_for_each(|(key, value)| self.set(key, value.clone()))
    }

    fn values(&self) -> Result<[Map<String, Value>; 2]> {
        Ok([fields(&self.config)?, self.transforms.values()?])
    }

    fn unknown(&self, key: &str) -> String {
        format!(
            "loader `{}` has no parameter `{key}`\nhint: it has {}",
            self.name,
            self.parameters().join(", ")
        )
    }
}
