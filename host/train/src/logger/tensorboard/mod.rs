//! The sink for TensorBoard: one event file in the run's folder, written without TensorFlow.
//!
//! An event file is a sequence of records (`record`), each a protobuf `Event` (`event`). A test compares the bytes with
//! those of TensorBoard's own writer, see `tests/reference/read_events.py`.

mod event;
mod record;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use event::Event;

use super::Histogram;
use super::metrics_file::is_gone;

/// The open file and the buffers that make writing a scalar free of allocation.
pub(super) struct EventFile {
    path: PathBuf,
    out: BufWriter<File>,
    event: Event,
}

impl EventFile {
    /// Starts a new file in `folder`. With `last_step`, it tells TensorBoard to forget later steps of earlier files in
    /// this folder: a resumed run trains them again.
    pub(super) fn create(folder: &Path, time: f64, last_step: Option<u64>) -> Result<Self> {
        let (path, file) = new_file(folder, time)?;
        let mut file = EventFile {
            path,
            out: BufWriter::with_capacity(1 << 16, file),
            event: Event::default(),
        };
        file.event.version(time);
        file.write_event()?;
        if let Some(step) = last_step {
            file.event.restart(time, step + 1);
            file.write_event()?;
        }
        Ok(file)
    }

    /// A value, kept as f32: TensorBoard's own precision.
    pub(super) fn scalar(&mut self, time: f64, step: u64, name: &str, value: f64) -> Result<()> {
        self.event.scalar(time, step, name, value as f32);
        self.write_event()
    }

    pub(super) fn histogram(
        &mut self,
        time: f64,
        step: u64,
        name: &str,
        histogram: &Histogram,
    ) -> Result<()> {
        self.event.histogram(time, step, name, histogram);
        self.write_event()
    }

    /// A PNG of `[height, width]` pixels.
    pub(super) fn image(
        &mut self,
        time: f64,
        step: u64,
        name: &str,
        size: [u32; 2],
        png: &[u8],
    ) -> Result<()> {
        self.event.image(time, step, name, size, png);
        self.write_event()
    }

    /// Markdown for the text tab.
    pub(super) fn text(&mut self, time: f64, step: u64, name: &str, text: &str) -> Result<()> {
        self.event.text(time, step, name, text);
        self.write_event()
    }

    /// True if the file is no longer where it was made.
    pub(super) fn is_gone(&self) -> bool {
        is_gone(self.out.get_ref(), &self.path)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out
            .flush()
            .context("cannot write the TensorBoard file")
    }

    fn write_event(&mut self) -> Result<()> {
        record::write(&mut self.out, self.event.bytes())
            .context("cannot write the TensorBoard file")
    }
}

/// A new file, under a name of its own. TensorBoard reads any file with `tfevents` in its name, in the order of the names.
fn new_file(folder: &Path, time: f64) -> Result<(PathBuf, File)> {
    let process = std::process::id();
    let mut attempt = 0;
    loop {
        let path = folder.join(format!(
            "events.out.tfevents.{:010}.phasebox.{process}.{attempt}",
            time as u64
        ));
        match File::create_new(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => attempt += 1,
            opened => {
                let file = opened.with_context(|| format!("cannot make {}", path.display()))?;
                return Ok((path, file));
            }
        }
    }
}

#[cfg(test)]
mod tests;
