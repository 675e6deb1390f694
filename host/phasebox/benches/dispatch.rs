//! What a phase costs beside the work it asks for: fired as the trainer fires it, on the trainer's own context, and
//! against the same calls made directly. The rows and how to run them: docs/benchmarks.md.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result, anyhow};
use criterion::Criterion;
use phasebox::assemble::{Assembly, Options};
use phasebox::callback::{Callback, Callbacks, OnError, When};
use phasebox::context::{Context, Lendable};
use phasebox::limits::Limits;
use phasebox::phase::{Phase, PhaseSet};
use phasebox::plugin::{Grants, Plugin, PluginComponent, PluginEngine, PluginSettings};
use phasebox::recipe::Recipe;
use wasmtime::component::{Component, Linker, Resource, ResourceType, TypedFunc};
use wasmtime::{Engine, Store};

fn main() -> Result<()> {
    let overrides = [
        "phase_callbacks=[]",
        "training_hyperparams.max_epochs=1",
        "training_hyperparams.max_train_batches=1",
        "training_hyperparams.save_model=false",
    ];
    let recipe = Recipe::load(repository("recipes/digits.yaml"), &overrides.map(str::to_owned))?;
    let runs = tempfile::tempdir()?;
    let options = Options { runs_dir: runs.path().to_owned(), ..Options::default() };
    let mut assembly = Assembly::new(&recipe, options)?;
    assembly.add_callback(
        Box::new(Bench { cache: runs.path().join("compiled") }),
        When::default(),
        OnError::Abort,
    );
    assembly.trainer()?.train().map(drop)
}

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// Times from within the first batch: there the context and all its parts are real.
struct Bench {
    cache: PathBuf,
}

impl Callback for Bench {
    fn name(&self) -> &str {
        "bench"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainBatchStart].into_iter().collect()
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let mut criterion = Criterion::default().configure_from_args();
        let mut nobody = Callbacks::default();
        let mut native = of(Nothing);
        let mut component = of(component(&self.cache)?);
        let mut row = |name: &str, callbacks: &mut Callbacks, phase| {
            fire(&mut criterion, name, callbacks, phase, context)
        };
        row("phase/unsubscribed", &mut nobody, Phase::TrainBatchEnd)?;
        row("phase/native no-op", &mut native, Phase::TrainBatchEnd)?;
        row("phase/component no-op", &mut component, Phase::TrainBatchEnd)?;
        row("phase/component getter", &mut component, Phase::EpochStart)?;
        row("phase/component operation", &mut component, Phase::EpochEnd)?;
        typed_call(&mut criterion)?;
        operation(&mut criterion, context)?;
        criterion.final_summary();
        Ok(())
    }
}

/// A phase, as the trainer fires it. The first call says whether it works at all.
fn fire(
    criterion: &mut Criterion,
    name: &str,
    callbacks: &mut Callbacks,
    phase: Phase,
    context: &mut Lendable<Context>,
) -> Result<()> {
    callbacks.fire(phase, context)?;
    criterion.bench_function(name, |bencher| bencher.iter(|| callbacks.fire(black_box(phase), context)));
    Ok(())
}

fn of(callback: impl Callback + 'static) -> Callbacks {
    let mut callbacks = Callbacks::default();
    callbacks.push(Box::new(callback), When::default(), OnError::Abort);
    callbacks
}

/// A callback in Rust that does nothing.
struct Nothing;

impl Callback for Nothing {
    fn name(&self) -> &str {
        "nothing"
    }

    fn phases(&self) -> PhaseSet {
        PhaseSet::ALL
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        black_box(context);
        Ok(())
    }
}

/// tests/guests/bench, under the limits that a recipe would give it.
fn component(cache: &Path) -> Result<Plugin> {
    let engine = Rc::new(PluginEngine::new(cache)?);
    let file = repository("target/plugins/tests/bench-guest.wasm");
    let component = PluginComponent::load(&engine, &file).context("build it with `cargo xtask plugins`")?;
    let settings = PluginSettings {
        name: "bench-guest".to_owned(),
        params: serde_json::Value::Null,
        grants: Grants::default(),
        limits: Limits::default(),
        seed: 0,
    };
    let mut plugin = Plugin::new(&engine, &component, &settings)?;
    plugin.configure(&settings.params)?;
    Ok(plugin)
}

/// A component with one function of a phase's type, which drops what it borrowed as every guest must.
const BARE: &str = r#"(component
  (import "context" (type $context (sub resource)))
  (core func $drop (canon resource.drop $context))
  (core module $code
    (import "host" "drop" (func $drop (param i32)))
    (memory (export "memory") 1)
    (func (export "phase") (param i32) (result i32) (call $drop (local.get 0)) (i32.const 0)))
  (core instance $instance (instantiate $code (with "host" (instance (export "drop" (func $drop))))))
  (func (export "phase") (param "ctx" (borrow $context)) (result (result (error string)))
    (canon lift (core func $instance "phase") (memory (core memory $instance "memory")))))"#;

/// What stands for the context in [`BARE`].
struct Lent;

type Phased = TypedFunc<(Resource<Lent>,), (std::result::Result<(), String>,)>;

/// wasmtime alone: no deadline, no limits, no hooks, nothing lent.
fn typed_call(criterion: &mut Criterion) -> Result<()> {
    let (mut store, function) = bare().map_err(|error| anyhow!(error))?;
    criterion.bench_function("wasmtime/typed call", |bencher| {
        bencher.iter(|| function.call(&mut store, (Resource::new_borrow(0),)))
    });
    Ok(())
}

fn bare() -> wasmtime::Result<(Store<()>, Phased)> {
    let engine = Engine::default();
    let component = Component::new(&engine, wat::parse_str(BARE)?)?;
    let mut linker = Linker::new(&engine);
    linker.root().resource("context", ResourceType::host::<Lent>(), |_, _| Ok(()))?;
    let mut store = Store::new(&engine, ());
    let instance = linker.instantiate(&mut store, &component)?;
    let function: Phased = instance.get_typed_func(&mut store, "phase")?;
    function.call(&mut store, (Resource::new_borrow(0),))?.0.map_err(wasmtime::Error::msg)?;
    Ok((store, function))
}

/// libtorch alone: the operation of the guest's `on-epoch-end` on the same tensor.
fn operation(criterion: &mut Criterion, context: &Context) -> Result<()> {
    let inputs = context.inputs.as_ref().context("a batch has inputs")?;
    criterion.bench_function("tch/operation", |bencher| bencher.iter(|| inputs.f_neg()));
    Ok(())
}
