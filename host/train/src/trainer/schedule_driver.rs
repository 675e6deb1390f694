//! The recipe's schedule, applied to the optimizer. Owns which rates the schedule has set; the formulas are
//! [`Schedule`]'s.

use phasebox_nn::optim::Optimizer;
use phasebox_nn::schedule::{Progress, Schedule};

/// Sets learning rates where the schedule's value changes: a rate that a callback has set holds until then.
pub(super) struct ScheduleDriver {
    schedule: Schedule,
    /// The rate that the schedule set last, by parameter group.
    set_last: Vec<f64>,
}

impl ScheduleDriver {
    pub(super) fn new(schedule: Schedule) -> ScheduleDriver {
        ScheduleDriver {
            schedule,
            set_last: Vec::new(),
        }
    }

    /// Sets the rates of this moment where they differ from those that were set last.
    pub(super) fn apply(&mut self, optimizer: &mut dyn Optimizer, progress: Progress) {
        let groups = optimizer.groups_mut();
        self.set_last.resize(groups.len(), f64::NAN);
        for (group, set_last) in groups.iter_mut().zip(&mut self.set_last) {
            let initial = group.initial_learning_rate;
            let rate = self.schedule.learning_rate(initial, progress);
            if rate != *set_last {
                group.learning_rate = rate;
                *set_last = rate;
            }
        }
    }

    /// The rates that were set last, for a checkpoint.
    pub(super) fn state(&self) -> &[f64] {
        &self.set_last
    }

    /// Goes on from a checkpoint.
    pub(super) fn restore(&mut self, set_last: &[f64]) {
        self.set_last = set_last.to_vec();
    }
}
