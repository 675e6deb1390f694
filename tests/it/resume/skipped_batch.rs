//! A run that fails within an accumulation of which one batch was skipped, and goes on. The callbacks are native: the
//! trainer runs in this process.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::Recipe;
use phasebox_train::callback::Callback;
use phasebox_train::checkpoint::{self, NamedTensors};
use phasebox_train::context::{Context, Lendable};
use phasebox_train::trainer::Trainer;

use crate::harness::{TINY, alone};

/// Four batches a step, of which the second is skipped.
const GROUP: &str = "training_hyperparams.batch_accumulate=4";
const SKIPPED: u64 = 1;
const FAILING: u64 = 2;

/// Skips a batch of the first epoch, and may fail in the next one.
struct Skips {
    then_fails: bool,
}

impl Callback for Skips {
    fn name(&self) -> &str {
        "skips"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainBatchStart, Phase::TrainBatchForwardEnd]
            .into_iter()
            .collect()
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        if context.epoch != Some(0) {
            return Ok(());
        }
        let batch = context.batch_idx;
        if phase == Phase::TrainBatchStart {
            context.control.skip_batch = batch == Some(SKIPPED);
        } else if self.then_fails && batch == Some(FAILING) {
            bail!("it fails, as it was told");
        }
        Ok(())
    }
}

/// Trains below `folder` and gives the run's folder.
fn train(folder: &Path, callback: Skips, changes: &[String]) -> Result<PathBuf> {
    let recipe = Recipe::load(folder.join("recipe.yaml"), changes)?;
    let options = Options {
        runs_dir: folder.join("runs"),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options)?;
    assembly.add_callback(Box::new(callback), When::default(), OnError::Abort);
    let summary = assembly.trainer().and_then(Trainer::train)?;
    Ok(summary.run)
}

fn weights(run: &Path) -> NamedTensors {
    let latest = checkpoint::load(&run.join("ckpt_latest"));
    latest.expect("a complete checkpoint").model
}

/// The one run below `folder`.
fn only_run(folder: &Path) -> PathBuf {
    let mut runs = fs::read_dir(folder.join("runs/tiny")).expect("a run was started");
    runs.next()
        .expect("a run was started")
        .expect("readable")
        .path()
}

#[test]
fn a_group_with_a_skipped_batch_is_trained_again_as_a_whole() {
    let _alone = alone();
    let [whole, cut] = [(); 2].map(|()| {
        let folder = tempfile::tempdir().expect("a folder");
        let recipe = format!("{TINY}  []\n");
        fs::write(folder.path().join("recipe.yaml"), recipe).expect("ours");
        folder
    });
    let group = GROUP.to_owned();
    let skips = Skips { then_fails: false };
    let expected = train(whole.path(), skips, std::slice::from_ref(&group)).expect("it trains");
    let fails = Skips { then_fails: true };
    train(cut.path(), fails, std::slice::from_ref(&group)).expect_err("the callback fails");
    let failed = only_run(cut.path()).join("ckpt_error");
    let resume = format!("training_hyperparams.resume_path={}", failed.display());
    let skips = Skips { then_fails: false };
    let resumed = train(cut.path(), skips, &[group, resume]).expect("it goes on");
    assert_eq!(weights(&resumed), weights(&expected));
}
