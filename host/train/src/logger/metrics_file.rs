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
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::regular_file;
use serde::{Deserialize, Serialize};

use super::{Histogram, Level, Logged};
use crate::number::Number;

/// The most bytes of the file of a run that goes on.
const MOST_BYTES: u64 = 16 << 30;

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
    /// Opens `path` to append. Lines that an earlier process wrote after `logged`, or left torn, are taken out first, so
    /// that a resumed run's file reads like an uninterrupted one.
    pub(super) fn open(path: &Path, logged: Option<Logged>) -> Result<Self> {
        let context = || format!("cannot open {}", path.display());
        if path.exists() {
            let text = regular_file::read(path, MOST_BYTES).with_context(context)?;
            let kept = kept_lines(&text, logged);
            if kept.len() < text.len() {
                atomic_file::write_file(path, &kept, Durability::Process)?;
            }
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
        serde_json::to_writer(&mut self.out, line).context("cannot write metrics.jsonl")?;
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

/// The whole lines up to `logged`. Messages, which have no step, stay.
fn kept_lines(text: &[u8], logged: Option<Logged>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        if line.ends_with(b"\n") && is_kept(line, start, logged) {
            kept.extend_from_slice(line);
        }
        start += line.len() as u64;
    }
    kept
}

/// True if the line that starts at byte `start` belongs to the log so far. The bytes decide about lines of the
/// checkpoint's own step, which may have been written after it. The step decides about lines before: they may be of a
/// later step if an older checkpoint was resumed since.
fn is_kept(line: &[u8], start: u64, logged: Option<Logged>) -> bool {
    #[derive(Deserialize)]
    struct Step {
        step: Option<u64>,
    }
    match (serde_json::from_slice::<Step>(line), logged) {
        (Ok(Step { step: Some(step) }), Some(logged)) => {
            step <= logged.step && start < logged.bytes
        }
        (Ok(_), _) => true,
        (Err(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resumed_file_loses_what_is_torn_or_trained_again() {
        let text = "{\"step\":1,\"name\":\"a\"}\n{\"level\":\"warn\"}\n{\"step\":2,\"name\":\"a\"}\n{\"step\":3,\"na";
        let check = |logged, lines: usize| {
            let kept = kept_lines(text.as_bytes(), logged);
            assert_eq!(
                kept,
                text.split_inclusive('\n')
                    .take(lines)
                    .collect::<String>()
                    .into_bytes()
            );
        };
        let all = text.len() as u64;
        check(None, 3);
        check(
            Some(Logged {
                step: 2,
                bytes: all,
            }),
            3,
        );
        check(
            Some(Logged {
                step: 1,
                bytes: all,
            }),
            2,
        );
        let third_line = text.find("{\"step\":2").expect("it is there") as u64;
        check(
            Some(Logged {
                step: 2,
                bytes: third_line,
            }),
            2,
        );
    }
}
