//! Errors: those of the host become exceptions that a script may catch, and those that it does not catch become the
//! callback's error, with the place in the script. Owns the names of the contract's codes.

use phasebox_sdk::prelude::*;
use rhai::{Dynamic, EvalAltResult, Map, ParseError, Position};

/// An exception of a script.
pub(crate) type Fault = Box<EvalAltResult>;

/// The codes of the contract by their names there.
const CODES: [(ErrorCode, &str); 19] = [
    (ErrorCode::InvalidArgument, "invalid-argument"),
    (ErrorCode::ShapeMismatch, "shape-mismatch"),
    (ErrorCode::DtypeMismatch, "dtype-mismatch"),
    (ErrorCode::DeviceMismatch, "device-mismatch"),
    (ErrorCode::NotAvailable, "not-available"),
    (ErrorCode::StaleHandle, "stale-handle"),
    (ErrorCode::Denied, "denied"),
    (ErrorCode::QuotaExceeded, "quota-exceeded"),
    (ErrorCode::TooLarge, "too-large"),
    (ErrorCode::OutOfMemory, "out-of-memory"),
    (ErrorCode::Unsupported, "unsupported"),
    (ErrorCode::CollectiveMismatch, "collective-mismatch"),
    (ErrorCode::PeerFailed, "peer-failed"),
    (ErrorCode::Sharded, "sharded"),
    (ErrorCode::TimedOut, "timed-out"),
    (ErrorCode::Interrupted, "interrupted"),
    (ErrorCode::Conflict, "conflict"),
    (ErrorCode::InputOutput, "input-output"),
    (ErrorCode::Other, "other"),
];

/// The exception of an error of the host: `err.code` and `err.message`.
pub(crate) fn thrown(error: Error) -> Fault {
    let row = CODES.iter().find(|(code, _)| *code == error.code);
    let code = row.map_or("other", |(_, name)| name);
    let mut map = Map::new();
    map.insert("code".into(), code.into());
    map.insert("message".into(), error.message.into());
    EvalAltResult::ErrorRuntime(map.into(), Position::NONE).into()
}

/// The exception of a call that cannot be made, as one of the host.
pub(crate) fn refused<T>(message: String) -> Result<T, Fault> {
    Err(thrown(Error::invalid(message)))
}

/// A place in a script: `file:line:column`.
pub(crate) fn place(file: &str, at: Position) -> String {
    match (at.line(), at.position()) {
        (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
        (Some(line), None) => format!("{file}:{line}"),
        (None, _) => file.to_owned(),
    }
}

/// The error of a text that is no script.
pub(crate) fn unparsed(file: &str, error: &ParseError) -> Error {
    let (place, kind) = (place(file, error.position()), error.err_type());
    let hint = match kind {
        rhai::ParseErrorType::VariableUndefined(_) => {
            "; functions see their own variables, state, params and the script's top-level constants"
        }
        _ => "",
    };
    Error::invalid(format!("{place}: {kind}{hint}"))
}

/// The error of an exception that nobody caught.
pub(crate) fn uncaught(file: &str, function: &str, fault: Fault) -> Error {
    let (mut fault, mut calls) = (*fault, vec![(function.to_owned(), Position::NONE)]);
    while let EvalAltResult::ErrorInFunctionCall(name, _, inner, at) = fault {
        calls.push((shown(&name), at));
        fault = *inner;
    }
    let place = place(file, fault.position());
    let (code, message) = meaning(fault);
    let trace = trace(&calls);
    Error {
        code,
        message: format!("{place}: {message}\n  in {trace}"),
    }
}

/// The functions from the innermost to the phase, each with the place where it was called.
fn trace(calls: &[(String, Position)]) -> String {
    let calls = calls
        .iter()
        .rev()
        .map(|(name, at)| match (at.line(), at.position()) {
            (Some(line), Some(column)) => format!("`{name}`, called at {line}:{column}"),
            _ => format!("`{name}`"),
        });
    calls.collect::<Vec<_>>().join("\n  in ")
}

fn shown(function: &str) -> String {
    match function.starts_with("anon$") {
        true => "a closure".to_owned(),
        false => function.to_owned(),
    }
}

/// The code and the words of an exception: the host's own, those of `throw`, or the language's.
fn meaning(mut fault: EvalAltResult) -> (ErrorCode, String) {
    let value = match fault {
        EvalAltResult::ErrorRuntime(value, _) => value,
        _ => {
            fault.clear_position();
            return (ErrorCode::Other, fault.to_string());
        }
    };
    match value.read_lock::<Map>() {
        Some(map) => {
            let text = |key: &str| map.get(key).map(Dynamic::to_string);
            let code = text("code").unwrap_or_default();
            let row = CODES.iter().find(|(_, name)| *name == code);
            let code = row.map_or(ErrorCode::Other, |(code, _)| *code);
            (code, text("message").unwrap_or_else(|| value.to_string()))
        }
        None => (ErrorCode::Other, value.to_string()),
    }
}
