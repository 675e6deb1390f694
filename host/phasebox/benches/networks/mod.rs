//! The two networks that trainers are compared with: their recipes, their data, and a step of them in plain tch. The
//! numbers of steps and rounds are chosen so that a comparison takes minutes.

use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::Result;
use tch::nn::{Module, OptimizerConfig as _};
use tch::{Device, Kind, Tensor, nn};

use crate::measure::repository;

/// A network with a recipe.
pub(crate) struct Network {
    pub(crate) name: &'static str,
    /// Batches of one epoch on the CPU and on CUDA, all of them full.
    batches: [u64; 2],
    /// Epochs that are timed, on the CPU and on CUDA. The first epoch of a training is not.
    epochs: [u64; 2],
    /// Rounds on the CPU and on CUDA, of whose times the median counts.
    rounds: [usize; 2],
    data: &'static str,
    architecture: &'static str,
    bars: Bars,
    bars_on_cuda: Bars,
}

/// The wanted costs of a step.
#[derive(Clone, Copy, Default)]
pub(crate) struct Bars {
    /// Three callbacks, as a multiple of PyTorch's own loop.
    pub(crate) pytorch: &'static str,
    /// Three callbacks, as a multiple of Lightning with the same.
    pub(crate) lightning: &'static str,
    /// Three callbacks, as a multiple of one CUDA graph.
    pub(crate) graph: &'static str,
    /// A callback that changes nothing, as a multiple of one CUDA graph.
    pub(crate) observer: &'static str,
    /// Ten callbacks that do nothing, as a multiple of none.
    pub(crate) no_ops: &'static str,
}

impl Network {
    /// An MLP of 64, 256 and 10 units and a batch of 64: a step so short that all overhead shows.
    pub(crate) fn mlp() -> Network {
        Network {
            name: "mlp",
            batches: [22, 22],
            epochs: [20, 100],
            rounds: [9, 3],
            data: "dataset: digits\ntrain_dataloader_params: {batch_size: 64, drop_last: true}",
            architecture: "architecture: mlp\narch_params: {hidden: [256]}",
            bars: Bars {
                pytorch: "at most 0.5 ×",
                lightning: "at most 0.25 ×",
                ..Bars::default()
            },
            bars_on_cuda: Bars {
                lightning: "at most 1/15 ×",
                graph: "at most 1.4 ×",
                observer: "at most 1.2 ×",
                no_ops: "at most 1.01 ×",
                ..Bars::default()
            },
        }
    }

    /// A ResNet-18 and a batch of 128 images of 32 × 32 pixels.
    pub(crate) fn resnet18() -> Network {
        Network {
            name: "resnet18",
            batches: [5, 50],
            epochs: [1, 6],
            rounds: [3, 3],
            data: "dataset: cifar10\ndataset_params: {root: cifar}\ntrain_dataloader_params: {batch_size: 128}",
            architecture: "architecture: resnet18",
            bars: Bars {
                pytorch: "at most 1 ×",
                ..Bars::default()
            },
            bars_on_cuda: Bars {
                lightning: "at most 1/4.5 ×",
                graph: "at most 1.10 ×",
                observer: "at most 1.05 ×",
                no_ops: "at most 1.01 ×",
                ..Bars::default()
            },
        }
    }

    /// The wanted costs on a device.
    pub(crate) fn bars(&self, device: Device) -> Bars {
        if device.is_cuda() {
            self.bars_on_cuda
        } else {
            self.bars
        }
    }

    /// Steps that are timed in one round.
    pub(crate) fn steps(&self, device: Device) -> u64 {
        self.batches(device) * self.epochs(device)
    }

    /// Batches of one epoch.
    pub(crate) fn batches(&self, device: Device) -> u64 {
        self.batches[usize::from(device.is_cuda())]
    }

    /// Rounds, of whose times the median counts.
    pub(crate) fn rounds(&self, device: Device) -> usize {
        self.rounds[usize::from(device.is_cuda())]
    }

    fn epochs(&self, device: Device) -> u64 {
        self.epochs[usize::from(device.is_cuda())]
    }

