//! How a run went, for people and machines: `summary.json` in the run's folder. Owns the form of it, not the numbers.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use phasebox_contract::limits::{Limit, Limits, Usage};
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::{json, regular_file};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{RecordedSteps, Trainer};
use crate::callback::{CallbackReport, Failure};
use crate::control::Request;
use crate::logger::RunFolder;
use crate::number::{self, Number};
use crate::outcome::Ending;

/// The version of `summary.json`; docs/formats.md says what changed with each. That of 0.1.0 has none written in it.
const SCHEMA: u64 = 2;
/// The most bytes of a summary.
const MOST_BYTES: u64 = 64 << 20;

/// A run, looked back upon. Fields that an older phasebox did not write are empty.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
#[serde(default)]
pub struct Summary {
    /// The version of the form; 0 for 0.1.0, which wrote none.
    pub schema: u64,
    /// The best validation; none without one.
    pub best: Option<Best>,
    /// The metrics computed last, by name; those that are not finite are texts, as in `metrics.jsonl`.
    #[serde(rename = "final")]
    pub last: Map<String, Value>,
    /// The part of the data that they are about, as `metrics.jsonl` names it: `valid`, `test`; empty if none was computed.
    #[serde(rename = "final_of")]
    pub last_of: String,
    /// Epochs completed.
    pub epochs: u32,
    /// Optimizer steps, earlier parts of a resumed run included.
    pub steps: u64,
    /// Time spent, earlier parts included.
    pub train_seconds: f64,
    /// Optimizer steps of this part in a second.
    pub steps_per_second: f64,
    /// "completed", "stopped: …", "interrupted" or "failed: …".
    pub stop_reason: String,
    /// "cpu", "cuda:0".
    pub device: String,
    /// Waits for the device, of the loop and its callbacks, in a step of this part: they keep the CPU from running
    /// ahead.
    pub syncs_per_step: f64,
    /// How much was replayed from recordings, and why not more.
    pub recorded_steps: RecordedSteps,
    /// The requests of callbacks to the trainer; the first thousand.
    #[serde(rename = "asked")]
    pub requests: Vec<Request>,
    /// The callbacks, in order.
    #[serde(rename = "plugins")]
    pub callbacks: Vec<CallbackSummary>,
    /// The run's folder.
    pub run: PathBuf,
}

/// The best validation of a run.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Best {
    /// The watched metric.
    pub metric: String,
    /// Its value.
    #[serde(with = "number")]
    pub value: f64,
    /// The epoch of it, from 0.
    pub epoch: u32,
}

/// A callback, its work and its cost.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
#[serde(default)]
pub struct CallbackSummary {
    /// Its name in the run.
    pub name: String,
    /// Its component's file, or "native".
    pub source: String,
    /// Digest of the file, in hex; empty for native callbacks.
    pub sha256: String,
    /// Its rights beyond reading without a sync and logging.
    pub grants: Vec<String>,
    /// Calls of phases.
    pub calls: u64,
    /// How long calls took, host functions included.
    pub call_us: Microseconds,
    /// Host functions called.
    pub crossings: u64,
    /// Tensor operations started.
    pub launches: u64,
    /// Waits for the device.
    pub syncs: u64,
    /// Bytes copied between device and callback.
    pub bytes_copied: u64,
    /// Handles it held at the end.
    pub live_handles: u64,
    /// The most linear memory it had.
    pub peak_memory_bytes: u64,
    /// For each limit by its key: the limit, the most that was used, how often more was refused.
    pub limits: Map<String, Value>,
    /// Its failures and returns; the first hundred.
    pub failures: Vec<Failure>,
    /// How many more there were.
    pub more_failures: u64,
    /// Panics of host functions it called: faults of phasebox.
    pub host_panics: u64,
}

/// Durations of calls in microseconds; p50 and p95 to 20 %.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
pub struct Microseconds {
    /// Half of all are shorter.
    pub p50: f64,
    /// 95 of 100 are shorter.
    pub p95: f64,
    /// The longest, exactly.
    pub max: f64,
}

impl Summary {
    /// True if a signal ended the run.
    pub fn is_interrupted(&self) -> bool {
        self.stop_reason == Ending::Interrupted.to_string()
    }

    /// True if the run came to its end, by itself or because a callback asked for it.
    pub(super) fn has_ended(&self) -> bool {
        let reason = &self.stop_reason;
        *reason == Ending::Completed.to_string() || reason.starts_with("stopped: ")
    }

    /// The metrics computed last; NaN for one that is no number, as 0.1.0 wrote it.
    fn last_values(&self) -> Vec<(&str, f64)> {
        let last = self.last.iter();
        last.map(|(name, value)| (name.as_str(), Number::of(value).unwrap_or(f64::NAN)))
            .collect()
    }

