//! The rehearsal of a recording: one step done eagerly, and once more from the recording and the same start, must give
//! the same numbers before the recording is used. Owns what is compared and how closely; leaves nothing in the context.
//! Costs two copies of all state while it lasts, and one wait for the device.

use anyhow::{Context as _, Result, anyhow, ensure};
use tch::{Kind, Tensor, no_grad};
use torch_ext::owned_copy;

use super::recorded_batch::{BatchTensors, Outputs, RecordedBatch, perform_all};
use super::recorder::Recorder;
use crate::context::Context;
use crate::trainer::Settings;
use crate::trainer::step_op::StepOp;

/// Two steps are the same when each tensor ends within this share of what the step changed …
const OF_CHANGE: f64 = 1e-2;
/// … plus this share of its size, for rounding: sums of a GPU have no fixed order.
const OF_SIZE: f64 = 1e-5;

/// The state and the batch that eager and replayed step begin with.
pub(super) struct Rehearsal {
    pub(super) start: StateCopy,
    pub(super) batch: BatchTensors,
}

impl Rehearsal {
    /// A recording of the batch that does what eager work does. Leaves the context changed: [`Rehearsal::reset`].
    ///
    /// # Errors
    /// If the step cannot be recorded, or its replay differs from the eager step.
    pub(super) fn record(
        &self,
        segments: Vec<Vec<StepOp>>,
        recorder: &mut dyn Recorder,
        context: &mut Context,
        settings: &Settings,
    ) -> Result<RecordedBatch> {
        let ops = segments.concat();
        let mut recorded = RecordedBatch::record(segments, recorder, context, settings)?;
        self.reset(context)?;
        perform_all(&ops, context, settings)?;
        let eager = StateCopy::with_loss(context)?;
        self.reset(context)?;
        recorded.take_in(context)?;
        for op in ops {
            recorded.replay(op, context, settings)?;
        }
        match StateCopy::with_loss(context)?.differs_from(&eager, &self.start)? {
            None => Ok(recorded),
            Some(difference) => Err(anyhow!("in a rehearsal {difference}")),
        }
    }

    /// Puts state and batch back as they were.
    pub(super) fn reset(&self, context: &mut Context) -> Result<()> {
        self.batch.put_into(context);
        Outputs::default().put_into(context);
        context.optimizer.restore_gradients()?;
        self.start.restore(context)
    }
}

/// Copies of all state that a step may change, on the device and by name, and of the generator's state.
pub(super) struct StateCopy {
    tensors: Vec<(String, Tensor)>,
    random: Tensor,
}

impl StateCopy {
    pub(super) fn of(context: &Context) -> Result<StateCopy> {
        let mut state = StateCopy {
            tensors: Vec::new(),
            random: torch_ext::rng_state(context.device)?,
        };
        for (name, tensor) in live(context) {
            state.tensors.push((name, owned_copy(&tensor)?));
        }
        Ok(state)
    }

    /// The state after a step, and the step's loss.
    fn with_loss(context: &Context) -> Result<StateCopy> {
        let mut state = StateCopy::of(context)?;
        let loss = context.loss.as_ref().context("the batch has no loss")?;
        state
            .tensors
            .push(("the loss".to_owned(), owned_copy(loss)?));
        Ok(state)
    }

    /// Puts everything back, in place.
    fn restore(&self, context: &Context) -> Result<()> {
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

    /// The first difference between the results of two steps from `start`; none if they agree. Syncs.
    fn differs_from(&self, expected: &StateCopy, start: &StateCopy) -> Result<Option<String>> {
        for (name, wanted) in &expected.tensors {
            let Some(found) = self.get(name) else {
                return Ok(Some(format!("{name} is missing")));
            };
            let change = match start.get(name) {
                Some(before) => distance(wanted, before)?,
                None => 0.0,
            };
            let difference = distance(found, wanted)?;
            let allowed = OF_CHANGE * change + OF_SIZE * norm(wanted)?;
            if !(difference <= allowed || difference == 0.0) {
                let text =
                    format!("{name} differs by {difference:.3e}, {allowed:.3e} would be rounding");
                return Ok(Some(text));
            }
        }
        if self.random.f_equal(&expected.random)? {
            Ok(None)
        } else {
            Ok(Some("random numbers were drawn differently".to_owned()))
        }
    }

    fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, tensor)| tensor)
    }
}

/// Handles to all state that the operations of a step change.
fn live(context: &Context) -> Vec<(String, Tensor)> {
    let mut live = context.net.state();
    for (name, parameter) in context.net.parameters() {
        let gradient = parameter.grad();
        if gradient.defined() {
            live.push((format!("gradient of {name}"), gradient));
        }
    }
    live.extend(context.optimizer.state());
    live.extend(context.running_metrics.train.sums());
    live
}

/// The 2-norm of the difference; not a number if either tensor holds a value that is none.
fn distance(left: &Tensor, right: &Tensor) -> Result<f64> {
    let right = right.f_to_kind(Kind::Double)?;
    norm(&left.f_to_kind(Kind::Double)?.f_sub(&right)?)
}

fn norm(tensor: &Tensor) -> Result<f64> {
    let norm = tensor.f_to_kind(Kind::Double)?.f_norm()?;
    Ok(norm.f_double_value(&[])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(values: &[(&str, &[f64])]) -> StateCopy {
        let tensor = |values: &[f64]| Tensor::from_slice(values);
        let tensors = values
            .iter()
            .map(|(name, values)| ((*name).to_owned(), tensor(values)))
            .collect();
        StateCopy {
            tensors,
            random: Tensor::from_slice(&[1u8]),
        }
    }

    /// Start 1.0, expected 2.0: what else is taken for the same?
    fn check(found: &[(&str, &[f64])], expected: Option<&str>) {
        let start = state(&[("weight", &[1.0, 1.0])]);
        let wanted = state(&[("weight", &[2.0, 2.0])]);
        let difference = state(found).differs_from(&wanted, &start).unwrap();
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
    fn a_step_that_changes_little_must_be_replayed_as_closely() {
        let start = state(&[("weight", &[1.0])]);
        let wanted = state(&[("weight", &[1.0 + 1e-3])]);
        let missed = state(&[("weight", &[1.0])]);
        assert!(
            missed.differs_from(&wanted, &start).unwrap().is_some(),
            "no step was taken"
        );
        let close = state(&[("weight", &[1.0 + 1.005e-3])]);
        assert_eq!(close.differs_from(&wanted, &start).unwrap(), None);
    }

    #[test]
    fn random_numbers_are_compared() {
        let (start, wanted) = (state(&[]), state(&[]));
        let found = StateCopy {
            tensors: Vec::new(),
            random: Tensor::from_slice(&[2u8]),
        };
        assert!(found.differs_from(&wanted, &start).unwrap().is_some());
    }
}
