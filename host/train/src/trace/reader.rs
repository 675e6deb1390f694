//! A trace on disk. Anybody may have written it: sizes are checked before memory is taken, and every tensor lies in the
//! file, after the one before it.

use std::collections::HashSet;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::json_extent::Extent;
use phasebox_contract::phase::Phase;
use phasebox_contract::printable::excerpt;
use phasebox_contract::quantity::{Amount, Measure};
use phasebox_files::regular_file;
use serde::de::DeserializeOwned;
use tch::Tensor;

use super::event::{End, Event, Header, PhaseTensor, SCHEMA, StateLine, StoredTensor};
use super::part::{Part, Parts};

/// The lines of a trace.
pub(super) const EVENTS: &str = "events.jsonl";
/// The bytes of its tensors.
pub(super) const TENSORS: &str = "tensors.bin";
/// The most bytes of a line.
pub(super) const MOST_LINE_BYTES: usize = 1 << 20;
/// The most bytes of all lines that are read: some 200,000 phases.
pub(super) const MOST_EVENT_BYTES: u64 = 32 << 20;
/// The most bytes of a callback's state: as much as a checkpoint gives back for all.
pub(super) const MOST_STATE_BYTES: u64 = 2 << 30;
/// The most values of a line, each of which takes some thirty bytes once it is parsed.
const MOST_VALUES: usize = 100_000;

/// A trace, read but for its tensors.
pub struct TraceFile {
    /// The parts that it keeps, and the machine that wrote it.
    pub header: Header,
    /// How it ends.
    pub ending: TraceEnding,
    pub(super) states: Vec<StateLine>,
    pub(super) events: Vec<(Phase, Event)>,
    tensors: File,
    folder: PathBuf,
}

/// How a trace ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TraceEnding {
    /// With the run.
    Complete,
    /// At a bound, in words.
    Cut(String),
    /// Without an end: the run was killed, or goes on.
    Torn,
}

/// The newest trace of a run.
///
/// # Errors
/// A run without a trace.
pub fn newest(run: &Path) -> Result<PathBuf> {
    let all = (1..).map(|number| folder(run, number));
    let newest = all.take_while(|folder| folder.is_dir()).last();
    newest.with_context(|| {
        format!(
            "{} holds no trace: train with `--trace` to have one, or name the folder of a traced run",
            run.display()
        )
    })
}

/// The folder of a run's trace, which count from 1.
pub(super) fn folder(run: &Path, number: u32) -> PathBuf {
    run.join(match number {
        1 => "trace".to_owned(),
        _ => format!("trace.{number}"),
    })
}

impl TraceFile {
    /// Reads the lines of the trace in `folder`.
    ///
    /// # Errors
    /// No trace, one of a newer phasebox, or a line that makes no sense; the message has its number.
    pub fn open(folder: &Path) -> Result<TraceFile> {
        let path = folder.join(EVENTS);
        let place = || format!("cannot read the trace in {}", folder.display());
        let text = regular_file::read(&path, MOST_EVENT_BYTES).with_context(place)?;
        let (tensors, bytes) = regular_file::open(&folder.join(TENSORS)).with_context(place)?;
        let mut lines = Lines {
            text: &text,
            number: 0,
        };
        let first = lines.next().context("its first line is not whole");
        let header = first.and_then(|line| line.header()).with_context(place)?;
        let mut found = Found {
            states: Vec::new(),
            names: HashSet::new(),
            events: Vec::new(),
            bytes,
            end_of_last: 0,
            ending: TraceEnding::Torn,
        };
        let read = lines.try_for_each(|line| {
            let number = line.number;
            found.line(line).with_context(|| format!("line {number}"))
        });
        read.with_context(place)?;
        ensure!(
            !found.events.is_empty(),
            "the trace in {} holds no phase: it ended before the first{}",
            folder.display(),
            found.why()
        );
        Ok(TraceFile {
            header,
            ending: found.ending,
            states: found.states,
            events: found.events,
            tensors,
            folder: folder.to_owned(),
        })
    }

    /// Phases in it.
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// True if it has no phase; [`TraceFile::open`] refuses such a trace.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The parts whose tensors it keeps.
    pub fn keeps(&self) -> Parts {
        self.header.keeps.iter().copied().collect()
    }

    /// Where it ends, for people.
    pub fn extent(&self) -> String {
        let place = self
            .events
            .last()
            .map_or_else(String::new, |(phase, event)| {
                let epoch = event.epoch.map(|epoch| format!(" of epoch {epoch}"));
                format!("{phase}{}, step {}", epoch.unwrap_or_default(), event.step)
            });
        let phases = self.len();
        match &self.ending {
            TraceEnding::Complete => format!("{phases} phases, to the end of the run"),
            TraceEnding::Cut(why) => {
                format!(
                    "{phases} phases, up to {place}; it was cut there: {}",
                    excerpt(why)
                )
            }
            TraceEnding::Torn => format!(
                "{phases} phases, up to {place}; it has no end: the run was killed, or goes on"
            ),
        }
    }

    /// The line of a phase, for people: they count from 1, and the header is the first.
    pub(super) fn place_of(&self, index: usize) -> String {
        let line = index + self.states.len() + 2;
        format!("line {line} of the trace")
    }

