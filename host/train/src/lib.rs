//! Training: the loop, the callbacks that it calls, and what a run leaves on disk. Knows a callback only as the trait
//! [`callback::Callback`]: neither recipes nor WebAssembly.
//!
//! | module | owns |
//! |---|---|
//! | [`context`] | what callbacks see and may change |
//! | [`control`] | what callbacks ask of the trainer |
//! | [`callback`] | callbacks in order, and what happens when one fails |
//! | [`counters`] | what a callback did and cost |
//! | [`trainer`] | the loop |
//! | [`checkpoint`], [`logger`] | what a run leaves on disk |
//! | [`device`], [`interrupt`] | names of devices; SIGINT and SIGTERM |

pub mod callback;
pub mod checkpoint;
pub mod context;
pub mod control;
pub mod counters;
pub mod device;
pub mod interrupt;
pub mod logger;
pub mod trainer;
