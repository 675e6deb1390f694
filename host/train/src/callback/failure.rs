//! What happens when a callback fails: its policy, whether it is called again, and the record of it. Knows neither
//! phases nor how a callback is loaded again.

use phasebox_contract::policy::{LastStrike, OnError, Reload};
use serde::{Deserialize, Serialize};

/// One failure of a callback, or its return.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Failure {
    /// Optimizer steps done by then.
    pub global_step: u64,
    /// The phase, "save-state" or "reload".
    pub phase: String,
    /// In its own words, or those of the limit that ended it.
    pub message: String,
    /// What was done about it.
    pub done: String,
}

/// Failures that are kept one by one: a callback that fails at every batch must not fill the memory.
const KEPT: usize = 100;

/// Whether a callback is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Standing {
    Called,
    /// Loaded again when so many optimizer steps are done.
    Away {
        until_step: u64,
    },
    Out,
}

/// What follows from a failure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Abort,
    GoOn,
}

/// One callback's policy, standing and record.
pub(super) struct Conduct {
    on_error: OnError,
    standing: Standing,
    strikes: u32,
    failures: Vec<Failure>,
    unrecorded: u64,
}

impl Conduct {
    pub(super) fn new(on_error: OnError) -> Conduct {
        Conduct {
            on_error,
            standing: Standing::Called,
            strikes: 0,
            failures: Vec::new(),
            unrecorded: 0,
        }
    }

    #[inline]
    pub(super) fn is_called(&self) -> bool {
        self.standing == Standing::Called
    }

    /// Whether it is to be loaded again now.
    pub(super) fn is_due(&self, global_step: u64) -> bool {
        matches!(self.standing, Standing::Away { until_step } if global_step >= until_step)
    }

    /// Whether it will be loaded again.
    pub(super) fn is_away(&self) -> bool {
        matches!(self.standing, Standing::Away { .. })
    }

    /// It wants no more calls.
    pub(super) fn leave(&mut self) {
        self.standing = Standing::Out;
    }

    /// It was loaded again.
    pub(super) fn come_back(&mut self, global_step: u64) {
        self.standing = Standing::Called;
        self.record(Failure {
            global_step,
            phase: "reload".to_owned(),
            message: String::new(),
            done: "is called again".to_owned(),
        });
    }

    /// Decides what follows from a failure and records it. A callback that is not `usable` cannot be called again.
    pub(super) fn judge(
        &mut self,
        phase: &str,
        message: String,
        global_step: u64,
        usable: bool,
    ) -> (Verdict, String) {
        self.strikes += 1;
        let (verdict, standing, done) = self.consequence(global_step, usable);
        self.standing = standing;
        self.record(Failure {
            global_step,
            phase: phase.to_owned(),
            message,
            done: done.clone(),
        });
        (verdict, done)
    }

    fn consequence(&self, global_step: u64, usable: bool) -> (Verdict, Standing, String) {
        let stays = if usable {
            Standing::Called
        } else {
            Standing::Out
        };
        match self.on_error {
            OnError::Abort => (
                Verdict::Abort,
                stays,
                "the run ends, as the recipe says".to_owned(),
            ),
            OnError::Disable => (
                Verdict::GoOn,
                Standing::Out,
                "disabled, as the recipe says".to_owned(),
            ),
            OnError::Ignore if usable => (
                Verdict::GoOn,
                stays,
                "ignored, as the recipe says".to_owned(),
            ),
            OnError::Ignore => (
                Verdict::GoOn,
                stays,
                "it cannot be called again and is disabled".to_owned(),
            ),
            OnError::Reload(reload) => strike(reload, self.strikes, global_step),
        }
    }

    fn record(&mut self, failure: Failure) {
        match self.failures.len() < KEPT {
            true => self.failures.push(failure),
            false => self.unrecorded += 1,
        }
    }

    pub(super) fn failures(&self) -> (Vec<Failure>, u64) {
        (self.failures.clone(), self.unrecorded)
    }
}

/// The consequence of the failure that is number `strikes`, counted from 1.
fn strike(reload: Reload, strikes: u32, global_step: u64) -> (Verdict, Standing, String) {
    if strikes < reload.strikes {
        let away = reload
            .backoff_steps
            .saturating_mul(1u64.checked_shl(strikes - 1).unwrap_or(u64::MAX));
        let until_step = global_step.saturating_add(away);
        let done = format!(
            "strike {strikes} of {}: loaded again at step {until_step}",
            reload.strikes
        );
        return (Verdict::GoOn, Standing::Away { until_step }, done);
    }
    let last = format!("strike {strikes} of {}: ", reload.strikes);
    match reload.then {
        LastStrike::Disable => (Verdict::GoOn, Standing::Out, last + "disabled"),
        LastStrike::Abort => (Verdict::Abort, Standing::Out, last + "the run ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(then: LastStrike, steps: &[u64], words: &[&str]) -> Verdict {
        let mut conduct = Conduct::new(OnError::Reload(Reload {
            strikes: words.len() as u32,
            backoff_steps: 10,
            then,
        }));
        let mut last = Verdict::GoOn;
        for (step, words) in steps.iter().zip(words) {
            let (verdict, done) =
                conduct.judge("on-epoch-end", "it fails".to_owned(), *step, false);
            assert!(done.ends_with(words), "{done}");
            last = verdict;
        }
        assert!(!conduct.is_called() && !conduct.is_away());
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
        let mut conduct = Conduct::new(OnError::Reload(reload));
        conduct.judge("on-epoch-end", "it fails".to_owned(), 5, false);
        assert!(!conduct.is_due(14) && conduct.is_due(15));
        conduct.come_back(15);
        assert!(conduct.is_called());
        assert_eq!(conduct.failures().0.len(), 2);
    }
}
