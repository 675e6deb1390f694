//! The contract's one error, made and passed on with `?`.

use crate::bindings::phasebox::train::types::{Error, ErrorCode};

/// What every phase and most functions of the contract give.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// A parameter or value that cannot be used. Say what it is, where it stands and what would do.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::InvalidArgument,
            message: message.into(),
        }
    }

    /// Something has no value, or not at this phase.
    pub fn not_available(message: impl Into<String>) -> Self {
        Self {
            code: ErrorCode::NotAvailable,
            message: message.into(),
        }
    }

    /// Anything else that ends the callback's call.
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
