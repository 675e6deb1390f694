//! `smooth` in Rust, on the bindings alone: the smoothed loss, logged at each batch, and a stop when it has not
//! improved for long. Its behavior and the bytes of its state are described in ../README.md. Handles are freed by `Drop`.

use std::cell::RefCell;
use std::panic::PanicHookInfo;

use bindings::exports::smooth::plugin::callback::Guest;
use bindings::phasebox::train::context::PhaseContext;
use bindings::phasebox::train::diagnostics::{log, report_failure};
use bindings::phasebox::train::tensor::Deferred;
use bindings::phasebox::train::types::{Error, ErrorCode, Level};
use serde_json::{Map, Value};

mod bindings {
    #![allow(
        missing_docs,
        unsafe_code,
        unreachable_pub,
        reason = "made by wit-bindgen"
    )]
    use crate::Exports;
    wit_bindgen::generate!({ path: "../wit", world: "plugin", generate_all });
    export!(Exports with_types_in self);
}

const DESCRIPTION: &str = r#"{"name": "smooth", "version": "0.1.0",
"summary": "Logs a smoothed loss and stops when it no longer improves",
"parameters": {"type": "object", "additionalProperties": false, "properties": {
  "smoothing": {"type": "number", "minimum": 0, "exclusiveMaximum": 1, "default": 0.9},
  "patience": {"type": "integer", "minimum": 1, "maximum": 4294967295, "default": 50},
  "min_delta": {"type": "number", "minimum": 0, "default": 0}}},
"grants": ["stop"]}"#;

const STATE_BYTES: usize = 30;
const STATE_VERSION: u8 = 1;
const HAS_SMOOTHED: u8 = 1;
const HAS_ARRIVED: u8 = 2;

thread_local! {
    static SMOOTH: RefCell<Smooth> = RefCell::new(Smooth::new());
}

/// The callback's whole memory.
struct Smooth {
    smoothing: f64,
    patience: f64,
    min_delta: f64,
    smoothed: Option<f64>,
    best: f64,
    wait: u32,
    /// The loss on its way.
    pending: Option<Deferred>,
    /// A loss that is here and not yet in `smoothed`.
    arrived: Option<f64>,
}

impl Smooth {
    fn new() -> Self {
        Self {
            smoothing: 0.9,
            patience: 50.0,
            min_delta: 0.0,
            smoothed: None,
            best: 0.0,
            wait: 0,
            pending: None,
            arrived: None,
        }
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), Error> {
        let number = value.as_f64().unwrap_or(f64::NAN);
        let (place, allowed, meaning) = match key {
            "smoothing" => (
                &mut self.smoothing,
                (0.0..1.0).contains(&number),
                "a number from 0 to below 1",
            ),
            "patience" => {
                let whole =
                    (1.0..=f64::from(u32::MAX)).contains(&number) && number == number.floor();
                (
                    &mut self.patience,
                    whole,
                    "a whole number from 1 to 4294967295",
                )
            }
            "min_delta" => (&mut self.min_delta, number >= 0.0, "a number from 0 on"),
            _ => {
                let known = "known are smoothing, patience, min_delta";
                return Err(invalid(format!("unknown parameter \"{key}\"; {known}")));
            }
        };
        if !allowed {
            return Err(invalid(format!("parameter \"{key}\" must be {meaning}")));
        }
        *place = number;
        Ok(())
    }

    /// Takes the loss that was asked for, if it is here.
    fn collect(&mut self) -> Result<(), Error> {
        let value = self.pending.as_ref().map_or(Ok(None), Deferred::poll)?;
        if value.is_some() {
            (self.arrived, self.pending) = (value, None);
        }
        Ok(())
    }

    /// The new smoothed loss, after `loss`.
    fn update(&mut self, loss: f64) -> f64 {
        let before = self.smoothed;
        let smoothed = before.map_or(loss, |before| {
            self.smoothing * before + (1.0 - self.smoothing) * loss
        });
        let improved = before.is_none() || smoothed < self.best - self.min_delta;
        if improved {
            self.best = smoothed;
        }
        self.wait = if improved { 0 } else { self.wait + 1 };
        self.smoothed = Some(smoothed);
        smoothed
    }

