//! A model's tensors read and replaced by name. Knows no file format.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Result, bail};
use tch::{Tensor, no_grad};

use super::Model;

impl Model {
    /// Parameters, then buffers, each sorted by name: shallow handles.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let tensors = self.parameters.iter().chain(&self.buffers);
        tensors
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect()
    }

    /// Copies `state` into the model's own tensors in place, without gradient; every handle given out before sees the
    /// new values. With `strict` the names must be the model's own, all of them; without, unknown names are passed
    /// over and missing ones keep their value. Copies between devices as needed.
    ///
    /// # Errors
    /// Tensors that are missing or unexpected (both only if `strict`) or misshapen, all of them listed. Nothing is
    /// copied then.
    pub fn load_state(&mut self, state: &[(String, Tensor)], strict: bool) -> Result<()> {
        let given: HashMap<&str, &Tensor> = state
            .iter()
            .map(|(name, tensor)| (name.as_str(), tensor))
            .collect();
        let own = self.state();
        let mut problems = misshapen(&own, &given);
        if strict {
            problems.extend(strangers(&own, &given));
        }
        if !problems.is_empty() {
            let list = problems.join("\n  ");
            bail!(
                "this state does not fit architecture `{}`:\n  {list}",
                self.architecture()
            );
        }
        no_grad(|| copy_in_place(&own, &given))
    }
}

fn copy_in_place(own: &[(String, Tensor)], given: &HashMap<&str, &Tensor>) -> Result<()> {
    for (name, tensor) in own {
        if let Some(value) = given.get(name.as_str()) {
            tensor.shallow_clone().f_copy_(value)?;
        }
    }
    Ok(())
}

fn misshapen(own: &[(String, Tensor)], given: &HashMap<&str, &Tensor>) -> Vec<String> {
    let pairs = own
        .iter()
        .filter_map(|(name, tensor)| Some((name, tensor, given.get(name.as_str())?)));
    let wrong = pairs.filter(|(_, tensor, value)| tensor.size() != value.size());
    wrong
        .map(|(name, tensor, value)| {
            format!(
                "`{name}` has shape {:?}, the model's is {:?}",
                value.size(),
                tensor.size()
            )
        })
        .collect()
}

fn strangers(own: &[(String, Tensor)], given: &HashMap<&str, &Tensor>) -> Vec<String> {
    let own_names: BTreeSet<&str> = own.iter().map(|(name, _)| name.as_str()).collect();
    let given_names: BTreeSet<&str> = given.keys().copied().collect();
    let missing = own_names
        .difference(&given_names)
        .map(|name| format!("`{name}` is missing"));
    let unexpected = given_names
        .difference(&own_names)
        .map(|name| format!("`{name}` is not in the model"));
    missing.chain(unexpected).collect()
}
