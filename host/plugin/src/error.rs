//! What a host function answers when it cannot do what a guest asked: the contract's error.
//! Owns the translation of libtorch's exceptions into words a callback author can use.

use super::bindings::phasebox::train::types::{self, Error, ErrorCode};
use super::store::PluginState;

/// The longest message that crosses the boundary in either direction, in bytes.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4096;

/// A guest's mistake: it gets this typed error and goes on. There is no other kind: what cannot be the
/// guest's mistake has no way to fail.
#[derive(Debug)]
pub(crate) struct HostError(Error);

/// What host functions return.
pub(crate) type HostResult<T> = Result<T, HostError>;

/// A refusal with `code`.
pub(crate) fn refuse<T>(code: ErrorCode, message: impl Into<String>) -> HostResult<T> {
    Err(refusal(code, message))
}

/// The refusal itself, for `ok_or_else` and `map_err`.
pub(crate) fn refusal(code: ErrorCode, message: impl Into<String>) -> HostError {
    HostError(Error {
        code,
        message: truncate(message.into()),
    })
}

/// Cuts at a character boundary: messages of guests and of libtorch have no natural end.
pub(crate) fn truncate(mut text: String) -> String {
    if text.len() > MAX_MESSAGE_BYTES {
        let end = text.floor_char_boundary(MAX_MESSAGE_BYTES - 3);
        text.truncate(end);
        text.push('…');
    }
    text
}

impl types::Host for PluginState {
    fn convert_error(&mut self, error: HostError) -> wasmtime::Result<Error> {
        Ok(error.0)
    }
}

impl From<tch::TchError> for HostError {
    /// libtorch tells kinds of errors apart only by their text.
    fn from(error: tch::TchError) -> HostError {
        let text = match &error {
            tch::TchError::Torch(text) => text.clone(),
            other => other.to_string(),
        };
        let line = first_line(&text);
        refusal(code_of(line), line)
    }
}

impl From<anyhow::Error> for HostError {
    fn from(error: anyhow::Error) -> HostError {
        match error.downcast::<tch::TchError>() {
            Ok(torch) => torch.into(),
            Err(other) => refusal(
                ErrorCode::InvalidArgument,
                first_line(&format!("{other:#}")),
            ),
        }
    }
}

impl From<torch_ext::Error> for HostError {
    fn from(error: torch_ext::Error) -> HostError {
        let text = error.to_string();
        let line = first_line(&text);
        refusal(code_of(line), line)
    }
}

/// What follows the first line is a C++ backtrace with paths of the machine that built libtorch.
fn first_line(text: &str) -> &str {
    let line = torch_ext::reason(text).lines().next();
    line.unwrap_or_default().trim()
}

/// Wrong numbers, in messages that also speak of dimensions and sizes.
const OUT_OF_RANGE: [&str; 6] = [
    "out of range",
    "exceeds dimension size",
    "non-zero size",
    "only one dimension can be inferred",
    "invalid shape dimension",
    "non-negative",
];

fn code_of(message: &str) -> ErrorCode {
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if says(&["out of memory", "can't allocate memory"]) {
        ErrorCode::OutOfMemory
    } else if says(&["same device", "found at least two devices", "device type"]) {
        ErrorCode::DeviceMismatch
    } else if says(&OUT_OF_RANGE) {
        ErrorCode::InvalidArgument
    } else if says(&[
        "dtype",
        "scalar type",
        "not implemented for",
        "data type",
        "floating point",
        "result type",
        "bool tensor",
    ]) {
        ErrorCode::DtypeMismatch
    } else if says(&["shape", "size", "dimension", "expand", "broadcast"]) {
        ErrorCode::ShapeMismatch
    } else {
        ErrorCode::InvalidArgument
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(torch_says: &str, code: ErrorCode) {
        let HostError(error) = HostError::from(tch::TchError::Torch(torch_says.to_owned()));
        assert_eq!(error.code, code, "{torch_says}");
    }

    #[test]
    fn exceptions_become_codes() {
        check(
            "The size of tensor a (2) must match the size of tensor b (3)",
            ErrorCode::ShapeMismatch,
        );
        check(
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            ErrorCode::OutOfMemory,
        );
        check(
            "Expected all tensors to be on the same device, but found cpu and cuda:0",
            ErrorCode::DeviceMismatch,
        );
        check(
            "mean(): could not infer output dtype",
            ErrorCode::DtypeMismatch,
        );
        check(
            "Dimension out of range (expected to be in range of [-2, 1])",
            ErrorCode::InvalidArgument,
        );
        check(
            "Negation, the `-` operator, on a bool tensor is not supported",
            ErrorCode::DtypeMismatch,
        );
        check("something else", ErrorCode::InvalidArgument);
    }

    #[test]
    fn messages_lose_backtraces_and_excess() {
        assert_eq!(
            first_line("bad shape\nException raised from add at /build/x.cpp:1"),
            "bad shape"
        );
        let long = truncate("é".repeat(5000));
        assert!(long.len() <= MAX_MESSAGE_BYTES && long.ends_with('…'));
    }
}
