//! Changes and requests of a callback during a replay, where nothing of it is obeyed. Owns the words and the counts.

use std::collections::BTreeMap;

use anyhow::Result;
use serde_json::{Map, Value};

use super::apply::Position;
use super::capture::{self, groups, settings, tensors_of};
use super::event::Numbers;
use super::part::{Part, Parts};
use super::tensors::Copy;
use crate::context::Context;

/// The most different lines that are kept.
const MOST_LINES: usize = 200;

/// Lines about what was asked for, each with its count and its first place.
#[derive(Default)]
pub(super) struct Asked {
    lines: Vec<Line>,
    more: u64,
}

struct Line {
    what: String,
    count: u64,
    first: String,
}

impl Asked {
    fn add(&mut self, what: String, context: &Context) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.what == what) {
            line.count += 1;
            return;
        }
        if self.lines.len() == MOST_LINES {
            self.more += 1;
            return;
        }
        self.lines.push(Line {
            what,
            count: 1,
            first: place(context),
        });
    }

    /// Takes the requests that the last call made out of the context.
    pub(super) fn take_requests(&mut self, context: &mut Context) -> Result<()> {
        context.control.check_conditions()?;
        for request in std::mem::take(&mut context.control.history) {
            let reason = match request.reason.as_str() {
                "" => String::new(),
                reason => format!(": {reason}"),
            };
            self.add(format!("{}{reason}", request.verb), context);
        }
        for tag in std::mem::take(&mut context.control.checkpoints) {
            self.add(format!("the checkpoint `ckpt_{tag}`"), context);
        }
        Ok(())
    }

    /// The lines, in the order in which they came first.
    pub(super) fn into_lines(self) -> Vec<String> {
        let lines = self.lines.into_iter().map(|line| match line.count {
            1 => format!("{} ({})", line.what, line.first),
            count => format!("{}, {count} times (first {})", line.what, line.first),
        });
        let more = (self.more > 0).then(|| format!("… and {} more", self.more));
        lines.chain(more).collect()
    }
}

/// The moment of the line in progress, for people.
pub(super) fn place(context: &Context) -> String {
    let phase = context.phase;
    let epoch = context.epoch.map(|epoch| format!(", epoch {epoch}"));
    let batch = context.batch_idx.map(|batch| format!(", batch {batch}"));
    let (epoch, batch) = (epoch.unwrap_or_default(), batch.unwrap_or_default());
    format!("at {phase}{epoch}{batch}")
}

/// The values that a callback may change, by its grants.
pub(super) struct May {
    tensors: Parts,
    optimizer: bool,
    settings: bool,
    frozen: bool,
}

impl May {
    pub(super) fn of(grants: &[String]) -> May {
        let has = |name: &str| grants.iter().any(|grant| grant == name);
        let rows = [
            ("inputs", &[Part::Inputs, Part::Additional][..]),
            ("target", &[Part::Target]),
            ("loss", &[Part::Loss]),
            ("gradients", &[Part::Gradients]),
            ("passes", &[Part::Gradients]),
            ("parameters", &[Part::Parameters, Part::Buffers]),
        ];
        let parts = rows.into_iter().filter(|(grant, _)| has(grant));
        May {
            tensors: parts.flat_map(|(_, parts)| parts.iter().copied()).collect(),
            optimizer: has("optimizer"),
            settings: has("criterion") || has("loaders"),
            frozen: has("parameters"),
        }
    }
}

/// The values that a callback may change, before its call.
pub(super) struct Before(Vec<(Part, Vec<Copy>)>);

impl Before {
    pub(super) fn of(may: &May, keeps: Parts, context: &Context) -> Result<Before> {
        let mut parts = Vec::new();
        for part in may.tensors.iter().filter(|part| keeps.contains(*part)) {
            parts.push((part, copies(part, context)?));
        }
        Ok(Before(parts))
    }

    /// Notes what the call has changed, and puts back what is no tensor. Answers the parts whose tensors have to be put
    /// back.
    pub(super) fn compare(
        self,
        may: &May,
        position: &Position,
        context: &mut Context,
        asked: &mut Asked,
    ) -> Result<Parts> {
        let mut changed = Parts::default();
        for (part, before) in self.0 {
            if let Some(name) = first_difference(&before, &copies(part, context)?) {
                changed.insert(part);
                let name = if name.is_empty() {
                    ""
                } else {
                    &format!(", first `{name}`")
                };
                asked.add(
                    format!("other values of {}{name}", part.in_words()),
                    context,
                );
            }
        }
        if may.optimizer {
            let now = groups(context.optimizer.as_ref())?;
            let others = other_numbers(&position.groups, &now);
            others.into_iter().for_each(|what| asked.add(what, context));
            position.set_groups(context)?;
        }
        if may.settings {
            let others = other_settings(&position.settings, &settings(context)?);
            others.into_iter().for_each(|what| asked.add(what, context));
            position.set_settings(context)?;
        }
        if may.frozen && capture::frozen(context) != position.frozen {
            asked.add("other parameters to be frozen".to_owned(), context);
            position.set_frozen(context)?;
        }
        Ok(changed)
    }
}

fn copies(part: Part, context: &Context) -> Result<Vec<Copy>> {
    let tensors = tensors_of(part, context).into_iter();
    tensors
        .map(|(name, tensor)| Copy::of(&name, &tensor))
        .collect()
}

/// The name of the first tensor that differs.
fn first_difference(before: &[Copy], after: &[Copy]) -> Option<String> {
    let pair = before
        .iter()
        .zip(after)
        .find(|(before, after)| before != after);
    match pair {
        Some((_, after)) => Some(after.name.clone()),
        None => (before.len() != after.len()).then(String::new),
    }
}

fn other_numbers(
    wanted: &BTreeMap<String, Numbers>,
    now: &BTreeMap<String, Numbers>,
) -> Vec<String> {
    let mut others = Vec::new();
    for (group, numbers) in now {
        for (name, value) in numbers {
            let known = wanted.get(group).and_then(|numbers| numbers.get(name));
            if let Some(known) = known.filter(|known| *known != value) {
                others.push(format!(
                    "`{name}` of group `{group}`: {} in place of {}",
                    value.0, known.0
                ));
            }
        }
    }
    others
}

fn other_settings(
    wanted: &BTreeMap<String, Map<String, Value>>,
    now: &BTreeMap<String, Map<String, Value>>,
) -> Vec<String> {
    let mut others = Vec::new();
    for (part, values) in now {
        for (key, value) in values {
            let known = wanted.get(part).and_then(|values| values.get(key));
            if let Some(known) = known.filter(|known| *known != value) {
                others.push(format!("`{key}` of {part}: {value} in place of {known}"));
            }
        }
    }
    others
}
