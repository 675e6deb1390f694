//! The step of YOLOX-nano at 416 pixels in the real trainer, beside the same step in PyTorch where `cargo xtask bench --peers`
//! asks for it. docs/benchmarks.md lists the rows.

mod measure;
mod peers;
mod trained;

use anyhow::Result;
use measure::{Row, is_measured, is_wanted, median};
use peers::Peers;
use serde_json::{Value, json};
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
    let device = trained::device()?;
    let rows: &[_] = if device.is_cuda() {
        &[(1, false, "CUDA")]
    } else {
        &[
            (1, false, "1 thread"),
            (2, false, "2 threads"),
            (1, true, "1 thread, channels_last"),
            (2, true, "2 threads, channels_last"),
        ]
    };
    for &(threads, channels_last, setting) in rows {
        let name = format!("training/yolox_n at {SIZE}, {setting}");
        if is_wanted(&name) {
            let step = Step {
                device,
                threads,
                channels_last,
            };
            step.measure(&name, peers.as_mut())?;
        }
    }
    Ok(())
}

/// The step that a row times, on both sides.
struct Step {
    device: Device,
    threads: usize,
    channels_last: bool,
}

impl Step {
    fn measure(&self, name: &str, mut peers: Option<&mut Peers>) -> Result<()> {
        tch::set_num_threads(i32::try_from(self.threads)?);
        let folder = tempfile::tempdir()?;
        let (size, batches) = if is_measured() {
            (SIZE, BATCHES[usize::from(self.device.is_cuda())])
        } else {
            (64, 1)
        };
        let recipe = recipe(size, batches, self.channels_last);
        let mut ours = Vec::new();
        let mut theirs = PEERS.map(|_| Vec::new());
        for _ in 0..if is_measured() { ROUNDS } else { 1 } {
            let time = trained::microseconds(&recipe, self.device, batches, folder.path());
            ours.push(time?);
            for ((loss, _, _), times) in PEERS.iter().zip(&mut theirs) {
                if let Some(peers) = peers.as_deref_mut() {
                    times.push(peers.ask(&self.request(loss, size, batches))?);
                }
            }
        }
        print(name, median(ours), theirs);
        Ok(())
    }

    /// A step like this, as the other side's script reads it.
    fn request(&self, loss: &str, size: usize, batches: u64) -> Value {
        json!({
            "loss": loss,
            "size": size,
            "steps": batches,
            "threads": self.threads,
            "device": trained::name_of(self.device),
            "channels_last": self.channels_last,
        })
    }
}

fn print(name: &str, value: f64, theirs: [Vec<f64>; 2]) {
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
}

/// Batches of eight scenes with ten digits each. It saves nothing, and its one validation follows all that is timed.
fn recipe(size: usize, batches: u64, channels_last: bool) -> String {
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
  channels_last: {channels_last}
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