    fn report(&self, ctx: &PhaseContext, smoothed: f64) -> Result<(), Error> {
        ctx.sg_logger()?.scalar("smoothed_loss", smoothed)?;
        if f64::from(self.wait) < self.patience {
            return Ok(());
        }
        ctx.request_stop(
            "batch",
            &format!("smoothed loss has not improved for {} batches", self.wait),
        )
    }

    /// A batch that was skipped has no loss; that is no failure.
    fn ask_for_loss(&mut self, ctx: &PhaseContext) -> Result<(), Error> {
        match ctx.loss() {
            Ok(loss) => self.pending = Some(loss.defer()?),
            Err(error) if error.code == ErrorCode::NotAvailable => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn on_batch_end(&mut self, ctx: &PhaseContext) -> Result<(), Error> {
        self.collect()?;
        if let Some(loss) = self.arrived.take() {
            let smoothed = self.update(loss);
            self.report(ctx, smoothed)?;
        }
        if self.pending.is_none() {
            self.ask_for_loss(ctx)
        } else {
            Ok(())
        }
    }

    fn saved(&self) -> Vec<u8> {
        let has = |value: Option<f64>, flag| if value.is_some() { flag } else { 0 };
        let flags = has(self.smoothed, HAS_SMOOTHED) | has(self.arrived, HAS_ARRIVED);
        let numbers = [
            self.smoothed.unwrap_or(0.0),
            self.best,
            self.arrived.unwrap_or(0.0),
        ];
        let mut bytes = vec![STATE_VERSION, flags];
        bytes.extend(self.wait.to_le_bytes());
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        bytes
    }

    fn load(&mut self, state: &[u8; STATE_BYTES]) {
        let number = |start| f64::from_le_bytes(std::array::from_fn(|byte| state[start + byte]));
        let flagged = |flag, start| (state[1] & flag != 0).then(|| number(start));
        self.wait = u32::from_le_bytes(std::array::from_fn(|byte| state[2 + byte]));
        self.smoothed = flagged(HAS_SMOOTHED, 6);
        self.best = number(14);
        self.arrived = flagged(HAS_ARRIVED, 22);
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error {
        code: ErrorCode::InvalidArgument,
        message: message.into(),
    }
}

/// A trap loses what a panic says; the host shows this instead.
fn report_panic(panic: &PanicHookInfo) {
    let message = panic.payload_as_str().unwrap_or("panic");
    report_failure(
        message,
        &panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default(),
        "",
    );
}

struct Exports;

impl Guest for Exports {
    fn describe() -> String {
        DESCRIPTION.to_owned()
    }

    fn configure(params: String) -> Result<(), Error> {
        std::panic::set_hook(Box::new(report_panic));
        let params: Map<String, Value> =
            serde_json::from_str(&params).map_err(|_| invalid("params is not a JSON object"))?;
        SMOOTH.with_borrow_mut(|smooth| {
            params
                .iter()
                .try_for_each(|(key, value)| smooth.set(key, value))
        })
    }

    fn save_state() -> Result<Vec<u8>, Error> {
        SMOOTH.with_borrow_mut(|smooth| {
            smooth.collect()?;
            Ok(smooth.saved())
        })
    }

    fn load_state(state: Vec<u8>) -> Result<(), Error> {
        match <&[u8; STATE_BYTES]>::try_from(state.as_slice()) {
            Ok(bytes) if bytes[0] == STATE_VERSION => {
                SMOOTH.with_borrow_mut(|smooth| smooth.load(bytes))
            }
            _ => return Err(invalid("the state is not 30 bytes of version 1")),
        }
        Ok(())
    }

    fn on_train_batch_end(ctx: &PhaseContext) -> Result<(), Error> {
        SMOOTH.with_borrow_mut(|smooth| smooth.on_batch_end(ctx))
    }

    fn on_training_end(_ctx: &PhaseContext) -> Result<(), Error> {
        SMOOTH.with_borrow_mut(|smooth| {
            smooth.pending = None;
            let (wait, patience) = (smooth.wait, smooth.patience);
            log(
                Level::Info,
                &format!("smoothed loss: {wait} of {patience} batches without improvement"),
            );
        });
        Ok(())
    }
}
