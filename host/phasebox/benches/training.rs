//! The cost of a training step in the real trainer, with and without callbacks: beside the same step in plain tch, and
//! in PyTorch and Lightning where `cargo xtask bench --peers` asks for them. docs/benchmarks.md lists the rows.

mod measure;
mod networks;
mod peers;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use measure::{Row, is_measured, is_wanted, median};
use networks::Network;
use peers::Peers;
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::{DeviceChoice, Recipe};
use phasebox_train::callback::Callback;
use phasebox_train::context::{Context, Lendable};
use tch::Device;

/// The runners that are timed in each round, one after the other.
const OURS: [&str; 4] = [
    "no callback",
    "three callbacks",
    "ten no-op callbacks",
    "plain tch",
];
const PEERS: [&str; 3] = ["pytorch", "lightning", "lightning, three callbacks"];

fn main() -> Result<()> {
    let device = if std::env::args().any(|argument| argument == "--cuda") {
        open_cuda()?
    } else {
        Device::Cpu
    };
    let mut peers = Peers::start()?;
    for network in [Network::mlp(), Network::resnet18()] {
        for threads in thread_counts(device)? {
            let name = format!("training/{}, {}", network.name, hardware(device, threads));
            if is_wanted(&name) {
                measure(&network, &name, device, threads, peers.as_mut())?;
            }
        }
    }
    Ok(())
}

/// One thread, and as many threads as there are cores. A GPU is fed by one.
fn thread_counts(device: Device) -> Result<Vec<usize>> {
    let all = std::thread::available_parallelism()?.get();
    Ok(if device == Device::Cpu && all > 1 {
        vec![1, all]
    } else {
        vec![1]
    })
}

fn hardware(device: Device, threads: usize) -> String {
    match (device, threads) {
        (Device::Cpu, 1) => "1 thread".to_owned(),
        (Device::Cpu, threads) => format!("{threads} threads"),
        _ => "CUDA".to_owned(),
    }
}

/// Loads CUDA.
///
/// # Errors
/// No CUDA device.
fn open_cuda() -> Result<Device> {
    torch_ext::load_cuda().context("--cuda")?;
    if torch_ext::cuda_device_count()? == 0 {
        bail!("--cuda: there is no CUDA device here; leave it out to measure the CPU");
    }
    Ok(Device::Cuda(0))
}

fn measure(
    network: &Network,
    name: &str,
    device: Device,
    threads: usize,
    mut peers: Option<&mut Peers>,
) -> Result<()> {
    tch::set_num_threads(i32::try_from(threads)?);
    let folder = tempfile::tempdir()?;
    network.write_data(folder.path())?;
    let mut times = vec![Vec::new(); OURS.len() + PEERS.len()];
    for _ in 0..if is_measured() { network.rounds } else { 1 } {
        for (runner, times) in OURS.iter().zip(&mut times) {
            times.push(ours(network, runner, device, folder.path())?);
        }
        if let Some(peers) = peers.as_deref_mut() {
            for (runner, times) in PEERS.iter().zip(&mut times[OURS.len()..]) {
                times.push(peers.microseconds(network, runner, device, threads)?);
            }
        }
    }
    rows(
        network,
        name,
        &times.into_iter().map(median).collect::<Vec<_>>(),
    );
    Ok(())
}

/// Microseconds of one step with one of [`OURS`].
fn ours(network: &Network, runner: &str, device: Device, folder: &Path) -> Result<f64> {
    match runner {
        "no callback" => train(network, "[]", device, folder),
        "three callbacks" => train(network, &networks::three_callbacks(), device, folder),
        "ten no-op callbacks" => train(network, &networks::no_op_callbacks(10), device, folder),
        _ => Ok(network.plain_tch(device)),
    }
}

fn rows(network: &Network, name: &str, times: &[f64]) {
    let [
        alone,
        three,
        no_ops,
        tch,
        pytorch,
        lightning,
        lightning_three,
    ] = times
    else {
        return;
    };
    let row = |what: &str, value: f64, against: &str, beside: f64, bar: &str| {
        let against = beside.is_finite().then(|| (against, value / beside));
        Row {
            name: &format!("{name}, {what}"),
            value,
            unit: "µs/step",
            against,
            bar,
        }
        .print();
    };
    row("no callback", *alone, "plain tch", *tch, "");
    row("three callbacks", *three, "no callback", *alone, "");
    row("ten no-op callbacks", *no_ops, "no callback", *alone, "");
    row(
        "three callbacks",
        *three,
        "PyTorch's own loop",
        *pytorch,
        network.bar_pytorch,
    );
    row(
        "three callbacks",
        *three,
        "Lightning with the same",
        *lightning_three,
        network.bar_lightning,
    );
    row("no callback", *alone, "Lightning without", *lightning, "");
}

/// Trains with the real trainer. Returns the microseconds of a step, loader and logging included.
fn train(network: &Network, callbacks: &str, device: Device, folder: &Path) -> Result<f64> {
    let file = folder.join("recipe.yaml");
    std::fs::write(&file, network.recipe(callbacks, folder))?;
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
    Ok(watch.trained.as_secs_f64() * 1e6 / (watch.epochs * network.batches) as f64)
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
