//! The attacks. Each is a row with the outcome that is due. All are made on one training, which has to end as it would
//! without them. `docs/attacks.md` is the list of them.
//!
//! | file | attacks |
//! |---|---|
//! | `load` | files that are no callbacks, or not yet |
//! | `time` | work without end |
//! | `memory` | bytes, handles and shapes without bound |
//! | `handles` | old, forged and twice dropped handles |
//! | `capabilities` | what the recipe does not grant |
//! | `naming` | names and texts |
//! | `lifecycle` | save, load, interrupt, exchange |
//! | `attack_table` | that the page lists these attacks, and no others |
//!
//! `attack_run` is the run. The attacks themselves are in `guests/attacks`, or in WebAssembly text where a toolchain would
//! not make them.

mod attack_run;
mod attack_table;
mod capabilities;
mod handles;
mod lifecycle;
pub(crate) mod load;
mod memory;
mod naming;
mod time;

/// One attack and its answer.
pub(crate) struct Attack {
    /// Also the callback's name, and that of the attack in `guests/attacks`.
    pub(crate) name: &'static str,
    pub(crate) how: How,
    pub(crate) grants: &'static str,
    pub(crate) limits: &'static str,
    pub(crate) expect: Expect,
}

pub(crate) enum How {
    /// An attack of `guests/attacks`.
    Guest,
    /// A callback made for it, in the same run.
    Made(fn() -> Vec<u8>),
    /// A file that is loaded alone.
    File(fn() -> Vec<u8>),
}

/// The outcome that is due, with words of its message.
pub(crate) enum Expect {
    /// The file is refused before anything runs.
    Refused(&'static str),
    /// The callback ends, and nothing else.
    Contained(&'static str),
    /// The call gives an error, from which the callback can go on.
    Answered(&'static str),
    /// It is no attack, or everything in it was refused as it should be.
    Passes,
}

/// An attack without name and answer, and with everything else as most have it.
pub(crate) const USUAL: Attack = Attack {
    name: "",
    how: How::Guest,
    grants: "",
    limits: "time: 1s, memory: 64MiB, tensors: 2MiB, call_tensors: 64MiB",
    expect: Expect::Passes,
};

/// All attacks of `sandbox/*.rs`.
pub(crate) fn attacks() -> Vec<Attack> {
    [
        load::rows(),
        time::rows(),
        memory::rows(),
        handles::rows(),
        capabilities::rows(),
        naming::rows(),
        lifecycle::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
