//! The state of training that callbacks see and may change, in one place. The trainer works on these very fields, so
//! that nothing a callback reads can be stale and nothing it sets can be missed. Owns no decision of the loop.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use phasebox_contract::phase::Phase;
use phasebox_data::{Batch, DataLoader};
use phasebox_nn::criterion::Criterion;
use phasebox_nn::ema::Ema;
use phasebox_nn::metrics::Metrics;
use phasebox_nn::model::Model;
use phasebox_nn::optim::Optimizer;
use tch::{Device, Tensor};
use torch_ext::Items;

use crate::accumulation::Accumulation;
use crate::control::Control;
use crate::logger::Logger;
use crate::outcome::Outcome;
use crate::split::{PerSplit, Split};
use crate::trace::{Part, Parts};

/// The state of training. Its fields are documented where authors of callbacks read: in `wit/context.wit`.
#[expect(missing_docs, reason = "wit/context.wit documents each")]
pub struct Context {
    // Where training is.
    pub phase: Phase,
    pub split: Split,
    pub epoch: Option<u32>,
    pub batch_idx: Option<u64>,
    pub global_step: u64,
    pub samples_seen: u64,
    pub is_last_batch: bool,
    pub is_accumulation_boundary: bool,
    pub outcome: Option<Outcome>,
    /// The moment at which this process began to train.
    pub started: Instant,
    /// Training time of the parts before a resume.
    pub elapsed_before: Duration,

    // The batch.
    pub batch_size: u64,
    pub inputs: Option<Items>,
    pub target: Option<Items>,
    pub preds: Option<Items>,
    pub loss: Option<Tensor>,
    pub loss_log_items: Option<Tensor>,
    pub additional_batch_items: Items,

    // The parts of training.
    pub net: Model,
    pub ema_model: Option<Ema>,
    pub optimizer: Box<dyn Optimizer>,
    pub criterion: Criterion,
    pub train_loader: DataLoader,
    pub valid_loader: DataLoader,
    pub test_loader: Option<DataLoader>,
    pub logger: Logger,

    // Numbers.
    pub running_metrics: PerSplit<Metrics>,
    pub metrics_dict: Vec<(String, f64)>,
    pub best_metric: Option<f64>,
    pub best_epoch: Option<u32>,
    /// The batches that share one optimizer step.
    pub accumulation: Accumulation,

    /// The requests of callbacks.
    pub control: Control,

    // The run.
    pub device: Device,
    pub run: RunFacts,
    /// None in training. In a replay the parts that exist at this phase and that the trace did not keep.
    pub untraced: Option<Parts>,
}

/// Facts that do not change during a run. Structured ones are JSON.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "wit/context.wit documents each")]
pub struct RunFacts {
    pub seed: u64,
    pub max_epochs: u32,
    pub experiment_name: String,
    pub ckpt_dir: String,
    pub training_params: String,
    pub checkpoint_params: String,
    pub arch_params: String,
    pub metric_to_watch: String,
    pub greater_metric_to_watch_is_better: bool,
    pub lr_warmup_epochs: u32,
    pub silent_mode: bool,
    /// Forward pass and loss run in bfloat16.
    pub autocast: bool,
}

impl Context {
    /// Optimizer steps of one epoch. The last of them may have fewer batches than the others.
    #[inline]
    pub fn steps_per_epoch(&self) -> u64 {
        let planned = u64::from(self.accumulation.planned().max(1));
        self.train_loader.batches().div_ceil(planned)
    }

    /// Optimizer steps of the whole run, with the present accumulation.
    #[inline]
    pub fn max_steps(&self) -> u64 {
        self.steps_per_epoch() * u64::from(self.run.max_epochs)
    }

    /// Time spent training, resumed parts included.
    #[inline]
    pub fn elapsed(&self) -> Duration {
        self.elapsed_before + self.started.elapsed()
    }

    /// The loader of a split; only the test loader may be missing.
    #[inline]
    pub fn loader_mut(&mut self, split: Split) -> Option<&mut DataLoader> {
        match split {
            Split::Train => Some(&mut self.train_loader),
            Split::Validation => Some(&mut self.valid_loader),
            Split::Test => self.test_loader.as_mut(),
        }
    }

