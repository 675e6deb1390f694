//! phasebox from outside: the real binary, each case in a folder of its own, with a recipe and callbacks made for it.
//!
//! | file | shows |
//! |---|---|
//! | `phases` | which phases fire, in which order, and for whom |
//! | `locks` | that a locked recipe trains with the locked callbacks alone |
//! | `successions` | that a newer build of a callback goes on with the state of an older one, or is refused |
//! | `sweeps` | that each of many runs in one process is as if alone, with the callbacks that were there when it began |
//! | `refusals` | what is refused before anything runs, and in which words |
//! | `questions` | that what makes no sense or is not granted is answered with an error, and changes no number |
//! | `misbehaviour` | that a callback which traps, loops or eats memory ends itself and nothing else |
//! | `pipes` | that a command ends as it would have when nobody reads its output |
//! | `sandbox` | that every attack of a list is refused or contained, and training goes on to the same bits |
//! | `reports` | that `phasebox report` says what a run's summary holds |
//! | `inputs` | that threads and memory formats leave a training's numbers as they were |
//! | `cache` | that compiled callbacks run only as they were written |
//! | `soak` | that a long run takes no more memory than a short one |
//! | `segments` | that steps repeated from recordings are eager ones, bit for bit |
//! | `resume` | that a run killed at any moment is readable, and goes on to the very bytes of one that was not |
//! | `conformance` | that every stock callback is what its README says, trains, and resumes |
//! | `effects` | what each stock callback does to a run, against numbers computed apart from it |
//! | `languages` | one callback in four languages, with the same numbers |
//! | `tensor_ops` | that a guest gets from every tensor operation what numpy gives |
//! | `tidy` | that the source keeps the rules of ARCHITECTURE.md and CONTRIBUTING.md |
//!
//! `harness` runs the binary and reads what it leaves; `components` makes callbacks of WebAssembly text; `training` is
//! a run to measure callbacks by.

mod cache;
mod components;
mod conformance;
mod effects;
mod harness;
mod inputs;
mod languages;
mod locks;
mod misbehaviour;
mod phases;
mod pipes;
mod questions;
mod refusals;
mod reports;
mod resume;
mod sandbox;
mod segments;
mod soak;
mod successions;
mod sweeps;
mod tensor_ops;
mod tidy;
mod training;
