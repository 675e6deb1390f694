//! The host side of the contract: one file for each resource or interface of `wit/`, in the order there.
//!
//! | file | implements |
//! |---|---|
//! | `deferred`, `tensor`, `tensor_group`, `create` | `wit/tensor.wit` |
//! | `vision` | `wit/vision.wit` |
//! | `model`, `optimizer`, `criterion`, `data_loader`, `metrics`, `logger`, `phase_context` | `wit/context.wit` |
//! | `storage` | `wit/storage.wit` |
//! | `diagnostics` | `wit/diagnostics.wit` |
//! | `process` | `wit/process.wit` |
//!
//! The others are shared by them. `tensor_steps` and `selection` hold the steps that tensor operations are
//! made of, `compositions` and `resizing` those of several calls of libtorch, `boxes` the functions of
//! `vision`. `batch_items` has the tensors of a batch, `passes` extra passes through
//! the network, and `requests` what a callback asks of the trainer. `size_checks` has the sizes worked out
//! before an operation starts, `log_bytes` what is written to the logs, `dtype` the element types, and `random` the callback's own random numbers.
//!
//! Functions here are short and in the order of the WIT. They decide no policy: rights are `grants`,
//! limits are `PluginState::charge`. Of tch they call only the fallible `f_` forms.

pub(crate) mod argument_checks;
mod batch_items;
mod boxes;
mod compositions;
mod create;
mod criterion;
mod data_loader;
mod deferred;
mod diagnostics;
mod dtype;
mod log_bytes;
mod logger;
mod metrics;
mod model;
mod optimizer;
mod passes;
mod phase_context;
mod process;
pub(crate) mod random;
mod replacements;
mod requests;
mod resizing;
mod selection;
pub(crate) mod size_checks;
mod storage;
mod tensor;
mod tensor_group;
mod tensor_steps;
mod vision;

pub(crate) use self::create::MAX_JOINED;

use phasebox_contract::limits::Limit;
use phasebox_contract::small_json;

use self::argument_checks::check_text;
use crate::bindings::types::ErrorCode;
use crate::error::{HostResult, clip, refusal};
use crate::state::PluginState;

impl PluginState {
    /// A value that a guest gives as JSON text, whose bytes are charged first.
    fn json_value(&mut self, text: &str) -> HostResult<serde_json::Value> {
        check_text("JSON", text, small_json::MAX_BYTES)?;
        self.charge(Limit::HostBytes, text.len() as u64)?;
        small_json::parse(text).map_err(|error| {
            refusal(
                ErrorCode::InvalidArgument,
                format!("`{}` is not taken as JSON: {error}", clip(text)),
            )
        })
    }
}