    /// A tensor on the CPU.
    pub(super) fn tensor(&self, stored: &StoredTensor) -> Result<Tensor> {
        let bytes = self.bytes(stored)?;
        stored.tensor(&bytes).with_context(|| self.place())
    }

    /// The bytes of a tensor.
    pub(super) fn bytes(&self, stored: &StoredTensor) -> Result<Vec<u8>> {
        let length = usize::try_from(stored.bytes()?)?;
        let mut bytes = vec![0; length];
        let read = self.tensors.read_exact_at(&mut bytes, stored.at);
        read.with_context(|| self.place())?;
        Ok(bytes)
    }

    fn place(&self) -> String {
        format!(
            "cannot read a tensor of the trace in {}",
            self.folder.display()
        )
    }
}

/// Whole lines.
struct Lines<'a> {
    text: &'a [u8],
    number: usize,
}

/// A line and its number, from 1.
struct Line<'a> {
    text: &'a [u8],
    number: usize,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    /// The next line; one without an end is torn, and is none.
    fn next(&mut self) -> Option<Line<'a>> {
        let end = self.text.iter().position(|byte| *byte == b'\n')?;
        let (text, rest) = self.text.split_at(end);
        self.text = &rest[1..];
        self.number += 1;
        Some(Line {
            text,
            number: self.number,
        })
    }
}

impl Line<'_> {
    fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let length = self.text.len();
        ensure!(
            length <= MOST_LINE_BYTES,
            "it has {length} bytes, and at most {MOST_LINE_BYTES} are read"
        );
        let values = Extent::of(self.text).values;
        ensure!(
            values <= MOST_VALUES,
            "it holds {values} values, and at most {MOST_VALUES} are read"
        );
        Ok(serde_json::from_slice(self.text)?)
    }

    fn header(&self) -> Result<Header> {
        let json: serde_json::Value = self.parse()?;
        let schema = json["schema"].as_u64().unwrap_or(0);
        ensure!(
            schema <= SCHEMA,
            "it was made by a newer phasebox: it has schema {schema}, this phasebox reads up to {SCHEMA}"
        );
        Ok(serde_json::from_value(json)?)
    }
}

/// The lines that were read so far.
struct Found {
    states: Vec<StateLine>,
    /// The callbacks that they are of.
    names: HashSet<String>,
    events: Vec<(Phase, Event)>,
    /// The bytes of `tensors.bin`.
    bytes: u64,
    end_of_last: u64,
    ending: TraceEnding,
}

impl Found {
    /// The reason of its end, where it has one.
    fn why(&self) -> String {
        match &self.ending {
            TraceEnding::Cut(why) => format!(": {}", excerpt(why)),
            TraceEnding::Complete | TraceEnding::Torn => String::new(),
        }
    }

    fn line(&mut self, line: Line<'_>) -> Result<()> {
        ensure!(
            self.ending == TraceEnding::Torn,
            "it comes after the end of the trace"
        );
        if line.text.starts_with(b"{\"end\"") {
            let End { end, why } = line.parse()?;
            self.ending = match end.as_str() {
                "complete" => TraceEnding::Complete,
                _ => TraceEnding::Cut(why.unwrap_or_default()),
            };
            return Ok(());
        }
        if line.text.starts_with(b"{\"state\"") {
            return self.state(line.parse()?);
        }
        let event: Event = line.parse()?;
        let Some(phase) = Phase::from_name(&event.phase) else {
            bail!("no phase is called `{}`", excerpt(&event.phase));
        };
        let tensors = event.new.iter().flat_map(|new| &new.tensors);
        for PhaseTensor { of, stored } in tensors {
            self.tensor(stored)?;
            let is_unnamed = *of == Part::Loss && stored.name.is_empty();
            ensure!(!is_unnamed, "a part of the loss has no name");
        }
        self.events.push((phase, event));
        Ok(())
    }

    fn state(&mut self, line: StateLine) -> Result<()> {
        ensure!(
            self.events.is_empty(),
            "a callback's state comes after the first phase"
        );
        ensure!(
            self.names.insert(line.state.clone()),
            "it is the second state of `{}`",
            excerpt(&line.state)
        );
        let is_flat = |bytes: &StoredTensor| bytes.dtype == "uint8" && bytes.shape.len() == 1;
        ensure!(line.bytes.iter().all(is_flat), "its `bytes` are no bytes");
        let begun = self.end_of_last;
        let mut stored = line.bytes.iter().chain(&line.tensors);
        stored.try_for_each(|stored| self.tensor(stored))?;
        let most = Amount::new(Measure::Bytes, MOST_STATE_BYTES);
        ensure!(
            self.end_of_last - begun <= MOST_STATE_BYTES,
            "it has more than {most}, the most of a state"
        );
        self.states.push(line);
        Ok(())
    }

    /// Refuses a tensor that does not lie in the file, after the one before it: no bytes are counted twice.
    fn tensor(&mut self, stored: &StoredTensor) -> Result<()> {
        let place = || format!("tensor `{}`", excerpt(&stored.name));
        let end = stored.bytes().with_context(place)?;
        let end = end.checked_add(stored.at);
        let is_after = stored.at >= self.end_of_last;
        let end = end.filter(|end| is_after && *end <= self.bytes);
        let outside = format!("its bytes lie outside of {TENSORS}, or in those of another");
        self.end_of_last = end.context(outside).with_context(place)?;
        Ok(())
    }
}
