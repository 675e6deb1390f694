//! The contract's `diagnostics`: a guest's lines in the run's log, and its report before a trap.

use phasebox_contract::limits::Limit;
use phasebox_train::logger::{self, one_line};

use crate::bindings::diagnostics::Host;
use crate::bindings::types::Level;
use crate::error::truncate;
use crate::state::{GuestFailure, PluginState};

impl PluginState {
    /// Writes one line to the run's log. While a callback is loaded or saved there is no run, so the line goes
    /// to the program's log.
    fn log_line(&mut self, level: Level, text: &str) -> wasmtime::Result<()> {
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

    /// Tells at the end of a step how many of its lines were not written.
    pub(crate) fn log_suppressed_lines(&mut self) {
        let lines = std::mem::take(&mut self.suppressed_lines);
        if lines > 0 {
            let limit = self.limits[Limit::LogLines];
            let message = format!(
                "{lines} lines suppressed: it may log {limit} in a step; raise `limits: {{log_lines: …}}`"
            );
            // A log that cannot be written fails the next line that a guest logs.
            let _ = self.log_line(Level::Warn, &message);
        }
    }
}

impl Host for PluginState {
    fn log(&mut self, level: Level, text: String) -> wasmtime::Result<()> {
        if self.charge(Limit::LogLines, 1).is_err() {
            self.suppressed_lines += 1;
            return Ok(());
        }
        self.log_line(level, &truncate(text))
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
