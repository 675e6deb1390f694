//! phasebox from outside: the real binary, each case in a folder of its own, with a recipe and callbacks made for it.
//!
//! | file | shows |
//! |---|---|
//! | `phases` | which phases fire, in which order, and for whom |
//! | `tidy` | that the source keeps the rules of ARCHITECTURE.md and CONTRIBUTING.md |
//! | `conformance` | that every stock callback is what its README says, trains, and resumes |
//! | `effects` | what each stock callback does to a run, against numbers computed apart from it |
//! | `languages` | one callback in four languages, with the same numbers |
//! | `tensor_ops` | that a guest gets from every tensor operation what numpy gives |
//!
//! `harness` runs the binary and reads what it leaves; `components` makes callbacks of WebAssembly text; `training` is
//! a run to measure callbacks by.

mod components;
mod conformance;
mod effects;
mod harness;
mod languages;
mod phases;
mod tensor_ops;
mod tidy;
mod training;
