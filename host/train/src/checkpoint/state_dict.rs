//! The state dict in a pickle: on its own, or where trainers keep it within their checkpoints. Owns the keys; makes no
//! tensor.

use std::collections::{BTreeMap, HashSet};

use anyhow::{Result, bail};

use super::pickle::{Pickle, Value};

/// The keys under which trainers keep a state dict; the first that is there wins. SuperGradients has `net` beside `ema_net`
/// and loads the former. PyTorch Lightning has `state_dict`, torchvision's references have `model` and `model_ema`, timm
/// has `state_dict` and `state_dict_ema`, Composer `state` with `model` in it, BasicSR `params` and `params_ema`.
const KEYS: [&str; 15] = [
    "net",
    "ema_net",
    "state_dict",
    "model_state_dict",
    "model",
    "module",
    "weights",
    "network",
    "params",
    "state",
    "state_dict_ema",
    "ema_state_dict",
    "model_ema",
    "params_ema",
    "ema",
];

/// The deepest that a state dict may lie.
const DEPTH: usize = 4;
/// Keys that a message lists.
const LISTED: usize = 5;

/// A state dict, and where it was.
pub(super) struct StateDict<'a> {
    pub(super) entries: BTreeMap<&'a str, &'a Value>,
    /// The keys that lead to it, such as `model.state_dict`; empty if it is the file's whole content.
    pub(super) place: String,
    /// Other keys beside the last that have one too.
    pub(super) beside: Vec<String>,
}

/// Finds the state dict.
///
/// # Errors
/// None under a known key; the message names the keys that have tensors.
pub(super) fn find(pickle: &Pickle) -> Result<StateDict<'_>> {
    let mut search = Search {
        pickle,
        seen: HashSet::new(),
    };
    if let Some(found) = search.within(&pickle.root, DEPTH) {
        return Ok(found);
    }
    let entries = pickle.entries(&pickle.root);
    let all = keys_with_tensors(pickle, &entries);
    match all.is_empty() {
        true => bail!(
            "it holds no state dict\nhint: save one in Python with `torch.save(network.state_dict(), FILE)`"
        ),
        false => bail!(
            "it holds no state dict where trainers keep one, but tensors under {}\n\
             hint: save the right one alone, in Python with `torch.save(torch.load(FILE)[KEY], \"weights.pth\")`",
            listed(&all)
        ),
    }
}

struct Search<'a> {
    pickle: &'a Pickle,
    /// The dicts that were looked into: a file may have one in many places, or within itself.
    seen: HashSet<usize>,
}

impl<'a> Search<'a> {
    /// The value if it is a dict of tensors, or before that the first one that it has under a known key.
    fn within(&mut self, value: &'a Value, depth: usize) -> Option<StateDict<'a>> {
        let Value::Dict(index) = value else {
            return None;
        };
        if depth == 0 || !self.seen.insert(*index) {
            return None;
        }
        let entries = self.pickle.entries(value);
        for key in KEYS {
            let inner = entries.get(key).copied();
            if let Some(found) = inner.and_then(|inner| self.within(inner, depth - 1)) {
                let beside = self.beside(&entries, key);
                return Some(found.below(key, beside));
            }
        }
        has_tensors(&entries).then_some(StateDict {
            entries,
            place: String::new(),
            beside: Vec::new(),
        })
    }

    /// The known keys but `taken` that have tensors.
    fn beside(&self, entries: &BTreeMap<&str, &Value>, taken: &str) -> Vec<String> {
        let mut keys = keys_with_tensors(self.pickle, entries);
        keys.retain(|key| key != taken && KEYS.contains(&key.as_str()));
        keys
    }
}

impl StateDict<'_> {
    fn below(mut self, key: &str, beside: Vec<String>) -> Self {
        self.place = match self.place.as_str() {
            "" => key.to_owned(),
            inner => format!("{key}.{inner}"),
        };
        self.beside.extend(beside);
        self
    }

    /// A line about the choice, if there was one.
    pub(super) fn choice(&self) -> Option<String> {
        let place = &self.place;
        match (place.is_empty(), self.beside.is_empty()) {
            (true, _) => None,
            (false, true) => Some(format!("the state dict `{place}` is taken")),
            (false, false) => Some(format!(
                "the state dict `{place}` is taken, of several: it has {} too",
                listed(&self.beside)
            )),
        }
    }
}

fn has_tensors(entries: &BTreeMap<&str, &Value>) -> bool {
    let mut values = entries.values();
    values.any(|value| matches!(value, Value::Tensor(_) | Value::Foreign(..)))
}

/// The keys of the dicts that have tensors.
fn keys_with_tensors(pickle: &Pickle, entries: &BTreeMap<&str, &Value>) -> Vec<String> {
    let mut keys = Vec::new();
    let mut seen = HashSet::new();
    for (key, value) in entries {
        let is_new = matches!(value, Value::Dict(index) if seen.insert(*index));
        if is_new && has_tensors(&pickle.entries(value)) {
            keys.push((*key).to_owned());
        }
    }
    keys
}

fn listed(keys: &[String]) -> String {
    let first = keys.iter().take(LISTED);
    let shown: Vec<String> = first
        .map(|key| format!("`{}`", key.escape_debug()))
        .collect();
    let more = match keys.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}
