//! The progress of a run, shown while it goes: a bar on a terminal, lines in a file, JSON for machines, or nothing. Takes
//! numbers that have arrived and never touches a tensor, so it cannot sync.
//!
//! People read standard error; JSON goes to standard output, one event per line, NaN and infinities as
//! strings as in `metrics.jsonl`:
//!
//! ```text
//! {"event":"epoch","epoch":0,"epochs":10,"step":230,"seconds":4.1,"batches_per_second":56.0,
//!     "samples_per_second":3590.2,"metrics":{"Accuracy":0.98}}
//! {"event":"end","summary":{…}}
//! ```

use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use phasebox_contract::printable::{self, Shown, one_line};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::number::Number;

/// Time between two plain lines of one epoch.
const LINE_EVERY: Duration = Duration::from_secs(10);
/// Time between two changes of the bar's numbers: as often as a person can read them.
const NUMBERS_EVERY: Duration = Duration::from_millis(100);

/// The one bar of the process: its runs follow each other on it, and messages are written above it. Invisible until an
/// epoch begins, and where there is no terminal.
static BAR: LazyLock<ProgressBar> = LazyLock::new(|| {
    let bar = ProgressBar::no_length();
    bar.finish_and_clear();
    bar
});

/// Shows how a run goes on. Where nothing can be shown, as after `| head` or on a full disk, the run goes on in silence.
pub struct Progress {
    output: Output,
    epoch: Epoch,
    /// Metrics of the epoch so far, by name.
    metrics: Vec<(String, f64)>,
}

enum Output {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send>),
    Json(Box<dyn Write + Send>),
    Silent,
}

/// The epoch that is shown.
struct Epoch {
    epoch: u64,
    epochs: u64,
    batches: Option<u64>,
    /// Batches done, those before a resume included.
    batch: u64,
    /// Batches done since `started`.
    done: u64,
    samples: u64,
    started: Instant,
    /// From `started` to the last batch: passes that follow, such as a validation, are not training.
    trained: Duration,
    shown: Instant,
}

impl Progress {
    /// A bar if standard error is a terminal; if not, a line per epoch and one every ten seconds in between.
    pub fn for_people() -> Self {
        if io::stderr().is_terminal() {
            Self::new(Output::Bar(BAR.clone()))
        } else {
            Self::new(Output::Lines(Box::new(io::stderr())))
        }
    }

    /// JSON events on standard output.
    pub fn for_machines() -> Self {
        Self::new(Output::Json(Box::new(io::stdout())))
    }

    /// Nothing at all.
    pub fn silent() -> Self {
        Self::new(Output::Silent)
    }

    /// Begins epoch `epoch` (from 0) of `epochs` at batch `next_batch`, which is not 0 for a resumed one. `batches` is the
    /// epoch's length, unknown for a stream.
    pub(crate) fn start_epoch(
        &mut self,
        epoch: u64,
        epochs: u64,
        batches: Option<u64>,
        next_batch: u64,
    ) {
        self.epoch = Epoch::new(epoch, epochs, batches, next_batch);
        if let Output::Bar(bar) = &self.output {
            bar.reset();
            bar.set_style(bar_style(batches.is_some()));
            bar.set_prefix(self.epoch.title());
            bar.set_message("");
            batches.map_or_else(|| bar.unset_length(), |batches| bar.set_length(batches));
            bar.set_position(next_batch);
            bar.reset_eta();
        }
    }

    /// Counts a batch of `samples`; `loss` is the last that has arrived from the device. Costs a look at the clock unless
    /// something is shown.
    pub(crate) fn batch(&mut self, samples: u64, loss: Option<f64>) {
        self.epoch.batch += 1;
        self.epoch.done += 1;
        self.epoch.samples += samples;
        self.epoch.trained = self.epoch.started.elapsed();
        match &mut self.output {
            Output::Bar(bar) => {
                if self.epoch.is_due(NUMBERS_EVERY) {
                    bar.set_message(self.epoch.numbers(loss));
                }
                bar.set_position(self.epoch.batch);
            }
            Output::Lines(_) if self.epoch.is_due(LINE_EVERY) => {
                self.say(&printable::shown(&self.epoch.batch_line(loss)));
            }
            Output::Lines(_) | Output::Json(_) | Output::Silent => {}
        }
    }

    /// Adds a metric, or a loss, to those that the epoch's end shows.
    pub(crate) fn add_metric(&mut self, name: String, value: f64) {
        self.metrics.push((name, value));
    }

    /// Ends the epoch after `step` optimizer steps of the run and shows its metrics in the order they came in.
    pub(crate) fn end_epoch(&mut self, step: u64) -> Result<()> {
        let metrics = std::mem::take(&mut self.metrics);
        match &mut self.output {
            Output::Bar(bar) => {
                bar.println(printable::shown(&self.epoch.end_line(&metrics)).to_string());
                bar.finish_and_clear();
            }
            Output::Lines(_) => self.say(&printable::shown(&self.epoch.end_line(&metrics))),
            Output::Json(_) => self.say(&self.epoch.end_event(step, &metrics)?),
            Output::Silent => {}
        }
        Ok(())
    }

