//! Entries of `phase_callbacks`, and what the parameters of stock callbacks come to in this run.

use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{LoopUnit, When};
use phasebox_recipe::{CallbackEntry, Location, Node, Note};
use serde_json::Value;

use super::Facts;
use crate::assemble::callbacks::PlannedCallback;
use crate::assemble::watched::is_off;

/// Keys of entries that do nothing.
pub(super) fn entry_notes(facts: &Facts<'_>) -> Vec<Note> {
    let entries = facts.training().phase_callbacks.iter();
    let planned = entries.filter_map(|entry| Some((entry, planned(facts, entry)?)));
    planned
        .flat_map(|(entry, callback)| notes_of(facts, entry, callback))
        .collect()
}

fn planned<'a>(facts: &'a Facts<'_>, entry: &CallbackEntry) -> Option<&'a PlannedCallback> {
    let mut callbacks = facts.callbacks.iter();
    callbacks.find(|callback| callback.name() == entry.name)
}

fn notes_of(facts: &Facts<'_>, entry: &CallbackEntry, callback: &PlannedCallback) -> Vec<Note> {
    let when = rare_calls(entry.when, callback).or_else(|| late_calls(facts, entry.when));
    let when = when.map(|reason| ("when".to_owned(), reason));
    let rows = STOCK.iter().filter(|(file, ..)| callback.is_stock(file));
    let params = rows.filter_map(|(_, key, reason)| {
        let reason = reason(facts, callback.params())?;
        Some((format!("{}{key}", entry.name), reason))
    });
    let said = when.into_iter().chain(params);
    let note = |(key, reason): (String, String)| Note {
        location: place(&entry.written, &key).clone(),
        text: format!("`{key}` has no effect: {reason}"),
    };
    said.map(note)
        .chain(will_be_denied(entry, callback))
        .collect()
}

/// An import that its `describe` asks no grant for.
fn will_be_denied(entry: &CallbackEntry, callback: &PlannedCallback) -> Option<Note> {
    let (function, grant) = callback.denied()?;
    let function = function.rsplit('.').next().unwrap_or(function);
    let text = format!(
        "callback `{}` imports `{function}`, which will be denied: its `describe` does not ask for the grant `{grant}`; if it \
         may {allows}, write `grants: [{grant}]` in its entry (the long form: `- wasm: …`), if not, `grants: []`",
        entry.name,
        grant = grant.name(),
        allows = grant.allows(),
    );
    Some(Note {
        location: entry.written.location.clone(),
        text,
    })
}

/// The line of a key of an entry, which may stand below the callback's name; that of the entry if the key is not written.
fn place<'a>(written: &'a Node, path: &str) -> &'a Location {
    let key = path.rsplit('.').next().unwrap_or_default();
    let below = written
        .entries()
        .iter()
        .flat_map(|entry| entry.value.entries());
    let mut all = written.entries().iter().chain(below);
    let found = all.find(|entry| entry.key == key);
    found.map_or(&written.location, |entry| &entry.location)
}

/// True if calls at `phase` can be counted by `unit`.
fn is_counted(unit: LoopUnit, phase: Phase) -> bool {
    let is_training = PhaseSet::TRAIN_BATCH.contains(phase);
    match unit {
        LoopUnit::Epoch => true,
        LoopUnit::Step => is_training,
        LoopUnit::Batch => is_training || phase.is_in_evaluation_batch(),
    }
}

/// A filter by steps or batches of a callback that no batch calls.
fn rare_calls(when: When, callback: &PlannedCallback) -> Option<String> {
    let mut phases = callback.phases().iter();
    if when.every <= 1 || phases.any(|phase| is_counted(when.unit, phase)) {
        return None;
    }
    let name = callback.name();
    Some(format!(
        "no batch calls the callback `{name}`; count `unit: epoch`"
    ))
}

/// A number that the run never comes to: the first call alone is a multiple of it.
fn late_calls(facts: &Facts<'_>, when: When) -> Option<String> {
    let built = facts.built;
    let (most, of) = match when.unit {
        LoopUnit::Epoch => (facts.training().max_epochs, "epochs of the run"),
        LoopUnit::Step => (facts.steps(), "steps of the run"),
        LoopUnit::Batch => {
            let test = built.test_loader.as_ref().map_or(0, |test| test.batches());
            let most = [
                built.train_loader.batches(),
                built.valid_loader.batches(),
                test,
            ];
            (most.into_iter().max().unwrap_or(0), "batches of a pass")
        }
    };
    let every = when.every;
    (every > most)
        .then(|| format!("`every: {every}` is beyond {most}, the {of}: 0 alone is a multiple"))
}

