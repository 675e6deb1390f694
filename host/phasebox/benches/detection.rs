//! The step of YOLOX-nano at 416 pixels in the real trainer, beside the same step in PyTorch where `cargo xtask bench --peers`
//! asks for it. docs/benchmarks.md lists the rows.

mod measure;
mod peers;
mod trained;

use anyhow::Result;
use measure::{Row, is_measured, is_wanted, median};
use peers::Peers;
use serde_json::json;
use tch::Device;

const ROUNDS: usize = 5;
/// Batches of an epoch on the CPU and on CUDA; one epoch is timed in a round.
const BATCHES: [u64; 2] = [12, 60];
const SIZE: usize = 416;
/// The losses of the other side, in its words, in ours, and the wanted cost as a multiple of its step.
const PEERS: [(&str, &str, &str); 2] = [
    ("dense", "PyTorch, loss without loops", "at most 1 ×"),
    ("loops", "PyTorch, loss with loops", "at most 0.5 ×"),
];

fn main() -> Result<()> {
    let mut peers = Peers::start("yolox.py")?;
    let rows: &[_] = match trained::device()? {
        Device::Cpu => &[(Device::Cpu, 1, "1 thread"), (Device::Cpu, 2, "2 threads")],
        device => &[(device, 1, "CUDA")],
    };
    for (device, threads, hardware) in rows {
        let name = format!("training/yolox_n at {SIZE}, {hardware}");
        if is_wanted(&name) {
            measure(&name, *device, *threads, peers.as_mut())?;
        }
    }
    Ok(())
}

fn measure(
    name: &str,
    device: Device,
    threads: usize,
    mut peers: Option<&mut Peers>,
) -> Result<()> {
    tch::set_num_threads(i32::try_from(threads)?);
    let folder = tempfile::tempdir()?;
    let mut ours = Vec::new();
    let mut theirs = PEERS.map(|_| Vec::new());
    for _ in 0..if is_measured() { ROUNDS } else { 1 } {
        let (size, batches) = if is_measured() {
            (SIZE, BATCHES[usize::from(device.is_cuda())])
        } else {
            (64, 1)
        };
        let recipe = recipe(size, batches);
        ours.push(trained::microseconds(
            &recipe,
            device,
            batches,
            folder.path(),
        )?);
        for ((loss, _, _), times) in PEERS.iter().zip(&mut theirs) {
            let request = json!({"loss": loss, "size": size, "steps": batches, "threads": threads, "device": trained::name_of(device)});
            if let Some(peers) = peers.as_deref_mut() {
                times.push(peers.ask(&request)?);
            }
        }
    }
    let value = median(ours);
    for ((_, against, bar), times) in PEERS.into_iter().zip(theirs) {
        let ratio = value / median(times);
        let against = ratio.is_finite().then_some((against, ratio));
        let unit = "µs/step";
        Row {
            name,
            value,
            unit,
            against,
            bar,
        }
        .print();
    }
    Ok(())
}

/// Batches of eight scenes with ten digits each. It saves nothing, and its one validation follows all that is timed.
fn recipe(size: usize, batches: u64) -> String {
    format!(
        "experiment_name: bench
dataset: {{scattered_digits: {{size: {size}, channels: 3, digits: [10, 10], scale: [2.0, 6.0], train: {samples}, validation: 1}}}}
train_dataloader_params: {{batch_size: 8, collate_fn: DetectionCollateFN}}
val_dataloader_params: {{batch_size: 1, collate_fn: DetectionCollateFN}}
train_transforms: [{{DetectionPaddedRescale: {{input_dim: {size}}}}}, {{DetectionTargetsFormatTransform: {{output_format: LABEL_CXCYWH}}}}]
val_transforms: [{{DetectionPaddedRescale: {{input_dim: {size}}}}}, {{DetectionTargetsFormatTransform: {{output_format: LABEL_CXCYWH}}}}]
architecture: yolox_n
arch_params: {{num_classes: 10}}
training_hyperparams:
  max_epochs: 2
  run_validation_freq: 2
  optimizer: SGD
  optimizer_params: {{momentum: 0.9}}
  initial_lr: 0.0001
  lr_mode: Constant
  loss: YoloXDetectionLoss
  criterion_params: {{strides: [8, 16, 32], num_classes: 10}}
  metric_to_watch: Loss
  greater_metric_to_watch_is_better: false
  save_model: false
",
        samples = 8 * batches,
    )
}