    /// Takes in a batch that lies on the device: number `index` of the `batches` of its split.
    pub(crate) fn begin_batch(&mut self, batch: Batch, index: u64, batches: u64) {
        self.batch_idx = Some(index);
        self.is_last_batch = index + 1 == batches;
        self.batch_size = batch.size as u64;
        self.inputs = Some(batch.inputs);
        self.target = Some(batch.target);
        self.additional_batch_items = batch.additional_items;
    }

    /// Training batch `index` joins a group, and may complete it.
    pub(crate) fn begin_contribution(&mut self, index: u64) {
        let group = &mut self.accumulation;
        group.begin_batch(index, &mut self.control.accumulation);
        self.is_accumulation_boundary = group.completes_step(index, self.is_last_batch);
    }

    /// The divisor of the batch's loss: the batches that its step will have.
    pub(crate) fn loss_divisor(&self) -> u64 {
        let index = self.batch_idx.unwrap_or(0);
        self.accumulation
            .divisor(index, self.train_loader.batches())
    }

    /// True if earlier batches wait for the step that this one completes.
    pub(crate) fn is_group_waiting(&self) -> bool {
        self.is_accumulation_boundary && self.accumulation.contributed() > 0
    }

    /// The metric last computed under `name`.
    #[inline]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics_dict
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| *value)
    }

    /// Adds a callback's metric to those last computed, in place of an earlier value of that name.
    pub fn publish(&mut self, name: String, value: f64) {
        let mut metrics = self.metrics_dict.iter_mut();
        match metrics.find(|(known, _)| *known == name) {
            Some((_, known)) => *known = value,
            None => self.metrics_dict.push((name, value)),
        }
    }

    /// True if a value of the watched metric beats the best so far.
    pub(crate) fn is_better_than_best(&self, value: f64) -> bool {
        let greater_is_better = self.run.greater_metric_to_watch_is_better;
        match self.best_metric {
            None => true,
            Some(best) if greater_is_better => value > best,
            Some(best) => value < best,
        }
    }

    /// The refusal of a part that a replay would have if its trace had kept it; none in training.
    #[inline]
    pub fn not_traced(&self, part: Part) -> Option<String> {
        let is_missing = self.untraced.is_some_and(|parts| parts.contains(part));
        is_missing.then(|| {
            let (words, name) = (part.in_words(), part.name());
            format!("the trace did not keep {words}: train with `--trace {name}`")
        })
    }

    /// The refusal of something that no trace keeps; none in training.
    #[inline]
    pub fn beyond_traces(&self, what: &str) -> Option<String> {
        let message = || format!("a trace keeps no {what}: try this callback in a training");
        self.untraced.is_some().then(message)
    }

    /// Forgets the batch, so that nothing of it can be read between batches.
    pub(crate) fn clear_batch(&mut self) {
        self.inputs = None;
        self.target = None;
        self.preds = None;
        self.loss = None;
        self.loss_log_items = None;
        self.additional_batch_items = Items::NONE;
    }
}

/// A value on the heap that can be moved out for the length of a call and back, at the cost of a pointer. A callback
/// owns the context while its code runs: no lock, no shared ownership.
pub struct Lendable<T>(Option<Box<T>>);

impl<T> Lendable<T> {
    /// Puts `value` on the heap.
    pub fn new(value: T) -> Lendable<T> {
        Lendable(Some(Box::new(value)))
    }

    /// Moves the value into `slot`. Until [`Lendable::take_back`] it cannot be used here.
    #[inline]
    pub fn lend(&mut self, slot: &mut Option<Box<T>>) {
        *slot = self.0.take();
    }

    /// Moves the value back out of `slot`.
    #[inline]
    pub fn take_back(&mut self, slot: &mut Option<Box<T>>) {
        self.0 = slot.take();
    }
}

/// The reason why the two accesses below cannot fail.
const AT_HOME: &str = "a borrower gives back what it was lent before its call returns";

impl<T> Deref for Lendable<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        self.0.as_deref().expect(AT_HOME)
    }
}

impl<T> DerefMut for Lendable<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        self.0.as_deref_mut().expect(AT_HOME)
    }
}
