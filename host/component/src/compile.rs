//! Compiling a component, for as long as the limit `compile_time` says.

use std::sync::mpsc::{RecvTimeoutError, channel};

use anyhow::{Result, anyhow, bail};
use phasebox_contract::limits::{Limit, Limits};
use wasmtime::Engine;
use wasmtime::component::Component as Code;

/// The stack of the compiler's thread: as much as the first thread of a process has.
const COMPILER_STACK_BYTES: usize = 8 << 20;

/// Compiles `bytes`. The outer error says that compiling took too long or failed; the inner one is the
/// engine's about the component.
///
/// Compiling cannot be stopped, so it has a thread of its own: one that takes too long is left to end by
/// itself, or with the process, which refuses the recipe. A child process could be killed, but needs a
/// program to start, which a user of this crate as a library does not have.
pub(crate) fn compile(engine: &Engine, bytes: Vec<u8>, limits: &Limits) -> Result<Result<Code>> {
    let (sender, receiver) = channel();
    let engine = engine.clone();
    std::thread::Builder::new()
        .name("compiler".to_owned())
        .stack_size(COMPILER_STACK_BYTES)
        .spawn(move || {
            // Nobody listens once the time is over.
            let _ = sender.send(Code::from_binary(&engine, &bytes));
        })?;
    match receiver.recv_timeout(limits.time(Limit::CompileTime)) {
        Ok(compiled) => Ok(compiled.map_err(|error| anyhow!("{error:#}"))),
        Err(RecvTimeoutError::Timeout) => bail!(
            "it takes too long: {}",
            Limit::CompileTime.exceeded(limits[Limit::CompileTime])
        ),
        Err(RecvTimeoutError::Disconnected) => {
            bail!("the compiler failed on it, which is a fault of phasebox")
        }
    }
}
