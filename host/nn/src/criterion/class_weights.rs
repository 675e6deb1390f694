//! Weights of classes, which several losses take. Owns their check and their way to the device.

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};

/// Refuses an empty list, weights that are negative or beyond float32, and zeros alone; `key` is the parameter's name.
pub(super) fn check(key: &str, weights: Option<&[f64]>) -> Result<()> {
    ensure!(
        weights.is_none_or(are_sound),
        "`{key}` must list one number a class, each from 0 to {:e}, the largest of float32",
        f32::MAX
    );
    ensure!(
        weights.is_none_or(|weights| weights.iter().any(|weight| *weight > 0.0)),
        "`{key}` is 0 for every class, and nothing counts: give one of them a number above 0"
    );
    Ok(())
}

fn are_sound(weights: &[f64]) -> bool {
    !weights.is_empty() && weights.iter().all(|weight| is_sound(*weight))
}

/// True for a weight that counts as it is written: at least 0, and finite in float32.
pub(super) fn is_sound(weight: f64) -> bool {
    (0.0..=f64::from(f32::MAX)).contains(&weight)
}

/// The weights as a tensor: float32 `[classes]` on `device`.
pub(super) fn on_device(weights: Option<&[f64]>, device: Device) -> Result<Option<Tensor>> {
    let Some(weights) = weights else {
        return Ok(None);
    };
    let tensor = Tensor::f_from_slice(weights)?.f_to_kind(Kind::Float)?;
    Ok(Some(tensor.f_to_device(device)?))
}
