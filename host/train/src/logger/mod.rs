//! The log of a run: values, images, texts and messages, written while it trains, to every sink.
//!
//! Owns the run's folder and its log files. Names are namespaced by the caller (`train/loss`, `ema/decay`), which also
//! limits how much callbacks log. Nothing here syncs unless its documentation says so.

mod histogram;
mod image_grid;
mod metrics_file;
mod progress;
mod resumed_lines;
mod run_folder;
mod run_lock;
mod tensorboard;

pub use histogram::Histogram;
pub use progress::{LineWriter, Progress};
pub use run_folder::RunFolder;
pub use run_lock::RunLock;

use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use image_grid::ImageGrid;
use metrics_file::{Content, Line, MetricsFile};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::{check_name, one_line};
use phasebox_files::atomic_file::{self, Durability};
use serde::Serialize;
use tch::Tensor;
use tensorboard::EventFile;
use torch_ext::{Deferred, DeferredQueue};

use crate::number::Number;

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the author of a callback.
    Debug,
    /// For people who watch.
    Info,
    /// Something to look at; training goes on.
    Warn,
    /// Something failed.
    Error,
}

/// The extent of the log when a checkpoint was taken.
#[derive(Clone, Copy, Debug)]
pub struct Logged {
    /// The last step that was logged.
    pub step: u64,
    /// Length of `metrics.jsonl` in bytes.
    pub bytes: u64,
}

/// Values that may be on their way before the oldest is waited for: a device that far behind is not worth more memory.
const MAX_PENDING: usize = 4096;
/// Longest logged text (Markdown for TensorBoard), in bytes.
const MAX_TEXT_BYTES: usize = 1 << 20;
/// Buffered lines reach the files at least this often while anything is logged.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Writes to `metrics.jsonl` and the TensorBoard file of one run, from [`open`](Self::open) on. Buffered: files are
/// up to date after [`flush`](Self::flush).
pub struct Logger {
    run: RunFolder,
    files: Option<Files>,
    epoch: Option<u64>,
    pending: DeferredQueue<ScalarPoint>,
    flushed: Instant,
    /// A log was removed while it was written.
    has_lost: bool,
}

struct Files {
    metrics: MetricsFile,
    events: EventFile,
}

/// The moment that a scalar belongs to, and its name.
struct ScalarPoint {
    time: f64,
    step: u64,
    epoch: Option<u64>,
    name: String,
}

impl Logger {
    /// The log of `run`. Touches nothing on disk until it is opened.
    pub fn new(run: &RunFolder) -> Self {
        Logger {
            run: run.clone(),
            files: None,
            epoch: None,
            pending: DeferredQueue::default(),
            flushed: Instant::now(),
            has_lost: false,
        }
    }

