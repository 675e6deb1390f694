//! The one callback of a component: made by `configure`, lent to each phase, saved and restored. Also
//! its description, and the report of a panic.

use core::cell::RefCell;
use std::panic::PanicHookInfo;
use std::sync::Once;

use serde_json::Value;

use crate::bindings::phasebox::train::diagnostics;
use crate::bindings::phasebox::train::types::Error;
use crate::error::Result;
use crate::fields::{Fields, Parameters};

const PARAMETER: &str = "parameter";
const SAVED: &str = "saved field";

/// The format of the JSON that `save` writes. Adding and removing fields does not change it.
const STATE_FORMAT: u32 = 1;

/// Holds the callback between two calls of the host.
pub struct Instance<T>(RefCell<Option<T>>);

impl<T> Instance<T> {
    /// An instance before `configure`.
    pub const fn empty() -> Self {
        Self(RefCell::new(None))
    }
}

impl<T: Parameters> Instance<T> {
    /// Makes the callback from the recipe's `params` and lets it check them.
    pub fn configure(&self, params: &str, check: impl FnOnce(&mut T) -> Result<()>) -> Result<()> {
        report_panics();
        let mut callback = T::from_fields(Fields::parse(PARAMETER, params)?)?;
        check(&mut callback)?;
        *self.slot()? = Some(callback);
        Ok(())
    }

    /// Lends the callback to one phase.
    pub fn call<R>(&self, phase: impl FnOnce(&mut T) -> Result<R>) -> Result<R> {
        match self.slot()?.as_mut() {
            Some(callback) => phase(callback),
            None => Err(Error::not_available(
                "the host called a phase before `configure`",
            )),
        }
    }

    fn slot(&self) -> Result<core::cell::RefMut<'_, Option<T>>> {
        self.0
            .try_borrow_mut()
            .map_err(|_| Error::other("the host called the callback while it was running"))
    }
}

/// The `#[state]` fields as `{"format": 1, "state": {…}}`.
pub fn save<T: Parameters>(callback: &mut T) -> Result<Vec<u8>> {
    let mut fields = Fields::empty(SAVED);
    callback.save_fields(&mut fields)?;
    let state = fields.into_json();
    Ok(format!(r#"{{"format":{STATE_FORMAT},"state":{state}}}"#).into_bytes())
}

/// Restores the `#[state]` fields from the bytes of [`save`]. A field that an older version did not
/// know keeps its default.
pub fn load<T: Parameters>(callback: &mut T, state: &[u8]) -> Result<()> {
    let text =
        core::str::from_utf8(state).map_err(|_| Error::invalid("the saved state is not text"))?;
    let mut saved = Fields::parse(SAVED, text)?;
    let format: u32 = saved.required("format")?;
    if format != STATE_FORMAT {
        return Err(Error::invalid(format!(
            "the saved state has format {format}; this build reads {STATE_FORMAT}"
        )));
    }
    callback.load_fields(&mut saved.required_fields("state")?)
}

/// The answer to `describe`.
pub fn describe<T: Parameters>(
    name: &str,
    version: &str,
    summary: &str,
    grants: &[&str],
    metrics: &[&str],
    state_version: u32,
) -> String {
    report_panics();
    let summary = if summary.is_empty() {
        T::SUMMARY
    } else {
        summary
    };
    format!(
        r#"{{"name":{},"version":{},"summary":{},"parameters":{},"grants":{},"state_version":{state_version},"metrics":{}}}"#,
        Value::from(name),
        Value::from(version),
        Value::from(summary),
        T::SCHEMA,
        Value::from(grants),
        Value::from(metrics)
    )
}

/// The facts of `check-run`.
pub fn facts(json: &str) -> Result<Value> {
    Ok(serde_json::from_str(json)?)
}

/// Makes every panic report its message and place to the host before the trap, which would lose them.
/// One crossing, on a panic only.
fn report_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(report)));
}

fn report(info: &PanicHookInfo) {
    let message = info.payload_as_str().unwrap_or("a panic without a message");
    let location = info.location().map(ToString::to_string).unwrap_or_default();
    diagnostics::report_failure(message, &location, "");
}
