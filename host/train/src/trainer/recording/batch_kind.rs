//! The conditions that a recording holds for. A recording is made for one kind of batch, and only as long as nothing
//! changes that is frozen into it. Owns the comparison alone.

use tch::Kind;
use torch_ext::Items;

use crate::context::Context;

/// Everything about a batch that its recording depends on.
#[derive(PartialEq, Eq, Clone, Debug)]
pub(super) struct BatchKind {
    size: u64,
    inputs: Vec<Layout>,
    target: Vec<Layout>,
    loss_divisor: u64,
    writes_gradients: bool,
    pub(super) completes_step: bool,
}

/// Size and dtype.
type Layout = (Vec<i64>, Kind);

impl BatchKind {
    /// The kind of the batch in the context; none without inputs or target.
    pub(super) fn of(context: &Context) -> Option<BatchKind> {
        Some(BatchKind {
            size: context.batch_size,
            inputs: layouts(context.inputs.as_ref()?),
            target: layouts(context.target.as_ref()?),
            loss_divisor: context.loss_divisor(),
            writes_gradients: context.accumulation.writes_gradients(),
            completes_step: context.is_accumulation_boundary,
        })
    }
}

fn layouts(items: &Items) -> Vec<Layout> {
    let tensors = items.tensors();
    tensors
        .map(|tensor| (tensor.size(), tensor.kind()))
        .collect()
}

/// The state of what is frozen into recordings: numbers that differ after a change.
#[derive(PartialEq, Eq, Clone, Copy, Debug, Default)]
pub(super) struct Frozen([u64; 3]);

impl Frozen {
    pub(super) fn of(context: &Context) -> Frozen {
        Frozen([
            context.net.version(),
            context.optimizer.version(),
            context.criterion.version(),
        ])
    }
}
