//! A target viewed in the shape of the predictions it is compared with. Losses and metrics share it.

use anyhow::{Result, ensure};
use tch::Tensor;

/// `target` viewed in the shape of `preds`. `[N]` and `[N, 1]` hold the same numbers; any other
/// difference would broadcast silently and is refused. Neither copies nor syncs.
///
/// # Errors
/// Shapes that differ in more than a last dimension of 1.
pub(crate) fn align_target(preds: &Tensor, target: &Tensor) -> Result<Tensor> {
    let wanted = preds.size();
    let given = target.size();
    let fits = wanted == given || without_last_one(&wanted) == without_last_one(&given);
    ensure!(fits, "target must have the shape of preds");
    Ok(target.f_reshape(wanted)?)
}

fn without_last_one(size: &[i64]) -> &[i64] {
    size.strip_suffix(&[1]).unwrap_or(size)
}
