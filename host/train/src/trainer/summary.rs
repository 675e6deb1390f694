//! How a run went, for people and machines: `summary.json` in the run's folder.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use phasebox_contract::limits::{Limit, Limits, Usage};
use phasebox_files::atomic_file::{self, Durability};
use serde::{Deserialize, Serialize};

use super::{RecordedSteps, Trainer};
use crate::callback::{CallbackReport, Failure};
use crate::control::Ask;
use crate::logger::RunFolder;

/// A run, looked back upon. What an older phasebox did not write is empty.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
#[serde(default)]
pub struct Summary {
    /// The best validation; none without one.
    pub best: Option<Best>,
    /// The metrics computed last, by name.
    #[serde(rename = "final")]
    pub last: serde_json::Map<String, serde_json::Value>,
    /// Epochs completed.
    pub epochs: u32,
    /// Optimizer steps, earlier parts of a resumed run included.
    pub steps: u64,
    /// Time spent, earlier parts included.
    pub train_seconds: f64,
    /// Of this part.
    pub steps_per_second: f64,
    /// "completed", "stopped: …", "interrupted" or "failed: …".
    pub stop_reason: String,
    /// "cpu", "cuda:0".
    pub device: String,
    /// Waits for the device, of the loop and its callbacks, a step of this part: what keeps the CPU from running ahead.
    #[serde(default)]
    pub syncs_per_step: f64,
    /// What was repeated from recordings, and why not more.
    #[serde(default)]
    pub recorded_steps: RecordedSteps,
    /// What was asked of the trainer, by whom and why; the first thousand.
    pub asked: Vec<Ask>,
    /// The callbacks, in order.
    pub plugins: Vec<PluginSummary>,
    /// Where the run lies.
    pub run: PathBuf,
}

/// The best validation of a run.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub struct Best {
    /// The watched metric.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// From 0.
    pub epoch: u32,
}

/// What one callback was and did.
#[derive(Serialize, Deserialize, Default, Clone, Debug)]
#[serde(default)]
pub struct PluginSummary {
    /// In the run.
    pub name: String,
    /// Its file, or "native".
    pub source: String,
    /// Of the file; empty for native callbacks.
    pub sha256: String,
    /// What it might do beyond reading and logging.
    pub grants: Vec<String>,
    /// Calls of phases.
    pub calls: u64,
    /// Whole calls, host functions included.
    pub call_us: Microseconds,
    /// Host functions called.
    pub crossings: u64,
    /// Tensor operations started.
    pub launches: u64,
    /// Waits for the device.
    pub syncs: u64,
    /// Between device and guest.
    pub bytes_copied: u64,
    /// Handles at the end.
    pub live_handles: u64,
    /// Linear memory at its largest.
    pub peak_memory_bytes: u64,
    /// For each limit by its key: what it is, the most that was used, how often more was refused.
    pub limits: serde_json::Map<String, serde_json::Value>,
    /// When and why it failed, and what was done about it; the first hundred.
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
    /// Whether a signal ended it.
    pub fn is_interrupted(&self) -> bool {
        self.stop_reason == "interrupted"
    }

    /// The summary of a run that has ended.
    ///
    /// # Errors
    /// If there is none, because the run goes on or was killed, or it is not what phasebox writes.
    pub fn read(run: &RunFolder) -> Result<Summary> {
        let path = run.summary();
        let text = std::fs::read(&path)
            .with_context(|| format!("no {}: the run goes on, or was killed", path.display()))?;
        serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a summary", path.display()))
    }
}

impl Trainer {
    pub(super) fn summarize(&mut self, stop_reason: &str) -> Result<Summary> {
        let context = &*self.context;
        let here = context.started.elapsed().as_secs_f64();
        let watched = context.run.metric_to_watch.clone();
        let best = context.best_metric.zip(context.best_epoch);
        let steps_here = context.global_step - self.steps_at_start;
        let plugins: Vec<_> = self
            .callbacks
            .reports()
            .into_iter()
            .map(PluginSummary::from)
            .collect();
        let syncs = self.syncs + plugins.iter().map(|plugin| plugin.syncs).sum::<u64>();
        let summary = Summary {
            best: best.map(|(value, epoch)| Best {
                metric: watched,
                value,
                epoch,
            }),
            last: context
                .metrics_dict
                .iter()
                .map(|(name, value)| (name.clone(), (*value).into()))
                .collect(),
            epochs: self.position.epoch,
            steps: context.global_step,
            train_seconds: context.elapsed().as_secs_f64(),
            steps_per_second: steps_here as f64 / here.max(1e-9),
            stop_reason: stop_reason.to_owned(),
            device: crate::device::name(context.device),
            syncs_per_step: syncs as f64 / steps_here.max(1) as f64,
            recorded_steps: self.captures.report(),
            asked: context.control.history.clone(),
            plugins,
            run: self.run.path().to_owned(),
        };
        let json = serde_json::to_value(&summary)?;
        let bytes = serde_json::to_vec_pretty(&json)?;
        atomic_file::write_file(&self.run.summary(), &bytes, Durability::Process)
            .context("the summary cannot be written")?;
        self.progress.finish(&json)?;
        Ok(summary)
    }
}

fn used((limits, usage): (Limits, Usage)) -> serde_json::Map<String, serde_json::Value> {
    let row = |limit: Limit| {
        let (may, peak) = (
            limit.to_json(limits[limit]),
            limit.to_json(usage.peak(limit)),
        );
        serde_json::json!({"limit": may, "peak": peak, "refused": usage.refused(limit)})
    };
    Limit::ALL
        .into_iter()
        .map(|limit| (limit.key().to_owned(), row(limit)))
        .collect()
}

impl From<CallbackReport> for PluginSummary {
    fn from(report: CallbackReport) -> PluginSummary {
        let counters = report.counters;
        let microseconds =
            |duration: std::time::Duration| (duration.as_secs_f64() * 1e8).round() / 100.0;
        PluginSummary {
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
            limits: report.limits.map(used).unwrap_or_default(),
            failures: report.failures.0,
            more_failures: report.failures.1,
            host_panics: counters.host_panics,
        }
    }
}
