//! The cost of a training step in the real trainer, with and without callbacks: beside the same step in plain tch, and
//! in PyTorch and Lightning where `cargo xtask bench --peers` asks for them. docs/benchmarks.md lists the rows.

mod measure;
mod networks;
mod peers;
mod trained;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use measure::{Row, is_measured, is_wanted, median};
use networks::Network;
use peers::Peers;
use serde_json::{Value, json};
use tch::Device;

/// The runners that are timed in each round, one after the other.
const OURS: [&str; 5] = [
    "no callback",
    "an observer",
    "three callbacks",
    "ten no-op callbacks",
    "plain tch",
];
const PEERS: [&str; 3] = ["pytorch", "lightning", "lightning, three callbacks"];
/// A whole step as one recording of PyTorch: no other trainer can be faster. On CUDA alone.
const GRAPH: &str = "pytorch, one CUDA graph";

fn main() -> Result<()> {
    let device = trained::device()?;
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

fn measure(
    network: &Network,
    name: &str,
    device: Device,
    threads: usize,
    mut peers: Option<&mut Peers>,
) -> Result<()> {
    tch::set_num_threads(i32::try_from(threads)?);
    let folder = tempfile::tempdir()?;
    network.write_data(folder.path(), device)?;
    let graph = device.is_cuda().then_some(GRAPH);
    let asked: Vec<&str> = PEERS.into_iter().chain(graph).collect();
    let mut times = Times::default();
    for _ in 0..if is_measured() {
        network.rounds(device)
    } else {
        1
    } {
        for runner in OURS {
            times.add(runner, ours(network, runner, device, folder.path())?);
        }
        if let Some(peers) = peers.as_deref_mut() {
            for runner in &asked {
                let request = request(network, runner, device, threads);
                times.add(runner, peers.ask(&request)?);
            }
        }
    }
    rows(network, name, device, &times);
    Ok(())
}

/// A question for the microseconds of one step with one of [`PEERS`].
fn request(network: &Network, runner: &str, device: Device, threads: usize) -> Value {
    json!({
        "network": network.name,
        "runner": runner,
        "steps": network.steps(device),
        "threads": threads,
        "device": trained::name_of(device),
    })
}

/// Microseconds of one step with one of [`OURS`].
fn ours(network: &Network, runner: &str, device: Device, folder: &Path) -> Result<f64> {
    match runner {
        "no callback" => train(network, "[]", device, folder),
        "an observer" => train(network, &networks::observer(), device, folder),
        "three callbacks" => train(network, &networks::three_callbacks(), device, folder),
        "ten no-op callbacks" => train(network, &networks::no_op_callbacks(10), device, folder),
        _ => Ok(network.plain_tch(device)),
    }
}

/// The microseconds that each runner took in each round.
#[derive(Default)]
struct Times(BTreeMap<&'static str, Vec<f64>>);

impl Times {
    fn add(&mut self, runner: &'static str, microseconds: f64) {
        self.0.entry(runner).or_default().push(microseconds);
    }

    /// The median; not a number for a runner that was not timed.
    fn of(&self, runner: &str) -> f64 {
        self.0.get(runner).cloned().map_or(f64::NAN, median)
    }
}

fn rows(network: &Network, name: &str, device: Device, times: &Times) {
    let bars = network.bars(device);
    let row = |what: &str, against: &str, runner: &str, bar: &str| {
        let (value, beside) = (times.of(what), times.of(runner));
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
    row("no callback", "plain tch", "plain tch", "");
    row("three callbacks", "no callback", "no callback", "");
    row(
        "ten no-op callbacks",
        "no callback",
        "no callback",
        bars.no_ops,
    );
    row(
        "three callbacks",
        "PyTorch's own loop",
        "pytorch",
        bars.pytorch,
    );
    row(
        "three callbacks",
        "Lightning with the same",
        "lightning, three callbacks",
        bars.lightning,
    );
    row("no callback", "Lightning without", "lightning", "");
    if device.is_cuda() {
        row(
            "three callbacks",
            "one CUDA graph of PyTorch",
            GRAPH,
            bars.graph,
        );
        row(
            "an observer",
            "one CUDA graph of PyTorch",
            GRAPH,
            bars.observer,
        );
    }
}

/// Trains with the real trainer. Returns the microseconds of a step, loader and logging included.
fn train(network: &Network, callbacks: &str, device: Device, folder: &Path) -> Result<f64> {
    let recipe = network.recipe(callbacks, device, folder);
    trained::microseconds(&recipe, device, network.batches(device), folder)
}
