//! Host side of the contract's `diagnostics`: a guest's lines in the run's log.

use super::bindings::phasebox::train::diagnostics::Host;
use super::bindings::phasebox::train::types::Level;
use super::error::truncate;
use super::store::{GuestFailure, PluginState};
use crate::logger::{self, one_line};

/// Lines of one call that are shown; the rest is counted and dropped.
const MAX_LINES_A_CALL: u32 = 100;

impl PluginState {
    /// Into the run's log. While a callback is loaded or saved there is no run, and the program's log has to do.
    fn say(&mut self, level: Level, text: &str) -> wasmtime::Result<()> {
        let name = self.name.clone();
        let kept = match level {
            Level::Trace => None,
            Level::Debug => Some(logger::Level::Debug),
            Level::Info => Some(logger::Level::Info),
            Level::Warn => Some(logger::Level::Warn),
            Level::Error => Some(logger::Level::Error),
        };
        match (&mut self.context, kept) {
            (Some(context), Some(level)) => {
                let written = context.logger.message(level, &name, text);
                written.map_err(|error| wasmtime::Error::msg(format!("{error:#}")))?;
            }
            (_, Some(logger::Level::Error)) => tracing::error!("{name}: {}", one_line(text)),
            (_, Some(logger::Level::Warn)) => tracing::warn!("{name}: {}", one_line(text)),
            (_, Some(logger::Level::Info)) => tracing::info!("{name}: {}", one_line(text)),
            (_, Some(logger::Level::Debug)) => tracing::debug!("{name}: {}", one_line(text)),
            (_, None) => tracing::trace!("{name}: {}", one_line(text)),
        }
        Ok(())
    }
}

impl Host for PluginState {
    fn log(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        self.call_lines += 1;
        match self.call_lines {
            0..=MAX_LINES_A_CALL => self.say(level, &truncate(text)),
            n if n == MAX_LINES_A_CALL + 1 => {
                let message = format!("more than {MAX_LINES_A_CALL} lines in one call: the rest is dropped");
                self.say(Level::Warn, &message)
            }
            _ => Ok(()),
        }
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