/// A stock callback's file, one of its parameters or nothing for the whole, and when that does nothing.
type Row = (
    &'static str,
    &'static str,
    fn(&Facts<'_>, &Value) -> Option<String>,
);

const STOCK: &[Row] = &[
    ("early-stopping", "", never_given),
    ("early-stopping", ".patience", long_patience),
    ("ema", "", beside_average),
    ("ema", ".beta", not_exponential),
    (
        "detection-visualization",
        ".last_img_idx_in_batch",
        beyond_batch,
    ),
    (
        "extreme-batch-detection-visualization",
        ".loss_to_monitor",
        left_off,
    ),
    ("lr-warmup-cosine", "", overridden),
    (
        "training-stage-switch",
        ".next_stage_start_epoch",
        first_stage,
    ),
];

fn beside_average(facts: &Facts<'_>, _: &Value) -> Option<String> {
    let reason = "with `ema: true` validation takes the average of the loop; keep one of them";
    facts.training().ema.then(|| reason.to_owned())
}

/// More images than a batch has.
fn beyond_batch(facts: &Facts<'_>, params: &Value) -> Option<String> {
    let count = params["last_img_idx_in_batch"].as_u64()?;
    let loader = match params["phase"].as_str() {
        Some("on-train-batch-end") => &facts.built.train_loader,
        Some("on-test-batch-end") => facts.built.test_loader.as_ref()?,
        _ => &facts.built.valid_loader,
    };
    let size = loader.batch_size() as u64;
    (count > size).then(|| format!("a batch has {size} images, and all of them are drawn"))
}

/// A part of the loss that is 0 throughout, and no batch the most extreme.
fn left_off(facts: &Facts<'_>, params: &Value) -> Option<String> {
    let part = params["loss_to_monitor"].as_str()?;
    let mut callbacks = facts.callbacks.iter();
    let is_switched = callbacks.any(|callback| callback.is_stock("training-stage-switch"));
    let is_off = is_off(facts.built, part) && !is_switched;
    is_off.then(|| "`use_l1` is off, and the part is 0 in every batch".to_owned())
}

/// A later callback of the kind sets the rate after this one.
fn overridden(facts: &Facts<'_>, params: &Value) -> Option<String> {
    let of_kind = facts.callbacks.iter();
    let mut of_kind = of_kind.filter(|callback| callback.is_stock("lr-warmup-cosine"));
    let last = of_kind.next_back()?;
    let is_last = std::ptr::eq(last.params(), params);
    (!is_last).then(|| format!("`{}` sets the rate after it; keep one of them", last.name()))
}

/// A switch before the first batch.
fn first_stage(_: &Facts<'_>, params: &Value) -> Option<String> {
    let is_first = params["next_stage_start_epoch"].as_u64() == Some(0);
    is_first.then(|| {
        "at 0 there is no first stage: the run has the settings of the second from its beginning"
            .to_owned()
    })
}

fn not_exponential(_: &Facts<'_>, params: &Value) -> Option<String> {
    let kind = params["decay_type"].as_str().unwrap_or("exp");
    let is_read = kind == "exp" || params["beta"].is_null();
    (!is_read).then(|| format!("`decay_type` is `{kind}`; `exp` reads it"))
}

const TRAIN: &str = "on-train-loader-end";

/// A metric that `strict: false` lets be missing, and that nobody computes.
fn never_given(facts: &Facts<'_>, params: &Value) -> Option<String> {
    let monitor = params["monitor"].as_str()?;
    let phase = params["phase"]
        .as_str()
        .unwrap_or("on-validation-loader-end");
    let metrics = &facts.built.metrics;
    let computed = match phase {
        TRAIN => metrics.train.names(),
        _ => metrics.validation.names(),
    };
    let mut published = facts.callbacks.iter().flat_map(PlannedCallback::metrics);
    // A callback may publish more at train loaders than it lists.
    let is_given = computed.iter().any(|name| name == monitor)
        || published.any(|name| name == monitor)
        || (phase == TRAIN && monitor.contains('/'));
    (!is_given).then(|| format!("nobody gives the metric `{monitor}` at {phase}"))
}

/// More checks than the run has.
fn long_patience(facts: &Facts<'_>, params: &Value) -> Option<String> {
    let patience = params["patience"].as_u64()?;
    let first = params["start_from_epoch"].as_u64().unwrap_or(0);
    let epochs = facts.training().max_epochs;
    let every = match params["phase"].as_str() {
        Some(TRAIN) => 1,
        _ => facts.training().evaluation.run_validation_freq.max(1),
    };
    // The last epoch is always checked.
    let before_last = (epochs.saturating_sub(1) / every).saturating_sub(first / every);
    let checks = before_last + 1;
    (patience >= checks)
        .then(|| format!("the run has {checks} checks, and the first of them sets the best"))
}
