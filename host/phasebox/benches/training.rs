//! The cost of a training step in the real trainer, with and without callbacks: beside the same step in plain tch, and
//! in PyTorch and Lightning where `cargo xtask bench --peers` asks for them. docs/benchmarks.md lists the rows.

mod measure;
mod networks;
mod peers;
mod trained;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use measure::{Row, is_measured, is_wanted, median};
use networks::Network;
use peers::Peers;
use serde_json::{Value, json};
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
    let mut peers = Peers::start("peers.py")?;
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
                times.push(peers.ask(&request(network, runner, device, threads))?);
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

/// A question for the microseconds of one step with one of [`PEERS`].
fn request(network: &Network, runner: &str, device: Device, threads: usize) -> Value {
    let device = if device == Device::Cpu { "cpu" } else { "cuda" };
    json!({
        "network": network.name,
        "runner": runner,
        "steps": network.steps(),
        "threads": threads,
        "device": device,
    })
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
    let recipe = network.recipe(callbacks, folder);
    trained::microseconds(&recipe, device, network.batches, folder)
}