    /// The recipe with these callbacks. It saves nothing, and validates once, after all timed epochs.
    pub(crate) fn recipe(&self, callbacks: &str, device: Device, folder: &Path) -> String {
        let data = self.data.replace(
            "root: cifar",
            &format!("root: {}", folder.join("cifar").display()),
        );
        let epochs = self.epochs(device) + 1;
        format!(
            "experiment_name: bench\n{data}\nval_dataloader_params: {{batch_size: 64, max_batches: 1}}\n{}\n\
             training_hyperparams:\n  max_epochs: {epochs}\n  run_validation_freq: {epochs}\n  optimizer: SGD\n  \
             optimizer_params: {{momentum: 0.9}}\n  initial_lr: 0.05\n  lr_mode: Constant\n  \
             loss: CrossEntropyLoss\n  valid_metrics_list: [Accuracy]\n  metric_to_watch: Accuracy\n  \
             save_model: false\nphase_callbacks: {callbacks}\n",
            self.architecture
        )
    }

    /// Writes the files of its data set, five for training. Random pixels train as fast as others.
    pub(crate) fn write_data(&self, folder: &Path, device: Device) -> Result<()> {
        let folder = folder.join("cifar");
        fs::create_dir_all(&folder)?;
        let mut state = 1u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        let train = (1..=5).map(|part| format!("data_batch_{part}.bin"));
        for name in train.chain(["test_batch.bin".into()]) {
            let mut bytes = Vec::new();
            for _ in 0..128 * self.batches(device) / 5 {
                bytes.push(next() % 10);
                bytes.extend((0..3072).map(|_| next()));
            }
            fs::write(folder.join(name), bytes)?;
        }
        Ok(())
    }

    /// Microseconds of a step in a Rust program with tch alone; NaN for the larger network, which tch does not have.
    pub(crate) fn plain_tch(&self, device: Device) -> f64 {
        if self.name != "mlp" {
            return f64::NAN;
        }
        let variables = nn::VarStore::new(device);
        let root = variables.root();
        let net = nn::seq()
            .add(nn::linear(&root / "hidden", 64, 256, Default::default()))
            .add_fn(|x| x.relu())
            .add(nn::linear(&root / "output", 256, 10, Default::default()));
        let Ok(mut optimizer) = (nn::Sgd {
            momentum: 0.9,
            ..Default::default()
        })
        .build(&variables, 0.05) else {
            return f64::NAN;
        };
        let inputs = Tensor::rand([64, 64], (Kind::Float, device));
        let target = Tensor::randint(10, [64], (Kind::Int64, device));
        let mut train = |steps: u64| {
            for _ in 0..steps {
                optimizer.backward_step(&net.forward(&inputs).cross_entropy_for_logits(&target));
            }
            if let Device::Cuda(index) = device {
                tch::Cuda::synchronize(index as i64);
            }
        };
        train(self.steps(device) / 10);
        let begun = Instant::now();
        train(self.steps(device));
        begun.elapsed().as_secs_f64() * 1e6 / self.steps(device) as f64
    }
}

/// The recipe's entry of a callback that logs the loss of every step and changes nothing.
pub(crate) fn observer() -> String {
    format!("\n  - wasm: {}", test_guest("loss-log"))
}

/// The recipe's entries of three callbacks: loss logging, gradient clipping and the learning rate, each at every step.
pub(crate) fn three_callbacks() -> String {
    format!(
        "\n  - wasm: {}\n  - GradClip: {{max_norm: 1.0}}\n  - LrWarmupCosine: {{initial_lr: 0.05}}",
        test_guest("loss-log")
    )
}

/// The recipe's entries of `count` callbacks that subscribe to every phase and do nothing.
pub(crate) fn no_op_callbacks(count: usize) -> String {
    let file = test_guest("no-op");
    (0..count)
        .map(|index| format!("\n  - wasm: {file}\n    name: no-op-{index}"))
        .collect()
}

fn test_guest(name: &str) -> String {
    repository(&format!("target/plugins/tests/{name}.wasm"))
        .display()
        .to_string()
}
