//! Values that one callback has logged in a run, and the first difference between two runs.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use phasebox_files::{json, regular_file};
use phasebox_train::logger::RunFolder;
use serde_json::Value;

/// The most bytes of a run's log that are compared.
const MOST_LOGGED: u64 = 256 << 20;

/// Values that one callback has logged, in order.
pub(super) struct LoggedValues {
    values: Vec<LoggedValue>,
    /// The last step at which anybody logged.
    pub(super) last_step: u64,
}

struct LoggedValue {
    name: String,
    step: u64,
    value: String,
}

/// The part of a run that another is compared with.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) first_step: u64,
    pub(super) last_step: u64,
    /// Nothing came after it.
    pub(super) is_whole: bool,
    /// The last step of a log that may lack values from there on: its run was killed, or goes on.
    pub(super) torn_at: Option<u64>,
}

impl LoggedValues {
    /// The values of `callback` in a run's log from a byte on, without the times at which they were logged.
    pub(super) fn of(run: &RunFolder, callback: &str, from: u64) -> Result<LoggedValues> {
        let path = run.metrics();
        let text = regular_file::read(&path, MOST_LOGGED)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let text = text.get(usize::try_from(from)?..).unwrap_or_default();
        let beginning = format!("{callback}/");
        let (mut values, mut last_step) = (Vec::new(), 0);
        // The last line of a run that was killed may be torn.
        let lines = text.split(|byte| *byte == b'\n');
        for mut line in lines.filter_map(|line| json::parse(line).ok()) {
            let name = line["name"].as_str().unwrap_or_default().to_owned();
            let step = line["step"].as_u64().unwrap_or_default();
            last_step = last_step.max(step);
            if name.starts_with(&beginning) {
                values.push(LoggedValue {
                    step,
                    value: value_of(&mut line),
                    name,
                });
            }
        }
        Ok(LoggedValues { values, last_step })
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The first values, a line each.
    pub(super) fn lines(&self, most: usize) -> Vec<String> {
        let shown = self.values.iter().take(most);
        let shown = shown.map(|value| format!("{} at {}: {}", value.name, value.step, value.value));
        let left = self.len().saturating_sub(most);
        let more = (left > 0).then(|| format!("… and {left} more"));
        shown.chain(more).collect()
    }

    /// The first place at which `now` differs from what was logged before, in words.
    pub(super) fn difference(&self, now: &LoggedValues, extent: Extent) -> Option<String> {
        let (before, now) = (self.by_name(extent), now.by_name(extent));
        let names = before.keys().chain(now.keys());
        let none = Vec::new();
        let differences = names.filter_map(|name| {
            let of = |values: &BTreeMap<_, _>| -> Vec<&LoggedValue> {
                values.get(name).unwrap_or(&none).clone()
            };
            first_difference(name, &of(&before), &of(&now), extent)
        });
        differences.min().map(|(_, words)| words)
    }

    fn by_name(&self, extent: Extent) -> BTreeMap<&str, Vec<&LoggedValue>> {
        let mut names: BTreeMap<&str, Vec<&LoggedValue>> = BTreeMap::new();
        let steps = extent.first_step..=extent.last_step;
        for value in self
            .values
            .iter()
            .filter(|value| steps.contains(&value.step))
        {
            names.entry(&value.name).or_default().push(value);
        }
        names
    }
}

/// The value of a line of the log: whatever is not its place.
fn value_of(line: &mut Value) -> String {
    if let Some(keys) = line.as_object_mut() {
        for key in ["step", "epoch", "time", "name"] {
            keys.remove(key);
        }
        if let Some(value) = keys.get("value") {
            return value.to_string();
        }
    }
    line.to_string()
}

fn first_difference(
    name: &str,
    before: &[&LoggedValue],
    now: &[&LoggedValue],
    extent: Extent,
) -> Option<(u64, String)> {
    let pairs = before.iter().zip(now);
    let mut differing = pairs.filter(|(a, b)| (a.step, &a.value) != (b.step, &b.value));
    if let Some((before, now)) = differing.next() {
        let (was, is) = (&before.value, &now.value);
        let step = before.step;
        return Some((
            step,
            match step == now.step {
                true => format!("{name} at step {step}: {is} in place of {was}"),
                false => format!(
                    "{name}: {is} at step {} in place of {was} at step {step}",
                    now.step
                ),
            },
        ));
    }
    let (short, long) = (before.len().min(now.len()), before.len().max(now.len()));
    let is_cut = |value: &LoggedValue| !extent.is_whole && value.step == extent.last_step;
    match (before.get(short), now.get(short)) {
        _ if short == long => None,
        (Some(value), _) if is_cut(value) => None,
        (Some(value), _) => Some((
            value.step,
            format!(
                "{name}: no value at step {} in place of {}",
                value.step, value.value
            ),
        )),
        (None, Some(value)) if extent.torn_at.is_some_and(|step| value.step >= step) => None,
        (_, Some(value)) => Some((
            value.step,
            format!(
                "{name}: {} at step {}, where there was none",
                value.value, value.step
            ),
        )),
        (None, None) => None,
    }
}
