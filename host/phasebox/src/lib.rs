//! phasebox: a native libtorch trainer whose training callbacks are sandboxed WebAssembly components.

pub mod data;
