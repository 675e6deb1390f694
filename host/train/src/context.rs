//! What callbacks see and may change: the state of training, in one place. The trainer works on these
//! very fields, so that nothing a callback reads can be stale and nothing it sets can be missed.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use phasebox_contract::phase::Phase;
use phasebox_data::DataLoader;
use phasebox_nn::criterion::Criterion;
use phasebox_nn::ema::Ema;
use phasebox_nn::metrics::Metrics;
use phasebox_nn::model::Model;
use phasebox_nn::optim::Optimizer;
use tch::{Device, Tensor};

use crate::control::Control;
use crate::logger::Logger;

/// The part of the data that is being read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// Learning.
    Train,
    /// Choosing.
    Validation,
    /// Reporting.
    Test,
}

/// How a training batch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The optimizer stepped.
    Stepped,
    /// Gradients wait for more batches.
    Accumulated,
    /// Neither forward nor backward.
    SkippedBatch,
    /// No backward.
    SkippedBackward,
    /// Gradients were cleared instead of used.
    SkippedStep,
}

impl Outcome {
    /// As the contract names it.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Stepped => "stepped",
            Outcome::Accumulated => "accumulated",
            Outcome::SkippedBatch => "skipped-batch",
            Outcome::SkippedBackward => "skipped-backward",
            Outcome::SkippedStep => "skipped-step",
        }
    }
}

/// The state of training. Fields are documented where they are public: in `wit/context.wit`.
#[expect(missing_docs, reason = "wit/context.wit documents each")]
pub struct Context {
    // Where we are.
    pub phase: Phase,
    pub split: Split,
    pub epoch: Option<u32>,
    pub batch_idx: Option<u64>,
    pub global_step: u64,
    pub samples_seen: u64,
    pub is_last_batch: bool,
    pub is_accumulation_boundary: bool,
    pub outcome: Option<String>,
    /// When this process began to train.
    pub started: Instant,
    /// Time of the parts before a resume.
    pub elapsed_before: Duration,

    // The batch.
    pub inputs: Option<Tensor>,
    pub target: Option<Tensor>,
    pub preds: Option<Tensor>,
    pub loss: Option<Tensor>,
    pub loss_log_items: Option<Tensor>,
    pub additional_batch_items: Vec<(String, Tensor)>,

    // The parts.
    pub net: Model,
    pub ema_model: Option<Ema>,
    pub optimizer: Box<dyn Optimizer>,
    pub criterion: Criterion,
    pub train_loader: DataLoader,
    pub valid_loader: DataLoader,
    pub test_loader: Option<DataLoader>,
    pub logger: Logger,

    // Numbers.
    pub train_metrics: Metrics,
    pub valid_metrics: Metrics,
    pub test_metrics: Metrics,
    pub metrics_dict: Vec<(String, f64)>,
    pub best_metric: Option<f64>,
    pub best_epoch: Option<u32>,
    /// Batches an optimizer step.
    pub accumulation: u32,
    /// Batches whose gradients wait for the step.
    pub accumulated: u32,

    /// What callbacks have asked for.
    pub control: Control,

    // The run.
    pub device: Device,
    pub run: RunFacts,
}

/// What does not change during a run. JSON where structured.
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
}

impl Context {
    /// Optimizer steps of one epoch: the batches, in groups of `accumulation`, the last group maybe short.
    #[inline]
    pub fn steps_per_epoch(&self) -> u64 {
        self.train_loader
            .batches()
            .div_ceil(u64::from(self.accumulation.max(1)))
    }

    /// Time spent training, resumed parts included.
    #[inline]
    pub fn elapsed(&self) -> Duration {
        self.elapsed_before + self.started.elapsed()
    }

    /// The running metrics of the split in progress.
    #[inline]
    pub fn metrics(&self) -> &Metrics {
        match self.split {
            Split::Train => &self.train_metrics,
            Split::Validation => &self.valid_metrics,
            Split::Test => &self.test_metrics,
        }
    }

    /// The running metrics of the split in progress.
    #[inline]
    pub fn metrics_mut(&mut self) -> &mut Metrics {
        match self.split {
            Split::Train => &mut self.train_metrics,
            Split::Validation => &mut self.valid_metrics,
            Split::Test => &mut self.test_metrics,
        }
    }

    /// The metric last computed under `name`.
    #[inline]
    pub fn metric(&self, name: &str) -> Option<f64> {
        self.metrics_dict
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| *value)
    }

    /// Forgets the batch, so that nothing of it can be read between batches.
    pub fn clear_batch(&mut self) {
        self.inputs = None;
        self.target = None;
        self.preds = None;
        self.loss = None;
        self.loss_log_items = None;
        self.additional_batch_items.clear();
    }
}

/// Something on the heap that can be moved out for the length of a call and back, at the cost of a
/// pointer. A plugin's store owns the context while its guest runs: no lock, no shared ownership.
pub struct Lendable<T>(Option<Box<T>>);

impl<T> Lendable<T> {
    /// Puts `value` on the heap.
    pub fn new(value: T) -> Lendable<T> {
        Lendable(Some(Box::new(value)))
    }

    /// Moves it into `slot`. Until [`Lendable::take_back`] it cannot be used here.
    #[inline]
    pub fn lend(&mut self, slot: &mut Option<Box<T>>) {
        *slot = self.0.take();
    }

    /// Moves it back out of `slot`.
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
