//! The cost of a phase without the work it asks for: fired as the trainer fires it, on the trainer's own context, beside
//! the same calls made directly. docs/benchmarks.md lists the rows and says how to run them.

mod bare_wasmtime;
mod interleaved;
mod measure;

use std::cell::RefCell;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, Result};
use interleaved::nanoseconds;
use measure::{Row, is_wanted, repository};
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
use tch::{Device, Kind, Tensor};

/// Operations that the guest makes in one call; `tests/guests/bench` has the same number.
const OPERATIONS: f64 = 100.0;
/// Rows and columns of a matrix: few, since the arithmetic is not what is measured.
const SIDE: i64 = 32;

fn main() -> Result<()> {
    let groups = ["phase/", "operation/"];
    if !groups.into_iter().any(is_wanted) {
        return Ok(());
    }
    let overrides = [
        "phase_callbacks=[]",
        "training_hyperparams.max_epochs=1",
        "training_hyperparams.max_train_batches=1",
        "training_hyperparams.save_model=false",
    ];
    let recipe = Recipe::load(
        repository("recipes/digits.yaml"),
        &overrides.map(str::to_owned),
    )?;
    let runs = tempfile::tempdir()?;
    let options = Options {
        runs_dir: runs.path().to_owned(),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options)?;
    assembly.add_callback(
        Box::new(Bench {
            cache: runs.path().join("compiled"),
        }),
        When::default(),
        OnError::Abort,
    );
    assembly.trainer()?.train().map(drop)
}

/// A callback that times others from within the first batch, where the context is that of a real training.
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
        let mut component = of(component(&self.cache)?);
        let mut script = of(script(&self.cache)?);
        for phase in [Phase::TrainBatchEnd, Phase::EpochStart, EIGHT] {
            script
                .fire(phase, context)
                .context("the script cannot do its part")?;
        }
        for phase in [
            Phase::TrainingStart,
            Phase::TrainBatchEnd,
            Phase::EpochStart,
            EIGHT,
            IN_PLACE,
            RESULT,
        ] {
            component
                .fire(phase, context)
                .context("the guest cannot do its part")?;
        }
        if is_wanted("phase/") {
            phases(&mut component, context)?;
            scripts(&mut component, &mut script, context);
        }
        if is_wanted("operation/") {
            operations(&mut component, context)?;
        }
        Ok(())
    }
}

/// The phase at which the guest and the script ask for eight numbers.
const EIGHT: Phase = Phase::EpochEnd;

/// The script that does what `tests/guests/bench` does.
const SCRIPT: &str = "
fn on_train_batch_end(ctx) { }
fn on_epoch_start(ctx) { ctx.global_step; }
fn on_epoch_end(ctx) {
    ctx.global_step; ctx.global_step; ctx.global_step; ctx.global_step;
    ctx.global_step; ctx.global_step; ctx.global_step; ctx.global_step;
}";

/// The phase at which the guest changes a tensor in place, and the one at which it makes results.
const IN_PLACE: Phase = Phase::TrainLoaderStart;
const RESULT: Phase = Phase::TrainLoaderEnd;

/// Fires a phase `count` times, each in a batch of its own, so that limits of a step begin anew.
fn fire(callbacks: &mut Callbacks, phase: Phase, context: &mut Lendable<Context>, count: u64) {
    for batch in 0..count {
        context.batch_idx = Some(batch);
        // `on_phase` has fired each phase once, to show that it works.
        let _ = black_box(callbacks.fire(black_box(phase), context));
    }
}

fn phases(component: &mut Callbacks, context: &mut Lendable<Context>) -> Result<()> {
    let mut nobody = Callbacks::default();
    let mut native = of(Nothing);
    let [unsubscribed] =
        nanoseconds([&mut |n| fire(&mut nobody, Phase::TrainBatchEnd, context, n)]);
    let [native] = nanoseconds([&mut |n| fire(&mut native, Phase::TrainBatchEnd, context, n)]);
    let mut smallest = bare_wasmtime::Smallest::new()?;
    let mut same = bare_wasmtime::Guest::new(&guest())?;
    let component = Fired::new(component, context);
    let [no_op, getter, smallest, same] = nanoseconds([
        &mut |n| component.at(Phase::TrainBatchEnd, n),
        &mut |n| component.at(Phase::EpochStart, n),
        &mut |n| (0..n).for_each(|_| smallest.call()),
        &mut |n| (0..n).for_each(|_| same.call()),
    ]);
    row("phase/unsubscribed", unsubscribed, None, "at most 5 ns");
    row("phase/native no-op", native, None, "");
    row(
        "phase/component no-op",
        no_op,
        Some(("the same guest called by wasmtime alone", no_op / same)),
        "at most 1.25 ×",
    );
    row(
        "phase/component no-op, smallest",
        no_op,
        Some(("the smallest component of that signature", no_op / smallest)),
        "",
    );
    row("phase/component getter", getter - no_op, None, "");
    Ok(())
}

