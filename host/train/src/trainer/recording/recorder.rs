//! Recorders: they record operations once, and replay the kernels without the overhead around them. Owns the trait and
//! its implementations, on [`torch_ext::cuda`] for CUDA and on [`Tape`] for the CPU. Decides nothing about what is
//! recorded or when.

use std::rc::{Rc, Weak};

use anyhow::Result;
use phasebox_nn::optim::RECORDED_BYTES;
use tch::Device;
use torch_ext::Tape;
use torch_ext::cuda::{Graph, GraphPool, SideStream};

use crate::context::Context;

/// Operations on a context, to be recorded or done again.
pub type StepOps<'a> = &'a mut dyn FnMut(&mut Context) -> Result<()>;

/// Records operations.
pub trait Recorder {
    /// Called once, before training starts, on the thread that trains.
    ///
    /// # Errors
    /// If nothing can be recorded here.
    fn prepare(&mut self, context: &mut Context) -> Result<()>;

    /// Runs `ops` and remembers what they compute. A recorder need not compute anything now: the caller puts back all
    /// state that `ops` change. The tensors that `ops` leave in the context are those that replays write.
    ///
    /// # Errors
    /// An error of `ops`, or if they do something that cannot be recorded.
    fn record(&mut self, context: &mut Context, ops: StepOps<'_>) -> Result<Box<dyn Recording>>;
}

/// Recorded operations.
pub trait Recording {
    /// Computes once more, from and into the very tensors it was recorded with. Does not sync. `again` are the recorded
    /// operations, for recorders that can do no better than run them.
    ///
    /// # Errors
    /// An error of the device, or of `again`.
    fn replay(&mut self, context: &mut Context, again: StepOps<'_>) -> Result<()>;
}

/// The recorder that a device has.
pub(super) fn of(device: Device) -> Box<dyn Recorder> {
    if device.is_cuda() {
        Box::new(CudaRecorder::default())
    } else {
        Box::new(TapeRecorder)
    }
}

/// Records operations of the CPU on a tape. Results live as long as the recording, each in memory of its own.
struct TapeRecorder;

impl Recorder for TapeRecorder {
    fn prepare(&mut self, context: &mut Context) -> Result<()> {
        context.optimizer.use_device_learning_rates()
    }

    fn record(&mut self, context: &mut Context, ops: StepOps<'_>) -> Result<Box<dyn Recording>> {
        let (tape, done) = Tape::record(RECORDED_BYTES, || ops(context))?;
        done?;
        Ok(Box::new(tape))
    }
}

impl Recording for Tape {
    fn replay(&mut self, _: &mut Context, _: StepOps<'_>) -> Result<()> {
        Ok(Tape::replay(self)?)
    }
}

/// Records CUDA graphs on a stream of its own. The graphs share their memory.
#[derive(Default)]
struct CudaRecorder {
    /// The memory of the graphs that there are. Others get a pool of their own: libtorch takes no graph for a pool that
    /// has lost its last one.
    pool: Weak<GraphPool>,
    /// Current for the training thread from `prepare` on: a graph cannot be recorded on the default stream.
    stream: Option<SideStream>,
}

impl Recorder for CudaRecorder {
    fn prepare(&mut self, context: &mut Context) -> Result<()> {
        self.stream = Some(SideStream::enter(context.device)?);
        context.optimizer.use_device_learning_rates()
    }

    fn record(&mut self, context: &mut Context, ops: StepOps<'_>) -> Result<Box<dyn Recording>> {
        let pool = match self.pool.upgrade() {
            Some(pool) => pool,
            None => Rc::new(GraphPool::new()?),
        };
        self.pool = Rc::downgrade(&pool);
        let mut graph = Graph::new(pool)?;
        graph.begin()?;
        let done = ops(context);
        // Also after an error: the stream records until it is told to end.
        let ended = graph.end();
        done?;
        ended?;
        Ok(Box::new(graph))
    }
}

impl Recording for Graph {
    fn replay(&mut self, _: &mut Context, _: StepOps<'_>) -> Result<()> {
        Ok(Graph::replay(self)?)
    }
}
