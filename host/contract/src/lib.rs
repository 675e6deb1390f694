//! The contract between a trainer and its callbacks, as plain data: the moments at which callbacks are called, what they
//! may do and use. Knows neither tensors nor WebAssembly, so that authors' tools and recipes can stand on it.
//!
//! | module | owns |
//! |---|---|
//! | [`phase`] | the phases of the loop, and the loop in pseudocode |
//! | [`grants`] | rights beyond reading without a sync and logging |
//! | [`limits`] | what one callback may use: the table |
//! | [`policy`] | what a recipe chooses: when to call, what a failure or a NaN does |
//! | [`quantity`] | amounts of time, bytes and things, as text |
//! | [`digest`] | the sha256 that identifies a component or another file |
//! | [`json_extent`] | the values in a JSON text and their depth, before it is parsed |
//! | [`small_json`] | JSON texts of callbacks, measured before they are parsed |
//! | [`suggest`] | "did you mean": the nearest known name |
//! | [`plain_words`] | serde's messages as authors of recipes read them |
//! | [`printable`] | texts of others, as a message may show them |
//! | [`missing`] | names of another trainer that a registry lacks, with remedies |

pub mod digest;
pub mod grants;
pub mod json_extent;
pub mod limits;
pub mod missing;
pub mod phase;
pub mod plain_words;
pub mod policy;
pub mod printable;
pub mod quantity;
pub mod small_json;
pub mod suggest;

/// The package that callbacks import from, with the version this host speaks; any patch release of it is taken.
pub const CONTRACT: &str = "phasebox:train@0.1.0";
