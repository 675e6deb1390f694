//! A number on its way from the device: asked for at one phase, taken at a later one, saved in between.

use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};

use crate::bindings::phasebox::train::tensor::{Deferred, Tensor};
use crate::bindings::phasebox::train::types::ErrorCode;
use crate::error::Result;

/// A number that was asked for and is taken when it is here, without a wait.
///
/// As a `#[state]` field it is saved with the number that has arrived, so that a resumed run has the same bits as one that
/// was never cut.
#[derive(Default)]
pub struct Later {
    pending: Option<Deferred>,
    arrived: core::cell::Cell<Option<f64>>,
}

impl Later {
    /// Asks for the only element of a tensor, unless a number is on its way: `self.loss.ask(ctx.loss())`. A value that this
    /// phase does not have, such as the loss of a skipped batch, is no failure. One crossing.
    ///
    /// # Errors
    /// Those of the host.
    pub fn ask(&mut self, value: Result<Tensor>) -> Result<()> {
        if self.pending.is_some() || self.arrived.get().is_some() {
            return Ok(());
        }
        match value {
            Ok(tensor) => self.pending = Some(tensor.defer()?),
            Err(error) if error.code == ErrorCode::NotAvailable => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// The number that was asked for, once, if it is here. One crossing while it is on its way.
    ///
    /// # Errors
    /// Those of the host.
    pub fn take(&mut self) -> Result<Option<f64>> {
        self.poll()?;
        if self.arrived.get().is_some() {
            self.pending = None;
        }
        Ok(self.arrived.take())
    }

    fn poll(&self) -> Result<()> {
        if self.arrived.get().is_none()
            && let Some(pending) = &self.pending
        {
            self.arrived.set(pending.poll()?);
        }
        Ok(())
    }
}

impl Serialize for Later {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.poll()
            .map_err(|error| ser::Error::custom(error.message))?;
        let arrived = self.arrived.get();
        match arrived.filter(|value| !value.is_finite()) {
            Some(value) => serializer.serialize_str(&value.to_string()),
            None => arrived.serialize(serializer),
        }
    }
}

/// A number, or the name of one that JSON lacks.
#[derive(Deserialize)]
#[serde(untagged)]
enum Saved {
    Number(Option<f64>),
    Name(String),
}

impl<'de> Deserialize<'de> for Later {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let arrived = match Saved::deserialize(deserializer)? {
            Saved::Number(value) => value,
            Saved::Name(name) => Some(name.parse().map_err(serde::de::Error::custom)?),
        };
        Ok(Self {
            pending: None,
            arrived: arrived.into(),
        })
    }
}
