//! The words in which a network, a loss or a metric refuses tensors: whose they are, what they look like and
//! libtorch's reason. Decides nothing and touches no device.

use anyhow::anyhow;
use tch::{TchError, Tensor};
use torch_ext::described;

/// libtorch's own sentence where `error` is libtorch's; otherwise all of `error` in one line.
pub(crate) fn reason(error: &anyhow::Error) -> String {
    match error.downcast_ref::<TchError>() {
        Some(TchError::Torch(exception)) => torch_ext::reason(exception).to_owned(),
        _ => torch_ext::reason(&format!("{error:#}")).to_owned(),
    }
}

/// "cannot compare preds [6, 2] float on the CPU with target …: …", to be put behind the name of a loss or metric.
pub(crate) fn of_pair(preds: &Tensor, target: &Tensor, error: &anyhow::Error) -> anyhow::Error {
    anyhow!(
        "cannot compare preds {} with target {}: {}",
        described(preds),
        described(target),
        reason(error),
    )
}
