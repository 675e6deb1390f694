//! Samples of a guest's stack, one for each beat of a sampling engine's clock: where a callback's time goes. Owns which
//! function a beat counts for, and the sums; printing them is the command line's. Without a sampling engine none of this
//! runs.
//!
//! A guest looks for a new beat where it enters functions and at the heads of loops, so that a beat counts for the place
//! that comes next. The beats of a host function count for the guest's function that has called it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use phasebox_contract::printable::excerpt;
use wasmtime::{CallHook, FrameInfo, Store, StoreContextMut, UpdateDeadline, WasmBacktrace};

use crate::engine::PluginEngine;
use crate::function_names::readable;
use crate::state::PluginState;

/// The most stacks, functions and places that are told apart; a guest can make any number.
const MOST: usize = 20_000;
/// The longest name that a function is told apart by.
const MOST_NAME_BYTES: usize = 1 << 10;
/// The most innermost frames of a stack.
const MOST_FRAMES: usize = 64;

/// The samples of all callbacks of an engine. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct StackSamples(Arc<Mutex<Sums>>);

#[derive(Debug, Default)]
struct Sums {
    functions: HashMap<String, usize>,
    /// Beats by stack: the numbers of its functions, the innermost last, and whether the host was busy.
    stacks: HashMap<(Vec<usize>, bool), u64>,
    /// Beats by the place in the component's file, where a function was the innermost.
    places: HashMap<(usize, u64), u64>,
    /// Beats of which no stack is known: what MOST left out, and calls that ended before they looked.
    elsewhere: u64,
    calls: u64,
    begun: Option<(Instant, u64)>,
    /// The time and the beat of the last call's end.
    ended: Option<(Instant, u64)>,
}

/// A summary of samples.
#[derive(Debug, Default)]
pub struct SampledStacks {
    /// Stacks with their beats, most first: functions from the outermost to the innermost.
    pub stacks: Vec<SampledStack>,
    /// For each function that was the innermost: the place in the component's file that had most beats.
    pub places: HashMap<String, u64>,
    /// Beats of which no stack is known.
    pub elsewhere: u64,
    /// Calls of guests.
    pub calls: u64,
    /// Time between two beats, on average.
    pub beat: Duration,
}

/// A stack and its beats.
#[derive(Debug)]
pub struct SampledStack {
    /// Names of functions, the innermost last.
    pub functions: Vec<String>,
    /// The host was at work for the innermost.
    pub in_host: bool,
    /// Samples.
    pub beats: u64,
}

impl StackSamples {
    /// The number of samples so far.
    pub fn count(&self) -> u64 {
        let sums = self.sums();
        let mut count = sums.elsewhere;
        for beats in &sums.stacks {
            count += beats.1;
        }
        count
    }

    /// Sums so far, which begin at zero again.
    pub fn take(&self) -> SampledStacks {
        std::mem::take(&mut *self.sums()).summary()
    }

    /// A poisoned sum is still a sum: nothing here is left half done.
    fn sums(&self) -> MutexGuard<'_, Sums> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Samples of one store.
pub(crate) struct StackSampler {
    beats: Arc<AtomicU64>,
    /// The beat up to which everything is counted.
    counted: u64,
    /// The tick at which the slice of the call's time ends.
    slice_ends_at: u64,
    /// The host is busy with a look at the clock, which no guest has asked for.
    looks: bool,
    samples: StackSamples,
}

impl StackSampler {
    /// The sampler of a new store; none if the engine does not beat.
    pub(crate) fn of(engine: &PluginEngine) -> Option<StackSampler> {
        Some(StackSampler {
            beats: engine.engine().beats()?,
            counted: 0,
            slice_ends_at: 0,
            looks: false,
            samples: engine.stacks().clone(),
        })
    }

    /// Begins a call whose first slice of time ends at a tick.
    fn begin(&mut self, slice_ends_at: u64) {
        self.slice_ends_at = slice_ends_at;
        self.counted = self.now();
        let mut sums = self.samples.sums();
        sums.calls += 1;
        sums.begun.get_or_insert((Instant::now(), self.counted));
    }

    /// The beats that are not counted yet; they are from now on.
    fn due(&mut self) -> u64 {
        let now = self.now();
        now - std::mem::replace(&mut self.counted, now)
    }

    /// Ends a call.
    pub(crate) fn end(&mut self) {
        let left = self.due();
        let mut sums = self.samples.sums();
        sums.elsewhere += left;
        sums.ended = Some((Instant::now(), self.counted));
    }