    /// Ends the run. Machines get its summary; for people, the command line prints it.
    pub(crate) fn finish(&mut self, summary: &Value) {
        match &mut self.output {
            Output::Bar(bar) => bar.finish_and_clear(),
            Output::Json(_) => {
                let event = json!({"event": "end", "summary": summary}).to_string();
                self.say(&printable::json(&event));
            }
            Output::Lines(_) | Output::Silent => {}
        }
    }

    fn say(&mut self, line: &Shown) {
        let (Output::Lines(out) | Output::Json(out)) = &mut self.output else {
            return;
        };
        if let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) {
            self.output = Output::Silent;
            tracing::warn!("the progress can no longer be shown ({error}): the run goes on");
        }
    }

    fn new(output: Output) -> Self {
        Progress {
            output,
            epoch: Epoch::new(0, 0, None, 0),
            metrics: Vec::new(),
        }
    }
}

/// Standard error, for the program's messages: the bar is taken off the terminal while a line is written.
#[derive(Clone, Copy, Debug)]
pub struct LineWriter;

impl Write for LineWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A log that fails would want to say so, in this very place: nobody is left to be told.
        let written = BAR.suspend(|| io::stderr().write(bytes));
        Ok(written.unwrap_or(bytes.len()))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Epoch {
    fn new(epoch: u64, epochs: u64, batches: Option<u64>, next_batch: u64) -> Epoch {
        let now = Instant::now();
        Epoch {
            epoch,
            epochs,
            batches,
            batch: next_batch,
            done: 0,
            samples: 0,
            started: now,
            trained: Duration::ZERO,
            shown: now,
        }
    }

    fn title(&self) -> String {
        format!("epoch {}/{}", self.epoch + 1, self.epochs)
    }

    fn is_due(&mut self, every: Duration) -> bool {
        let due = self.shown.elapsed() >= every;
        if due {
            self.shown = Instant::now();
        }
        due
    }

    /// `count` per second since the epoch started here.
    fn rate(&self, count: u64) -> f64 {
        count as f64 / self.trained.as_secs_f64().max(1e-9)
    }

    fn numbers(&self, loss: Option<f64>) -> String {
        let loss = loss
            .map(|loss| format!("loss {loss:.4}  "))
            .unwrap_or_default();
        format!(
            "{loss}{:.0} samples/s  {:.1} batches/s",
            self.rate(self.samples),
            self.rate(self.done)
        )
    }

    fn batch_line(&self, loss: Option<f64>) -> String {
        let of = self
            .batches
            .map(|batches| format!("/{batches}"))
            .unwrap_or_default();
        format!(
            "{}  batch {}{of}  {}",
            self.title(),
            self.batch,
            self.numbers(loss)
        )
    }

    fn end_line(&self, metrics: &[(String, f64)]) -> String {
        let shown: Vec<_> = metrics
            .iter()
            .map(|(name, value)| format!("{name} {value:.4}"))
            .collect();
        let seconds = self.started.elapsed().as_secs_f64();
        let line = format!(
            "{}  {}  {seconds:.1} s  {}",
            self.title(),
            shown.join("  "),
            self.numbers(None)
        );
        one_line(&line)
    }

    fn end_event(&self, step: u64, metrics: &[(String, f64)]) -> Result<Shown> {
        let event = EpochEvent {
            event: "epoch",
            epoch: self.epoch,
            epochs: self.epochs,
            step,
            seconds: self.started.elapsed().as_secs_f64(),
            batches_per_second: self.rate(self.done),
            samples_per_second: self.rate(self.samples),
            metrics,
        };
        let event = serde_json::to_string(&event).context("cannot show the epoch's end")?;
        Ok(printable::json(&event))
    }
}

#[derive(Serialize)]
struct EpochEvent<'a> {
    event: &'static str,
    epoch: u64,
    epochs: u64,
    step: u64,
    seconds: f64,
    batches_per_second: f64,
    samples_per_second: f64,
    #[serde(serialize_with = "metrics_object")]
    metrics: &'a [(String, f64)],
}

fn metrics_object<S: Serializer>(
    metrics: &[(String, f64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().map(|(name, value)| (name, Number(*value))))
}

fn bar_style(bounded: bool) -> ProgressStyle {
    let template = match bounded {
        true => "{prefix} {wide_bar:.cyan/dim} {pos}/{len}  {msg}  {eta} left",
        false => "{prefix} {spinner} {pos} batches  {msg}  {elapsed}",
    };
    // The templates are constants; were one wrong, indicatif's own look would do.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

#[cfg(test)]
mod tests;
