//! Tools of an author of callbacks, beside a compiler: a new project in any of the languages, its component, and the
//! contract. Needs no libtorch; no more of a callback runs here than its description.
//!
//! | file | owns |
//! |---|---|
//! | `command` | the commands `new`, `build`, `bindings` and `wit` |
//! | `inspect` | what a component is and wants |
//! | `embedded` | the contract and the SDKs, as they are in this repository |
//! | `toolchains` | the languages: their files, their phases, their commands |
//! | `manifest` | `phasebox.yaml`: name and language of a project |
//! | `new` | the files of a new project |
//! | `names` | one name in the spellings of the languages |
//! | `world` | the world of a project, and the contract beside it |
//! | `sources` | a project's files: their digest, and the phases that they have functions for |
//! | `build` | the way from a project to its component |
//! | `tool` | the compilers: found, or installed by package managers |
//! | `own_tool` | versions of compilers on the author's own PATH |
//! | `folders` | folders that the environment names |
//! | `say` | the door to the reader |
//! | `encode` | a core module, made a component |

mod build;
mod command;
mod embedded;
mod encode;
mod folders;
mod inspect;
mod manifest;
mod names;
mod new;
mod own_tool;
#[cfg(test)]
mod python_whole_numbers_test;
mod say;
mod sources;
mod tool;
mod toolchains;
mod world;

pub use self::build::{Freshness, freshness};
pub use self::command::{Bindings, Build, New, Wit};
pub use self::inspect::{Inspect, show};
pub use self::say::tell;
pub use self::sources::phases_of;
