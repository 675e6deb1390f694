//! The contract's one error, made and passed on with `?`.

use crate::bindings::phasebox::train::types::{Error, ErrorCode};

/// The result of every phase and of most functions of the contract.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// A parameter or value that cannot be used. Name the value, its place and the remedy.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::InvalidArgument,
            message: message.into(),
        }
    }

    /// A value that does not exist, or not at this phase.
    pub fn not_available(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::NotAvailable,
            message: message.into(),
        }
    }

    /// Any other failure of the callback.
    pub fn other(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::Other,
            message: message.into(),
        }
    }
}

impl From<String> for Error {
    fn from(message: String) -> Self {
        Self::other(message)
    }
}

impl From<&str> for Error {
    fn from(message: &str) -> Self {
        Self::other(message)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::invalid(error.to_string())
    }
}
