//! The cost of one call of a host function with arguments at their extremes, measured from outside of a monkey in a real
//! training: time, memory, disk and lines, what was counted against limits, and the answer.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::{Limit, Limits, Window};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_plugin::Plugin;
use phasebox_train::callback::{Callback, CallbackReport};
use phasebox_train::context::{Context, Lendable};
use phasebox_train::control::Control;
use serde_json::json;
use tch::Tensor;
use torch_ext::Items;

use crate::cost::time_on_processor;
use crate::monkey;
use crate::training::{self, Variant};

/// A call: the function and its arguments, as the monkey reads them.
#[derive(Clone)]
pub struct Program {
    /// The monkey's bytes: they name a function and choose its arguments.
    pub bytes: Vec<u8>,
    /// Tensors have 2 to the power of so many elements.
    pub size: u32,
    /// Images and a tensor are noise, which is hard to sort and to compress.
    pub noise: bool,
    /// The monkey's limits.
    pub limits: Limits,
}

/// The cost of a call.
#[derive(Clone, Debug)]
pub struct Cost {
    /// Time on a processor.
    pub time: Duration,
    /// The most memory, in bytes, beyond what there was before and what the guest has for itself.
    pub memory: u64,
    /// Bytes that the files of the run have more.
    pub disk: u64,
    /// Lines that the log for machines has more.
    pub lines: u64,
    /// Amounts counted against limits, in their order.
    pub used: Vec<u64>,
    /// How often each limit refused more.
    pub refused: Vec<u64>,
    /// The function that was called; none if nothing was there to call it with, or the call trapped.
    pub answer: Option<Answer>,
    /// The call trapped.
    pub has_trapped: bool,
}

/// The answer to a call.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The function's name, as [`crate::contract::functions`] has it.
    pub function: String,
    /// The code of the refusal; none if the call was accepted.
    pub refusal: Option<String>,
}

/// Measures calls at one moment of a training.
pub struct Moment<'a> {
    /// The phase of the moment.
    pub phase: Phase,
    context: &'a mut Lendable<Context>,
}

/// Trains, and visits the first moment of each of the phases.
pub fn visit(phases: &[Phase], visit: impl FnMut(&mut Moment<'_>) + 'static) {
    let callback = Visitor {
        phases: phases.iter().copied().collect(),
        visited: PhaseSet::default(),
        visit,
    };
    // Every end of the run is right.
    let _ = training::run(Box::new(callback), Variant::AVERAGED);
}

struct Visitor<V> {
    phases: PhaseSet,
    visited: PhaseSet,
    visit: V,
}

impl<V: FnMut(&mut Moment<'_>)> Callback for Visitor<V> {
    fn name(&self) -> &str {
        "monkey"
    }

    fn phases(&self) -> PhaseSet {
        self.phases
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        if !self.visited.contains(phase) {
            self.visited.insert(phase);
            (self.visit)(&mut Moment { phase, context });
        }
        Ok(())
    }
}

impl Moment<'_> {
    /// Makes a call by a new monkey, and leaves the training as it was, but for what is changed in place.
    ///
    /// # Panics
    /// If no monkey can be made, or files of the run cannot be read.
    pub fn measure(&mut self, program: &Program) -> Cost {
        let batch = Batch::of(self.context);
        let mut plugin = plugin(program).expect("a monkey is made");
        let files = self.files();
        let memory = memory("VmRSS:");
        forget_peak();
        let begun = time_on_processor();
        // A trap is an answer, too.
        let _ = plugin.on_phase(self.phase, self.context);
        let time = time_on_processor() - begun;
        let peak = self::memory("VmHWM:");
        let written = self.files();
        batch.put_back(self.context);
        let report = plugin.report();
        let guest = report.peak_memory_bytes;
        let (used, refused) = limits(&report);
        Cost {
            time,
            memory: peak.saturating_sub(memory + guest),
            disk: written.bytes.saturating_sub(files.bytes),
            lines: written.lines - files.lines,
            used,
            refused,
            has_trapped: !plugin.is_usable(),
            answer: answer(&mut plugin),
        }
    }

    fn files(&mut self) -> Files {
        self.context.logger.flush().expect("logs can be written");
        let mut files = Files::default();
        files.count(Path::new(&self.context.run.ckpt_dir));
        files
    }
}

fn plugin(program: &Program) -> Result<Plugin> {
    let bytes = program.bytes.iter();
    let bytes: String = bytes.map(|byte| format!("{byte:02x}")).collect();
    let params = json!({"program": bytes, "extremes": program.size, "noise": program.noise});
    let grants: Grants = Grant::ALL.iter().copied().collect();
    monkey::plugin(params, grants, program.limits)
}

/// The answer that the monkey got: "Resource.function true", or "… false ErrorCode::TooLarge".
fn answer(plugin: &mut Plugin) -> Option<Answer> {
    let lines = monkey::lines(plugin);
    let mut words = lines.first()?.split(' ');
    let function = words.next()?.replace('_', "-");
    words.next()?;
    let refusal = words.next().map(kebab);
    Some(Answer { function, refusal })
}

/// `too-large` for `ErrorCode::TooLarge`.
fn kebab(code: &str) -> String {
    let name = code.trim_start_matches("ErrorCode::");
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Tensors of the batch, which calls may replace.
struct Batch {
    items: [Option<Items>; 3],
    loss: Option<Tensor>,
}

impl Batch {
    fn of(context: &Context) -> Batch {
        let items = [&context.inputs, &context.target, &context.preds];
        Batch {
            items: items.map(|items| items.as_ref().map(Items::shallow_clone)),
            loss: context.loss.as_ref().map(Tensor::shallow_clone),
        }
    }

    fn put_back(self, context: &mut Context) {
        [context.inputs, context.target, context.preds] = self.items;
        context.loss = self.loss;
        let mut control = Control::default();
        control.caller = context.control.caller.take();
        control.global_step = context.control.global_step;
        context.control = control;
    }
}

/// Amounts used of each limit, and how often it refused more. Of a window that has ended with the call, the most.
fn limits(report: &CallbackReport) -> (Vec<u64>, Vec<u64>) {
    let usage = report.limits.as_ref().map(|(_, usage)| usage);
    let used = |limit: &Limit| match limit.window() {
        Window::Step | Window::Run => usage.map_or(0, |usage| usage.used(*limit)),
        Window::Call | Window::Load | Window::Standing => {
            usage.map_or(0, |usage| usage.peak(*limit))
        }
    };
    let refused = |limit: &Limit| usage.map_or(0, |usage| usage.refused(*limit));
    (
        Limit::ALL.iter().map(used).collect(),
        Limit::ALL.iter().map(refused).collect(),
    )
}

/// The files of a run.
#[derive(Default)]
struct Files {
    bytes: u64,
    lines: u64,
}

impl Files {
    fn count(&mut self, folder: &Path) {
        let entries = fs::read_dir(folder).expect("a folder").flatten();
        for path in entries.map(|entry| entry.path()) {
            if path.is_dir() {
                self.count(&path);
                continue;
            }
            self.bytes += path.metadata().map_or(0, |metadata| metadata.len());
            if path.ends_with("metrics.jsonl") {
                let text = fs::read(&path).expect("a log");
                self.lines += text.iter().filter(|byte| **byte == b'\n').count() as u64;
            }
        }
    }
}

/// A row of this process's own memory in /proc, in bytes.
fn memory(row: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(row));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() << 10
}

/// Lets the peak of this process's memory begin anew.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}
