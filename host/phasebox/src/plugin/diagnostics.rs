//! Host side of the contract's `diagnostics`: a guest's lines in the run's log.

use super::bindings::phasebox::train::diagnostics::Host;
use super::bindings::phasebox::train::types::Level;
use super::error::truncate;
use super::store::{GuestFailure, PluginState};
use crate::logger::one_line;

/// Lines of one call that are shown; the rest is counted and dropped.
const MAX_LINES_A_CALL: u32 = 100;

impl Host for PluginState {
    fn log(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        self.call_lines += 1;
        let (name, line) = (&*self.name, one_line(&truncate(text)));
        match self.call_lines {
            0..=MAX_LINES_A_CALL => match level {
                Level::Trace => tracing::trace!(target: "callback", "[{name}] {line}"),
                Level::Debug => tracing::debug!(target: "callback", "[{name}] {line}"),
                Level::Info => tracing::info!(target: "callback", "[{name}] {line}"),
                Level::Warn => tracing::warn!(target: "callback", "[{name}] {line}"),
                Level::Error => tracing::error!(target: "callback", "[{name}] {line}"),
            },
            n if n == MAX_LINES_A_CALL + 1 => {
                tracing::warn!(target: "callback", "[{name}] more than {MAX_LINES_A_CALL} lines in one call: the rest is dropped");
            }
            _ => {}
        }
        Ok(())
    }

    fn report_failure(
        &mut self,
        message: String,
        location: String,
        traceback: String,
    ) -> wasmtime::Result<()> {
        self.failure = Some(GuestFailure {
            message: truncate(message),
            location: truncate(location),
            traceback: truncate(traceback),
        });
        Ok(())
    }
}
