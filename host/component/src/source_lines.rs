//! Lines of source for places in a component's code, read from its debug information (DWARF). A stranger's file can
//! make this cost any time and memory, so it is a task of a process of its own. The backtrace is `plugin`'s.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian, SectionId};
use phasebox_contract::digest::Digest;
use wasmparser::{Parser, Payload};

use crate::child::{Bounds, perform};
use crate::file;
use crate::task::Task;

/// The seconds of a processor that looking lines up may take, and the time on the clock, for a busy machine.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux ends a task by its time")
)]
pub(crate) const SECONDS: u64 = 1;
const TIME: Duration = Duration::from_secs(5);
/// The memory that looking lines up may take in a large file, and the part of it for the smallest. The program itself
/// takes 64 MiB of it.
const MEMORY: u64 = 512 << 20;
const LEAST_PART: u64 = 4;
/// The longest answer.
const ANSWER: u64 = 64 << 10;
/// The places of one offset that are told, of functions that compilers have put into one another: the innermost, and those that
/// are farthest from it.
const MOST_PLACES: usize = 8;
/// Functions inside of each other that are looked at.
const MOST_INLINED: usize = 64;
/// Traps of one callback whose lines are looked up: a callback that traps again and again traps at the same ones.
const LOOKUPS: u32 = 4;

/// Looks lines up for one component.
pub struct SourceLines {
    program: Option<PathBuf>,
    path: PathBuf,
    sha256: Digest,
    interrupted: Arc<AtomicBool>,
    lookups: u32,
}

impl SourceLines {
    pub(crate) fn new(
        program: Option<PathBuf>,
        path: PathBuf,
        sha256: Digest,
        interrupted: Arc<AtomicBool>,
    ) -> SourceLines {
        SourceLines {
            program,
            path,
            sha256,
            interrupted,
            lookups: LOOKUPS,
        }
    }

    /// `file:line` for each offset in the component's file, and where that code was put in; nothing where it is not known, where
    /// the file has changed, or where looking it up costs too much.
    pub fn at(&mut self, offsets: &[u64]) -> Vec<Vec<String>> {
        let found = self.look_up(offsets);
        found.unwrap_or_else(|| vec![Vec::new(); offsets.len()])
    }

    fn look_up(&mut self, offsets: &[u64]) -> Option<Vec<Vec<String>>> {
        let program = self.program.as_deref()?;
        self.lookups = self.lookups.checked_sub(1)?;
        let (file, metadata) = file::open(&self.path).ok()?;
        let bytes = file::read(file, metadata.len(), &self.path).ok()?;
        if Digest::of(&bytes) != self.sha256 {
            return None;
        }
        let part = file::part(bytes.len() as u64, LEAST_PART);
        let bounds = Bounds {
            time: TIME,
            memory: (MEMORY as f64 * part) as u64,
            answer: ANSWER,
            interrupted: &self.interrupted,
        };
        let task = Task::SourceLines(offsets.to_vec());
        let answer = perform(program, task, &bytes, &bounds).ok()?.ok()?;
        let lines: Vec<Vec<String>> = serde_json::from_slice(&answer).ok()?;
        (lines.len() == offsets.len()).then_some(lines)
    }
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

/// A core module of a component: where its code is, and its sections of debug information.
#[derive(Default)]
struct Module<'a> {
    code: Range<usize>,
    sections: Vec<(&'a str, &'a [u8])>,
}

/// `file:line` for each offset in the file, and where that code was put in; nothing where it is not known. It may take any time
/// and memory: the host asks for it in a process that can be killed.
pub fn lines_of_source(component: &[u8], offsets: &[u64]) -> Vec<Vec<String>> {
    let modules = modules(component);
    let at_one = |offset: &u64| {
        let offset = usize::try_from(*offset).ok()?;
        let module = modules
            .iter()
            .find(|module| module.code.contains(&offset))?;
        module.places(offset)
    };
    let places = offsets.iter().map(at_one);
    places.map(Option::unwrap_or_default).collect()
}

/// The core modules with code, up to the first bytes that cannot be parsed.
fn modules(component: &[u8]) -> Vec<Module<'_>> {
    let mut modules: Vec<Module<'_>> = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let Ok(payload) = payload else { break };
        match (payload, modules.last_mut()) {
            (Payload::ModuleSection { .. }, _) => modules.push(Module::default()),
            (Payload::CodeSectionStart { range, .. }, Some(module)) => module.code = range,
            (Payload::CustomSection(section), Some(module)) => {
                module.sections.push((section.name(), section.data()));
            }
            _ => {}
        }
    }
    modules
}

impl<'a> Module<'a> {
    /// The places of an offset, innermost first. Debug information counts from the beginning of the code.
    fn places(&self, offset: usize) -> Option<Vec<String>> {
        let section = |id: SectionId| -> Result<Slice<'a>, ()> { Ok(self.section(id.name())) };
        let dwarf = Dwarf::load(section).ok()?;
        let context = addr2line::Context::from_dwarf(dwarf).ok()?;
        let within = offset.checked_sub(self.code.start)?;
        let mut places = Vec::new();
        let mut frames = context.find_frames(within as u64).skip_all_loads().ok()?;
        while let Ok(Some(frame)) = frames.next() {
            let place = frame.location.and_then(|place| place.file.zip(place.line));
            places.extend(place.map(|(file, line)| format!("{file}:{line}")));
            if places.len() == MOST_INLINED {
                break;
            }
        }
        if places.is_empty() {
            return None;
        }
        let left_out = places.len().saturating_sub(MOST_PLACES);
        if left_out > 0 {
            places.splice(1..2 + left_out, ["…".to_owned()]);
        }
        Some(places)
    }

    fn section(&self, name: &str) -> Slice<'a> {
        let mut sections = self.sections.iter();
        let data = sections.find(|(known, _)| *known == name);
        EndianSlice::new(data.map_or(&[], |(_, data)| data), LittleEndian)
    }
}
