//! Makes batches, here or ahead of time in threads. Knows the plan of one epoch; `loader` decides what the plan is.

use std::any::Any;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, anyhow};
use tch::Device;

use super::pipeline::{Pipeline, Request};
use super::{Batch, Dataset, Epoch};

/// The facts that decide the batches of one epoch.
pub(super) struct Plan {
    pub(super) loader: String,
    pub(super) dataset: Arc<dyn Dataset>,
    pub(super) pipeline: Pipeline,
    /// Sample indices in the order of the epoch; of several processes, this one's.
    pub(super) order: Vec<usize>,
    pub(super) batch_size: usize,
    pub(super) batches: u64,
    pub(super) epoch: Epoch,
    /// The device that batches will be moved to.
    pub(super) device: Device,
}

impl Plan {
    /// Makes one batch. A panic of the data set or of a decoder becomes an error, in whatever thread this runs.
    pub(super) fn batch(&self, number: u64) -> Result<Batch> {
        let make = || self.for_device(number);
        catch_unwind(AssertUnwindSafe(make))
            .unwrap_or_else(|panic| Err(anyhow!("the data set panicked: {}", panic_text(&*panic))))
            .with_context(|| {
                format!(
                    "loader `{}`, batch {number} ({})",
                    self.loader,
                    self.dataset.description()
                )
            })
    }

    /// The samples of a batch, as positions in the order of the epoch.
    pub(super) fn samples(&self, number: u64) -> Range<usize> {
        let start = (number as usize).saturating_mul(self.batch_size);
        let start = start.min(self.order.len());
        start..start.saturating_add(self.batch_size).min(self.order.len())
    }

    /// Float32 for the CPU, which computes with it. For another device bytes, which cost less to make and to copy.
    fn for_device(&self, number: u64) -> Result<Batch> {
        let samples = self.samples(number);
        let keeps_bytes = self.device != Device::Cpu;
        let request = Request {
            position: samples.start as u64,
            indices: &self.order[samples],
            epoch: &self.epoch,
            number,
            keeps_bytes,
        };
        let batch = self.pipeline.batch(&*self.dataset, &request)?;
        if keeps_bytes {
            batch.pinned()
        } else {
            Ok(batch)
        }
    }
}

/// The message of a panic, from its payload.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or(panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

/// Threads that make batches ahead of their use. Dropping it ends them: each finishes the batch in hand, or the sample
/// if the epoch is stopped, and no more.
///
/// Thread `t` of `T` makes batches `first + t`, `first + t + T`, … into a queue of its own, and the reader visits the
/// queues in turn. So the order is fixed and what is ready is bounded, without a lock that all threads share.
pub(super) struct Prefetch {
    queues: Vec<Receiver<Result<Batch>>>,
    threads: Vec<JoinHandle<()>>,
    turn: usize,
}

impl Prefetch {
    /// Starts `workers` threads (at least 1), each at most `ahead` batches (at least 1) ahead, at batch `first`.
    ///
    /// # Errors
    /// When the system gives no more threads.
    pub(super) fn start(
        plan: &Arc<Plan>,
        first: u64,
        workers: usize,
        ahead: usize,
    ) -> Result<Self> {
        let mut prefetch = Self {
            queues: Vec::new(),
            threads: Vec::new(),
            turn: 0,
        };
        for worker in 0..workers {
            // A thread also holds the batch it waits to send, so the queue is one shorter than `ahead`.
            let (sender, receiver) = sync_channel(ahead.saturating_sub(1));
            let plan = Arc::clone(plan);
            let numbers = (first + worker as u64..plan.batches).step_by(workers);
            let builder = thread::Builder::new().name(format!("batches-{worker}"));
            let thread = builder.spawn(move || {
                torch_ext::compute_alone();
                for number in numbers {
                    if sender.send(plan.batch(number)).is_err() {
                        break;
                    }
                }
            });
            let thread = thread.context("no thread to load data in; lower `num_workers`")?;
            prefetch.threads.push(thread);
            prefetch.queues.push(receiver);
        }
        Ok(prefetch)
    }

    /// The next batch, waiting for it if need be. The caller knows how many there are.
    pub(super) fn next(&mut self) -> Result<Batch> {
        let queue = &self.queues[self.turn];
        self.turn = (self.turn + 1) % self.queues.len();
        queue
            .recv()
            .context("a thread of the loader ended before its batches were made")?
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        // A thread that waits to send wakes up when nobody can receive any more.
        self.queues.clear();
        for thread in self.threads.drain(..) {
            // Its panics were caught and delivered as errors; there is nothing else to hear from it.
            let _ = thread.join();
        }
    }
}
