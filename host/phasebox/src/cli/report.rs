//! `phasebox report RUN`: how a run went, and what each callback did and cost. Reads the run's `summary.json`.

use std::path::PathBuf;

use clap::Args;
use phasebox_contract::printable::excerpt;
use phasebox_train::logger::RunFolder;
use phasebox_train::trainer::{CallbackSummary, RecordedSteps, Summary};

use super::Failure;
use super::print::{print, print_json};

/// Lines of what callbacks asked for; the rest is in `summary.json`.
const MAX_ASKED: usize = 20;

#[derive(Args)]
pub(super) struct Report {
    /// The run's folder.
    run: PathBuf,
    /// Show it as JSON.
    #[arg(long)]
    json: bool,
}

impl Report {
    pub(super) fn run(self) -> Result<(), Failure> {
        let summary = RunFolder::open(&self.run).and_then(|run| Summary::read(&run));
        let summary = summary.map_err(Failure::Failed)?;
        if self.json {
            print_json(&summary)
        } else {
            print(report_lines(&summary))
        }
    }
}

/// The lines that `phasebox report` prints, before texts of others in them are escaped.
pub fn report_lines(summary: &Summary) -> Vec<String> {
    let Summary {
        epochs,
        steps,
        train_seconds,
        steps_per_second,
        stop_reason,
        device,
        ..
    } = summary;
    let mut lines = vec![
        format!("run   {}", summary.run.display()),
        format!("end   {stop_reason}"),
        format!(
            "work  {epochs} epochs, {steps} steps, {train_seconds:.1} s on {device}, {steps_per_second:.1} steps/s"
        ),
    ];
    lines.extend(recorded(&summary.recorded_steps));
    if let Some(best) = &summary.best {
        lines.push(format!(
            "best  {} {:.4} (epoch {})",
            best.metric,
            best.value,
            u64::from(best.epoch) + 1
        ));
    }
    lines.push(format!("last  {}", summary.last_line()));
    lines.extend(asked(summary));
    lines.extend(callbacks(&summary.callbacks));
    lines
}

/// How many steps were replayed from recordings, and why not more.
fn recorded(steps: &RecordedSteps) -> Vec<String> {
    let RecordedSteps {
        segments,
        recordings,
        replayed_batches,
        eager_batches,
        not_recorded,
    } = steps;
    let batches = replayed_batches.saturating_add(*eager_batches);
    let first = format!(
        "step  {replayed_batches} of {batches} batches repeated from {recordings} recordings of {} segments",
        segments.len()
    );
    let reasons = not_recorded
        .iter()
        .map(|reason| format!("step  not recorded: {reason}"));
    (!segments.is_empty())
        .then_some(first)
        .into_iter()
        .chain(reasons)
        .collect()
}

fn asked(summary: &Summary) -> Vec<String> {
    let shown = summary.requests.iter().take(MAX_ASKED);
    let mut lines: Vec<String> = shown
        .map(|ask| {
            format!(
                "ask   {} by `{}` after step {}: {}",
                ask.verb, ask.by, ask.global_step, ask.reason
            )
        })
        .collect();
    let left = summary.requests.len().saturating_sub(MAX_ASKED);
    if left > 0 {
        lines.push(format!("ask   … and {left} more in summary.json"));
    }
    lines
}

/// A table: one line a callback, in their order.
pub(super) fn callbacks(callbacks: &[CallbackSummary]) -> Vec<String> {
    if callbacks.is_empty() {
        return Vec::new();
    }
    let widest = callbacks
        .iter()
        .map(|callback| excerpt(&callback.name).len())
        .max()
        .unwrap_or_default()
        .max("callback".len());
    let header = [
        "calls",
        "p50 µs",
        "p95 µs",
        "max µs",
        "crossings",
        "launches",
        "syncs",
        "copied B",
        "memory MiB",
    ];
    let mut lines = vec![row("callback", widest, &header.map(str::to_owned))];
    lines.extend(
        callbacks
            .iter()
            .map(|callback| row(&excerpt(&callback.name), widest, &columns(callback))),
    );
    lines
}

fn columns(callback: &CallbackSummary) -> [String; 9] {
    [
        callback.calls.to_string(),
        format!("{:.1}", callback.call_us.p50),
        format!("{:.1}", callback.call_us.p95),
        format!("{:.1}", callback.call_us.max),
        callback.crossings.to_string(),
        callback.launches.to_string(),
        callback.syncs.to_string(),
        callback.bytes_copied.to_string(),
        format!(
            "{:.1}",
            callback.peak_memory_bytes as f64 / f64::from(1 << 20)
        ),
    ]
}

fn row(name: &str, widest: usize, columns: &[String; 9]) -> String {
    let columns = columns.iter().map(|column| format!("{column:>11}"));
    format!("{name:<widest$}{}", columns.collect::<String>())
}
