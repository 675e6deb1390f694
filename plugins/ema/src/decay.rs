//! The share of the average that a step keeps: the three schedules of SuperGradients' `ModelEMA`. Pure functions.

use phasebox_sdk::prelude::*;

/// With d = `decay`, s = optimizer steps done, this one included, S = steps of the whole run, β = `beta`:
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(crate = "phasebox_sdk::serde", rename_all = "lowercase")]
pub(crate) enum DecayType {
    /// d
    Constant,
    /// d · (1 − exp(−β · s / S)): quick at first, d at the end.
    Exp,
    /// min(d, (1 + s) / (10 + s)): quick for the first steps, whatever the run's length.
    Threshold,
}

impl DecayType {
    /// The weight of the old average at `step` of `max_steps`.
    pub(crate) fn at(self, decay: f64, beta: f64, step: u64, max_steps: u64) -> f64 {
        let (step, max_steps) = (step as f64, max_steps.max(1) as f64);
        match self {
            Self::Constant => decay,
            Self::Exp => decay * (1.0 - (-beta * step / max_steps).exp()),
            Self::Threshold => decay.min((1.0 + step) / (10.0 + step)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(decay_type: DecayType, step: u64, expected: f64) {
        let value = decay_type.at(0.9999, 15.0, step, 1000);
        assert!(
            (value - expected).abs() < 1e-9,
            "{decay_type:?} at {step}: {value}, expected {expected}"
        );
    }

    #[test]
    fn follows_model_ema() {
        check(DecayType::Constant, 0, 0.9999);
        check(DecayType::Exp, 0, 0.0);
        check(DecayType::Exp, 100, 0.776_792_152_867_585_1);
        check(DecayType::Exp, 1000, 0.999_899_694_128_269_7);
        check(DecayType::Threshold, 0, 0.1);
        check(DecayType::Threshold, 90, 0.91);
        check(DecayType::Threshold, 1_000_000, 0.9999);
    }
}
