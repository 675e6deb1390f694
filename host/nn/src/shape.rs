//! When two tensors stand for the same numbers.
use anyhow::{Result, ensure};
use tch::Tensor;

/// `target` viewed in the shape of `preds`. `[N]` and `[N, 1]` are the same numbers; any other difference would
/// broadcast silently and is refused. Neither copies nor syncs.
pub(crate) fn matched(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    let trimmed = |tensor: &Tensor| {
        let mut size = tensor.size();
        size.pop_if(|last| *last == 1);
        size
    };
    let fits = preds.size() == target.size() || trimmed(preds) == trimmed(target);
    ensure!(fits, "target must have the shape of preds");
    Ok(target.f_reshape(preds.size())?)
}
