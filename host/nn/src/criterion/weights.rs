//! Per-class weights, which several losses take.
use anyhow::{Result, ensure};
use tch::{Device, Tensor};

pub(super) fn check(key: &str, weights: Option<&[f64]>) -> Result<()> {
    let sound = weights
        .is_none_or(|list| !list.is_empty() && list.iter().all(|w| w.is_finite() && *w >= 0.0));
    ensure!(
        sound,
        "`{key}` must list one finite number a class, each at least 0"
    );
    Ok(())
}

/// float32 `[classes]`.
pub(super) fn tensor(weights: Option<&Vec<f64>>, device: Device) -> Result<Option<Tensor>> {
    let Some(list) = weights else { return Ok(None) };
    let tensor = Tensor::f_from_slice(list)?.f_to_kind(tch::Kind::Float)?;
    Ok(Some(tensor.f_to_device(device)?))
}
