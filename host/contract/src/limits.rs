//! Bounds on what one callback uses: one table of limits with key, window, default and reason. Recipes take their keys
//! from the table, refusals and `summary.json` its names, `docs/limits.md` all of it. Counting and refusing are
//! `plugin`'s.

use std::ops::Index;
use std::time::Duration;

use crate::quantity::{Amount, MIB, Measure, SECOND};

/// After what a limit is counted anew.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Window {
    /// One call of the callback.
    Call,
    /// One turn of the loop, over all calls: a batch, of training or of evaluation, and what follows until the next.
    Step,
    /// One call while it is loaded or saved.
    Load,
    /// Never: what exists at one time counts, and what goes away is given back.
    Standing,
    /// Never, over the whole of this process's part of the run.
    Run,
}

macro_rules! limits {
    ($($variant:ident = $key:literal: $measure:ident a $window:ident, $default:expr, $what:literal, $why:literal;)*) => {
        /// One limit.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Limit { $(#[doc = concat!("`", $key, "`: ", $what, ". ", $why)] $variant,)* }

        impl Limit {
            /// Every limit there is.
            pub const ALL: [Limit; COUNT] = [$(Limit::$variant,)*];
            const KEYS: [&str; COUNT] = [$($key,)*];
            const MEASURES: [Measure; COUNT] = [$(Measure::$measure,)*];
            const WINDOWS: [Window; COUNT] = [$(Window::$window,)*];
            const DEFAULTS: [u64; COUNT] = [$($default,)*];
            const WHAT: [&str; COUNT] = [$($what,)*];
            const WHY: [&str; COUNT] = [$($why,)*];
        }

        const COUNT: usize = [$($key,)*].len();
    };
}

limits! {
    Time = "time": Time a Call, SECOND, "guest time; time in host functions is not charged",
        "the slowest stock callback needs 1 ms; a second leaves a Python callback's first call room";
    StepTime = "step_time": Time a Step, 3 * SECOND, "guest time",
        "a callback at all phases of a batch may not make each of them a second long";
    HostTime = "host_time": Time a Call, 60 * SECOND, "time in host functions, looked at before the next one",
        "each is bounded by its size; many large ones in one call would still stop training";
    LoadTime = "load_time": Time a Load, 10 * SECOND, "guest time",
        "interpreters start up when they are loaded";
    CompileTime = "compile_time": Time a Load, 300 * SECOND, "time to compile the component, once: compiled code is kept; a file under 16 MiB has a part of it by its size, a thirty-second at least",
        "a Python component takes half a minute on two cores; a compile bomb never ends";
    CompileMemory = "compile_memory": Bytes a Load, 2048 * MIB, "memory to compile the component, shared out by size, an eighth at least",
        "a JavaScript component takes 0.7 GiB on two cores; nested loops would take many times that";
    Memory = "memory": Bytes a Standing, 256 * MIB, "linear memory, over all memories",
        "Python and JavaScript components start at about 40 MiB";
    Handles = "handles": Count a Standing, 4096, "live handles of one kind (tensors, groups, deferred scalars)",
        "far more than the parameters of a large network";
    Tensors = "tensors": Bytes a Standing, 1024 * MIB, "tensors kept by handles and storage",
        "an average of a network of 250 million parameters; the device's memory is the trainer's";
    CallTensors = "call_tensors": Bytes a Call, 1024 * MIB, "tensors made",
        "what lives only for one call needs room too, but not more than what is kept";
    Launches = "launches": Count a Step, 10_000, "tensor operations",
        "at 5 µs each they are 50 ms of a device's queue; stock callbacks need under 100";
    Passes = "passes": Count a Step, 16, "extra passes through the network",
        "each takes as long as a forward pass, or a training step; Monte Carlo dropout needs about ten";
    Syncs = "syncs": Count a Step, 1000, "waits for the device; 0 forbids them",
        "one wait empties the device's queue; nobody needs one for each of a thousand parameters";
    HostCalls = "host_calls": Count a Call, 100_000, "host functions called; one more ends the call",
        "at 100 ns each they are 10 ms; what loops over elements should use tensor operations";
    HostBytes = "host_bytes": Bytes a Step, 256 * MIB, "bytes carried by host calls: reads, values, images, texts, files",
        "a tensor that is needed whole in the guest, once a step; one host call carries 20 MiB at most";
    LogLines = "log_lines": Count a Step, 100, "lines logged; the others are counted and not written",
        "a person reads fewer; debugging output of one batch fits";
    LogValues = "log_values": Count a Step, 10_000, "values, histograms, images and texts logged",
        "one for each parameter of a large network";
    LogBytes = "log_bytes": Bytes a Run, 1024 * MIB, "bytes of values, histograms, images, texts and lines in the logs, escapes counted",
        "a disk is shared; five million numbers fit";
    MetricNames = "metric_names": Count a Run, 10_000, "distinct names of what is logged",
        "one for each parameter of a large network; a name that holds the step number would fill memory";
    Artifacts = "artifacts": Bytes a Run, 1024 * MIB, "bytes of files and images written",
        "a disk is shared";
    ArtifactFiles = "artifact_files": Count a Run, 10_000, "files and images written",
        "a folder with more is slow to list";
    CheckpointTags = "checkpoint_tags": Count a Run, 100, "distinct tags of requested checkpoints",
        "each keeps a whole checkpoint on disk; a tag that holds the step number would fill it";
    State = "state": Bytes a Load, 16 * MIB, "bytes that save-state gives, which every checkpoint holds",
        "what is large belongs in storage";
}

