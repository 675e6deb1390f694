//! Training: the loop, the callbacks that it calls, and what a run leaves on disk. Knows a callback only as the trait
//! [`callback::Callback`]: neither recipes nor WebAssembly.
//!
//! | module | owns |
//! |---|---|
//! | [`trainer`] | the loop |
//! | [`context`] | the state that callbacks see and may change |
//! | [`split`], [`accumulation`], [`outcome`] | values of that state |
//! | [`control`] | what callbacks ask of the trainer |
//! | [`callback`] | callbacks in order, what happens when one fails, and what each did and cost |
//! | [`checkpoint`], [`logger`] | what a run leaves on disk |
//! | [`trace`] | what callbacks could see of a run, and callbacks fed with it again |
//! | [`device`], [`interrupt`] | names of devices; signals that end a run |

pub mod accumulation;
pub mod callback;
pub mod checkpoint;
pub mod context;
pub mod control;
pub mod device;
pub mod interrupt;
pub mod logger;
mod number;
pub mod outcome;
pub mod split;
pub mod trace;
pub mod trainer;
