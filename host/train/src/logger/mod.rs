//! What a run writes while it trains: values, images, texts and messages, to every sink.
//!
//! Owns the run's folder and its log files. Names are namespaced by the caller (`train/loss`, `ema/decay`);
//! rates and quotas of plugins are limited before they get here. Nothing here syncs the device unless its
//! documentation says so.

mod histogram;
mod metrics_file;
mod picture;
mod printable;
mod progress;
mod run_folder;
mod tensorboard;

pub use histogram::{Histogram, MAX_BINS};
pub use picture::{MAX_IMAGES, MAX_PIXELS};
pub use printable::{
    MAX_MESSAGE_BYTES, MAX_NAME_BYTES, MAX_TEXT_BYTES, check_name, indented, one_line,
};
pub use progress::{LineWriter, Progress};
pub use run_folder::RunFolder;

use std::collections::VecDeque;
use std::fs;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use metrics_file::{Content, Line, MetricsFile, Number};
use phasebox_contract::digest::Digest;
use phasebox_files::atomic_file::{self, Durability};
use picture::Picture;
use serde::Serialize;
use tch::Tensor;
use tensorboard::EventFile;

/// A value on its way from the device.
pub trait Pending {
    /// The value if it has arrived; never waits.
    fn poll(&mut self) -> Result<Option<f64>>;
    /// Waits for the value; syncs with the device.
    fn wait(&mut self) -> Result<f64>;
}

impl Pending for torch_ext::Deferred {
    fn poll(&mut self) -> Result<Option<f64>> {
        Ok(torch_ext::Deferred::poll(self)?)
    }

    fn wait(&mut self) -> Result<f64> {
        Ok(torch_ext::Deferred::wait(self)?)
    }
}

/// How much a message matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the author of a plugin.
    Debug,
    /// For whoever watches.
    Info,
    /// Something to look at; training goes on.
    Warn,
    /// Something failed.
    Error,
}

/// What had been logged when a checkpoint was taken.
#[derive(Clone, Copy, Debug)]
pub struct Logged {
    /// The last step.
    pub step: u64,
    /// Bytes of `metrics.jsonl`.
    pub bytes: u64,
}

/// Values on their way are waited for beyond this many: a device that far behind is not worth more memory.
const MAX_PENDING: usize = 4096;
/// What is buffered reaches the files at least this often while anything is logged.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// Writes to `metrics.jsonl` and the TensorBoard file of one run, from [`open`](Self::open) on. Buffered: files are
/// up to date after [`flush`](Self::flush).
pub struct Logger {
    run: RunFolder,
    files: Option<Files>,
    epoch: Option<u64>,
    pending: VecDeque<Deferred>,
    flushed: Instant,
}

struct Files {
    metrics: MetricsFile,
    events: EventFile,
}

/// A scalar whose value is on its way, with the moment it belongs to.
struct Deferred {
    time: f64,
    step: u64,
    epoch: Option<u64>,
    name: String,
    value: Box<dyn Pending + Send>,
}

impl Logger {
    /// The log of `run`, of which nothing on disk is touched yet.
    pub fn new(run: &RunFolder) -> Self {
        let (epoch, pending) = (None, VecDeque::new());
        Logger {
            run: run.clone(),
            files: None,
            epoch,
            pending,
            flushed: Instant::now(),
        }
    }

    /// Opens the files. A resumed run says what its checkpoint has seen logged: what was logged after it is taken
    /// out of `metrics.jsonl` and hidden from TensorBoard, as it will be logged again.
    pub fn open(&mut self, logged: Option<Logged>) -> Result<()> {
        let metrics = MetricsFile::open(&self.run.metrics(), logged)?;
        let events = EventFile::create(self.run.path(), now(), logged.map(|logged| logged.step))?;
        self.files = Some(Files { metrics, events });
        Ok(())
    }

    /// The epoch that following lines belong to.
    pub fn set_epoch(&mut self, epoch: u64) {
        self.epoch = Some(epoch);
    }

    /// Logs a value at hand. `metrics.jsonl` keeps all of it, TensorBoard an f32.
    pub fn scalar(&mut self, step: u64, name: &str, value: f64) -> Result<()> {
        check_name(name)?;
        self.write_scalar(now(), step, self.epoch, name, value)?;
        self.flush_when_due()
    }

