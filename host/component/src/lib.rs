//! A callback's `.wasm` file: read, checked, compiled and understood before anything of it runs. Needs no libtorch, so
//! that authors' tools can stand on it; what a callback can reach when it runs is the crate `phasebox_plugin`'s.
//!
//! | file | owns |
//! |---|---|
//! | `component` | reading a file, and what it imports and exports |
//! | `bounds` | how large its sections may be |
//! | `engine` | the wasmtime engine, and its clock |
//! | `compiled` | machine code kept from one start to the next |

mod bounds;
mod compiled;
mod component;
mod description;
mod engine;

pub use self::component::Component;
pub use self::description::Description;
pub use self::engine::{Engine, Profile, TICK};

/// The engine that callbacks run on.
pub const WASMTIME_VERSION: &str = env!("WASMTIME_VERSION");