    /// The metrics computed last, for people: `test/loss 0.2310  test/Accuracy 0.9352`.
    pub fn last_line(&self) -> String {
        let prefix = match self.last_of.as_str() {
            "" => String::new(),
            part => format!("{part}/"),
        };
        let last = self.last_values().into_iter();
        let last: Vec<String> = last
            .map(|(name, value)| format!("{prefix}{name} {value:.4}"))
            .collect();
        last.join("  ")
    }

    /// The summary of a run that has ended.
    ///
    /// # Errors
    /// If there is no summary, because the run goes on or was killed, or the file is not one, or of a newer phasebox.
    pub fn read(run: &RunFolder) -> Result<Summary> {
        let path = run.summary();
        let text = regular_file::read(&path, MOST_BYTES).with_context(|| match path.exists() {
            true => format!("cannot read {}", path.display()),
            false => format!("no {}: the run goes on, or was killed", path.display()),
        })?;
        let not_one = || format!("{} is not a summary", path.display());
        let json = json::parse(&text).with_context(not_one)?;
        let schema = json["schema"].as_u64().unwrap_or(1);
        ensure!(
            schema <= SCHEMA,
            "{} was made by a newer phasebox: it has schema {schema}, this phasebox reads up to {SCHEMA}; use that one, \
             or a newer",
            path.display()
        );
        serde_json::from_value(json).with_context(not_one)
    }
}

impl Trainer {
    /// Writes the summary and shows it.
    pub(super) fn summarize(&mut self, ending: &Ending) -> Result<Summary> {
        let summary = self.summary(ending);
        let value = serde_json::to_value(&summary)?;
        let text = json::pretty(&value)?;
        atomic_file::write_file(&self.run.summary(), text.as_bytes(), Durability::Process)
            .context("the summary cannot be written")?;
        self.progress.finish(&value);
        Ok(summary)
    }

    fn summary(&self, ending: &Ending) -> Summary {
        let context = &*self.context;
        let seconds_here = context.started.elapsed().as_secs_f64();
        let steps_here = context.global_step - self.steps_at_start;
        let callbacks = self.callback_summaries();
        let in_callbacks: u64 = callbacks.iter().map(|callback| callback.syncs).sum();
        let syncs = self.syncs + self.loss_watch.syncs() + in_callbacks;
        Summary {
            schema: SCHEMA,
            best: self.best(),
            last: json_object(&context.metrics_dict),
            last_of: self.metrics_of.clone(),
            epochs: self.position.epoch,
            steps: context.global_step,
            train_seconds: context.elapsed().as_secs_f64(),
            steps_per_second: steps_here as f64 / seconds_here.max(1e-9),
            stop_reason: ending.to_string(),
            device: crate::device::name(context.device),
            syncs_per_step: syncs as f64 / steps_here.max(1) as f64,
            recorded_steps: self.recordings.report(),
            requests: context.control.history.clone(),
            callbacks,
            run: self.run.path().to_owned(),
        }
    }

    fn best(&self) -> Option<Best> {
        Some(Best {
            metric: self.context.run.metric_to_watch.clone(),
            value: self.context.best_metric?,
            epoch: self.context.best_epoch?,
        })
    }

    pub(super) fn callback_summaries(&self) -> Vec<CallbackSummary> {
        let reports = self.callbacks.reports().into_iter();
        reports.map(CallbackSummary::from).collect()
    }
}

/// Metrics as they stand in JSON.
pub(super) fn json_object(metrics: &[(String, f64)]) -> Map<String, Value> {
    let metrics = metrics.iter();
    metrics
        .map(|(name, value)| (name.clone(), any_number(*value)))
        .collect()
}

fn any_number(value: f64) -> Value {
    serde_json::to_value(Number(value)).unwrap_or_default()
}

fn limits_by_key((limits, usage): (Limits, Usage)) -> Map<String, Value> {
    let mut rows = Map::new();
    for limit in Limit::ALL {
        let row = serde_json::json!({
            "limit": limit.to_json(limits[limit]),
            "peak": limit.to_json(usage.peak(limit)),
            "refused": usage.refused(limit),
        });
        rows.insert(limit.key().to_owned(), row);
    }
    rows
}

/// To a hundredth of a microsecond.
fn microseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e8).round() / 100.0
}

impl From<CallbackReport> for CallbackSummary {
    fn from(report: CallbackReport) -> CallbackSummary {
        let counters = report.counters;
        CallbackSummary {
            name: report.name,
            source: report.source,
            sha256: report.sha256,
            grants: report.grants,
            calls: counters.calls,
            call_us: Microseconds {
                p50: microseconds(counters.call_time.percentile(0.5)),
                p95: microseconds(counters.call_time.percentile(0.95)),
                max: microseconds(counters.call_time.max()),
            },
            crossings: counters.crossings,
            launches: counters.launches,
            syncs: counters.syncs,
            bytes_copied: counters.bytes_copied,
            live_handles: report.live_handles,
            peak_memory_bytes: report.peak_memory_bytes,
            limits: report.limits.map(limits_by_key).unwrap_or_default(),
            failures: report.failures.0,
            more_failures: report.failures.1,
            host_panics: counters.host_panics,
        }
    }
}
