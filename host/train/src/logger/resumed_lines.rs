//! The lines of `metrics.jsonl` that a resumed run logs again, or that were left torn, are taken out before it goes on.
//! The file is read from where the checkpoint's count of it ends, in some 30 MiB at most, however large it is and whoever
//! wrote it. Knows of a line only its step.

use std::fs::File;
use std::io::{
    self, BufRead as _, BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _,
};
use std::path::Path;

use anyhow::Result;
use phasebox_contract::json_extent::Extent;
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::{json, regular_file};
use serde::Deserialize;

use super::Logged;

/// The bytes that are looked at together, from the end backward.
const WINDOW_BYTES: u64 = 1 << 20;
/// The most bytes of a line. A histogram of a thousand bins has a tenth of them; a longer line is not ours.
const MOST_LINE_BYTES: u64 = 1 << 20;

/// The most objects and lists inside of each other. A histogram's line has two.
const MOST_DEPTH: usize = 64;

/// Takes out the lines of `path` that came after `logged`, and a torn last one. Without `logged` all whole lines stay.
pub(super) fn take_out(path: &Path, logged: Option<Logged>) -> Result<()> {
    let (file, length) = regular_file::open(path)?;
    let counted = logged.map_or(length, |logged| logged.bytes);
    if length < counted {
        tracing::warn!(
            "{} has {length} bytes and had {counted} at the checkpoint: lines of it are lost",
            path.display()
        );
    }
    let from = settled(&file, length.min(counted), logged)?;
    match Lines::of(&file, from)?.first_out(logged)? {
        Some(first_out) => rewrite(path, &file, first_out, logged),
        None => Ok(()),
    }
}

/// Copies what stays to a new file, which takes the place of the old one.
fn rewrite(path: &Path, file: &File, first_out: u64, logged: Option<Logged>) -> Result<()> {
    atomic_file::write_through(path, Durability::Process, |kept| {
        let mut head = file;
        head.rewind()?;
        io::copy(&mut head.take(first_out), kept)?;
        let mut kept = BufWriter::new(kept);
        let mut lines = Lines::of(file, first_out)?;
        while let Some(start) = lines.next()? {
            if is_kept(&lines.line, start, logged) {
                kept.write_all(&lines.line)?;
            }
        }
        kept.flush()
    })
}

/// The start of a line before which every line stays: steps only grow, so a window of earlier ones ends the search.
fn settled(file: &File, end: u64, logged: Option<Logged>) -> io::Result<u64> {
    let mut end = end;
    loop {
        let start = end.saturating_sub(WINDOW_BYTES);
        let window = bytes_at(file, start, end - start)?;
        let first = match start {
            0 => 0,
            _ => after_first_line(&window),
        };
        if start == 0 || is_settled(&window[first..], logged) {
            return Ok(start + first as u64);
        }
        // A window without the end of a line is passed over.
        end = start + (first % window.len().max(1)) as u64;
    }
}

fn after_first_line(window: &[u8]) -> usize {
    let end = window.iter().position(|byte| *byte == b'\n');
    end.map_or(window.len(), |end| end + 1)
}

/// True if lines have steps, and none is later than the checkpoint.
fn is_settled(lines: &[u8], logged: Option<Logged>) -> bool {
    let last = logged.map_or(u64::MAX, |logged| logged.step);
    let lines = lines.split(|byte| *byte == b'\n');
    let mut steps = lines.filter_map(|line| step_of(line)?.step).peekable();
    steps.peek().is_some() && steps.all(|step| step <= last)
}

fn bytes_at(mut file: &File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(start))?;
    file.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The lines of a file from one place on, one at a time.
struct Lines<'a> {
    file: BufReader<&'a File>,
    next_start: u64,
    /// The line that was read last; without its end if it is torn or too long.
    line: Vec<u8>,
}

impl Lines<'_> {
    fn of(mut file: &File, from: u64) -> io::Result<Lines<'_>> {
        file.seek(SeekFrom::Start(from))?;
        Ok(Lines {
            file: BufReader::new(file),
            next_start: from,
            line: Vec::new(),
        })
    }

    /// Reads a line. Returns where it starts, or none at the end.
    fn next(&mut self) -> io::Result<Option<u64>> {
        let start = self.next_start;
        self.line.clear();
        let mut piece = self.file.by_ref().take(MOST_LINE_BYTES);
        let mut bytes = piece.read_until(b'\n', &mut self.line)? as u64;
        if bytes == MOST_LINE_BYTES && !self.line.ends_with(b"\n") {
            bytes += self.file.skip_until(b'\n')? as u64;
        }
        self.next_start += bytes;
        Ok((bytes > 0).then_some(start))
    }

    /// The start of the first line that does not stay.
    fn first_out(&mut self, logged: Option<Logged>) -> io::Result<Option<u64>> {
        while let Some(start) = self.next()? {
            if !is_kept(&self.line, start, logged) {
                return Ok(Some(start));
            }
        }
        Ok(None)
    }
}

