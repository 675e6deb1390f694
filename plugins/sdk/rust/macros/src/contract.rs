//! Facts of the contract that the macros use: the names of the phases, read from `wit/callback.wit`, and
//! the interfaces whose bindings `phasebox_sdk` has.

const CALLBACK_WIT: &str = include_str!("../wit/callback.wit");

/// The folder of the contract, which comes with this crate.
pub(crate) const WIT_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/wit");

/// Interfaces that a callback shares with the bindings of `phasebox_sdk`.
pub(crate) const INTERFACES: [&str; 6] = [
    "types",
    "tensor",
    "vision",
    "context",
    "storage",
    "diagnostics",
];

/// Phase names as methods, such as `on_train_batch_end`, in the order of the loop.
pub(crate) fn phases() -> Vec<String> {
    CALLBACK_WIT
        .lines()
        .filter_map(|line| line.trim().split_once(": func(ctx:"))
        .map(|(name, _)| name.replace('-', "_"))
        .collect()
}

/// The phase whose name is nearest to `name`.
pub(crate) fn nearest_phase(name: &str) -> Option<String> {
    phases()
        .into_iter()
        .min_by_key(|phase| strsim::damerau_levenshtein(phase, name))
}
