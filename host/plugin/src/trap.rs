//! The reason why a call did not return, in words: the guest's own report, the limit that ended the call,
//! and the place in the guest's code.

use anyhow::anyhow;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::printable::{excerpt, indented, one_line};
use wasmtime::{FrameInfo, Store, Trap, WasmBacktrace};

use crate::function_names::readable;
use crate::host_panic::HostPanic;
use crate::state::{GuestFailure, PluginState};

/// The most frames of a backtrace that are shown.
const MAX_FRAMES: usize = 12;
/// The most bytes of a place in the source.
const MAX_PLACE_BYTES: usize = 64;

/// Makes of a trap an error for people: the cause first, then the guest's backtrace.
pub(crate) fn explain(error: wasmtime::Error, store: &mut Store<PluginState>) -> anyhow::Error {
    let state = store.data_mut();
    let backtrace = error.downcast_ref::<WasmBacktrace>();
    let backtrace = backtrace.map(|backtrace| frames(backtrace, state));
    let backtrace = backtrace.unwrap_or_default();
    count(&error, state);
    let refused_bytes = state.limiter.refused_bytes.take();
    let cause = cause(&error, state.limits, state.deadline.limit, refused_bytes);
    match state.failure.take().or_else(|| last_words(state)) {
        // A guest's report is the reason only if the guest gave up: it cannot hide what the host ended.
        Some(failure) if gave_up(&error) => {
            let memory =
                refused_bytes.map(|_| format!("\n  {}", memory(state.limits, refused_bytes)));
            let memory = memory.unwrap_or_default();
            // Beside a guest's own traceback, that of its interpreter says nothing to the author.
            let has_own = !failure.traceback.is_empty();
            let backtrace = if has_own { String::new() } else { backtrace };
            anyhow!("{}{memory}{backtrace}", reported(&failure))
        }
        _ => anyhow!("{cause}{backtrace}"),
    }
}

/// The end of the guest's standard error, where panics and tracebacks are without an SDK.
fn last_words(state: &PluginState) -> Option<GuestFailure> {
    let message = state.output.last_words();
    (!message.is_empty()).then(|| GuestFailure {
        message,
        location: String::new(),
        traceback: String::new(),
    })
}

/// Counts a limit of time that was reached, or a panic of the host.
fn count(error: &wasmtime::Error, state: &mut PluginState) {
    if ran_out_of_time(error) {
        state.usage.refuse(state.deadline.limit);
    }
    if error.downcast_ref::<HostPanic>().is_some() {
        state.counters.host_panics += 1;
    }
}

fn ran_out_of_time(error: &wasmtime::Error) -> bool {
    matches!(
        error.downcast_ref::<Trap>(),
        Some(Trap::Interrupt | Trap::OutOfFuel)
    )
}

fn gave_up(error: &wasmtime::Error) -> bool {
    matches!(
        error.downcast_ref::<Trap>(),
        Some(Trap::UnreachableCodeReached)
    )
}

/// The guest's own report: message, place and traceback.
fn reported(failure: &GuestFailure) -> String {
    let mut text = indented(&failure.message);
    for (label, part) in [("at ", &failure.location), ("", &failure.traceback)] {
        if !part.is_empty() {
            text.push_str(&format!("\n  {label}{}", indented(part.trim_end())));
        }
    }
    text
}

/// The host's sentence about why the call ended. `refused_bytes` of memory explain a guest that gave up.
fn cause(
    error: &wasmtime::Error,
    limits: Limits,
    limit: Limit,
    refused_bytes: Option<u64>,
) -> String {
    if ran_out_of_time(error) {
        let exceeded = limit.exceeded(limits[limit]);
        return format!("it did not return in time: {exceeded}");
    }
    match error.downcast_ref::<Trap>() {
        None | Some(Trap::UnreachableCodeReached) if refused_bytes.is_some() => {
            memory(limits, refused_bytes)
        }
        None => in_words_of_the_contract(&error.root_cause().to_string()),
        Some(Trap::StackOverflow) => {
            "its call stack overflowed: it recurses without end".to_owned()
        }
        Some(Trap::UnreachableCodeReached) => {
            "it gave up (`unreachable`): a panic or an abort".to_owned()
        }
        Some(Trap::MemoryOutOfBounds) => "it read or wrote outside its memory".to_owned(),
        Some(trap) => format!("it trapped: {trap}"),
    }
}

/// The message of wasmtime about a guest that broke the rules of handles and values, with a remedy for its author.
fn in_words_of_the_contract(said: &str) -> String {
    let found = BROKEN_RULES
        .iter()
        .find(|(begins, _)| said.starts_with(begins));
    match found {
        Some((_, remedy)) => format!("{remedy} ({said})"),
        None => said.to_owned(),
    }
}

/// Beginnings of wasmtime's messages, each with what the guest did.
const BROKEN_RULES: [(&str, &str); 4] = [
    (
        "borrow handles still remain",
        "it kept the context that it was lent: give it back before it returns, in C by `PHASEBOX_LENT`, in Go by \
         `defer ctx.Drop()`",
    ),
    (
        "unknown handle index",
        "it used a handle that it does not have: one that it dropped or gave away before",
    ),
    (
        "unexpected discriminant",
        "it answered a case that the contract does not have, as with memory that was not filled",
    ),
    ("invalid utf-8", "it gave a text that is not UTF-8"),
];

fn memory(limits: Limits, refused_bytes: Option<u64>) -> String {
    let wanted = Limit::Memory.show(refused_bytes.unwrap_or_default());
    format!(
        "it wanted {wanted} of memory: {}",
        Limit::Memory.exceeded(limits[Limit::Memory])
    )
}

/// The innermost frames of the guest, one a line.
fn frames(backtrace: &WasmBacktrace, state: &mut PluginState) -> String {
    let named = |frame: &&FrameInfo| frame.func_name().is_some();
    let frames: Vec<&FrameInfo> = backtrace
        .frames()
        .iter()
        .filter(named)
        .take(MAX_FRAMES)
        .collect();
    if frames.is_empty() {
        return String::new();
    }
    let offsets: Vec<u64> = frames.iter().map(|frame| offset(frame)).collect();
    let lines = state.source_lines.as_mut();
    let lines = lines.map(|lines| lines.at(&offsets)).unwrap_or_default();
    let shown = frames
        .iter()
        .zip(lines.into_iter().chain(std::iter::repeat(Vec::new())));
    let shown: String = shown
        .filter_map(|(frame, places)| shown_frame(frame, &places))
        .collect();
    format!("\n  guest backtrace:{shown}")
}

/// The end of a place: its file's name and line, with as many folders as are read at a glance.
fn end_of(place: &str) -> String {
    let begin = place.len().saturating_sub(MAX_PLACE_BYTES);
    match begin {
        0 => place.to_owned(),
        _ => format!("…{}", &place[place.ceil_char_boundary(begin)..]),
    }
}

/// The frame's place in the component's file; no code is at 0.
fn offset(frame: &FrameInfo) -> u64 {
    frame.module_offset().unwrap_or_default() as u64
}

/// A function of the guest, with its files and lines if they are known: where it is, and from where that was called, if the
/// compiler has put one function into another.
fn shown_frame(frame: &FrameInfo, places: &[String]) -> Option<String> {
    let name = excerpt(&readable(frame.func_name()?));
    let mut places = places.iter().map(|place| one_line(&end_of(place)));
    let innermost = places.next().map(|place| format!(" ({place})"));
    let outer: String = places
        .map(|place| format!("\n      from {place}"))
        .collect();
    Some(format!(
        "\n    in {name}{}{outer}",
        innermost.unwrap_or_default()
    ))
}