/// True if the line that starts at byte `start` is whole and belongs to the log so far. Messages, which have no step, stay.
/// The bytes decide about lines of the checkpoint's own step, which may have been written after it. The step decides about
/// lines before: they may be of a later step if an older checkpoint was resumed since.
fn is_kept(line: &[u8], start: u64, logged: Option<Logged>) -> bool {
    match (step_of(line), logged) {
        _ if !line.ends_with(b"\n") => false,
        (None, _) => false,
        (Some(Step { step: Some(step) }), Some(logged)) => {
            step <= logged.step && start < logged.bytes
        }
        (Some(_), _) => true,
    }
}

#[derive(Deserialize)]
struct Step {
    step: Option<u64>,
}

/// The step in a line; none of what is no object that every reader of JSON takes. All of it is parsed: serde passes over a
/// value that nobody asks for with half a look.
fn step_of(line: &[u8]) -> Option<Step> {
    let object = line.starts_with(b"{").then_some(line)?;
    let is_shallow = Extent::of(object).depth <= MOST_DEPTH;
    let value = json::parse(is_shallow.then_some(object)?).ok()?;
    serde_json::from_value(value).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The part of `text` that is left if a checkpoint was taken at this step and byte.
    fn resumed(text: &str, logged: Option<(u64, usize)>) -> Result<String> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("metrics.jsonl");
        fs::write(&path, text)?;
        let logged = logged.map(|(step, bytes)| Logged {
            step,
            bytes: bytes as u64,
        });
        take_out(&path, logged)?;
        Ok(fs::read_to_string(&path)?)
    }

    fn line(step: usize) -> String {
        format!("{{\"step\":{step},\"name\":\"a\",\"value\":0.5}}\n")
    }

    fn lines(steps: std::ops::Range<usize>) -> String {
        steps.map(line).collect()
    }

    #[test]
    fn what_some_reader_refuses_is_taken_out() -> Result<()> {
        let one = line(1);
        for wrong in [
            "{\"step\":2,\"a\u{4}\":0}",
            "{\"step\":2,\"a\":\"\t\"}",
            "{\"step\":2,\"a\":\"\\ud800\"}",
            "{\"step\":2,\"a\":1e999}",
            "{\"step\":2,\"a\":[01]}",
            "[2]",
        ] {
            let text = format!("{one}{wrong}\n{one}");
            let expected = format!("{one}{one}");
            assert_eq!(resumed(&text, None)?, expected, "{wrong}");
        }
        Ok(())
    }

    const MESSAGE: &str = "{\"level\":\"warn\"}\n";

    #[test]
    fn a_resumed_file_loses_what_is_torn_or_trained_again() -> Result<()> {
        let (one, two) = (line(1), line(2));
        let text = format!("{one}{MESSAGE}{two}{{\"step\":3,\"na");
        let before_two = one.len() + MESSAGE.len();
        let upto_one = format!("{one}{MESSAGE}");
        let upto_two = format!("{one}{MESSAGE}{two}");
        for (logged, expected) in [
            (None, &upto_two),
            (Some((2, text.len())), &upto_two),
            (Some((1, text.len())), &upto_one),
            (Some((2, before_two)), &upto_one),
            (Some((2, before_two + 3)), &upto_two),
            (Some((9, 1 << 40)), &upto_two),
            (Some((0, 0)), &MESSAGE.to_owned()),
        ] {
            assert_eq!(&resumed(&text, logged)?, expected, "{logged:?}");
        }
        Ok(())
    }

    /// Several windows, with messages after the checkpoint, and with steps of another branch before it.
    #[test]
    fn a_long_file_is_searched_from_its_end() -> Result<()> {
        let head = lines(0..100_000);
        let tail = lines(100_000..200_000);
        let text = format!("{head}{tail}{MESSAGE}{tail}");
        let left = resumed(&text, Some((99_999, head.len())))?;
        assert!(left == format!("{head}{MESSAGE}"));
        let left = resumed(&text, Some((99_999, text.len())))?;
        assert!(left == format!("{head}{MESSAGE}"), "a later branch");
        assert!(resumed(&head, Some((99_999, head.len())))? == head);
        Ok(())
    }

    #[test]
    fn lines_of_others_go_where_the_log_goes_on() -> Result<()> {
        let good = lines(0..10);
        let long = format!("{{\"step\":1,\"name\":\"{}\"}}\n", "x".repeat(3 << 20));
        let deep = format!("{{\"step\":1,\"a\":{}\n", "[".repeat(100_000));
        let deep_and_closed = format!("{{\"a\":{}0{}}}\n", "[".repeat(100), "]".repeat(100));
        for foreign in [
            long.as_str(),
            &deep,
            &deep_and_closed,
            "[1]\n",
            "\n",
            "\u{0}\n",
            "{\"step\":-1}\n",
        ] {
            let text = format!("{good}{foreign}{MESSAGE}{foreign}");
            let left = resumed(&text, Some((9, text.len())))?;
            assert!(left == format!("{good}{MESSAGE}"), "{}", foreign.len());
        }
        let endless = "x".repeat(5 << 20);
        assert_eq!(resumed(&endless, Some((9, endless.len())))?, "");
        Ok(())
    }
}
