//! A run that a signal ends at any moment goes on to the same end: in a pass, between passes, between epochs. The callback
//! that sends the signal is native: the trainer runs in this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::Recipe;
use phasebox_train::callback::Callback;
use phasebox_train::context::{Context, Lendable};
use phasebox_train::interrupt::Interrupt;
use phasebox_train::trainer::{Summary, Trainer};

use super::Outcome;
use crate::harness::{Run, TINY, alone};

/// The moment of the signal: a phase of an epoch, in a validation that a callback has asked for or not.
#[derive(Clone, Copy, Debug)]
struct Moment {
    phase: Phase,
    epoch: u32,
    within_epoch: bool,
}

/// Asks for a validation within the second epoch, and sends this process a signal at a moment.
struct Sends {
    at: Option<Moment>,
    is_within_epoch: bool,
    interrupt: Interrupt,
}

impl Callback for Sends {
    fn name(&self) -> &str {
        "sends"
    }

    fn phases(&self) -> PhaseSet {
        Phase::ALL.into_iter().collect()
    }

    fn on_phase(&mut self, phase: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let epoch = context.epoch.unwrap_or(0);
        match phase {
            Phase::TrainBatchEnd if epoch == 1 && context.batch_idx == Some(2) => {
                context.control.validate = true;
                self.is_within_epoch = true;
            }
            Phase::TrainBatchStart => self.is_within_epoch = false,
            Phase::TrainLoaderEnd => self.is_within_epoch = false,
            _ => {}
        }
        let is_due = self.at.is_some_and(|at| {
            (at.phase, at.epoch, at.within_epoch) == (phase, epoch, self.is_within_epoch)
        });
        if is_due {
            self.at = None;
            let id = std::process::id().to_string();
            Command::new("kill").args(["-USR1", &id]).status()?;
            // Another thread of this process may be the one that the signal goes to, and have to wait for its turn.
            while !self.interrupt.is_set() {
                std::thread::yield_now();
            }
        }
        Ok(())
    }
}

fn train(folder: &Path, at: Option<Moment>, changes: &[String]) -> Result<Summary> {
    let recipe = Recipe::load(folder.join("recipe.yaml"), changes)?;
    let interrupt = Interrupt::listen()?;
    let options = Options {
        runs_dir: folder.join("runs"),
        interrupt: interrupt.clone(),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options)?;
    let sends = Sends {
        at,
        is_within_epoch: false,
        interrupt,
    };
    assembly.add_callback(Box::new(sends), When::default(), OnError::Abort);
    assembly.trainer().and_then(Trainer::train)
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = TINY.replace("hidden: [16]", "hidden: [16], dropout: 0.3");
    let recipe = format!("{recipe}  []\n");
    fs::write(folder.path().join("recipe.yaml"), recipe).expect("ours");
    folder
}

fn outcome(run: PathBuf) -> Outcome {
    Outcome::of(&Run(run), 5)
}

fn check(at: Moment, expected: &Outcome) {
    let folder = folder();
    let cut = train(folder.path(), Some(at), &[]).expect("a signal is no failure");
    assert!(cut.is_interrupted(), "{at:?}: {}", cut.stop_reason);
    let id = cut.run.file_name().and_then(|name| name.to_str());
    let resume = format!("training_hyperparams.run_id={}", id.expect("UTF-8"));
    let whole = train(folder.path(), None, &[resume]).expect("it goes on");
    outcome(whole.run).assert_is(expected, &format!("{at:?}"));
}

#[test]
fn a_signal_ends_a_run_at_any_moment() {
    let _alone = alone();
    let whole = folder();
    let uninterrupted = train(whole.path(), None, &[]).expect("it trains");
    let expected = outcome(uninterrupted.run);
    let moment = |phase, epoch| Moment {
        phase,
        epoch,
        within_epoch: false,
    };
    for at in [
        moment(Phase::TrainingStart, 0),
        moment(Phase::TrainLoaderStart, 0),
        moment(Phase::TrainBatchForwardEnd, 0),
        moment(Phase::TrainLoaderEnd, 0),
        moment(Phase::ValidationBatchEnd, 0),
        moment(Phase::ValidationLoaderEnd, 0),
        moment(Phase::TestBatchStart, 0),
        moment(Phase::EpochEnd, 0),
        moment(Phase::ValidationBatchStart, 1),
        moment(Phase::ValidationLoaderEnd, 1),
        moment(Phase::AverageBestModelsValidationStart, 1),
        Moment {
            phase: Phase::ValidationBatchStart,
            epoch: 1,
            within_epoch: true,
        },
    ] {
        check(at, &expected);
    }
}