    /// Opens the files. `logged` is how far the log of a resumed run counts: later lines are taken out of
    /// `metrics.jsonl` and hidden from TensorBoard, as they will be logged again.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn open(&mut self, logged: Option<Logged>) -> Result<()> {
        let metrics = MetricsFile::open(&self.run.metrics(), logged)?;
        let events = EventFile::create(self.run.path(), now(), logged.map(|logged| logged.step))?;
        self.files = Some(Files { metrics, events });
        Ok(())
    }

    /// Sets the epoch that following lines belong to.
    pub(crate) fn set_epoch(&mut self, epoch: u64) {
        self.epoch = Some(epoch);
    }

    /// Logs a value at hand. `metrics.jsonl` keeps all of it, TensorBoard an f32.
    pub fn scalar(&mut self, step: u64, name: &str, value: f64) -> Result<()> {
        check_name(name)?;
        self.write_scalar(now(), step, self.epoch, name, value)?;
        self.flush_when_due()
    }

    /// Logs a value that is still on the device. It is written, in the order of these calls, once it has arrived; lines of
    /// [`scalar`](Self::scalar) may come before it. Step, epoch and time are those of this call. Syncs only if thousands
    /// of values are on their way.
    pub fn scalar_deferred(&mut self, step: u64, name: &str, value: Deferred) -> Result<()> {
        check_name(name)?;
        let point = ScalarPoint {
            time: now(),
            step,
            epoch: self.epoch,
            name: name.to_owned(),
        };
        self.pending.push(value, point);
        if self.pending.len() > MAX_PENDING {
            self.write_oldest()?;
        }
        Ok(())
    }

    /// Logs a histogram.
    pub fn histogram(&mut self, step: u64, name: &str, histogram: &Histogram) -> Result<()> {
        check_name(name)?;
        let time = now();
        self.files()?
            .events
            .histogram(time, step, name, histogram)?;
        self.line(time, step, name, Content::Histogram { histogram })
    }

    /// Logs an image or a grid of a batch, as a PNG in `images/` and for TensorBoard. Takes `[H, W]`, `[C, H, W]` or
    /// `[N, C, H, W]`, C of 1, 3 or 4, floating-point 0 to 1 or uint8. Syncs.
    pub fn image(&mut self, step: u64, name: &str, tensor: &Tensor) -> Result<()> {
        check_name(name)?;
        let grid = ImageGrid::of(tensor).with_context(|| format!("cannot log image `{name}`"))?;
        let folder = self.run.images();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let file = image_file(name, step);
        atomic_file::write_file(&folder.join(&file), &grid.png, Durability::Process)?;
        let time = now();
        self.files()?
            .events
            .image(time, step, name, grid.size, &grid.png)?;
        let image = &format!("images/{file}");
        self.line(time, step, name, Content::Image { image })
    }

    /// Logs a text of up to 1 MiB, Markdown in TensorBoard.
    pub fn text(&mut self, step: u64, name: &str, text: &str) -> Result<()> {
        check_name(name)?;
        let size = text.len();
        ensure!(
            size <= MAX_TEXT_BYTES,
            "text `{name}` has {size} bytes: at most {MAX_TEXT_BYTES} are taken"
        );
        let time = now();
        self.files()?.events.text(time, step, name, text)?;
        self.line(time, step, name, Content::Text { text })
    }

    /// Logs a line for people from `source` (a callback's name), in `metrics.jsonl` and the program's log. Both are made
    /// [`one_line`]: no message can forge another or reach the terminal's controls.
    pub fn message(&mut self, level: Level, source: &str, text: &str) -> Result<()> {
        let (source, text) = (one_line(source), one_line(text));
        match level {
            Level::Debug => tracing::debug!("{source}: {text}"),
            Level::Info => tracing::info!("{source}: {text}"),
            Level::Warn => tracing::warn!("{source}: {text}"),
            Level::Error => tracing::error!("{source}: {text}"),
        }
        self.files()?
            .metrics
            .message(now(), level, &source, &text)?;
        self.flush_when_due()
    }

    /// Saves a callback's own file as `artifacts/<callback>/<file>`, whole or not at all.
    ///
    /// # Errors
    /// If either name could leave the run's folder or hide in it.
    pub fn artifact(&mut self, callback: &str, file: &str, bytes: &[u8]) -> Result<()> {
        self.run.write_artifact(callback, file, bytes)?;
        Ok(())
    }

    /// Saves a callback's own picture as a PNG, from a tensor as [`image`](Self::image) takes it. Syncs.
    pub fn image_file(&mut self, callback: &str, file: &str, tensor: &Tensor) -> Result<()> {
        let grid =
            ImageGrid::of(tensor).with_context(|| format!("cannot make the picture {file:?}"))?;
        self.artifact(callback, file, &grid.png)
    }

    /// Writes the deferred values that have arrived, in order, up to the first that has not. Never syncs.
    pub(crate) fn flush_arrived(&mut self) -> Result<()> {
        while let Some((value, point)) = self.pending.pop_arrived()? {
            self.write_point(value, &point)?;
        }
        self.flush_when_due()
    }

    /// Waits for every deferred value and brings the files up to date, at an epoch's end and before leaving. Syncs if any
    /// value is still on its way.
    ///
    /// # Errors
    /// If a file cannot be written, or the run's folder is gone.
    pub fn flush(&mut self) -> Result<()> {
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        self.flush_files()?;
        self.replace_lost_files()
    }

    /// True if a log was removed while it was written: the run is whole, and its log is not.
    pub(crate) fn has_lost(&self) -> bool {
        self.has_lost
    }

    /// Begins logs anew that somebody has removed or replaced, and says so.
    fn replace_lost_files(&mut self) -> Result<()> {
        let is_gone = |files: &Files| files.metrics.is_gone() || files.events.is_gone();
        if !self.files.as_ref().is_some_and(is_gone) {
            return Ok(());
        }
        let folder = self.run.path();
        ensure!(
            folder.is_dir(),
            "the run's folder {} is gone: somebody has removed or renamed it while the run trained",
            folder.display()
        );
        tracing::warn!(
            "logs in {} were removed or replaced while the run trained: what was logged until now is lost there, and logs \
             begin anew",
            folder.display()
        );
        self.has_lost = true;
        self.open(None)
    }

    /// Length of `metrics.jsonl` in bytes, buffered lines aside.
    pub(crate) fn metrics_bytes(&self) -> Result<u64> {
        match &self.files {
            Some(files) => files.metrics.bytes(),
            None => Ok(0),
        }
    }

    fn write_oldest(&mut self) -> Result<()> {
        match self.pending.pop_waiting()? {
            Some((value, point)) => self.write_point(value, &point),
            None => Ok(()),
        }
    }

    fn write_point(&mut self, value: f64, point: &ScalarPoint) -> Result<()> {
        self.write_scalar(point.time, point.step, point.epoch, &point.name, value)
    }

    fn write_scalar(
        &mut self,
        time: f64,
        step: u64,
        epoch: Option<u64>,
        name: &str,
        value: f64,
    ) -> Result<()> {
        let files = self.files()?;
        files.events.scalar(time, step, name, value)?;
        files.metrics.write(&Line {
            step,
            epoch,
            time,
            name,
            content: Content::Scalar {
                value: Number(value),
            },
        })
    }

    fn line(&mut self, time: f64, step: u64, name: &str, content: Content) -> Result<()> {
        let epoch = self.epoch;
        self.files()?.metrics.write(&Line {
            step,
            epoch,
            time,
            name,
            content,
        })?;
        self.flush_when_due()
    }

    fn flush_when_due(&mut self) -> Result<()> {
        if self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush_files()
        } else {
            Ok(())
        }
    }

    fn flush_files(&mut self) -> Result<()> {
        self.flushed = Instant::now();
        let Some(files) = &mut self.files else {
            return Ok(());
        };
        files.metrics.flush()?;
        files.events.flush()
    }

    fn files(&mut self) -> Result<&mut Files> {
        self.files
            .as_mut()
            .context("the run's log is not open: training opens it when it begins")
    }
}

/// Seconds since 1970, UTC.
fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64()
}

/// A file name that can be read, and differs for different names: characters that a file system may not take become `-`,
/// and a hash follows.
fn image_file(name: &str, step: u64) -> String {
    let slug: String = name.chars().take(64).map(in_file_name).collect();
    let digest = Digest::of(name.as_bytes()).to_string();
    format!("{slug}-{}.{step}.png", &digest[..8])
}

fn in_file_name(character: char) -> char {
    if character.is_ascii_alphanumeric() || character == '_' {
        character
    } else {
        '-'
    }
}

#[cfg(test)]
mod tests;
