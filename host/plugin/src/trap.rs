//! The reason why a call did not return, in words: the guest's own report, the limit that ended the call,
//! and the place in the guest's code.

use anyhow::anyhow;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_train::logger::{indented, one_line};
use wasmtime::{Store, Trap, WasmBacktrace};

use crate::host_panic::HostPanic;
use crate::state::{GuestFailure, PluginState};

/// The most frames of a backtrace that are shown.
const MAX_FRAMES: usize = 12;

/// Makes of a trap an error for people: the cause first, then the guest's backtrace.
pub(crate) fn explain(error: wasmtime::Error, store: &mut Store<PluginState>) -> anyhow::Error {
    let backtrace = error
        .downcast_ref::<WasmBacktrace>()
        .map(frames)
        .unwrap_or_default();
    let state = store.data_mut();
    let limit = state.deadline.limit;
    if matches!(
        error.downcast_ref::<Trap>(),
        Some(Trap::Interrupt | Trap::OutOfFuel)
    ) {
        state.usage.refuse(limit);
    }
    state.counters.host_panics += u64::from(error.downcast_ref::<HostPanic>().is_some());
    let cause = cause(
        &error,
        state.limits,
        limit,
        state.limiter.refused_bytes.take(),
    );
    match state.failure.take() {
        // A guest's report is the reason only if the guest gave up: it cannot hide what the host ended.
        Some(failure) if gave_up(&error) => anyhow!("{}{backtrace}", reported(&failure)),
        _ => anyhow!("{cause}{backtrace}"),
    }
}

fn gave_up(error: &wasmtime::Error) -> bool {
    matches!(
        error.downcast_ref::<Trap>(),
        Some(Trap::UnreachableCodeReached)
    )
}

fn reported(failure: &GuestFailure) -> String {
    let mut text = indented(&failure.message);
    for (label, part) in [("at ", &failure.location), ("", &failure.traceback)] {
        if !part.is_empty() {
            text.push_str(&format!("\n  {label}{}", indented(part.trim_end())));
        }
    }
    text
}

fn cause(
    error: &wasmtime::Error,
    limits: Limits,
    limit: Limit,
    refused_bytes: Option<u64>,
) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::Interrupt | Trap::OutOfFuel) => {
            format!(
                "it did not return in time: {}",
                limit.exceeded(limits[limit])
            )
        }
        Some(Trap::StackOverflow) => {
            "its call stack overflowed: it recurses without end".to_owned()
        }
        Some(Trap::UnreachableCodeReached) if refused_bytes.is_some() => {
            memory(limits, refused_bytes)
        }
        Some(Trap::UnreachableCodeReached) => {
            "it gave up (`unreachable`): a panic or an abort".to_owned()
        }
        Some(Trap::MemoryOutOfBounds) => "it read or wrote outside its memory".to_owned(),
        Some(trap) => format!("it trapped: {trap}"),
        None if refused_bytes.is_some() => memory(limits, refused_bytes),
        None => format!("{:#}", anyhow!("{}", error.root_cause())),
    }
}

fn memory(limits: Limits, refused_bytes: Option<u64>) -> String {
    let wanted = Limit::Memory.show(refused_bytes.unwrap_or_default());
    format!(
        "it wanted {wanted} of memory: {}",
        Limit::Memory.exceeded(limits[Limit::Memory])
    )
}

fn frames(backtrace: &WasmBacktrace) -> String {
    let names = backtrace.frames().iter().filter_map(|frame| {
        let name = one_line(frame.func_name()?);
        let symbol = frame.symbols().first();
        let place = symbol.and_then(|symbol| {
            Some(format!(
                " ({}:{})",
                one_line(symbol.file()?),
                symbol.line()?
            ))
        });
        Some(format!("\n    in {name}{}", place.unwrap_or_default()))
    });
    let shown: String = names.take(MAX_FRAMES).collect();
    if shown.is_empty() {
        shown
    } else {
        format!("\n  guest backtrace:{shown}")
    }
}
