//! The decision to stop: pure logic on one number an epoch. It knows no context and no names.
//!
//! Semantics of Lightning's `EarlyStopping`, with Keras' `start_from_epoch`: a value counts as better only if it
//! beats the best by more than `min_delta`; after `patience` checks in a row without improvement the run stops.

/// The recipe's parameters with the direction resolved.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) greater_is_better: bool,
    pub(crate) patience: u32,
    pub(crate) min_delta: f64,
    pub(crate) threshold: Option<f64>,
    pub(crate) divergence_threshold: Option<f64>,
    pub(crate) check_finite: bool,
}

/// One check's outcome. `Stop` says why.
#[derive(Debug, PartialEq)]
pub(crate) enum Decision {
    Better,
    Wait,
    Stop(String),
}

impl Rules {
    /// Judges `value` against the `best` so far, `waited` checks after it.
    pub(crate) fn judge(&self, value: f64, best: Option<f64>, waited: u32) -> Decision {
        if !value.is_finite() && self.check_finite {
            return Decision::Stop(format!("it became {value}"));
        }
        if let Some(threshold) = self
            .threshold
            .filter(|threshold| self.beats(value, *threshold))
        {
            return Decision::Stop(format!("{value} is past the threshold {threshold}"));
        }
        if let Some(threshold) = self
            .divergence_threshold
            .filter(|threshold| self.beats(*threshold, value))
        {
            return Decision::Stop(format!(
                "{value} is past the divergence threshold {threshold}"
            ));
        }
        if self.improves(value, best) {
            return Decision::Better;
        }
        match (best, waited + 1 >= self.patience) {
            (Some(best), true) => {
                Decision::Stop(format!("no better than {best} in {} checks", waited + 1))
            }
            _ => Decision::Wait,
        }
    }

    fn improves(&self, value: f64, best: Option<f64>) -> bool {
        let needed = if self.greater_is_better {
            self.min_delta
        } else {
            -self.min_delta
        };
        !value.is_nan() && best.is_none_or(|best| self.beats(value, best + needed))
    }

    fn beats(&self, value: f64, other: f64) -> bool {
        if self.greater_is_better {
            value > other
        } else {
            value < other
        }
    }
}

/// True if the name of a metric says that more is better, as in Keras' mode `auto`.
pub(crate) fn greater_is_better_by_name(name: &str) -> bool {
    let name = name.to_lowercase();
    name.split(|letter: char| !letter.is_alphanumeric())
        .any(|word| {
            ["acc", "auc", "f1", "prec", "recall", "top"]
                .iter()
                .any(|beginning| word.starts_with(beginning))
                || ["map", "iou", "miou", "dice", "r2"].contains(&word)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Rules = Rules {
        greater_is_better: false,
        patience: 2,
        min_delta: 0.0,
        threshold: None,
        divergence_threshold: None,
        check_finite: true,
    };

    /// The index of the check that stops, over values fed in turn.
    fn check(rules: Rules, values: &[f64], expected: Option<usize>) {
        let (mut best, mut waited) = (None, 0);
        let stopped = values
            .iter()
            .position(|value| match rules.judge(*value, best, waited) {
                Decision::Better => {
                    (best, waited) = (Some(*value), 0);
                    false
                }
                Decision::Wait => {
                    waited += 1;
                    false
                }
                Decision::Stop(_) => true,
            });
        assert_eq!(stopped, expected, "{values:?}");
    }

    #[test]
    fn stops_where_lightning_stops() {
        check(MIN, &[1.0, 0.9, 0.8], None);
        check(MIN, &[1.0, 0.9, 0.95, 0.9], Some(3));
        check(MIN, &[1.0, 1.1, 0.9, 1.0, 0.8], None);
        check(
            Rules {
                min_delta: 0.2,
                ..MIN
            },
            &[1.0, 0.9, 0.81],
            Some(2),
        );
        check(
            Rules {
                greater_is_better: true,
                ..MIN
            },
            &[0.5, 0.6, 0.6, 0.6],
            Some(3),
        );
        check(
            Rules {
                greater_is_better: true,
                min_delta: 0.1,
                ..MIN
            },
            &[0.5, 0.65, 0.7, 0.7],
            Some(3),
        );
        check(
            Rules {
                threshold: Some(0.5),
                ..MIN
            },
            &[1.0, 0.5, 0.4],
            Some(2),
        );
        check(
            Rules {
                divergence_threshold: Some(5.0),
                ..MIN
            },
            &[1.0, 6.0],
            Some(1),
        );
        check(MIN, &[1.0, f64::NAN], Some(1));
        check(
            Rules {
                check_finite: false,
                ..MIN
            },
            &[1.0, f64::NAN, f64::NAN],
            Some(2),
        );
        check(
            Rules {
                check_finite: false,
                ..MIN
            },
            &[f64::NAN, f64::NAN, 1.0, 0.9],
            None,
        );
        check(Rules { patience: 0, ..MIN }, &[1.0, 1.0], Some(1));
    }

    #[test]
    fn guesses_the_direction_from_the_name() {
        for (name, expected) in [
            ("Accuracy", true),
            ("val_loss", false),
            ("mAP@0.50", true),
            ("MAPE", false),
            ("val/Top5", true),
        ] {
            assert_eq!(greater_is_better_by_name(name), expected, "{name}");
        }
    }
}
