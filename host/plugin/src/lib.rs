//! A callback that is a WebAssembly component. Only this crate instantiates components for a run; the trainer sees a
//! [`Callback`](phasebox_train::callback::Callback).
//!
//! A plugin is one store: an instance of a component, with the handles, limits and counters of that
//! callback. It can reach the trainer's context during a call and at no other time.
//!
//! | file | owns |
//! |---|---|
//! | `plugin` | the callback: parameters, saved state, reloading, the report |
//! | `configured` | the phases and the code that parameters decide about |
//! | `state_handover` | saved state that another build goes on with |
//! | `instance` | instantiating, exports, calls under a limit |
//! | `engine` | the engine with the host functions linked |
//! | `state`, `quotas` | what one instance has and uses |
//! | `handle_table`, `markers`, `owner`, `stored` | what a guest holds handles to |
//! | `deadline` | the limits of time |
//! | `stack_samples` | where a callback's time goes, if somebody asks |
//! | `output` | lines of a guest's standard output and error |
//! | `grants` | the refusal of what a recipe does not grant |
//! | `function_names` | a guest's functions as their authors wrote them |
//! | `error`, `trap`, `host_panic`, `torch_call` | failures, from libtorch's to the guest's |
//! | `host` | the host side of the contract: one file for each resource |
//! | [`drawing`], `font` | boxes and letters on images, for guests and for predictions |
//! | `bindings` | Rust generated from `wit/` |

mod bindings;
mod configured;
mod deadline;
pub mod drawing;
mod engine;
mod error;
mod font;
mod function_names;
mod grants;
mod handle_table;
mod host;
mod host_panic;
mod instance;
mod markers;
mod output;
mod owner;
mod plugin;
mod quotas;
mod settings;
mod stack_samples;
mod state;
mod state_handover;
mod stored;
#[cfg(test)]
mod tensor_ops_test;
mod torch_call;
mod trap;

pub use self::configured::Code;
pub use self::engine::PluginEngine;
pub use self::plugin::Plugin;
pub use self::settings::PluginSettings;
pub use self::stack_samples::{SampledStack, SampledStacks, StackSamples};
