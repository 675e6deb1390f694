//! phasebox: a native libtorch trainer whose callbacks are sandboxed WebAssembly components.

pub mod checkpoint;
pub mod durable;
