//! Arbitrary logs of a run that is resumed or reported: `metrics.jsonl` with the checkpoint's count of it, and
//! `summary.json`.

use std::fs;

use phasebox::cli::report_lines;
use phasebox_contract::json_extent::Extent;
use phasebox_contract::printable;
use phasebox_train::logger::{Logged, Logger, RunFolder};
use phasebox_train::trainer::Summary;
use serde_json::{Map, Value};

use crate::cost::{Memory, within};
use crate::files;

/// The file with the step and the bytes that a checkpoint has counted; without two numbers in it there is no checkpoint.
const COUNTED: &str = "counted";
/// The most objects and lists inside of each other, in a line that stays.
const MOST_DEPTH: usize = 64;
/// Buffers of both logs, and windows of the old one.
const OF_METRICS: Memory = Memory {
    free: 1 << 20,
    each: 8,
};
const OF_SUMMARY: Memory = Memory {
    free: 1 << 18,
    each: 400,
};

/// Resumes and reports a run whose folder has the files of an input. Returns true if something of the log was kept and
/// something was taken out.
///
/// # Panics
/// If the resumed log has other lines than it should, if a report has characters that a terminal obeys, or if a summary
/// changes when it is written.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the run");
    let files = files::files(bytes, COUNTED);
    for (name, bytes) in &files {
        files::write(folder.path(), name, bytes);
    }
    let run = RunFolder::open(folder.path()).expect("the folder is there");
    within(OF_SUMMARY, bytes.len(), || report(&run));
    resume(&run, counted(&files[0].1))
}

fn counted(text: &[u8]) -> Option<Logged> {
    let text = String::from_utf8_lossy(text);
    let (step, bytes) = text.trim().split_once(' ')?;
    Some(Logged {
        step: step.parse().ok()?,
        bytes: bytes.parse().ok()?,
    })
}

fn resume(run: &RunFolder, logged: Option<Logged>) -> bool {
    let Ok(before) = fs::read(run.metrics()) else {
        return false;
    };
    let opened = within(OF_METRICS, before.len(), || Logger::new(run).open(logged));
    opened.expect("a log that can be read is resumed, whatever it holds");
    let after = fs::read(run.metrics()).expect("the log is there");
    check_lines(&before, &after, logged);
    !after.is_empty() && after.len() < before.len()
}

/// Compares the log with what it was, line by line. Inputs are smaller than the window that is searched from the end.
fn check_lines(before: &[u8], after: &[u8], logged: Option<Logged>) {
    let (mut left, mut start) = (after, 0);
    for line in before.split_inclusive(|byte| *byte == b'\n') {
        let stays = stays(line, start, logged);
        match left.strip_prefix(line) {
            Some(rest) if stays != Some(false) => left = rest,
            _ => assert!(stays != Some(true), "lost: {}", line.escape_ascii()),
        }
        start += line.len() as u64;
    }
    assert!(left.is_empty(), "not taken out: {}", left.escape_ascii());
}

/// The fate of a line; none where it depends on how a reader takes a key that comes twice, or a number that is too large.
fn stays(line: &[u8], start: u64, logged: Option<Logged>) -> Option<bool> {
    let is_whole = line.starts_with(b"{") && line.ends_with(b"\n");
    let Some(text) = str::from_utf8(line).ok().filter(|_| is_whole) else {
        return Some(false);
    };
    if Extent::of(line).depth > MOST_DEPTH {
        return Some(false);
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    if text.matches("step").count() + text.matches("\\u").count() > 1 {
        return None;
    }
    let step = object.get("step").filter(|step| !step.is_null());
    Some(match (step.map(Value::as_u64), logged) {
        (None, _) | (Some(Some(_)), None) => true,
        (Some(None), _) => false,
        (Some(Some(step)), Some(logged)) => step <= logged.step && start < logged.bytes,
    })
}

fn report(run: &RunFolder) {
    let Ok(summary) = Summary::read(run) else {
        return;
    };
    for line in report_lines(&summary) {
        let shown = printable::shown(&line).to_string();
        let is_plain = shown
            .chars()
            .all(|letter| letter == '\n' || !letter.is_control());
        assert!(is_plain, "{shown:?}");
    }
    let written = serde_json::to_value(&summary).expect("it can be written");
    let again = serde_json::from_value::<Summary>(written.clone()).expect("it can be read");
    let again = serde_json::to_value(again).expect("it can be written");
    assert_eq!(written, again);
}
