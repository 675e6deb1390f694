//! The callback that writes a trace. Owns its bounds and the order of its writes. It comes before all other callbacks, so
//! that a line has what each of them found at its phase. It changes nothing, and its own failure ends the trace alone.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::quantity::{Amount, Measure};
use phasebox_files::json;
use serde::Serialize;

use super::capture::{self, Said};
use super::event::{End, Event, Header, PhaseTensor, SCHEMA};
use super::part::{Part, Parts};
use super::reader::{EVENTS, MOST_LINE_BYTES, MOST_STATE_BYTES, TENSORS};
use super::states::{self, StateCopy};
use super::tensors::Copy;
use crate::callback::{Callback, Changes};
use crate::checkpoint::SavedCallback;
use crate::context::{Context, Lendable};
use crate::logger::RunFolder;

/// The name among the callbacks of a run, which no recipe's callback may have.
const NAME: &str = "--trace";
/// The most traces of one run, which is resumed as often.
const MOST_TRACES: u32 = 9999;

/// The bounds of a trace.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Batches that are trained on.
    pub batches: u64,
    /// Bytes of lines and tensors together.
    pub bytes: u64,
}

/// The callback that writes a trace.
pub struct Trace {
    keeps: Parts,
    bounds: Bounds,
    /// States that the run goes on with, until they are written.
    resumed: Vec<StateCopy>,
    state: State,
}

enum State {
    /// Nothing has happened; the run may have no folder yet.
    Waiting,
    Writing(Box<Writer>),
    Over,
}

impl Trace {
    /// A trace with the tensors of `keeps`. Touches nothing on disk before the first phase.
    pub fn new(keeps: Parts, bounds: Bounds) -> Trace {
        Trace {
            keeps,
            bounds,
            resumed: Vec::new(),
            state: State::Waiting,
        }
    }

    fn write(&mut self, phase: Phase, context: &Context) -> Result<()> {
        if matches!(self.state, State::Waiting) {
            let mut writer = Writer::create(context, self.keeps, self.bounds)?;
            let resumed = std::mem::take(&mut self.resumed);
            resumed.iter().try_for_each(|state| writer.state(state))?;
            self.state = State::Writing(Box::new(writer));
        }
        let State::Writing(writer) = &mut self.state else {
            return Ok(());
        };
        if writer.event(phase, context)? {
            self.state = State::Over;
        }
        Ok(())
    }
}

impl Callback for Trace {
    fn name(&self) -> &str {
        NAME
    }

    fn phases(&self) -> PhaseSet {
        PhaseSet::ALL
    }

    fn changes(&self) -> Option<Changes> {
        Some(Changes::default())
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        if let Err(error) = self.write(phase, context) {
            self.state = State::Over;
            let step = context.global_step;
            tracing::warn!(
                "the trace ends at {phase} after step {step}, and the run goes on: {error:#}"
            );
        }
        Ok(())
    }

    fn on_resume(&mut self, states: &[SavedCallback]) {
        let bytes = self.bounds.bytes.min(MOST_STATE_BYTES);
        let most = Amount::new(Measure::Bytes, bytes);
        if states::bytes_of(states) > bytes {
            self.state = State::Over;
            tracing::warn!(
                "there will be no trace: the states of the callbacks have more than {most}; `--trace-size` allows 2 GiB of them at most"
            );
            return;
        }
        let copies: Result<Vec<StateCopy>> = states.iter().map(StateCopy::of).collect();
        match copies {
            Ok(copies) => self.resumed = copies,
            Err(error) => {
                self.state = State::Over;
                tracing::warn!("there will be no trace, and the run goes on: {error:#}");
            }
        }
    }

    fn is_saved(&self) -> bool {
        false
    }
}

/// The files of a trace that is being written.
struct Writer {
    folder: PathBuf,
    events: File,
    tensors: File,
    /// Lines and bytes that are not in their files yet.
    lines: Vec<u8>,
    bytes: Vec<u8>,
    keeps: Parts,
    bounds: Bounds,
    /// Batches that were trained on.
    batches: u64,
    /// Bytes of tensors, written or not.
    tensor_bytes: u64,
    line_bytes: u64,
    said: Said,
}

impl Writer {
    fn create(context: &Context, keeps: Parts, bounds: Bounds) -> Result<Writer> {
        let run = Path::new(&context.run.ckpt_dir);
        let folder = new_folder(run)?;
        let mut writer = Writer {
            events: create(&folder.join(EVENTS))?,
            tensors: create(&folder.join(TENSORS))?,
            folder,
            lines: Vec::new(),
            bytes: Vec::new(),
            keeps,
            bounds,
            batches: 0,
            tensor_bytes: 0,
            line_bytes: 0,
            said: Said::default(),
        };
        writer.line(&Header {
            schema: SCHEMA,
            phasebox: env!("CARGO_PKG_VERSION").to_owned(),
            keeps: keeps.iter().collect(),
            threads: tch::get_num_threads(),
            device: crate::device::name(context.device),
            first_step: context.global_step,
            recipe: RunFolder::digest_of_recipe(&RunFolder::open(run)?.recipe())?,
            log_bytes: context.logger.metrics_bytes()?,
        })?;
        Ok(writer)
    }

