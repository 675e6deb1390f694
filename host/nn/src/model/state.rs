//! A model's tensors read and replaced by name, and the report about what fitted. Knows no file format.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, ensure};
use tch::{Tensor, no_grad};

use super::Model;

/// The most names that a message lists.
const LISTED: usize = 20;

/// The beginnings that wrappers put before the names of a network's tensors: DataParallel, Lightning, SuperGradients, `torch.compile`,
/// averages of weights.
const PREFIXES: [&str; 8] = [
    "module.",
    "model.",
    "net.",
    "network.",
    "ema_net.",
    "ema_model.",
    "state_dict.",
    "_orig_mod.",
];

/// The most prefixes that wrappers around wrappers put in a row.
const WRAPPERS: usize = 3;

/// The part of a state that a model took in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The number of the model's tensors that have new values.
    pub fitting: usize,
    /// The number of the model's tensors.
    pub of: usize,
    /// The prefix that was taken off all names of the state.
    pub stripped: String,
    /// A sentence for each tensor that was left out, sorted: the model's that the state lacks, the state's that the model
    /// lacks, those whose shapes differ, and integers where the model has fractions.
    pub left_out: Vec<String>,
}

impl Loaded {
    /// Lines for people about what was done to the names and what did not fit; none if everything fitted as it was.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.stripped.is_empty() {
            let prefix = &self.stripped;
            lines.push(format!("`{prefix}` was taken off the names of the tensors"));
        }
        if !self.left_out.is_empty() {
            let (fitting, of) = (self.fitting, self.of);
            let list = listed(&self.left_out);
            lines.push(format!("{fitting} of {of} tensors fit; left out:{list}"));
        }
        lines
    }
}

impl Model {
    /// Parameters, then buffers, each sorted by name, then those that have several names under each further one, as
    /// PyTorch's `state_dict` has them: shallow handles.
    pub fn state(&self) -> Vec<(String, Tensor)> {
        let own = self.parameters.iter().chain(&self.buffers);
        let tensors = own.chain(&self.aliases);
        tensors
            .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
            .collect()
    }

    /// Copies `state` into the model's own tensors in place, without gradient; every handle given out before sees the
    /// new values. With `strict` the names must be the model's own, all of them, of which a shared tensor needs one;
    /// without, tensors that are unknown, missing or of another shape or of integers for
    /// fractions are left out. Either way a prefix that a wrapper put before all names is taken off first. Copies between devices as needed.
    ///
    /// # Errors
    /// With `strict`, tensors that do not fit, all of them listed; without, a state of which nothing fits; two values for
    /// one tensor. Nothing is copied then.
    pub fn load_state(&mut self, state: &[(String, Tensor)], strict: bool) -> Result<Loaded> {
        let stripped = prefix(&self.names().collect(), state);
        let given = without_prefix(state, &stripped);
        let (fitting, left_out) = self.compare(&given)?;
        let loaded = Loaded {
            fitting: fitting.len(),
            of: self.parameters.len() + self.buffers.len(),
            stripped,
            left_out,
        };
        self.refuse(&loaded, strict)?;
        no_grad(|| copy_in_place(&fitting))?;
        Ok(loaded)
    }

    /// The names of tensors with values that are not finite, as [`state`](Self::state) has them. Syncs once.
    ///
    /// # Errors
    /// Those of libtorch.
    pub fn not_finite(&self) -> Result<Vec<String>> {
        let own = self.parameters.iter().chain(&self.buffers);
        let own: Vec<_> = own
            .filter(|(_, tensor)| tensor.is_floating_point())
            .collect();
        let flags = own
            .iter()
            .map(|(_, tensor)| Ok(tensor.f_isfinite()?.f_all()?));
        let flags = flags.collect::<Result<Vec<Tensor>>>()?;
        if flags.is_empty() {
            return Ok(Vec::new());
        }
        let flags: Vec<bool> = Tensor::f_stack(&flags, 0)?.try_into()?;
        let pairs = own.into_iter().zip(flags);
        let found = pairs.filter(|(_, is_finite)| !is_finite);
        Ok(found.map(|((name, _), _)| name.clone()).collect())
    }

    fn refuse(&self, loaded: &Loaded, strict: bool) -> Result<()> {
        let architecture = self.architecture();
        let list = listed(&loaded.left_out);
        ensure!(
            !strict || loaded.left_out.is_empty(),
            "this state does not fit architecture `{architecture}`:{list}"
        );
        ensure!(
            loaded.fitting > 0 || loaded.of == 0,
            "nothing of this state fits architecture `{architecture}`:{list}\n\
             hint: choose the weights of this architecture, or rename their tensors"
        );
        Ok(())
    }