impl Limit {
    /// The key in a recipe, and the name in `summary.json`.
    pub fn key(self) -> &'static str {
        Self::KEYS[self as usize]
    }

    /// The kind of thing that its amounts measure.
    pub fn measure(self) -> Measure {
        Self::MEASURES[self as usize]
    }

    /// After what it is counted anew.
    pub fn window(self) -> Window {
        Self::WINDOWS[self as usize]
    }

    /// The thing that is counted, for people.
    pub fn what(self) -> &'static str {
        Self::WHAT[self as usize]
    }

    /// Why there is a limit, and this default.
    pub fn reason(self) -> &'static str {
        Self::WHY[self as usize]
    }

    /// `amount` of it, for people: nanoseconds, bytes or a count.
    pub fn show(self, amount: u64) -> Amount {
        Amount::new(self.measure(), amount)
    }

    /// The sentence for whoever went beyond `amount` of it: what there is, and the key that gives more.
    pub fn exceeded(self, amount: u64) -> String {
        let (key, what, window) = (self.key(), self.what(), self.window().name());
        let allowed = self.show(amount);
        format!(
            "it may have {allowed} {window} ({what}): raise `limits: {{{key}: …}}` if it needs more"
        )
    }

    /// `amount` as `summary.json` has it: seconds, bytes or a count.
    pub fn to_json(self, amount: u64) -> serde_json::Value {
        match self.measure() {
            Measure::Time => (amount as f64 / SECOND as f64).into(),
            Measure::Bytes | Measure::Count => amount.into(),
        }
    }
}

impl Window {
    /// To finish the sentence "… left".
    pub fn name(self) -> &'static str {
        match self {
            Window::Call => "in this call",
            Window::Step => "in this step",
            Window::Load => "while loading and saving",
            Window::Standing => "at one time",
            Window::Run => "in this run",
        }
    }
}

/// The limits of one callback.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits([u64; COUNT]);

impl Default for Limits {
    fn default() -> Limits {
        Limits(Limit::DEFAULTS)
    }
}

impl Limits {
    /// Limits that nothing exceeds.
    pub const UNBOUNDED: Limits = Limits([u64::MAX; COUNT]);

    /// The limits, each at most as large as that of `ceilings`.
    #[must_use]
    pub fn lowered_to(self, ceilings: &Limits) -> Limits {
        let all = Limit::ALL.into_iter();
        all.fold(self, |limits, limit| {
            limits.with(limit, self[limit].min(ceilings[limit]))
        })
    }

    /// The limits with one changed, to nanoseconds, bytes or a count.
    #[must_use]
    pub fn with(mut self, limit: Limit, amount: u64) -> Limits {
        self.0[limit as usize] = amount;
        self
    }

    /// A limit of time.
    pub fn time(&self, limit: Limit) -> Duration {
        Duration::from_nanos(self[limit])
    }
}

impl Index<Limit> for Limits {
    type Output = u64;

    #[inline]
    fn index(&self, limit: Limit) -> &u64 {
        &self.0[limit as usize]
    }
}

/// The use that one callback made of each limit, counted by the code that runs it.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    used: [u64; COUNT],
    peak: [u64; COUNT],
    refused: [u64; COUNT],
}

impl Default for Usage {
    fn default() -> Usage {
        Usage {
            used: [0; COUNT],
            peak: [0; COUNT],
            refused: [0; COUNT],
        }
    }
}

impl Usage {
    /// The amount used in the window in progress.
    #[inline]
    pub fn used(&self, limit: Limit) -> u64 {
        self.used[limit as usize]
    }

    /// Sets what is used, and remembers the most.
    #[inline]
    pub fn set(&mut self, limit: Limit, used: u64) {
        self.used[limit as usize] = used;
        self.peak[limit as usize] = self.peak[limit as usize].max(used);
    }

    /// Gives back what is no longer used.
    #[inline]
    pub fn release(&mut self, limit: Limit, amount: u64) {
        self.used[limit as usize] = self.used[limit as usize].saturating_sub(amount);
    }

    /// Counts the limits of `window` anew.
    #[inline]
    pub fn begin(&mut self, window: Window) {
        for limit in Limit::ALL {
            if limit.window() == window {
                self.used[limit as usize] = 0;
            }
        }
    }

    /// The most that was used in a window.
    pub fn peak(&self, limit: Limit) -> u64 {
        self.peak[limit as usize]
    }

    /// How often more was refused.
    pub fn refused(&self, limit: Limit) -> u64 {
        self.refused[limit as usize]
    }

    /// Takes in what was counted elsewhere.
    pub fn observe(&mut self, limit: Limit, peak: u64, refused: u64) {
        self.peak[limit as usize] = self.peak[limit as usize].max(peak);
        self.refused[limit as usize] += refused;
    }

    /// Counts a refusal.
    pub fn refuse(&mut self, limit: Limit) {
        self.refused[limit as usize] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/limits.md");

    fn row(limit: &Limit) -> String {
        let window = match limit.window() {
            Window::Call => "call",
            Window::Step => "step",
            Window::Load => "load",
            Window::Standing => "at one time",
            Window::Run => "run",
        };
        let default = limit.show(Limits::default()[*limit]);
        format!(
            "| `{}` | {default} | {window} | {} | {} |",
            limit.key(),
            limit.what(),
            limit.reason()
        )
    }

    /// The page is the table; what differs is printed as it should be.
    #[test]
    fn the_page_on_limits_holds_every_limit() {
        let rows: Vec<String> = Limit::ALL.iter().map(row).collect();
        // Tables of other sections begin with names, too.
        let limits = PAGE.split("\n## ").next().unwrap_or_default();
        let found: Vec<&str> = limits
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        assert_eq!(
            found,
            rows,
            "docs/limits.md should have\n{}",
            rows.join("\n")
        );
    }
}