    /// Writes a state that the run went on with.
    fn state(&mut self, state: &StateCopy) -> Result<()> {
        let line = state.line(self.tensor_bytes)?;
        self.line(&line)?;
        for copy in state.copies() {
            self.tensor_bytes += copy.bytes.len() as u64;
            self.bytes.extend_from_slice(&copy.bytes);
        }
        Ok(())
    }

    /// Writes the line of a phase. Answers whether it is the last.
    fn event(&mut self, phase: Phase, context: &Context) -> Result<bool> {
        let room = self.bounds.bytes.saturating_sub(self.used());
        if capture::bytes_of(self.keeps, context) > room {
            return self.cut(&self.too_large()).map(|()| true);
        }
        let mut event = self.said.event(phase, context)?;
        self.keep_tensors(&mut event, context)?;
        self.line(&event)?;
        if self.used() > self.bounds.bytes {
            return self.cut(&self.too_large()).map(|()| true);
        }
        self.batches += u64::from(phase == Phase::TrainBatchEnd);
        if phase == Phase::TrainingEnd {
            return self.end("complete", None).map(|()| true);
        }
        if phase == Phase::TrainBatchEnd && self.batches == self.bounds.batches {
            let why = format!(
                "it has {} batches: `--trace-steps` asks for more",
                self.batches
            );
            return self.cut(&why).map(|()| true);
        }
        if !is_inside_batch(phase) {
            self.flush()?;
        }
        Ok(false)
    }

    /// Puts the kept tensors that differ from those of the line before into the bytes, and their places into the line.
    fn keep_tensors(&mut self, event: &mut Event, context: &Context) -> Result<()> {
        for part in self.said.keep(self.keeps, context)? {
            let changes = event.new.get_or_insert_default();
            let copies = self.said.copies(part);
            if part == Part::Gradients && copies.iter().all(Copy::is_zero) {
                changes.cleared = true;
                continue;
            }
            for copy in copies {
                changes.tensors.push(PhaseTensor {
                    of: part,
                    stored: copy.stored(self.tensor_bytes)?,
                });
                self.tensor_bytes += copy.bytes.len() as u64;
                self.bytes.extend_from_slice(&copy.bytes);
            }
        }
        Ok(())
    }

    fn used(&self) -> u64 {
        self.tensor_bytes + self.line_bytes
    }

    fn too_large(&self) -> String {
        let most = Amount::new(Measure::Bytes, self.bounds.bytes);
        format!("more than {most} are needed: `--trace-size` allows more")
    }

    fn line(&mut self, line: &impl Serialize) -> Result<()> {
        let before = self.lines.len();
        json::write_line(&mut self.lines, line)?;
        self.lines.push(b'\n');
        let length = self.lines.len() - before;
        if length > MOST_LINE_BYTES {
            self.lines.truncate(before);
            bail!("a line of it has {length} bytes, and at most {MOST_LINE_BYTES} are read");
        }
        self.line_bytes += length as u64;
        Ok(())
    }

    /// Ends the trace before the run.
    fn cut(&mut self, why: &str) -> Result<()> {
        tracing::info!("the trace in {} ends here: {why}", self.folder.display());
        self.end("cut", Some(why.to_owned()))
    }

    fn end(&mut self, end: &str, why: Option<String>) -> Result<()> {
        self.line(&End {
            end: end.to_owned(),
            why,
        })?;
        self.flush()
    }

    /// Brings the files up to date, bytes before the lines that point to them.
    fn flush(&mut self) -> Result<()> {
        let place = || format!("cannot write to {}", self.folder.display());
        self.tensors.write_all(&self.bytes).with_context(place)?;
        self.events.write_all(&self.lines).with_context(place)?;
        self.bytes.clear();
        self.lines.clear();
        Ok(())
    }
}

/// True at phases that others of the same batch follow.
fn is_inside_batch(phase: Phase) -> bool {
    let is_in_batch = PhaseSet::TRAIN_BATCH.contains(phase) || phase.is_in_evaluation_batch();
    let ends = [
        Phase::TrainBatchEnd,
        Phase::ValidationBatchEnd,
        Phase::TestBatchEnd,
    ];
    is_in_batch && !ends.contains(&phase)
}

/// The folder of the next trace of a run: `trace`, then `trace.2`, ….
fn new_folder(run: &Path) -> Result<PathBuf> {
    for number in 1..=MOST_TRACES {
        let folder = super::reader::folder(run, number);
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => {
                return Err(error).with_context(|| format!("cannot make {}", folder.display()));
            }
        }
    }
    bail!("{} has {MOST_TRACES} traces: remove some", run.display())
}

/// A new file, of which nothing was there.
fn create(path: &Path) -> Result<File> {
    let file = OpenOptions::new().append(true).create_new(true).open(path);
    file.with_context(|| format!("cannot make {}", path.display()))
}
