//! Functions that hand phasebox untrusted input made of arbitrary bytes: the text of a recipe, a component, calls of the
//! host, checkpoints, data. Each checks the statements that must hold for all bytes and panics where one does not.
//! libFuzzer calls them (`targets/`), and so does the short run of `tests/smoke.rs`. `README.md` says how to run them.

pub mod checkpoint;
pub mod component;
pub mod contract;
mod cost;
pub mod costs;
pub mod data;
pub mod debug_info;
mod files;
pub mod json;
pub mod lock;
pub mod log;
pub mod monkey;
pub mod project;
pub mod recipe;
pub mod registry;
pub mod script;
pub mod trace;
pub mod training;
pub mod weights;
