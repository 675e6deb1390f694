//! The failures of one callback: what its policy does about them, whether the callback is called again, and the record of
//! it. Knows neither phases nor how a callback is loaded again.

use std::fmt::{Display, Formatter};

use phasebox_contract::policy::{LastStrike, OnError, Reload};
use phasebox_contract::printable::is_told;
use serde::{Deserialize, Serialize};

/// The context of an error that a callback's failure ends a run with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallbackFailed {
    /// The callback's name in the run.
    pub name: String,
    /// The phase, "save-state" or "reload".
    pub phase: String,
}

impl Display for CallbackFailed {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        let CallbackFailed { name, phase } = self;
        write!(formatter, "callback `{name}` failed at {phase}")
    }
}

/// One failure of a callback, or its return.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// Optimizer steps done by then.
    pub global_step: u64,
    /// The phase, "save-state" or "reload".
    pub phase: String,
    /// The callback's own words, or those of the limit that ended its call.
    pub message: String,
    /// The consequence.
    pub done: String,
}

/// Failures that are kept one by one: a callback that fails at every batch must not fill the memory.
const KEPT: usize = 100;

/// A callback's standing in the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    /// Called at its phases.
    Active,
    /// Not called until it is loaded again, when so many optimizer steps are done.
    Suspended { until_step: u64 },
    /// Not called any more.
    Disabled,
}

/// The effect of a failure on the run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Abort,
    GoOn,
}

/// The policy of one callback, with its standing and the record of its failures.
pub(super) struct FailurePolicy {
    on_error: OnError,
    standing: Standing,
    /// A failure of it has ended the run.
    ends_run: bool,
    /// Failures so far, kept or not.
    count: u32,
    failures: Vec<Failure>,
    unrecorded: u64,
}

impl FailurePolicy {
    pub(super) fn new(on_error: OnError) -> FailurePolicy {
        FailurePolicy {
            on_error,
            standing: Standing::Active,
            ends_run: false,
            count: 0,
            failures: Vec::new(),
            unrecorded: 0,
        }
    }

    #[inline]
    pub(super) fn is_active(&self) -> bool {
        self.standing == Standing::Active
    }

    /// True if the callback is to be loaded again now.
    pub(super) fn is_due(&self, global_step: u64) -> bool {
        matches!(self.standing, Standing::Suspended { until_step } if global_step >= until_step)
    }

    /// True if the run goes on and does not call the callback any more.
    pub(super) fn is_left_out(&self) -> bool {
        self.standing == Standing::Disabled && !self.ends_run
    }

    /// The callback wants no more calls.
    pub(super) fn disable(&mut self) {
        self.standing = Standing::Disabled;
    }

    /// The callback was loaded again.
    pub(super) fn resume(&mut self, global_step: u64) {
        self.standing = Standing::Active;
        self.record(Failure {
            global_step,
            phase: "reload".to_owned(),
            message: String::new(),
            done: "is called again".to_owned(),
        });
    }

    /// Decides what follows from a failure and records it. A callback that is not `usable` cannot be called again.
    pub(super) fn decide(
        &mut self,
        phase: &str,
        message: String,
        global_step: u64,
        usable: bool,
    ) -> (Verdict, String) {
        self.count = self.count.saturating_add(1);
        let (verdict, standing, done) = self.consequence(global_step, usable);
        self.standing = standing;
        self.ends_run = verdict == Verdict::Abort;
        self.record(Failure {
            global_step,
            phase: phase.to_owned(),
            message,
            done: done.clone(),
        });
        (verdict, done)
    }

    /// True if people are told of the last failure: of a callback that fails at every batch only now and then, and of the
    /// one after which it is called no more. The record has the others.
    pub(super) fn is_told(&self) -> bool {
        self.standing == Standing::Disabled || is_told(u64::from(self.count))
    }

    /// Failures so far.
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    fn consequence(&self, global_step: u64, usable: bool) -> (Verdict, Standing, String) {
        let standing = if usable {
            Standing::Active
        } else {
            Standing::Disabled
        };
        match self.on_error {
            OnError::Abort => (
                Verdict::Abort,
                standing,
                "the run ends, as the recipe says".to_owned(),
            ),
            OnError::Disable => (
                Verdict::GoOn,
                Standing::Disabled,
                "disabled, as the recipe says".to_owned(),
            ),
            OnError::Ignore if usable => (
                Verdict::GoOn,
                standing,
                "ignored, as the recipe says".to_owned(),
            ),
            OnError::Ignore => (
                Verdict::GoOn,
                standing,
                "it cannot be called again and is disabled".to_owned(),
            ),
            OnError::Reload(reload) => strike(reload, self.count, global_step),
        }
    }

    fn record(&mut self, failure: Failure) {
        if self.failures.len() < KEPT {
            self.failures.push(failure);
        } else {
            self.unrecorded += 1;
        }
    }

    /// The failures that were kept, and how many more there were.
    pub(super) fn failures(&self) -> (Vec<Failure>, u64) {
        (self.failures.clone(), self.unrecorded)
    }
}

/// The consequence of failure number `count`, from 1, where a callback is loaded again.
fn strike(reload: Reload, count: u32, global_step: u64) -> (Verdict, Standing, String) {
    if count < reload.strikes {
        let away = reload
            .backoff_steps
            .saturating_mul(1u64.checked_shl(count - 1).unwrap_or(u64::MAX));
        let until_step = global_step.saturating_add(away);
        let done = format!(
            "strike {count} of {}: loaded again at step {until_step}",
            reload.strikes
        );
        return (Verdict::GoOn, Standing::Suspended { until_step }, done);
    }
    let last = format!("strike {count} of {}: ", reload.strikes);
    match reload.then {
        LastStrike::Disable => (Verdict::GoOn, Standing::Disabled, last + "disabled"),
        LastStrike::Abort => (Verdict::Abort, Standing::Disabled, last + "the run ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(then: LastStrike, steps: &[u64], words: &[&str]) -> Verdict {
        let mut policy = FailurePolicy::new(OnError::Reload(Reload {
            strikes: words.len() as u32,
            backoff_steps: 10,
            then,
        }));
        let mut last = Verdict::GoOn;
        for (step, words) in steps.iter().zip(words) {
            let (verdict, done) =
                policy.decide("on-epoch-end", "it fails".to_owned(), *step, false);
            assert!(done.ends_with(words), "{done}");
            last = verdict;
        }
        assert!(!policy.is_active());
        assert_eq!(policy.is_left_out(), then == LastStrike::Disable);
        last
    }

    #[test]
    fn the_back_off_doubles_until_the_last_strike() {
        let words = [
            "again at step 15",
            "again at step 40",
            "again at step 90",
            "disabled",
        ];
        assert_eq!(
            check(LastStrike::Disable, &[5, 20, 50, 100], &words),
            Verdict::GoOn
        );
        assert_eq!(
            check(
                LastStrike::Abort,
                &[5, 20],
                &["again at step 15", "the run ends"]
            ),
            Verdict::Abort
        );
    }

    #[test]
    fn it_is_due_when_its_steps_are_over() {
        let reload = Reload {
            strikes: 2,
            backoff_steps: 10,
            then: LastStrike::Disable,
        };
        let mut policy = FailurePolicy::new(OnError::Reload(reload));
        policy.decide("on-epoch-end", "it fails".to_owned(), 5, false);
        assert!(!policy.is_due(14) && policy.is_due(15));
        policy.resume(15);
        assert!(policy.is_active());
        assert_eq!(policy.failures().0.len(), 2);
    }
}
