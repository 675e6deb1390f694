//! A training to measure callbacks by: its recipe is changed key by key, and its checkpoints and logs are read as numbers.
//! Expects nothing of them.

use std::path::PathBuf;

use phasebox_train::checkpoint::{self, NamedTensors, Snapshot};
use serde_json::Value;
use tch::{Kind, Tensor};

use super::recipes::{BOXES, TRAINING};
use super::{Finished, Scratch};

/// A rate so small that no weight changes: losses then depend on data and criterion alone.
pub(crate) const STANDSTILL: &str = "training_hyperparams.initial_lr=1e-30";

/// A training, not yet started.
pub(crate) struct Training {
    recipe: &'static str,
    architecture: &'static str,
    callbacks: String,
    changes: Vec<String>,
}

impl Training {
    pub(crate) fn digits() -> Training {
        Training {
            recipe: TRAINING,
            architecture: "{mlp: {hidden: [32]}}",
            callbacks: String::new(),
            changes: Vec::new(),
        }
    }

    /// A small YOLOX that looks for digits.
    pub(crate) fn boxes() -> Training {
        Training {
            recipe: BOXES,
            architecture: "{yolox_n: {num_classes: 10}}",
            ..Training::digits()
        }
    }

    pub(crate) fn architecture(self, architecture: &'static str) -> Training {
        Training {
            architecture,
            ..self
        }
    }

    /// Adds an entry of `phase_callbacks`.
    pub(crate) fn callback(self, entry: &str) -> Training {
        self.callbacks(&format!("  - {entry}\n"))
    }

    /// Adds entries as they stand below `phase_callbacks`.
    pub(crate) fn callbacks(mut self, entries: &str) -> Training {
        self.callbacks += entries;
        self
    }

    /// Changes one key of the recipe: `a.b=c`. The last change of a key counts.
    pub(crate) fn with(mut self, change: impl Into<String>) -> Training {
        let change = change.into();
        let key = change.split_once('=').map(|(key, _)| key.to_owned());
        self.changes
            .retain(|earlier| earlier.split_once('=').map(|(key, _)| key) != key.as_deref());
        self.changes.push(change);
        self
    }

    pub(crate) fn epochs(self, epochs: u64) -> Training {
        self.with(format!("training_hyperparams.max_epochs={epochs}"))
    }

    /// Keeps the checkpoint after each of `epochs` epochs.
    pub(crate) fn checkpoints(self, epochs: u64) -> Training {
        let all: Vec<String> = (1..=epochs).map(|epoch| epoch.to_string()).collect();
        self.epochs(epochs).with(format!(
            "training_hyperparams.save_ckpt_epoch_list=[{}]",
            all.join(",")
        ))
    }

    /// `steps` epochs of one batch, with the checkpoint after each.
    pub(crate) fn step_by_step(self, steps: u64) -> Training {
        self.checkpoints(steps)
            .with("train_dataloader_params.max_batches=1")
    }

    /// Goes on from another run's checkpoint, in a run of its own.
    pub(crate) fn from(self, run: &TrainedRun, tag: &str) -> Training {
        let path = run.path(&format!("ckpt_{tag}"));
        self.with(format!(
            "training_hyperparams.resume_path={}",
            path.display()
        ))
    }

    /// Trains to the end.
    pub(crate) fn run(self) -> TrainedRun {
        let (scratch, finished) = self.start("train");
        assert_eq!(
            finished.code,
            Some(0),
            "{}{}",
            self.callbacks,
            finished.stderr
        );
        TrainedRun {
            folder: scratch.run(),
            _scratch: scratch,
        }
    }

    /// The exit code and the message of a training that does not come to its end.
    pub(crate) fn fail(self) -> (i32, String) {
        let (_scratch, finished) = self.start("train");
        let code = finished.code.expect("no signal");
        assert_ne!(code, 0, "{}", self.callbacks);
        (code, finished.stderr)
    }

    /// `phasebox check` in place of the training.
    pub(crate) fn check(self) -> Finished {
        let (_scratch, finished) = self.start("check");
        finished
    }

    fn start(&self, command: &str) -> (Scratch, Finished) {
        let scratch = Scratch::new();
        let Training {
            recipe,
            architecture,
            callbacks,
            changes,
        } = self;
        scratch.write(
            "recipe.yaml",
            format!("{recipe}architecture: {architecture}\nphase_callbacks:\n{callbacks}"),
        );
        let changes = changes.iter().map(String::as_str);
        let arguments: Vec<&str> = [command, "recipe.yaml"]
            .into_iter()
            .chain(changes)
            .collect();
        let finished = scratch.phasebox(&arguments);
        (scratch, finished)
    }
}

/// A finished training, and the folder that it left.
pub(crate) struct TrainedRun {
    folder: super::Run,
    _scratch: Scratch,
}

impl TrainedRun {
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.0.join(name)
    }

    pub(crate) fn summary(&self) -> Value {
        self.folder.summary()
    }

    /// The summary's entry on a callback.
    pub(crate) fn callback(&self, name: &str) -> Value {
        self.folder.callback(name)
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        self.folder.metrics()
    }

    /// Steps and values that were logged under `name`, in order.
    pub(crate) fn logged(&self, name: &str) -> Vec<(u64, f64)> {
        let lines = self.lines().into_iter().filter(|line| line["name"] == name);
        let number = |line: &Value| Some((line["step"].as_u64()?, line["value"].as_f64()?));
        lines
            .map(|line| number(&line).expect("a finite number"))
            .collect()
    }

    /// Values that were logged under `name`, in order.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        self.logged(name)
            .into_iter()
            .map(|(_, value)| value)
            .collect()
    }

    /// Lines that the run itself logged, without those of its callbacks.
    pub(crate) fn own_lines(&self) -> Vec<Value> {
        let is_own = |line: &Value| {
            let name = line["name"].as_str().unwrap_or_default();
            ["train/", "valid/", "lr/"]
                .iter()
                .any(|beginning| name.starts_with(beginning))
        };
        self.lines().into_iter().filter(is_own).collect()
    }

    /// Messages that a callback logged at `level`.
    pub(crate) fn said(&self, callback: &str, level: &str) -> Vec<String> {
        let lines = self.lines().into_iter();
        let said = lines.filter(|line| line["source"] == callback && line["level"] == level);
        said.map(|line| line["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) fn checkpoint(&self, tag: &str) -> Snapshot {
        checkpoint::load(&self.path(&format!("ckpt_{tag}"))).expect("a complete checkpoint")
    }

    /// The network after epoch `epoch`, counted from 1.
    pub(crate) fn weights(&self, epoch: u64) -> NamedTensors {
        self.checkpoint(&format!("epoch_{epoch}")).model
    }

    pub(crate) fn final_weights(&self) -> NamedTensors {
        self.checkpoint("latest").model
    }
}

/// All elements in one float64 vector, in the order of names.
pub(crate) fn flat(named: &[(String, Tensor)]) -> Tensor {
    let parts: Vec<Tensor> = named
        .iter()
        .map(|(_, tensor)| tensor.to_kind(Kind::Double).flatten(0, -1))
        .collect();
    Tensor::cat(&parts, 0)
}

/// The 2-norm of a vector.
pub(crate) fn norm(vector: &Tensor) -> f64 {
    vector.norm().double_value(&[])
}

/// The largest difference between two vectors.
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Fails unless `found` is `expected` to a relative error of `tolerance`.
pub(crate) fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(f64::MIN_POSITIVE);
    assert!(error <= tolerance, "{what}: {found}, expected {expected}");
}