    /// The pairs of own tensor and value that fit, and sentences about the rest.
    fn compare<'a>(&'a self, given: &Given<'a>) -> Result<(Vec<Pair<'a>>, Vec<String>)> {
        let (mut fitting, mut left_out) = (Vec::new(), Vec::new());
        for (name, tensor) in self.parameters.iter().chain(&self.buffers) {
            match self.value_of(name, tensor, given)? {
                None => left_out.push(format!("`{name}` is missing")),
                Some(value) if tensor.is_floating_point() && !value.is_floating_point() => {
                    left_out.push(format!(
                        "`{name}` is {:?}, the model's is {:?}",
                        value.kind(),
                        tensor.kind()
                    ));
                }
                Some(value) if value.size() == tensor.size() => fitting.push((tensor, value)),
                Some(value) => left_out.push(format!(
                    "`{name}` has shape {:?}, the model's is {:?}",
                    value.size(),
                    tensor.size()
                )),
            }
        }
        let own: HashSet<&str> = self.names().collect();
        let strangers = given.keys().filter(|name| !own.contains(**name));
        left_out.extend(strangers.map(|name| format!("`{name}` is not in the model")));
        Ok((fitting, left_out))
    }

    /// The value that the state has for a tensor under one of its names.
    ///
    /// # Errors
    /// Values under two names that differ.
    fn value_of<'a>(
        &self,
        name: &str,
        tensor: &Tensor,
        given: &Given<'a>,
    ) -> Result<Option<&'a Tensor>> {
        let mut found: Option<(&str, &Tensor)> = None;
        for name in [name].into_iter().chain(self.aliases_of(tensor)) {
            let Some(value) = given.get(name).copied() else {
                continue;
            };
            if let Some((other, first)) = found {
                ensure!(
                    first.size() == value.size() && first.f_equal(value)?,
                    "`{other}` and `{name}` are one tensor in this network, and the state has two values for it"
                );
            } else {
                found = Some((name, value));
            }
        }
        Ok(found.map(|(_, value)| value))
    }

    /// All names, aliases as well.
    fn names(&self) -> impl Iterator<Item = &str> {
        let own = self.parameters.iter().chain(&self.buffers);
        own.chain(&self.aliases).map(|(name, _)| name.as_str())
    }
}

/// A tensor of the model and its new value.
type Pair<'a> = (&'a Tensor, &'a Tensor);

/// The tensors of a state by the names that the model may know them by.
type Given<'a> = BTreeMap<&'a str, &'a Tensor>;

/// The prefix without which the most names of `state` are among `own`: one of [`PREFIXES`], or up to three of them in a
/// row. Empty where no prefix makes more names fit.
fn prefix(own: &HashSet<&str>, state: &[(String, Tensor)]) -> String {
    let fits = |prefix: &str| {
        let names = state
            .iter()
            .filter_map(|(name, _)| name.strip_prefix(prefix));
        names.filter(|name| own.contains(name)).count()
    };
    let mut best = (fits(""), String::new());
    let mut tried = vec![String::new()];
    for _ in 0..WRAPPERS {
        tried = longer(&tried, state);
        for prefix in &tried {
            let count = fits(prefix);
            if count > best.0 {
                best = (count, prefix.clone());
            }
        }
    }
    best.1
}

/// Each of `prefixes` with one more wrapper's, where a name begins so.
fn longer(prefixes: &[String], state: &[(String, Tensor)]) -> Vec<String> {
    let mut longer = Vec::new();
    for prefix in prefixes {
        for wrapper in PREFIXES {
            let candidate = format!("{prefix}{wrapper}");
            if state.iter().any(|(name, _)| name.starts_with(&candidate)) {
                longer.push(candidate);
            }
        }
    }
    longer
}

fn without_prefix<'a>(state: &'a [(String, Tensor)], prefix: &str) -> Given<'a> {
    let named = state.iter();
    named
        .map(|(name, tensor)| (name.strip_prefix(prefix).unwrap_or(name), tensor))
        .collect()
}

fn copy_in_place(fitting: &[Pair]) -> Result<()> {
    for (tensor, value) in fitting {
        tensor.shallow_clone().f_copy_(value)?;
    }
    Ok(())
}

/// The sentences, one a line, and a count of those beyond the first ones.
fn listed(sentences: &[String]) -> String {
    let mut list: String = sentences
        .iter()
        .take(LISTED)
        .map(|sentence| format!("\n  {sentence}"))
        .collect();
    if sentences.len() > LISTED {
        list += &format!("\n  and {} more", sentences.len() - LISTED);
    }
    list
}