/// Times calls of a script beside those of a component that does the same.
fn scripts(component: &mut Callbacks, script: &mut Callbacks, context: &mut Lendable<Context>) {
    for (name, phase) in [
        ("phase/script no-op", Phase::TrainBatchEnd),
        ("phase/script getter", Phase::EpochStart),
        ("phase/script eight getters", EIGHT),
    ] {
        let [component] = nanoseconds([&mut |n| fire(component, phase, context, n)]);
        let [script] = nanoseconds([&mut |n| fire(script, phase, context, n)]);
        let against = ("a component in Rust", script / component);
        row(name, script, Some(against), "");
    }
}

/// Times one operation through handles, of the many that one call makes; the call itself is taken off.
fn operations(component: &mut Callbacks, context: &mut Lendable<Context>) -> Result<()> {
    let mut alone = bare_wasmtime::Results::new()?;
    let mut changed = matrix();
    let other = matrix();
    let component = Fired::new(component, context);
    let [empty, in_place, result, alone, tch_in_place, tch_result] = nanoseconds([
        &mut |n| component.at(Phase::TrainBatchEnd, n),
        &mut |n| component.at(IN_PLACE, n),
        &mut |n| component.at(RESULT, n),
        &mut |n| (0..n).for_each(|_| alone.call()),
        &mut |n| (0..n).for_each(|_| drop(black_box(changed.f_add_(&other)))),
        &mut |n| (0..n).for_each(|_| drop(black_box(other.f_neg()))),
    ]);
    for (name, phase, direct) in [
        ("operation/in place", in_place, tch_in_place),
        ("operation/result", result, tch_result),
    ] {
        let each = (phase - empty) / OPERATIONS;
        row(
            name,
            each,
            Some(("the same operation through tch", each / direct)),
            "at most 150 ns more than tch's",
        );
        let more = format!("{name}, more than through tch");
        row(&more, each - direct, None, "at most 150 ns");
    }
    let crossings = "operation/result, its crossings by wasmtime alone";
    row(crossings, alone / OPERATIONS, None, "");
    Ok(())
}

/// Callbacks and the context they are fired on, for several sides of one comparison.
struct Fired<'a> {
    callbacks: RefCell<&'a mut Callbacks>,
    context: RefCell<&'a mut Lendable<Context>>,
}

impl<'a> Fired<'a> {
    fn new(callbacks: &'a mut Callbacks, context: &'a mut Lendable<Context>) -> Fired<'a> {
        Fired {
            callbacks: RefCell::new(callbacks),
            context: RefCell::new(context),
        }
    }

    fn at(&self, phase: Phase, count: u64) {
        let mut callbacks = self.callbacks.borrow_mut();
        let mut context = self.context.borrow_mut();
        fire(&mut callbacks, phase, &mut context, count);
    }
}

fn row(name: &str, value: f64, against: Option<(&str, f64)>, bar: &str) {
    let unit = "ns";
    Row {
        name,
        value,
        unit,
        against,
        bar,
    }
    .print();
}

fn matrix() -> Tensor {
    Tensor::zeros([SIDE, SIDE], (Kind::Float, Device::Cpu))
}

fn of(callback: impl Callback + 'static) -> Callbacks {
    let mut callbacks = Callbacks::default();
    callbacks.push(Box::new(callback), When::default(), OnError::Abort);
    callbacks
}

/// A native callback that does nothing.
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

fn guest() -> PathBuf {
    repository("target/plugins/tests/bench-guest.wasm")
}

/// Loads the stock callback for scripts.
fn script(cache: &Path) -> Result<Plugin> {
    let params = serde_json::json!({ "file": "bench.rhai", "text": SCRIPT, "params": {} });
    loaded(cache, &repository("target/plugins/script.wasm"), params)
}

/// Loads tests/guests/bench, under the limits that a recipe would give it.
fn component(cache: &Path) -> Result<Plugin> {
    loaded(cache, &guest(), serde_json::Value::Null)
}

fn loaded(cache: &Path, file: &Path, params: serde_json::Value) -> Result<Plugin> {
    let engine = Rc::new(PluginEngine::new(Engine::new(cache)?)?);
    let component =
        Component::load(engine.engine(), file).context("build it with `cargo xtask plugins`")?;
    let settings = PluginSettings {
        name: "bench-guest".to_owned(),
        params,
        grants: Grants::default(),
        limits: Limits::default(),
        seed: 0,
    };
    let mut plugin = Plugin::new(&engine, &component, &settings)?;
    plugin.configure(&settings.params)?;
    plugin.describe_configured()?;
    Ok(plugin)
}