    /// Logs a value that is still on the device: it is written, in the order of these calls, once it has
    /// arrived. Lines of [`scalar`](Self::scalar) may come before it; step, epoch and time are those of this
    /// call.
    pub fn scalar_deferred(
        &mut self,
        step: u64,
        name: &str,
        value: impl Pending + Send + 'static,
    ) -> Result<()> {
        check_name(name)?;
        let deferred = Deferred {
            time: now(),
            step,
            epoch: self.epoch,
            name: name.to_owned(),
            value: Box::new(value),
        };
        self.pending.push_back(deferred);
        if self.pending.len() > MAX_PENDING {
            self.write_oldest()?;
        }
        Ok(())
    }

    /// Logs a histogram, see [`Histogram::of`] and [`Histogram::from_bins`].
    pub fn histogram(&mut self, step: u64, name: &str, histogram: &Histogram) -> Result<()> {
        check_name(name)?;
        let time = now();
        self.files()?
            .events
            .histogram(time, step, name, histogram)?;
        self.line(time, step, name, Content::Histogram { histogram })
    }

    /// Logs an image or a grid of a batch: `[H, W]`, `[C, H, W]` or `[N, C, H, W]`, C of 1, 3 or 4,
    /// floating-point 0 to 1 or uint8, as a PNG in `images/` and for TensorBoard. Copies the tensor, which
    /// syncs the device.
    pub fn image(&mut self, step: u64, name: &str, tensor: &Tensor) -> Result<()> {
        check_name(name)?;
        let picture = Picture::of(tensor).with_context(|| format!("cannot log image `{name}`"))?;
        let folder = self.run.images();
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let file = image_file(name, step);
        atomic_file::write_file(&folder.join(&file), &picture.png, Durability::Process)?;
        let time = now();
        self.files()?
            .events
            .image(time, step, name, picture.size, &picture.png)?;
        self.line(
            time,
            step,
            name,
            Content::Image {
                image: &format!("images/{file}"),
            },
        )
    }

    /// Logs a text, Markdown in TensorBoard; up to [`MAX_TEXT_BYTES`].
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

    /// A line for people from `source` (a plugin's name): into `metrics.jsonl` and the program's log. Both
    /// are made [`one_line`]: no message can forge another or reach the terminal's controls.
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

    /// Saves a plugin's own file, see [`RunFolder::write_artifact`].
    pub fn artifact(&mut self, plugin: &str, file: &str, bytes: &[u8]) -> Result<()> {
        self.run.write_artifact(plugin, file, bytes)?;
        Ok(())
    }

    /// Saves a plugin's own picture as a PNG, from what [`image`](Self::image) takes. Syncs the device.
    pub fn image_file(&mut self, plugin: &str, file: &str, tensor: &Tensor) -> Result<()> {
        let picture =
            Picture::of(tensor).with_context(|| format!("cannot make the picture {file:?}"))?;
        self.artifact(plugin, file, &picture.png)
    }

    /// Writes the deferred values that have arrived, in order, up to the first that has not. Never waits for
    /// the device.
    pub fn flush_arrived(&mut self) -> Result<()> {
        while let Some(oldest) = self.pending.front_mut() {
            let Some(value) = oldest.value.poll()? else {
                break;
            };
            self.write_arrived(value)?;
        }
        self.flush_when_due()
    }

    /// Waits for every deferred value and brings the files up to date; for an epoch's end and before leaving.
    /// Syncs with the device if any value is still on its way.
    pub fn flush(&mut self) -> Result<()> {
        while !self.pending.is_empty() {
            self.write_oldest()?;
        }
        self.flush_files()
    }

    /// How long `metrics.jsonl` is, for [`Logged`]; right after [`flush`](Self::flush) that is all there is.
    pub fn metrics_bytes(&self) -> Result<u64> {
        self.files
            .as_ref()
            .map_or(Ok(0), |files| files.metrics.bytes())
    }

    fn write_oldest(&mut self) -> Result<()> {
        let Some(oldest) = self.pending.front_mut() else {
            return Ok(());
        };
        let value = oldest.value.wait()?;
        self.write_arrived(value)
    }

    fn write_arrived(&mut self, value: f64) -> Result<()> {
        let Some(Deferred {
            time,
            step,
            epoch,
            name,
            ..
        }) = self.pending.pop_front()
        else {
            return Ok(());
        };
        self.write_scalar(time, step, epoch, &name, value)
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

/// A readable file name that differs for different names: what a file system may not take becomes `-`, a hash
/// follows.
fn image_file(name: &str, step: u64) -> String {
    let readable = |c: char| {
        if c.is_ascii_alphanumeric() || c == '_' {
            c
        } else {
            '-'
        }
    };
    let slug: String = name.chars().take(64).map(readable).collect();
    let digest = Digest::of(name.as_bytes()).to_string();
    format!("{slug}-{}.{step}.png", &digest[..8])
}

#[cfg(test)]
mod tests;
