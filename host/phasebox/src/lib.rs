//! phasebox: a native libtorch trainer whose training callbacks are sandboxed WebAssembly components.
//!
//! The modules, in reading order:
//!
//! | module | owns |
//! |---|---|
//! | [`phase`] | the moments of the loop, and the loop in pseudocode |
//! | [`context`] | what callbacks see and may change |
//! | [`control`] | what callbacks ask of the trainer |
//! | [`callback`] | callbacks in order, and what happens when one fails |
//! | [`counters`] | what a callback did and cost |
//! | [`limits`] | what one callback may use: the table |
//! | [`trainer`] | the loop |
//! | [`plugin`] | a callback that is a WebAssembly component; the only code that names wasmtime |
//! | [`recipe`] | a recipe's text, typed |
//! | [`assemble`] | from a recipe to a trainer: the one place where the parts meet |
//! | [`data`], [`model`], [`criterion`], [`metrics`], [`optim`], [`schedule`], [`ema`] | the parts of training |
//! | [`tensor_group`] | named tensors for multi-tensor kernels |
//! | [`checkpoint`], [`logger`], [`durable`] | what a run leaves on disk |

pub mod assemble;
pub mod average;
pub mod callback;
pub mod checkpoint;
pub mod cli;
pub mod context;
pub mod control;
pub mod counters;
pub mod criterion;
pub mod data;
pub mod device;
pub mod durable;
pub mod ema;
pub mod interrupt;
pub mod limits;
pub mod logger;
pub mod metrics;
pub mod model;
pub mod optim;
mod parameter_block;
pub mod phase;
pub mod plugin;
pub mod recipe;
pub mod schedule;
mod shape;
mod suggest;
pub mod tensor_group;
pub mod trainer;
mod version;
mod words;