    fn now(&self) -> u64 {
        self.beats.load(Ordering::Relaxed)
    }
}

/// Looks at the beats of a store wherever its guest looks, and wherever it calls the host; `counts` is called there too.
pub(crate) fn watch(
    store: &mut Store<PluginState>,
    counts: fn(&mut PluginState, CallHook) -> wasmtime::Result<()>,
) {
    store.epoch_deadline_callback(|mut store| {
        count(&mut store, false);
        let state = store.data_mut();
        if let Some(sampler) = &mut state.stacks {
            sampler.looks = true;
        }
        state.forget_look();
        go_on(state)
    });
    store.call_hook(move |mut store, hook| {
        match hook {
            CallHook::CallingHost => count(&mut store, false),
            CallHook::ReturningFromHost => returned(&mut store),
            CallHook::CallingWasm | CallHook::ReturningFromWasm => {}
        }
        counts(store.data_mut(), hook)
    });
}

/// Begins a call that may take so many ticks: its guest looks at the next beat.
pub(crate) fn begin(store: &mut Store<PluginState>, ticks: u64) {
    let state = store.data_mut();
    let ends_at = state.deadline.now() + ticks;
    if let Some(sampler) = &mut state.stacks {
        sampler.begin(ends_at);
    }
    store.set_epoch_deadline(1);
}

/// Counts the beats of a host function for its caller. Those of a look are the sampler's own, and count for nobody.
fn returned(store: &mut StoreContextMut<PluginState>) {
    let looked = store.data_mut().stacks.as_mut().is_some_and(|sampler| {
        let looked = std::mem::take(&mut sampler.looks);
        if looked {
            sampler.due();
        }
        looked
    });
    if !looked {
        count(store, true);
    }
}

/// Counts the beats since the last look for the stack that the store has now.
fn count(store: &mut StoreContextMut<PluginState>, in_host: bool) {
    let sampler = store.data_mut().stacks.as_mut();
    let due = sampler.map_or(0, |sampler| sampler.due());
    if due == 0 {
        return;
    }
    let backtrace = WasmBacktrace::force_capture(&*store);
    if let Some(sampler) = &store.data().stacks {
        sampler.samples.sums().count(due, in_host, &backtrace);
    }
}

/// Goes on to the next beat, or to the end of the slice of time.
fn go_on(state: &mut PluginState) -> wasmtime::Result<UpdateDeadline> {
    let now = state.deadline.now();
    let Some(sampler) = &mut state.stacks else {
        return state.deadline.reached();
    };
    if now < sampler.slice_ends_at {
        return Ok(UpdateDeadline::Continue(1));
    }
    Ok(match state.deadline.reached()? {
        UpdateDeadline::Continue(slice) => {
            sampler.slice_ends_at = now + slice;
            UpdateDeadline::Continue(1)
        }
        end => end,
    })
}

impl Sums {
    fn count(&mut self, beats: u64, in_host: bool, backtrace: &WasmBacktrace) {
        // Functions without a name are those that compilers add, such as the ones that call the host.
        let frames = backtrace.frames().iter();
        let frames =
            frames.filter_map(|frame| Some((frame, key(frame.func_name()?, frame.func_index()))));
        let frames: Vec<(&FrameInfo, Cow<'_, str>)> = frames.take(MOST_FRAMES).collect();
        let mut stack: Vec<usize> = Vec::new();
        for (_, name) in &frames {
            let Some(function) = self.function(name) else {
                self.elsewhere += beats;
                return;
            };
            stack.push(function);
        }
        if let Some(((frame, _), function)) = frames.first().zip(stack.first()) {
            let offset = frame.module_offset().unwrap_or_default() as u64;
            add(&mut self.places, (*function, offset), beats);
        }
        stack.reverse();
        if !add(&mut self.stacks, (stack, in_host), beats) {
            self.elsewhere += beats;
        }
    }

    /// The number of a function; none if there are too many.
    fn function(&mut self, name: &str) -> Option<usize> {
        if let Some(known) = self.functions.get(name) {
            return Some(*known);
        }
        let number = self.functions.len();
        if number >= MOST {
            return None;
        }
        self.functions.insert(name.to_owned(), number);
        Some(number)
    }

    fn summary(self) -> SampledStacks {
        let names = shown(self.functions);
        let stacks = self.stacks.into_iter();
        let stacks = stacks.map(|((functions, in_host), beats)| SampledStack {
            functions: functions
                .iter()
                .map(|number| names[*number].clone())
                .collect(),
            in_host,
            beats,
        });
        let mut stacks: Vec<SampledStack> = stacks.collect();
        stacks.sort_by(|one, other| {
            let order = other.beats.cmp(&one.beats);
            order.then_with(|| one.functions.cmp(&other.functions))
        });
        let mut places: Vec<((usize, u64), u64)> = self.places.into_iter().collect();
        // The last one of a function is kept.
        places.sort_by_key(|(_, beats)| *beats);
        let places = places.into_iter();
        let places = places.map(|((function, offset), _)| (names[function].clone(), offset));
        SampledStacks {
            stacks,
            places: places.collect(),
            elsewhere: self.elsewhere,
            calls: self.calls,
            beat: beat(self.begun, self.ended),
        }
    }
}

/// The name that a function is told apart by: a long one by its beginning and its number.
fn key(name: &str, index: u32) -> Cow<'_, str> {
    match name.len() > MOST_NAME_BYTES {
        true => format!("{}… {index}", &name[..name.floor_char_boundary(100)]).into(),
        false => name.into(),
    }
}

/// The names of functions as people read them, by number. Two that are cut to one are told apart.
fn shown(functions: HashMap<String, usize>) -> Vec<String> {
    let mut names = vec![String::new(); functions.len()];
    let mut by_number: Vec<(usize, String)> = functions
        .into_iter()
        .map(|(name, number)| (number, name))
        .collect();
    by_number.sort_by_key(|(number, _)| *number);
    let mut used = HashSet::new();
    for (number, name) in by_number {
        let text = excerpt(&readable(&name));
        names[number] = match used.insert(text.clone()) {
            true => text,
            false => format!("{text} ({number})"),
        };
    }
    names
}

/// Adds beats; false if there are too many keys already.
fn add<Key: Eq + std::hash::Hash>(sums: &mut HashMap<Key, u64>, key: Key, beats: u64) -> bool {
    let has_room = sums.len() < MOST || sums.contains_key(&key);
    if has_room {
        *sums.entry(key).or_default() += beats;
    }
    has_room
}

/// The time between two beats: that of the clock's thread, which sleeps longer on a busy machine.
fn beat(begun: Option<(Instant, u64)>, ended: Option<(Instant, u64)>) -> Duration {
    let times = begun.zip(ended);
    let beat = times.and_then(|((begun, first), (ended, last))| {
        let beats = u32::try_from(last.saturating_sub(first)).ok()?;
        ended.saturating_duration_since(begun).checked_div(beats)
    });
    beat.unwrap_or_default()
}
