//! Write phasebox callbacks in Rust. A callback is a struct, whose fields are the recipe's `params`,
//! with a method for each phase it subscribes to:
//!
//! ```
//! use phasebox_sdk::prelude::*;
//!
//! /// Scales gradients so that their norm stays below `max_norm`.
//! #[derive(Parameters)]
//! struct Clip {
//!     /// The largest norm that gradients keep.
//!     max_norm: f64,
//! }
//!
//! #[callback(grants = ["gradients"])]
//! impl Clip {
//!     fn on_train_batch_gradient_step_start(&mut self, ctx: &PhaseContext) -> Result<()> {
//!         let norm = ctx.clip_gradients(self.max_norm, 2.0)?;
//!         ctx.log_tensor("norm", &norm)
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! This crate owns the bindings of the contract (`wit/`), a few conveniences on top, and the code that
//! the macros expand to. The contract and the documentation of [`bindings`] say what each function means,
//! costs and needs. Nothing here crosses to the host unless its documentation says so.

mod conveniences;
pub mod detections;
mod error;
mod fields;
mod instance;
mod later;
mod log;

pub use error::Result;
pub use fields::Parameters;
pub use later::Later;
pub use phasebox_sdk_macros::{Parameters, callback};
pub use {serde, serde_json, wit_bindgen};

/// The names of all phases, in the order of the loop.
pub const PHASES: &[&str] = &phasebox_sdk_macros::phases!();

/// The contract as Rust, generated from `wit/`: one module for each interface.
#[allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    reason = "generated bindings"
)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "phasebox:train/imports",
        generate_all,
    });
}

/// Everything that most callbacks need: `use phasebox_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::bindings::phasebox::train::context::{
        Criterion, DataLoader, Logger, Metrics, Model, Optimizer, PhaseContext,
    };
    pub use crate::bindings::phasebox::train::tensor::{self, Deferred, Tensor, TensorGroup};
    pub use crate::bindings::phasebox::train::types::{
        Dtype, Error, ErrorCode, Level, ScalarEntry, TensorInfo,
    };
    pub use crate::bindings::phasebox::train::{diagnostics, storage, vision};
    pub use crate::{Later, Parameters, Result, callback, debug, error, info, trace, warn};
    pub use serde::{Deserialize, Serialize};
}

/// Names that the macros expand to; not for authors.
#[doc(hidden)]
pub mod macros {
    pub use crate::bindings::phasebox::train::context::PhaseContext;
    pub use crate::bindings::phasebox::train::types::Error;
    pub use crate::fields::{Fields, Parameters};
    pub use crate::instance::{Instance, describe, facts, load, save};
}
