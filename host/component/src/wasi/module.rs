//! A component made of a core module: big Go, C and C++ with wasi-libc, and Rust for wasm32-wasip1 make modules that import
//! WASI preview 1. An adapter of our own answers it in the module's memory, from `phasebox:train/process`.

use anyhow::Result;
use wit_component::ComponentEncoder;

/// The module whose functions the adapter answers.
pub(crate) const PREVIEW1: &str = "wasi_snapshot_preview1";
/// The adapter, which carries the world that it imports from.
const ADAPTER: &[u8] = include_bytes!("../../../../wasi/built/preview1.wasm");

/// The component around a core module that carries its world in a custom section, as bindings leave it. The module may import
/// WASI preview 1.
///
/// # Errors
/// If the module does not fit its world, or carries none.
pub fn component_of_module(module: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = ComponentEncoder::default();
    let encoder = encoder.validate(true).module(module)?;
    encoder.adapter(PREVIEW1, ADAPTER)?.encode()
}
