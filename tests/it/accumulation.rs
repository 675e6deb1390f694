//! Batches that share one optimizer step, where the step is cut short by an error. The trainer is the real one in this
//! process.

use anyhow::{Result, bail};
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::Recipe;
use phasebox_train::callback::Callback;
use phasebox_train::context::{Context, Lendable};

use crate::harness::Scratch;

/// Skips batch 1 and fails in batch 2.
struct SkipsThenFails;

impl Callback for SkipsThenFails {
    fn name(&self) -> &str {
        "skips-then-fails"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainBatchStart].into_iter().collect()
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        match context.batch_idx {
            Some(1) => context.control.skip_batch = true,
            Some(2) => bail!("it fails, as it was told"),
            _ => {}
        }
        Ok(())
    }
}

/// Batch 0 has contributed, batch 1 was skipped, batch 2 fails: the step is begun again from batch 0.
#[test]
fn a_step_that_an_error_cut_short_is_trained_again_from_its_first_batch() {
    let scratch = Scratch::with_callbacks("");
    let four_a_step = "training_hyperparams.batch_accumulate=4".to_owned();
    let recipe = Recipe::load(scratch.path("recipe.yaml"), &[four_a_step]).expect("a recipe");
    let options = Options {
        runs_dir: scratch.path("runs"),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options).expect("everything is there");
    assembly.add_callback(Box::new(SkipsThenFails), When::default(), OnError::Abort);
    let trainer = assembly.trainer().expect("a new run");
    trainer.train().expect_err("the callback fails");
    let run = scratch.run();
    let state = &run.json("ckpt_error/checkpoint.json")["state"];
    assert_eq!(state["next_batch"], 0);
    assert_eq!(state["accumulation"]["batches"], 0);
}
