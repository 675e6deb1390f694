//! phasebox from outside: the real binary, each case in a folder of its own, with a recipe and callbacks made for it.
//!
//! | file | shows |
//! |---|---|
//! | `phases` | which phases fire, in which order, and for whom |
//! | `tidy` | that the source keeps the rules of ARCHITECTURE.md and CONTRIBUTING.md |
//!
//! `harness` runs the binary and reads what it leaves; `components` makes callbacks of WebAssembly text.

mod components;
mod harness;
mod phases;
mod tidy;
