//! The learning rate of a step as a share of the initial one. A pure function of the step, so that a resumed run
//! goes on where it was.

/// Linear from `warmup_initial_ratio` to 1 over the warm-up, then half a cosine down to `final_lr_ratio`.
pub(crate) struct Schedule {
    pub(crate) warmup_steps: u64,
    pub(crate) warmup_initial_ratio: f64,
    pub(crate) final_lr_ratio: f64,
    pub(crate) max_steps: u64,
}

impl Schedule {
    /// With s steps done, W warm-up steps and S steps in all: r + (1 − r) · s / W below W, then
    /// f + (1 − f) · (1 + cos(π · (s − W) / (S − W))) / 2 as torch's `CosineAnnealingLR`, and f from S on.
    pub(crate) fn ratio(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            let done = step as f64 / self.warmup_steps as f64;
            return self.warmup_initial_ratio + (1.0 - self.warmup_initial_ratio) * done;
        }
        let rest = self.max_steps.saturating_sub(self.warmup_steps).max(1);
        let done = ((step - self.warmup_steps) as f64 / rest as f64).min(1.0);
        self.final_lr_ratio
            + (1.0 - self.final_lr_ratio) * (1.0 + (core::f64::consts::PI * done).cos()) / 2.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(step: u64, expected: f64) {
        let schedule = Schedule {
            warmup_steps: 4,
            warmup_initial_ratio: 0.2,
            final_lr_ratio: 0.01,
            max_steps: 104,
        };
        let ratio = schedule.ratio(step);
        assert!(
            (ratio - expected).abs() < 1e-9,
            "step {step}: {ratio}, expected {expected}"
        );
    }

    /// From step 4 on: CosineAnnealingLR(T_max=100, eta_min=0.01) on a rate of 1, worked out by hand.
    #[test]
    fn warms_up_and_follows_the_cosine() {
        check(0, 0.2);
        check(2, 0.6);
        check(4, 1.0);
        check(29, 0.855_017_856_687_341_2);
        check(54, 0.505);
        check(104, 0.01);
        check(1000, 0.01);
    }

    #[test]
    fn a_run_that_ends_in_its_warmup_has_no_cosine() {
        let schedule = Schedule {
            warmup_steps: 10,
            warmup_initial_ratio: 0.0,
            final_lr_ratio: 0.1,
            max_steps: 5,
        };
        assert_eq!(
            [schedule.ratio(5), schedule.ratio(10), schedule.ratio(11)],
            [0.5, 1.0, 0.1]
        );
    }
}
