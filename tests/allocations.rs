//! A phase allocates nothing on the host once buffers have their size: not the list of callbacks, not the loan of the
//! context, not the call into a component. This is a program of its own, because its allocator counts.

#[path = "it/harness/recipes.rs"]
#[expect(dead_code, reason = "other cases train the other recipes")]
mod recipes;
#[path = "it/harness/wat_components.rs"]
#[expect(dead_code, reason = "other cases make callbacks of the other bodies")]
mod wat_components;

use std::fs;
use std::path::{Path, PathBuf};
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
use phasebox_train::trainer::Trainer;

/// A run of a single batch has no use for checkpoints.
const UNSAVED: &str = "training_hyperparams.save_model=false";

/// A callback that fires a phase from within the first batch, where the context and all its members are real.
struct Firing {
    folder: PathBuf,
    counts: Arc<Mutex<Vec<u64>>>,
}

impl Callback for Firing {
    fn name(&self) -> &str {
        "firing"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainBatchStart].into_iter().collect()
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let plugin = Box::new(no_op(&self.folder)?);
        let mut callbacks = Callbacks::default();
        callbacks.push(plugin, When::default(), OnError::Abort);
        fire(10, &mut callbacks, context)?;
        let info = allocation_counter::measure(|| {
            fire(1000, &mut callbacks, context).expect("what worked ten times");
        });
        let mut counts = self.counts.lock().expect("nobody else has it");
        counts.push(info.count_total);
        Ok(())
    }
}

fn fire(times: u64, callbacks: &mut Callbacks, context: &mut Lendable<Context>) -> Result<()> {
    for batch in 0..times {
        context.batch_idx = Some(batch);
        callbacks.fire(Phase::TrainBatchEnd, context)?;
    }
    Ok(())
}

/// A component that is called at the end of each batch, and does nothing.
fn no_op(folder: &Path) -> Result<Plugin> {
    let file = folder.join("no_op.wasm");
    let bytes = wat_components::component(&[("on-train-batch-end", "")]);
    fs::write(&file, bytes)?;
    let engine = Rc::new(PluginEngine::new(Engine::new(&folder.join("compiled"))?)?);
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
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("recipe.yaml");
    fs::write(&path, recipes::ONE_BATCH).expect("ours");
    let recipe = Recipe::load(path, &[UNSAVED.to_owned()]).expect("a recipe");
    let options = Options {
        runs_dir: folder.path().join("runs"),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options).expect("its parts");
    let counts = Arc::new(Mutex::new(Vec::new()));
    let firing = Firing {
        folder: folder.path().to_owned(),
        counts: counts.clone(),
    };
    assembly.add_callback(Box::new(firing), When::default(), OnError::Abort);
    let trained = assembly.trainer().and_then(Trainer::train);
    trained.expect("it trains");
    assert_eq!(*counts.lock().expect("training has ended"), [0]);
}
