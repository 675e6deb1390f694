//! The contract's `diagnostics`: a guest's lines in the run's log, and its report before a trap.

use phasebox_contract::limits::Limit;
use phasebox_contract::printable::one_line;
use phasebox_train::logger;

use super::log_bytes;
use crate::bindings::diagnostics::Host;
use crate::bindings::types::Level;
use crate::error::{HostResult, truncate};
use crate::state::{GuestFailure, PluginState};

impl PluginState {
    fn charge_line(&mut self, text: &str) -> HostResult<()> {
        self.charge(Limit::LogLines, 1)?;
        self.charge(Limit::LogBytes, log_bytes::of_message(&one_line(text)))
    }

    /// Writes one line, or counts it as left out.
    pub(super) fn log_within_limits(&mut self, level: Level, text: &str) -> wasmtime::Result<()> {
        if self.charge_line(text).is_err() {
            self.suppressed_lines += 1;
            return Ok(());
        }
        self.log_line(level, text)
    }

    /// Writes one line to the run's log. While a callback is loaded or saved there is no run, so the line goes
    /// to the program's log.
    fn log_line(&mut self, level: Level, text: &str) -> wasmtime::Result<()> {
        match (&mut self.context, run_log_level(level)) {
            (Some(context), Some(level)) => {
                let written = context.logger.message(level, &self.name, text);
                written.map_err(|error| wasmtime::Error::msg(format!("{error:#}")))
            }
            _ => {
                write_to_program_log(level, &self.name, text);
                Ok(())
            }
        }
    }

    /// Tells at the end of a step how many of its lines were not written.
    pub(crate) fn log_suppressed_lines(&mut self) {
        let lines = std::mem::take(&mut self.suppressed_lines);
        if lines > 0 {
            let limit = self.limits[Limit::LogLines];
            let bytes = Limit::LogBytes.show(self.limits[Limit::LogBytes]);
            let message = format!(
                "{lines} lines suppressed: it may log {limit} in a step and {bytes} in a run; \
                 raise `limits: {{log_lines: …, log_bytes: …}}`"
            );
            // A log that cannot be written fails the next line that a guest logs.
            let _ = self.log_line(Level::Warn, &message);
        }
    }
}

impl Host for PluginState {
    fn log(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        self.log_within_limits(level, &truncate(text))
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

/// The level of a line in the run's log, which keeps no `trace`.
fn run_log_level(level: Level) -> Option<logger::Level> {
    match level {
        Level::Trace => None,
        Level::Debug => Some(logger::Level::Debug),
        Level::Info => Some(logger::Level::Info),
        Level::Warn => Some(logger::Level::Warn),
        Level::Error => Some(logger::Level::Error),
    }
}

/// Writes one line to the program's log.
fn write_to_program_log(level: Level, name: &str, text: &str) {
    let text = one_line(text);
    match level {
        Level::Error => tracing::error!("{name}: {text}"),
        Level::Warn => tracing::warn!("{name}: {text}"),
        Level::Info => tracing::info!("{name}: {text}"),
        Level::Debug => tracing::debug!("{name}: {text}"),
        Level::Trace => tracing::trace!("{name}: {text}"),
    }
}
