//! The callback that watches a trial: it is called last at every phase and notes how far the trial came. Drops what the
//! recipe's callbacks ask for that would end the trial early.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_train::callback::Callback;
use phasebox_train::context::{Context, Lendable};
use phasebox_train::split::Split;
use torch_ext::Items;

use super::weights::Weights;

/// The last that was seen of a trial.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) split: Option<Split>,
    /// Samples in the batch in progress.
    pub(super) batch_size: u64,
    /// The tensors of the batch in progress, in words; empty where there are none.
    pub(super) inputs: String,
    pub(super) preds: String,
    pub(super) has_loss: bool,
    /// The second dimension of the predictions, where there is one tensor of them.
    pub(super) outputs: Option<i64>,
    pub(super) weights: Weights,
}

/// See the module.
pub(super) struct Probe(Rc<RefCell<Seen>>);

impl Probe {
    /// The callback, and what it notes.
    pub(super) fn new() -> (Probe, Rc<RefCell<Seen>>) {
        let seen = Rc::new(RefCell::new(Seen::default()));
        (Probe(seen.clone()), seen)
    }
}

impl Callback for Probe {
    fn name(&self) -> &str {
        "the trial"
    }

    fn phases(&self) -> PhaseSet {
        PhaseSet::ALL
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let control = &mut context.control;
        control.stop = None;
        control.abort = None;
        control.conditions = Default::default();
        let seen = &mut *self.0.borrow_mut();
        match phase {
            Phase::TrainingEnd => {}
            Phase::Exception => seen.note_batch(context),
            Phase::TrainBatchForwardEnd => seen.outputs = outputs(context),
            Phase::TrainBatchGradientStepStart => seen.weights.note_rate(context),
            Phase::TrainBatchStart | Phase::TrainBatchEnd => seen.weights.look(context)?,
            _ => {}
        }
        Ok(())
    }
}

impl Seen {
    /// Notes the state of the batch that an error has ended.
    fn note_batch(&mut self, context: &Context) {
        self.split = Some(context.split);
        self.batch_size = context.batch_size;
        self.inputs = described(context.inputs.as_ref());
        self.preds = described(context.preds.as_ref());
        self.has_loss = context.loss.is_some();
    }
}

fn outputs(context: &Context) -> Option<i64> {
    let size = context.preds.as_ref()?.one()?.size();
    size.get(1).copied()
}

/// The shape of each tensor, in words.
fn described(items: Option<&Items>) -> String {
    items.map(Items::described).unwrap_or_default()
}
