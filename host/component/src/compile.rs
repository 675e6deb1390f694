//! Compiling a component, for as long and in as much memory as the limits `compile_time` and `compile_memory` say.
//!
//! A process of its own can be killed, and its memory can be bounded: half a megabyte of nested loops takes gigabytes. A
//! program that embeds this crate and names no program to start compiles on a thread, which can be neither.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};

use anyhow::anyhow;
use phasebox_contract::limits::{Limit, Limits};

use crate::child::{Bounds, Ended, perform};
use crate::engine::Engine;
use crate::file;
use crate::task::Task;
use crate::wasi;

/// The stack of the compiler's thread: as much as the first thread of a process has.
const COMPILER_STACK_BYTES: usize = 8 << 20;
/// The part of each limit that the smallest file may take. The compiler's threads take memory before they begin.
const LEAST_PARTS: [(Limit, u64); 2] = [(Limit::CompileTime, 32), (Limit::CompileMemory, 8)];
/// The most bytes of machine code. A JavaScript component has 42 MB.
const MAX_CODE_BYTES: u64 = 1 << 30;
/// A component that takes seconds: those of Python and JavaScript have 13 MB and more.
const SLOW_BYTES: usize = 8 << 20;

/// The reason why a component has no code; its text follows the name of the file.
pub(crate) enum NoCode {
    /// Its bytes and the limits decide it: another try ends in the same way.
    Refused(String),
    /// Something else decided it.
    Failed(String),
}

impl From<anyhow::Error> for NoCode {
    fn from(error: anyhow::Error) -> NoCode {
        NoCode::Failed(format!("{CANNOT}: {error:#}"))
    }
}

const CANNOT: &str = "cannot be compiled";
const UNFIT: &str = "is damaged or uses features that callbacks may not";

/// Compiles `bytes` to what the engine maps.
pub(crate) fn compile(engine: &Engine, bytes: Vec<u8>, limits: &Limits) -> Result<Vec<u8>, NoCode> {
    match &engine.program {
        Some(program) => in_process(engine, program, &bytes, limits),
        None => on_thread(&engine.engine, bytes, limits),
    }
}

fn in_process(
    engine: &Engine,
    program: &Path,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Vec<u8>, NoCode> {
    let interrupted = engine.interrupted();
    let limits = &shared_out(limits, bytes.len() as u64);
    let bounds = Bounds {
        time: limits.time(Limit::CompileTime),
        memory: limits[Limit::CompileMemory],
        answer: MAX_CODE_BYTES,
        interrupted: &interrupted,
    };
    let task = Task::Compile(engine.profile());
    if bytes.len() >= SLOW_BYTES {
        // Nothing is seen of the wait otherwise.
        tracing::info!(
            "compiling a callback of {} MB, which takes a while; its code is kept for the next time",
            bytes.len() / 1_000_000
        );
    }
    let ended = match perform(program, task, bytes, &bounds)? {
        Ok(code) => return Ok(code),
        Err(ended) => ended,
    };
    Err(match ended {
        Ended::Refused(reason) if is_about_memory(&reason) => takes_too_much(limits),
        Ended::Refused(reason) => NoCode::Refused(format!("{UNFIT}: {reason}")),
        Ended::Time => takes_too_long(limits),
        Ended::Memory => takes_too_much(limits),
        Ended::Interrupted => failed("the program was asked to end"),
        Ended::Failed(how) => failed(&format!("the compiler failed on it ({how}), {OUR_FAULT}")),
    })
}

fn on_thread(
    engine: &wasmtime::Engine,
    bytes: Vec<u8>,
    limits: &Limits,
) -> Result<Vec<u8>, NoCode> {
    let (sender, receiver) = channel();
    let limits = &shared_out(limits, bytes.len() as u64);
    let engine = engine.clone();
    std::thread::Builder::new()
        .name("compiler".to_owned())
        .stack_size(COMPILER_STACK_BYTES)
        .spawn(move || {
            // Nobody listens once the time is over.
            let _ = sender.send(machine_code(&engine, &bytes));
        })
        .map_err(anyhow::Error::from)?;
    match receiver.recv_timeout(limits.time(Limit::CompileTime)) {
        Ok(compiled) => compiled.map_err(|error| NoCode::Refused(format!("{UNFIT}: {error:#}"))),
        Err(RecvTimeoutError::Timeout) => Err(takes_too_long(limits)),
        Err(RecvTimeoutError::Disconnected) => {
            Err(failed(&format!("the compiler failed on it, {OUR_FAULT}")))
        }
    }
}

fn machine_code(engine: &wasmtime::Engine, bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let code = engine.precompile_component(&wasi::provided(bytes)?);
    code.map_err(|error| anyhow!("{error:#}"))
}

/// True for the compiler's words where it got no memory, as under its limit.
fn is_about_memory(reason: &str) -> bool {
    reason.ends_with("out of memory") || reason.contains("(os error 12)")
}

const OUR_FAULT: &str = "which is a fault of phasebox";

/// The limits of a file by its size: a small one may not take what a large one needs.
fn shared_out(limits: &Limits, size: u64) -> Limits {
    LEAST_PARTS
        .into_iter()
        .fold(*limits, |shared, (limit, least)| {
            let most = limits[limit] as f64 * file::part(size, least);
            shared.with(limit, most as u64)
        })
}

fn takes_too_long(limits: &Limits) -> NoCode {
    let exceeded = Limit::CompileTime.exceeded(limits[Limit::CompileTime]);
    NoCode::Refused(format!("{CANNOT}: it takes too long: {exceeded}"))
}

fn takes_too_much(limits: &Limits) -> NoCode {
    let exceeded = Limit::CompileMemory.exceeded(limits[Limit::CompileMemory]);
    NoCode::Refused(format!("{CANNOT}: it takes too much memory: {exceeded}"))
}

fn failed(reason: &str) -> NoCode {
    NoCode::Failed(format!("{CANNOT}: {reason}"))
}
