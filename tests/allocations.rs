//! That a phase allocates nothing on the host once buffers have their size: not the callback list, not the loan of the
//! context, not the call into a component. A program of its own, for its allocator counts.

#[expect(dead_code, reason = "what other cases make callbacks of")]
mod components;

use std::fs;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_component::{Component, Engine};
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::Limits;
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use phasebox_recipe::Recipe;
use phasebox_train::callback::{Callback, Callbacks};
use phasebox_train::context::{Context, Lendable};

const RECIPE: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 16}
val_dataloader_params: {batch_size: 16}
architecture: mlp
training_hyperparams: {max_epochs: 1, max_train_batches: 1, max_valid_batches: 1, initial_lr: 0.01, loss: cross_entropy,
  valid_metrics_list: [Accuracy], save_model: false}
";

/// Fires from within the first batch, where the context and all its parts are real.
struct Firing {
    place: PathBuf,
    counted: Arc<Mutex<Vec<u64>>>,
}

impl Callback for Firing {
    fn name(&self) -> &str {
        "firing"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainBatchStart].into_iter().collect()
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let mut callbacks = Callbacks::default();
        callbacks.push(
            Box::new(plugin(&self.place)?),
            When::default(),
            OnError::Abort,
        );
        let mut fire = |count: u64| -> Result<()> {
            (0..count).try_for_each(|batch| {
                context.batch_idx = Some(batch);
                callbacks.fire(Phase::TrainBatchEnd, context)
            })
        };
        fire(10)?;
        let info = allocation_counter::measure(|| fire(1000).expect("what worked ten times"));
        self.counted
            .lock()
            .expect("nobody else has it")
            .push(info.count_total);
        Ok(())
    }
}

fn plugin(place: &std::path::Path) -> Result<Plugin> {
    let file = place.join("no_op.wasm");
    fs::write(&file, components::component(&[("on-train-batch-end", "")]))?;
    let engine = Rc::new(PluginEngine::new(Engine::new(&place.join("compiled"))?)?);
    let component = Component::load(engine.engine(), &file)?;
    let settings = PluginSettings {
        name: "no-op".to_owned(),
        params: serde_json::Value::Null,
        grants: Grants::default(),
        limits: Limits::default(),
        seed: 0,
    };
    Plugin::new(&engine, &component, &settings)
}

#[test]
fn a_thousand_phases_allocate_nothing() {
    let place = tempfile::tempdir().expect("a folder");
    fs::write(place.path().join("recipe.yaml"), RECIPE).expect("ours");
    let recipe = Recipe::load(place.path().join("recipe.yaml"), &[]).expect("a recipe");
    let options = Options {
        runs_dir: place.path().join("runs"),
        ..Options::default()
    };
    let counted = Arc::new(Mutex::new(Vec::new()));
    let mut assembly = Assembly::new(&recipe, options).expect("its parts");
    let firing = Firing {
        place: place.path().to_owned(),
        counted: counted.clone(),
    };
    assembly.add_callback(Box::new(firing), When::default(), OnError::Abort);
    assembly
        .trainer()
        .and_then(phasebox_train::trainer::Trainer::train)
        .expect("it trains");
    assert_eq!(*counted.lock().expect("training has ended"), [0]);
}
