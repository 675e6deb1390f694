//! Standard streams: input is at its end, and output goes to the log byte for byte.

use crate::bindings::exports::wasi::cli::{stderr, stdin, stdout};
use crate::bindings::exports::wasi::io::{error, streams};
use crate::bindings::{Nothing, phasebox::train::process};
use crate::never;
use crate::time::Moment;
use streams::{InputStreamBorrow, Pollable, StreamError};

/// The most bytes that a program writes at a time.
const MOST: u64 = 1 << 16;

pub(crate) enum NoError {}

/// Standard input, which has ended.
pub(crate) struct Input;

/// One of the streams that go to the log.
pub(crate) enum Output {
    Standard,
    Error,
}

impl error::Guest for Nothing {
    type Error = NoError;
}

impl error::GuestError for NoError {
    never! { to_debug_string() -> String; }
}

impl streams::Guest for Nothing {
    type InputStream = Input;
    type OutputStream = Output;
}

impl streams::GuestInputStream for Input {
    fn read(&self, _: u64) -> Result<Vec<u8>, StreamError> {
        Err(StreamError::Closed)
    }

    fn blocking_read(&self, _: u64) -> Result<Vec<u8>, StreamError> {
        Err(StreamError::Closed)
    }

    fn skip(&self, _: u64) -> Result<u64, StreamError> {
        Err(StreamError::Closed)
    }

    fn blocking_skip(&self, _: u64) -> Result<u64, StreamError> {
        Err(StreamError::Closed)
    }

    fn subscribe(&self) -> Pollable {
        Moment::past()
    }
}

impl streams::GuestOutputStream for Output {
    fn check_write(&self) -> Result<u64, StreamError> {
        Ok(MOST)
    }

    fn write(&self, contents: Vec<u8>) -> Result<(), StreamError> {
        match self {
            Output::Standard => process::write_output(&contents),
            Output::Error => process::write_error(&contents),
        }
        Ok(())
    }

    fn blocking_write_and_flush(&self, contents: Vec<u8>) -> Result<(), StreamError> {
        self.write(contents)
    }

    fn flush(&self) -> Result<(), StreamError> {
        Ok(())
    }

    fn blocking_flush(&self) -> Result<(), StreamError> {
        Ok(())
    }

    fn subscribe(&self) -> Pollable {
        Moment::past()
    }

    fn write_zeroes(&self, len: u64) -> Result<(), StreamError> {
        self.write(vec![0; len.min(MOST) as usize])
    }

    fn blocking_write_zeroes_and_flush(&self, len: u64) -> Result<(), StreamError> {
        self.write_zeroes(len)
    }

    fn splice(&self, _: InputStreamBorrow<'_>, _: u64) -> Result<u64, StreamError> {
        Err(StreamError::Closed)
    }

    fn blocking_splice(&self, _: InputStreamBorrow<'_>, _: u64) -> Result<u64, StreamError> {
        Err(StreamError::Closed)
    }
}

impl stdin::Guest for Nothing {
    fn get_stdin() -> stdin::InputStream {
        stdin::InputStream::new(Input)
    }
}

impl stdout::Guest for Nothing {
    fn get_stdout() -> stdout::OutputStream {
        stdout::OutputStream::new(Output::Standard)
    }
}

impl stderr::Guest for Nothing {
    fn get_stderr() -> stderr::OutputStream {
        stderr::OutputStream::new(Output::Error)
    }
}
