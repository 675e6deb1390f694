//! The rehearsal of recorded work: one step done eagerly and once more from the recording, from the same start, must
//! give the same numbers before the recording is used. Owns what is compared and how closely; nothing of it is left in
//! the context. Costs two copies of all state while it lasts, and one wait for the device.

use anyhow::{Context as _, Result, ensure};
use tch::{Kind, Tensor, no_grad};
use torch_ext::owned_copy;

use crate::context::Context;

/// A step counts as repeated when each tensor ends within this share of what the step changed …
const OF_CHANGE: f64 = 1e-2;
/// … plus this share of its size, for rounding: sums of a GPU have no fixed order.
const OF_SIZE: f64 = 1e-5;

/// All that a step may change, as it was at one moment: copies on the device, by name, and the generator's state.
pub(super) struct Moment {
    tensors: Vec<(String, Tensor)>,
    random: Tensor,
}

impl Moment {
    pub(super) fn of(context: &Context) -> Result<Moment> {
        let copy = |(name, live): (String, Tensor)| Ok((name, owned_copy(&live)?));
        let tensors = live(context).into_iter().map(copy).collect::<Result<_>>()?;
        Ok(Moment {
            tensors,
            random: torch_ext::rng_state(context.device)?,
        })
    }

    /// Puts everything back, in place.
    pub(super) fn restore(&self, context: &Context) -> Result<()> {
        let live = live(context);
        ensure!(live.len() >= self.tensors.len(), "a step took state away");
        for (name, saved) in &self.tensors {
            let (_, target) = live
                .iter()
                .find(|(known, _)| known == name)
                .context("a step took state away")?;
            no_grad(|| target.shallow_clone().f_copy_(saved))?;
        }
        Ok(torch_ext::set_rng_state(context.device, &self.random)?)
    }

    /// Adds what is not state of the context, such as a loss.
    pub(super) fn add(&mut self, name: &str, value: &Tensor) -> Result<()> {
        self.tensors.push((name.to_owned(), owned_copy(value)?));
        Ok(())
    }

    /// What a step from `start` gave here and not in `expected`; nothing if they agree. Waits for the device.
    pub(super) fn differs_from(&self, expected: &Moment, start: &Moment) -> Result<Option<String>> {
        for (name, wanted) in &expected.tensors {
            let Some(found) = self.get(name) else {
                return Ok(Some(format!("{name} is missing")));
            };
            let change = match start.get(name) {
                Some(before) => distance(wanted, before)?,
                None => 0.0,
            };
            let (difference, size) = (distance(found, wanted)?, norm(wanted)?);
            let allowed = OF_CHANGE * change + OF_SIZE * size;
            if !(difference <= allowed || difference == 0.0) {
                let text =
                    format!("{name} differs by {difference:.3e}, {allowed:.3e} would be rounding");
                return Ok(Some(text));
            }
        }
        Ok((!same(&self.random, &expected.random)?)
            .then(|| "random numbers were drawn differently".to_owned()))
    }

    fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, tensor)| tensor)
    }
}

/// Handles to all state that the works of a step change.
fn live(context: &Context) -> Vec<(String, Tensor)> {
    let mut live = context.net.state();
    for (name, parameter) in context.net.parameters() {
        let gradient = parameter.grad();
        if gradient.defined() {
            live.push((format!("gradient of {name}"), gradient));
        }
    }
    live.extend(context.optimizer.state());
    live.extend(context.train_metrics.state());
    live
}

/// The 2-norm of the difference; not a number where either holds one that is none in other places.
fn distance(left: &Tensor, right: &Tensor) -> Result<f64> {
    norm(
        &left
            .f_to_kind(Kind::Double)?
            .f_sub(&right.f_to_kind(Kind::Double)?)?,
    )
}

fn norm(tensor: &Tensor) -> Result<f64> {
    Ok(tensor
        .f_to_kind(Kind::Double)?
        .f_norm()?
        .f_double_value(&[])?)
}

fn same(left: &Tensor, right: &Tensor) -> Result<bool> {
    Ok(left.f_equal(right)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(values: &[(&str, &[f64])]) -> Moment {
        let tensor = |values: &[f64]| Tensor::from_slice(values);
        let tensors = values
            .iter()
            .map(|(name, values)| ((*name).to_owned(), tensor(values)))
            .collect();
        Moment {
            tensors,
            random: Tensor::from_slice(&[1u8]),
        }
    }

    /// Start 1.0, expected 2.0: what else is taken for the same?
    fn check(found: &[(&str, &[f64])], expected: Option<&str>) {
        let start = moment(&[("weight", &[1.0, 1.0])]);
        let wanted = moment(&[("weight", &[2.0, 2.0])]);
        let difference = moment(found).differs_from(&wanted, &start).unwrap();
        assert_eq!(
            difference
                .as_deref()
                .map(|text| &text[..expected.map_or(0, str::len)]),
            expected
        );
    }

    #[test]
    fn a_difference_is_named_and_rounding_is_not_one() {
        check(&[("weight", &[2.0, 2.0])], None);
        check(&[("weight", &[2.000_01, 2.0])], None);
        check(
            &[("weight", &[1.0, 1.0])],
            Some("weight differs by 1.414e0"),
        );
        check(
            &[("weight", &[2.0, 2.1])],
            Some("weight differs by 1.000e-1"),
        );
        check(
            &[("weight", &[f64::NAN, 2.0])],
            Some("weight differs by NaN"),
        );
        check(&[], Some("weight is missing"));
    }

    #[test]
    fn a_step_that_changes_little_must_be_repeated_as_closely() {
        let start = moment(&[("weight", &[1.0])]);
        let wanted = moment(&[("weight", &[1.0 + 1e-3])]);
        let missed = moment(&[("weight", &[1.0])]);
        assert!(
            missed.differs_from(&wanted, &start).unwrap().is_some(),
            "no step was taken"
        );
        let close = moment(&[("weight", &[1.0 + 1.005e-3])]);
        assert_eq!(close.differs_from(&wanted, &start).unwrap(), None);
    }

    #[test]
    fn random_numbers_are_compared() {
        let (start, wanted) = (moment(&[]), moment(&[]));
        let found = Moment {
            tensors: Vec::new(),
            random: Tensor::from_slice(&[2u8]),
        };
        assert!(found.differs_from(&wanted, &start).unwrap().is_some());
    }
}
