//! A program that trains: the recipe of the digits with one callback from a `.wasm` file and one written here. Run
//! `cargo xtask plugins`, then `cargo run --example native_and_wasm`.

use std::path::Path;

use anyhow::{Context as _, Result};
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::Recipe;
use phasebox_train::callback::Callback;
use phasebox_train::context::{Context, Lendable};
use phasebox_train::trainer::Summary;
use tch::Kind;

/// Logs the network's confidence in its answers: the mean of the largest probability.
struct Confidence;

impl Callback for Confidence {
    fn name(&self) -> &str {
        "confidence"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::ValidationBatchEnd].into_iter().collect()
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let preds = context
            .preds
            .as_ref()
            .context("there are predictions at this phase")?
            .single("predictions")?;
        let largest = preds.f_softmax(-1, Kind::Float)?.f_amax([-1], false)?;
        let (step, mean) = (
            context.global_step,
            largest.f_mean(Kind::Float)?.f_double_value(&[])?,
        );
        context.logger.scalar(step, "confidence/mean", mean)
    }
}

fn train(runs: &Path) -> Result<Summary> {
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../recipes/digits.yaml");
    let clip = "phase_callbacks=[{GradClip: {max_norm: 1.0}}]";
    let recipe = Recipe::load(recipe, &[clip.to_owned()])?;
    let mut assembly = Assembly::new(
        &recipe,
        Options {
            runs_dir: runs.to_owned(),
            ..Options::default()
        },
    )?;
    assembly.add_callback(Box::new(Confidence), When::default(), OnError::Abort);
    assembly.trainer()?.train()
}

fn main() -> Result<()> {
    let summary = train(Path::new("runs"))?;
    println!("{:?} in {}", summary.best, summary.run.display());
    Ok(())
}

#[test]
fn both_callbacks_are_called() -> Result<()> {
    let runs = tempfile::tempdir()?;
    let summary = train(runs.path())?;
    assert!(summary.best.is_some_and(|best| best.value >= 0.95));
    let calls: Vec<_> = summary
        .callbacks
        .iter()
        .map(|plugin| (plugin.name.as_str(), plugin.calls))
        .collect();
    assert_eq!(calls[0], ("GradClip", summary.steps));
    assert!(
        std::fs::read_to_string(summary.run.join("metrics.jsonl"))?.contains("confidence/mean")
    );
    Ok(())
}
