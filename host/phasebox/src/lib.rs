pub mod plugin;
//! phasebox: a native libtorch trainer whose callbacks are sandboxed WebAssembly components.
pub mod criterion;
pub mod metrics;
pub mod model;
mod parameter_block;
mod shape;
mod words;
//! phasebox: a native libtorch trainer whose training callbacks are sandboxed WebAssembly components.

pub mod data;
//! phasebox: a native libtorch trainer whose callbacks are sandboxed WebAssembly components.

pub mod checkpoint;
pub mod durable;
