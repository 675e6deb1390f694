//! The time of a step in the real trainer: loader, metrics and logs included, validation and the first epoch left out.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::{DeviceChoice, Recipe};
use phasebox_train::callback::{Callback, Changes};
use phasebox_train::context::{Context, Lendable};
use tch::Device;

/// The device to measure: CUDA's with `--cuda`, else the CPU.
///
/// # Errors
/// No CUDA device.
pub(crate) fn device() -> Result<Device> {
    if !std::env::args().any(|argument| argument == "--cuda") {
        return Ok(Device::Cpu);
    }
    torch_ext::load_cuda().context("--cuda")?;
    if torch_ext::cuda_device_count()? == 0 {
        bail!("--cuda: there is no CUDA device here; leave it out to measure the CPU");
    }
    Ok(Device::Cuda(0))
}

/// The device's name for a peer.
pub(crate) fn name_of(device: Device) -> &'static str {
    if device.is_cuda() { "cuda" } else { "cpu" }
}

/// Trains as the text of a recipe says, whose epochs have this many batches. Returns the microseconds of a step.
pub(crate) fn microseconds(
    recipe: &str,
    device: Device,
    batches: u64,
    folder: &Path,
) -> Result<f64> {
    let file = folder.join("recipe.yaml");
    std::fs::write(&file, recipe)?;
    let recipe = Recipe::load(&file, &[])?;
    let choice = if device == Device::Cpu {
        DeviceChoice::Cpu
    } else {
        DeviceChoice::Cuda(0)
    };
    let options = Options {
        device: Some(choice),
        runs_dir: folder.join("runs"),
        cache_dir: Some(folder.join("compiled")),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options)?;
    let time = Arc::new(Mutex::new(Stopwatch::default()));
    assembly.add_callback(
        Box::new(Timing(time.clone())),
        When::default(),
        OnError::Abort,
    );
    assembly.trainer()?.train()?;
    let watch = time.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(watch.trained.as_secs_f64() * 1e6 / (watch.epochs * batches) as f64)
}

/// Time between the start and the end of the train loader, the first epoch left out.
#[derive(Default)]
struct Stopwatch {
    begun: Option<Instant>,
    trained: Duration,
    epochs: u64,
}

/// A callback that runs the stopwatch at two phases of an epoch, so that no batch pays for it.
struct Timing(Arc<Mutex<Stopwatch>>);

impl Callback for Timing {
    fn name(&self) -> &str {
        "timing"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainLoaderStart, Phase::TrainLoaderEnd]
            .into_iter()
            .collect()
    }

    fn changes(&self) -> Option<Changes> {
        Some(Changes::default())
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let mut watch = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (phase, context.epoch) {
            (_, Some(0)) => {}
            (Phase::TrainLoaderStart, _) => watch.begun = Some(Instant::now()),
            _ => {
                let trained = watch.begun.map(|begun| begun.elapsed()).unwrap_or_default();
                watch.trained += trained;
                watch.epochs += 1;
            }
        }
        Ok(())
    }
}
