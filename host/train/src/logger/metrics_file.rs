//! The sink for machines: `metrics.jsonl`, one JSON object per line, appended as values come. Owns the form of the lines.
//!
//! ```text
//! {"step":12,"epoch":1,"time":1767225600.125,"name":"train/loss","value":0.53}
//! {"step":12,"epoch":1,"time":1767225600.126,"name":"weights","histogram":{"limits":[…],"counts":[…],…}}
//! {"step":12,"epoch":1,"time":1767225600.127,"name":"input","image":"images/input-1a2b3c4d.12.png"}
//! {"step":12,"epoch":1,"time":1767225600.128,"name":"notes","text":"…"}
//! {"time":1767225600.129,"level":"warn","source":"ema","message":"…"}
//! ```
//! There is one line per value, not per step: a deferred value comes later than its neighbors, and every line loads into
//! a table as it is. `time` is in seconds since 1970, UTC. Numbers are spelled as `crate::number` says. A line has no version:
//! keys are added, and never change their meaning (docs/formats.md).

use std::fs::{File, Metadata, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use phasebox_files::json;
use serde::Serialize;

use super::{Histogram, Level, Logged, resumed_lines};
use crate::number::Number;

/// The value of a line.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Content<'a> {
    Scalar { value: Number },
    Histogram { histogram: &'a Histogram },
    Image { image: &'a str },
    Text { text: &'a str },
}

/// A logged value. Borrowed, so that writing one allocates nothing.
#[derive(Serialize)]
pub(super) struct Line<'a> {
    pub step: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    pub time: f64,
    pub name: &'a str,
    #[serde(flatten)]
    pub content: Content<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    time: f64,
    level: Level,
    source: &'a str,
    message: &'a str,
}

/// The open file. Buffered: readers see lines after [`flush`](Self::flush).
pub(super) struct MetricsFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl MetricsFile {
    /// Opens `path` to append. Lines that are to be logged again are taken out first, so that a resumed run's file reads
    /// like an uninterrupted one.
    pub(super) fn open(path: &Path, logged: Option<Logged>) -> Result<Self> {
        let context = || format!("cannot open {}", path.display());
        if path.exists() {
            resumed_lines::take_out(path, logged).with_context(context)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .with_context(context)?;
        Ok(MetricsFile {
            path: path.to_owned(),
            out: BufWriter::with_capacity(1 << 16, file),
        })
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<()> {
        self.write_json(line)
    }

    pub(super) fn message(
        &mut self,
        time: f64,
        level: Level,
        source: &str,
        message: &str,
    ) -> Result<()> {
        self.write_json(&Message {
            time,
            level,
            source,
            message,
        })
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.out.flush().context("cannot write metrics.jsonl")
    }

    /// True if the file is no longer where it was opened: somebody has removed it, or put another in its place.
    pub(super) fn is_gone(&self) -> bool {
        is_gone(self.out.get_ref(), &self.path)
    }

    /// The file's length in bytes, buffered lines aside.
    pub(super) fn bytes(&self) -> Result<u64> {
        Ok(self
            .out
            .get_ref()
            .metadata()
            .context("cannot read the length of metrics.jsonl")?
            .len())
    }

    fn write_json(&mut self, line: &impl Serialize) -> Result<()> {
        json::write_line(&mut self.out, line).context("cannot write metrics.jsonl")?;
        self.out
            .write_all(b"\n")
            .context("cannot write metrics.jsonl")
    }
}

/// True if a path no longer leads to the file that was opened by it.
pub(super) fn is_gone(file: &File, path: &Path) -> bool {
    let identity = |metadata: Metadata| (metadata.dev(), metadata.ino());
    let opened = file.metadata().map(identity).ok();
    let there = path.metadata().map(identity).ok();
    opened != there
}
