//! Snapshots to save, and the comparison of what comes back.

mod contents;
mod crashes;
mod torch_files;

use std::path::Path;

use anyhow::{Result, ensure};
use tch::{Device, Kind, Tensor};

use super::*;

/// The tag that the trainer gives the best checkpoint.
const BEST: &str = "best";

/// A snapshot whose every part tells `step`.
fn snapshot(step: u64) -> Result<Snapshot> {
    let full = |size: &[i64], kind| Ok(Tensor::f_full(size, step as f64, (kind, Device::Cpu))?);
    let named = |name: &str, tensor: Result<Tensor>| {
        Ok::<_, anyhow::Error>(vec![(name.to_owned(), tensor?)])
    };
    Ok(Snapshot {
        state: State {
            epoch: step / 10,
            next_batch: step % 10,
            global_step: step,
            samples_seen: (1 << 53) - step,
            metrics_bytes: 100 * step,
            watched: Some(Watched {
                metric: "Accuracy".into(),
                greater_is_better: true,
                best: Some(0.1 + step as f64 * 1e-17),
                best_epoch: None,
            }),
            accumulation: AccumulationState {
                batches: 1,
                first_batch: Some(step % 10),
                ..AccumulationState::default()
            },
            criterion: serde_json::json!({"weights": [3, 1, 2]}),
            trainer: serde_json::json!({"step_in_run": step, "seed": u64::MAX}),
            ..State::default()
        },
        model: named("layer.weight", full(&[64, 10], Kind::Float))?,
        optimizer: named("layer.weight/momentum", full(&[64, 10], Kind::Float))?,
        ema: Vec::new(),
        validated: Vec::new(),
        metrics: named("correct", full(&[], Kind::Int64))?,
        rng: named("cpu", full(&[5056], Kind::Uint8))?,
        gradients: named("layer.weight", full(&[64, 10], Kind::Float))?,
        best_models: Vec::new(),
        callbacks: vec![SavedCallback {
            name: "swa".into(),
            state: CallbackState {
                bytes: Some(step.to_le_bytes().to_vec()),
                tensors: named("average", full(&[3], Kind::Double))?,
                sha256: "ab".repeat(32),
                version: "0.1.0".into(),
                state_version: 1,
                ..CallbackState::default()
            },
        }],
    })
}

fn same_tensors(name: &str, loaded: &NamedTensors, saved: &NamedTensors) -> Result<()> {
    let mut saved: Vec<_> = saved.iter().collect();
    saved.sort_by(|(a, _), (b, _)| a.cmp(b));
    ensure!(
        loaded.len() == saved.len(),
        "{name}: {} tensors instead of {}",
        loaded.len(),
        saved.len()
    );
    for ((loaded_name, loaded), (saved_name, saved)) in loaded.iter().zip(saved) {
        ensure!(
            loaded_name == saved_name
                && loaded.f_kind()? == saved.f_kind()?
                && loaded.size() == saved.size()
        );
        let equal = loaded
            .f_eq_tensor(saved)?
            .f_logical_or(&loaded.f_isnan()?.f_logical_and(&saved.f_isnan()?)?)?;
        ensure!(
            equal.f_all()?.f_int64_value(&[])? == 1,
            "{name}: {loaded_name} differs"
        );
    }
    Ok(())
}

fn same(loaded: &Snapshot, saved: &Snapshot) -> Result<()> {
    same_tensors("model", &loaded.model, &saved.model)?;
    same_tensors("optimizer", &loaded.optimizer, &saved.optimizer)?;
    same_tensors("ema", &loaded.ema, &saved.ema)?;
    same_tensors("metrics", &loaded.metrics, &saved.metrics)?;
    same_tensors("rng", &loaded.rng, &saved.rng)?;
    same_tensors("gradients", &loaded.gradients, &saved.gradients)?;
    same_tensors("best_models", &loaded.best_models, &saved.best_models)?;
    ensure!(
        loaded.state == saved.state,
        "{:?} is not {:?}",
        loaded.state,
        saved.state
    );
    ensure!(loaded.callbacks.len() == saved.callbacks.len());
    let pairs = loaded.callbacks.iter().zip(&saved.callbacks);
    pairs
        .into_iter()
        .try_for_each(|(loaded, saved)| same_callback(loaded, saved))
}

fn same_callback(loaded: &SavedCallback, saved: &SavedCallback) -> Result<()> {
    ensure!(loaded.name == saved.name && loaded.state.bytes == saved.state.bytes);
    let loaded_identity = serde_json::to_value(loaded)?;
    ensure!(loaded_identity == serde_json::to_value(saved)?);
    same_tensors(
        "callback's tensors",
        &loaded.state.tensors,
        &saved.state.tensors,
    )
}

/// The step that a loadable, consistent snapshot was saved at.
fn loaded_step(path: &Path) -> Result<u64> {
    let loaded = load(path)?;
    same(&loaded, &snapshot(loaded.state.global_step)?)?;
    Ok(loaded.state.global_step)
}
