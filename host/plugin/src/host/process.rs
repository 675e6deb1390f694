//! The contract's `process`: output, end and numbers of a program that was made for WASI.

use crate::bindings::process::Host;
use crate::bindings::types::Level;
use crate::output::Stream;
use crate::state::{GuestFailure, PluginState};

/// The most bytes that one call of a function hands over to the log; programs write less at a time.
const MOST_AT_ONCE: usize = 64 << 10;

impl Host for PluginState {
    fn write_output(&mut self, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.write(Stream::Output, &bytes)
    }

    fn write_error(&mut self, bytes: Vec<u8>) -> wasmtime::Result<()> {
        self.write(Stream::Error, &bytes)
    }

    fn draw(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random.draw())
    }

    fn exit(&mut self, status: u32) -> wasmtime::Result<()> {
        self.finish_output();
        self.failure = Some(GuestFailure {
            message: format!(
                "it ended itself, with exit status {status}: a callback returns, and one that fails returns an error"
            ),
            location: String::new(),
            traceback: self.output.last_words(),
        });
        Ok(())
    }
}

impl PluginState {
    /// Writes lines to the log. Of what one call hands over beyond [`MOST_AT_ONCE`], lines are only counted.
    fn write(&mut self, stream: Stream, bytes: &[u8]) -> wasmtime::Result<()> {
        let (taken, left_out) = bytes.split_at(bytes.len().min(MOST_AT_ONCE));
        for line in self.output.push(stream, taken) {
            self.log_output(stream, &line)?;
        }
        self.suppressed_lines += left_out.iter().filter(|byte| **byte == b'\n').count() as u64;
        Ok(())
    }

    /// Finishes the lines that a call has begun.
    #[inline]
    pub(crate) fn finish_output(&mut self) {
        if self.output.is_unfinished() {
            self.log_unfinished();
        }
    }

    #[cold]
    fn log_unfinished(&mut self) {
        for stream in [Stream::Output, Stream::Error] {
            if let Some(line) = self.output.finish(stream) {
                // A log that cannot be written fails the next line that a guest logs.
                let _ = self.log_output(stream, &line);
            }
        }
    }

    fn log_output(&mut self, stream: Stream, line: &str) -> wasmtime::Result<()> {
        let level = match stream {
            Stream::Output => Level::Info,
            Stream::Error => Level::Warn,
        };
        self.log_within_limits(level, line)
    }
}
