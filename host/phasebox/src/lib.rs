//! phasebox: a native libtorch trainer whose training callbacks are sandboxed WebAssembly components.
//!
//! This crate puts the others together:
//!
//! | crate | owns |
//! |---|---|
//! | `phasebox_contract` | phases, grants and limits |
//! | `phasebox_files` | files that are whole or not there |
//! | `phasebox_recipe` | a recipe's text, typed |
//! | `phasebox_data` | data sets, transforms, the loader |
//! | `phasebox_nn` | networks, losses, metrics, optimizers, schedules |
//! | `phasebox_train` | the loop, its callbacks, checkpoints and logs |
//! | `phasebox_registry` | callbacks from the network |
//! | `phasebox_component` | reading, checking and compiling a `.wasm` file |
//! | `phasebox_plugin` | a callback that is a component |
//! | [`assemble`] | from a recipe to a trainer: the one place where all of them meet |
//! | [`cli`] | the commands |

pub mod assemble;
pub mod cli;
