//! One training in this process, done eagerly or from recordings, and everything that it leaves. Compares nothing.

use std::fs;
use std::path::Path;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::{DeviceChoice, Recipe};
use phasebox_train::callback::{Callback, Changes};
use phasebox_train::checkpoint;
use phasebox_train::context::{Context, Lendable};
use phasebox_train::trainer::{Recorder, Summary};
use serde_json::Value;
use tch::{Device, Kind, Tensor};
use tempfile::TempDir;

use crate::device::test_device;
use crate::harness::alone;
use crate::harness::recipes::RECORDED;

/// The work of a callback when it is called.
pub(super) type Act = fn(Phase, &mut Context) -> Result<()>;

/// A callback of this process that says what it changes.
struct Native {
    phases: &'static [Phase],
    changes: Option<Changes>,
    act: Act,
}

impl Callback for Native {
    fn name(&self) -> &str {
        "native"
    }

    fn phases(&self) -> PhaseSet {
        self.phases.iter().copied().collect()
    }

    fn changes(&self) -> Option<Changes> {
        self.changes
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        (self.act)(phase, context)
    }
}

/// A run to compare: the recipe, with changes of it, and callbacks.
#[derive(Clone, Default)]
pub(super) struct Case {
    /// In place of the recipe's.
    pub(super) architecture: Option<&'static str>,
    pub(super) overrides: Vec<String>,
    pub(super) callbacks: String,
    pub(super) native: Option<(&'static [Phase], Option<Changes>, Act)>,
}

impl Case {
    pub(super) fn with(change: &str) -> Case {
        Case {
            overrides: vec![format!("training_hyperparams.{change}")],
            ..Case::default()
        }
    }

    pub(super) fn callbacks(callbacks: &[&str]) -> Case {
        let entries: String = callbacks
            .iter()
            .map(|entry| format!("    - {entry}\n"))
            .collect();
        Case {
            callbacks: format!("  phase_callbacks:\n{entries}"),
            ..Case::default()
        }
    }

    pub(super) fn native(phases: &'static [Phase], changes: Option<Changes>, act: Act) -> Case {
        Case {
            native: Some((phases, changes, act)),
            ..Case::default()
        }
    }

    pub(super) fn train(&self, way: Way) -> Trained {
        let _alone = alone();
        let scratch = tempfile::tempdir().expect("a folder for the case");
        let summary = self.train_in(scratch.path(), way).expect("the case trains");
        Trained {
            summary,
            _scratch: scratch,
        }
    }

    fn train_in(&self, scratch: &Path, way: Way) -> Result<Summary> {
        let path = scratch.join("recipe.yaml");
        let architecture = self
            .architecture
            .unwrap_or("{mlp: {hidden: [16], dropout: 0.2}}");
        fs::write(
            &path,
            RECORDED.replace("ARCHITECTURE", architecture) + &self.callbacks,
        )?;
        let mut overrides = self.overrides.clone();
        let off = "training_hyperparams.record_steps=off".to_owned();
        if way.is_eager() && !overrides.contains(&off) {
            overrides.push(off);
        }
        if test_device().is_cuda() {
            overrides.push("training_hyperparams.deterministic_kernels=true".to_owned());
        }
        let recipe = Recipe::load(&path, &overrides)?;
        let options = Options {
            runs_dir: scratch.join("runs"),
            cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
            device: device_choice(),
            ..Options::default()
        };
        let mut assembly = Assembly::new(&recipe, options)?;
        if let Some((phases, changes, act)) = self.native {
            let native = Native {
                phases,
                changes,
                act,
            };
            assembly.add_callback(Box::new(native), When::default(), OnError::Abort);
        }
        let mut trainer = assembly.trainer()?;
        if let Way::RecordedBy(recorder) = way {
            trainer.record_with(recorder);
        }
        trainer.train()
    }
}

/// In place of the recipe's device.
fn device_choice() -> Option<DeviceChoice> {
    match test_device() {
        Device::Cuda(_) => Some(DeviceChoice::Cuda(0)),
        _ => None,
    }
}

/// How steps are done.
pub(super) enum Way {
    Eager,
    /// On tapes: what a recipe gets on the CPU.
    Recorded,
    RecordedBy(Box<dyn Recorder>),
}

impl Way {
    fn is_eager(&self) -> bool {
        matches!(self, Way::Eager)
    }
}

pub(super) struct Trained {
    pub(super) summary: Summary,
    _scratch: TempDir,
}

impl Trained {
    /// Name and bytes of everything a run leaves that equal runs have in common.
    pub(super) fn remains(&self) -> Vec<(String, Vec<u8>)> {
        let mut remains: Vec<(String, Vec<u8>)> = Vec::new();
        for folder in ["ckpt_latest", "ckpt_best", "ckpt_latest/callbacks"] {
            let Ok(entries) = fs::read_dir(self.summary.run.join(folder)) else {
                continue;
            };
            for path in entries
                .map(|entry| entry.expect("a readable folder").path())
                .filter(|path| path.is_file())
            {
                if !path.display().to_string().contains("/checkpoint.json") {
                    let name = path.file_name().expect("a name").to_string_lossy();
                    remains.push((
                        format!("{folder}/{name}"),
                        fs::read(&path).expect("a readable file"),
                    ));
                }
            }
        }
        remains.sort();
        assert!(
            remains.len() >= 6,
            "{:?}",
            remains.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
        remains.push(("metrics.jsonl".to_owned(), self.metrics().into_bytes()));
        remains
    }

    /// All parameters in the end, as one vector.
    pub(super) fn weights(&self) -> Tensor {
        let latest =
            checkpoint::load(&self.summary.run.join("ckpt_latest")).expect("a complete checkpoint");
        let flat: Vec<Tensor> = latest
            .model
            .iter()
            .map(|(_, tensor)| tensor.flatten(0, -1))
            .collect();
        Tensor::cat(&flat, 0).to_kind(Kind::Double)
    }

    /// Every value, but not when.
    fn metrics(&self) -> String {
        let text = fs::read_to_string(self.summary.run.join("metrics.jsonl")).expect("a log");
        let timeless = text.lines().map(|line| {
            let mut line: Value = serde_json::from_str(line).expect("one JSON object a line");
            line.as_object_mut().expect("an object").remove("time");
            line.to_string()
        });
        let mut lines: Vec<String> = timeless.collect();
        if test_device().is_cuda() {
            // A value is written when it arrives, which is no certain place among the other lines.
            lines.sort();
        }
        lines.join("\n")
    }
}
