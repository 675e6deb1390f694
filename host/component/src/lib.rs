//! A callback's `.wasm` file: read, checked and compiled before anything of it runs. Needs no libtorch, so
//! that authors' tools can stand on it. What a callback can reach in a run is `phasebox_plugin`'s.
//!
//! A component is taken if it was built for any patch release of the contract's version, `0.1.*`, and for no
//! other version. Patch releases only add functions: a component that needs one which this host does not have is
//! refused by that function's name.
//!
//! | file | owns |
//! |---|---|
//! | `component` | a component, and the order of the steps that lead to one |
//! | `file` | opening and reading a file within bounds |
//! | `bounds`, `bodies`, `references`, `instances` | how large its sections may be, how its functions are shaped, which of them are referred to, what is instantiated |
//! | `core_module` | modules that are no components, by what they were made for |
//! | `compile` | compiling it within a time and a memory |
//! | `task`, `child` | a process of its own for what a file may make expensive |
//! | `elsewhere` | in place of those on other systems than Linux, where authors build callbacks |
//! | `source_lines` | lines of its source, for backtraces |
//! | `imports`, `producers` | the names of its imports, refused before it is compiled; the toolchain, for advice |
//! | `wasi` | WASI with nothing behind it, put inside a component that imports it |
//! | `interface` | its imports and exports, checked against the contract |
//! | `lacking` | functions of a newer contract, which this host does not have |
//! | `needs` | which functions of the contract need which grant |
//! | `description` | the JSON that a callback describes itself by |
//! | `alone` | asking a callback for that where there is no trainer |
//! | `memory_limiter` | the limit of a callback's memory |
//! | `parameters` | parameters, held to the schema of a description |
//! | `engine`, `clock` | the wasmtime engine, and the clock that time is counted by |
//! | `compiled`, `in_use` | machine code kept from one start to the next, and shared by the callbacks of a process |

mod alone;
mod bodies;
mod bounds;
#[cfg(target_os = "linux")]
mod child;
mod clock;
#[cfg(target_os = "linux")]
mod compile;
#[cfg(target_os = "linux")]
mod compiled;
mod component;
mod core_module;
mod description;
#[cfg(not(target_os = "linux"))]
mod elsewhere;
mod engine;
mod file;
mod imports;
mod in_use;
mod instances;
mod interface;
mod lacking;
mod memory_limiter;
mod needs;
mod parameters;
mod producers;
mod references;
mod source_lines;
#[cfg(target_os = "linux")]
mod task;
mod wasi;

#[cfg(not(target_os = "linux"))]
use self::elsewhere::{child, compile, compiled, task};

pub use self::alone::Described;
pub use self::clock::TICK;
pub use self::component::Component;
pub use self::description::{Configured, Description};
pub use self::engine::{Engine, Profile};
pub use self::memory_limiter::MemoryLimiter;
pub use self::parameters::Schema;
pub use self::source_lines::{SourceLines, lines_of_source};
pub use self::task::run_component_task;
pub use self::wasi::component_of_module;

/// The version of the engine that callbacks run on.
pub const WASMTIME_VERSION: &str = env!("WASMTIME_VERSION");
