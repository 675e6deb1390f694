//! The contract's error: the answer of a host function that cannot do what a guest asked.
//! Owns the translation of libtorch's exceptions into words that a callback author can use.

use phasebox_contract::printable::indented;

use crate::bindings::types::{Error, ErrorCode};

/// The longest message that crosses the boundary in either direction, in bytes.
const MAX_MESSAGE_BYTES: usize = 4096;
/// The longest piece of a guest's string that a message repeats, in bytes.
const MAX_QUOTED_BYTES: usize = 64;

/// A guest's mistake: the guest gets this typed error and goes on. A fault of the host traps instead.
#[derive(Debug)]
pub(crate) struct HostError(Error);

/// The result of a host function.
pub(crate) type HostResult<T> = Result<T, HostError>;

impl HostError {
    /// The error as the contract's record.
    pub(crate) fn into_record(self) -> Error {
        self.0
    }

    /// The error as a trap, for functions of the contract that answer no error.
    #[cold]
    pub(crate) fn into_trap(self) -> wasmtime::Error {
        wasmtime::Error::msg(format!("{self:?}"))
    }
}

/// A result that refuses with `code`.
pub(crate) fn refuse<T>(code: ErrorCode, message: impl Into<String>) -> HostResult<T> {
    Err(refusal(code, message))
}

/// The error of a refusal, for `ok_or_else` and `map_err`.
pub(crate) fn refusal(code: ErrorCode, message: impl Into<String>) -> HostError {
    HostError(Error {
        code,
        message: truncate(message.into()),
    })
}

/// Cuts a message at a character boundary: messages of guests and of libtorch have no natural end.
pub(crate) fn truncate(mut text: String) -> String {
    if text.len() > MAX_MESSAGE_BYTES {
        let end = text.floor_char_boundary(MAX_MESSAGE_BYTES - 3);
        text.truncate(end);
        text.push('…');
    }
    text
}

/// The message of a guest's error, for people; its code, where the guest gave no message.
pub(crate) fn said(error: Error) -> String {
    match error.message.trim() {
        "" => format!("{:?}, without a message: give one", error.code),
        _ => indented(&truncate(error.message)),
    }
}

/// The beginning of a guest's string, short enough to repeat in a message.
pub(crate) fn clip(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_QUOTED_BYTES)]
}

impl From<tch::TchError> for HostError {
    /// libtorch tells kinds of errors apart only by their text.
    fn from(error: tch::TchError) -> HostError {
        match error {
            tch::TchError::Torch(text) => from_torch(&text),
            other => from_torch(&other.to_string()),
        }
    }
}

impl From<torch_ext::Error> for HostError {
    fn from(error: torch_ext::Error) -> HostError {
        from_torch(&error.to_string())
    }
}

impl From<anyhow::Error> for HostError {
    fn from(error: anyhow::Error) -> HostError {
        match error.downcast::<tch::TchError>() {
            Ok(torch) => torch.into(),
            Err(other) => {
                let text = format!("{other:#}");
                refusal(ErrorCode::InvalidArgument, first_line(&text))
            }
        }
    }
}

fn from_torch(text: &str) -> HostError {
    let line = first_line(text);
    refusal(code_of(line), line)
}

/// The first line of an exception. A C++ backtrace follows it, with paths of the machine that built libtorch.
fn first_line(text: &str) -> &str {
    let line = torch_ext::reason(text).lines().next();
    line.unwrap_or_default().trim()
}

/// Words of libtorch's messages and the code that they stand for. The first row that has a word in the
/// message decides: messages about wrong numbers also speak of dimensions and sizes.
const CODES_BY_WORDS: [(ErrorCode, &[&str]); 5] = [
    (
        ErrorCode::OutOfMemory,
        &["out of memory", "can't allocate memory"],
    ),
    (
        ErrorCode::DeviceMismatch,
        &["same device", "found at least two devices", "device type"],
    ),
    (
        ErrorCode::InvalidArgument,
        &[
            "out of range",
            "exceeds dimension size",
            "non-zero size",
            "only one dimension can be inferred",
            "invalid shape dimension",
            "non-negative",
        ],
    ),
    (
        ErrorCode::DtypeMismatch,
        &[
            "dtype",
            "scalar type",
            "not implemented for",
            "data type",
            "floating point",
            "result type",
            "bool tensor",
        ],
    ),
    (
        ErrorCode::ShapeMismatch,
        &["shape", "size", "dimension", "expand", "broadcast"],
    ),
];

fn code_of(message: &str) -> ErrorCode {
    let message = message.to_ascii_lowercase();
    let row = CODES_BY_WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| message.contains(word)));
    row.map_or(ErrorCode::InvalidArgument, |(code, _)| *code)
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
