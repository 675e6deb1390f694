//! The conditions that a recording holds for. A recording is made for one kind of batch, and only as long as nothing
//! changes that is frozen into it. Owns the comparison alone.

use tch::{Kind, Tensor};

use crate::context::Context;

/// Everything about a batch that its recording depends on.
#[derive(PartialEq, Eq, Clone, Debug)]
pub(super) struct BatchKind {
    inputs: Layout,
    target: Layout,
    loss_divisor: u64,
    pub(super) completes_step: bool,
}

/// Size and dtype.
type Layout = (Vec<i64>, Kind);

impl BatchKind {
    /// The kind of the batch in the context; none without inputs or target.
    pub(super) fn of(context: &Context) -> Option<BatchKind> {
        Some(BatchKind {
            inputs: layout(context.inputs.as_ref()?),
            target: layout(context.target.as_ref()?),
            loss_divisor: context.loss_divisor(),
            completes_step: context.is_accumulation_boundary,
        })
    }
}

fn layout(tensor: &Tensor) -> Layout {
    (tensor.size(), tensor.kind())
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
