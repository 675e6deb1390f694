//! The time to the start of a run, and memory: from exec to the first batch, from the cache to a callback, memory of
//! callbacks that do nothing, memory over a long run. docs/benchmarks.md lists the rows and says how to run them.

mod measure;

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use measure::{Row, is_measured, is_wanted, median, repository};
use phasebox_component::{Component, Engine};
use phasebox_contract::grants::Grants;
use phasebox_contract::limits::Limits;
use phasebox_plugin::{Plugin, PluginEngine, PluginSettings};
use serde_json::{Value, json};

/// A component in each language.
const LANGUAGES: [(&str, &str); 4] = [
    ("Rust", "tests/smooth-rust.wasm"),
    ("C", "languages/smooth-c.wasm"),
    ("Python", "languages/smooth-python.wasm"),
    ("JavaScript", "languages/smooth-js.wasm"),
];
/// The age from which on the cache trusts files by their times and does not read them.
const SETTLING: Duration = Duration::from_millis(3100);
const REPETITIONS: usize = 15;
const IDLE_CALLBACKS: usize = 50;
/// Epochs of 23 steps each; 10,005 steps in all.
const SOAK_EPOCHS: usize = 435;

/// Measures one group in a folder of its own.
type Measure = fn(&Path) -> Result<()>;

fn main() -> Result<()> {
    let groups: [(&str, Measure); 4] = [
        ("start/first batch", first_batch),
        ("start/load", load),
        ("memory/idle", idle_memory),
        ("memory/soak", soak),
    ];
    for (_, measure) in groups.into_iter().filter(|(name, _)| is_wanted(name)) {
        measure(tempfile::tempdir()?.path())?;
    }
    Ok(())
}

/// Timings of which the median counts.
fn repetitions() -> usize {
    if is_measured() { REPETITIONS } else { 1 }
}

/// Prints one row. `most` is the highest value that is wanted.
fn row(name: &str, value: f64, unit: &str, most: Option<f64>) {
    let bar = most.map_or(String::new(), |most| format!("at most {most} {unit}"));
    Row {
        name,
        value,
        unit,
        against: None,
        bar: &bar,
    }
    .print();
}

fn component(path: &str) -> PathBuf {
    repository("target/plugins").join(path)
}

/// Every stock callback, quiet enough for a long run.
const STOCK: &str = "
  - EarlyStopping: {patience: 1000000}
  - EMA: {decay: 0.99}
  - GradClip: {max_norm: 1.0}
  - GradNormMonitor: {every_n_steps: 10}
  - LrWarmupCosine: {warmup_steps: 1}
  - SaveFirstBatch: {max_images: 4}
  - TrainingStageSwitch: {next_stage_start_epoch: 0, set_loss: {label_smoothing: 0.0}}
  - Trace: {phases: [on-train-batch-end, on-epoch-end], artifact: false}
  - Script: {text: 'fn on_epoch_end(ctx) { state.epoch = ctx.epoch; }'}
";

/// Writes `recipe.yaml` on the digits, with the stock callbacks and `more`.
fn write_recipe(folder: &Path, training: &str, more: &str) -> Result<()> {
    let recipe = format!(
        "experiment_name: start\n\
         dataset: digits\n\
         train_dataloader_params: {{batch_size: 64}}\n\
         val_dataloader_params: {{batch_size: 360}}\n\
         architecture: {{mlp: {{hidden: [64]}}}}\n\
         training_hyperparams:\n  \
           initial_lr: 0.001\n  \
           loss: CrossEntropyLoss\n  \
           valid_metrics_list: [Accuracy]\n\
         {training}\
         phase_callbacks:{STOCK}{more}"
    );
    Ok(fs::write(folder.join("recipe.yaml"), recipe)?)
}

/// The real program, to be run in `folder`, with a cache of its own there.
fn phasebox(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phasebox"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join("cache"));
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

/// Times the start of the real program with ten callbacks: the stock ones and two more in Rust.
fn first_batch(folder: &Path) -> Result<()> {
    let more = |name: &str| {
        format!(
            "  - {{wasm: '{}', name: {name}, grants: [stop]}}\n",
            component("tests/smooth-rust.wasm").display()
        )
    };
    let training = "  max_epochs: 1\n  max_train_batches: 1\n  save_model: false\n";
    write_recipe(folder, training, &(more("first") + &more("second")))?;
    let to_main = || {
        until(
            phasebox(folder, &["--version"]).stdout(Stdio::piped()),
            "phasebox ",
        )
    };
    let train = ["train", "recipe.yaml"];
    let to_batch = || {
        until(
            phasebox(folder, &train).stderr(Stdio::piped()),
            "on-train-batch-end",
        )
    };
    // The first run compiles, the second takes the stamps of what the first has kept.
    to_batch()?;
    std::thread::sleep(SETTLING);
    to_batch()?;
    let (mut main, mut batch) = (Vec::new(), Vec::new());
    for _ in 0..repetitions() {
        main.push(to_main()?);
        batch.push(to_batch()?);
    }
    row(
        "start/exec to main (loads libtorch)",
        median(main),
        "s",
        None,
    );
    row(
        "start/exec to the end of the first batch, ten callbacks",
        median(batch),
        "s",
        Some(0.5),
    );
    Ok(())
}

/// Seconds until the process writes a line with `text` to the one of its outputs that is piped; waits for its end.
fn until(command: &mut Command, text: &str) -> Result<f64> {
    let started = Instant::now();
    let mut child = command.spawn()?;
    let output = child
        .stdout
        .take()
        .map(|output| Box::new(output) as Box<dyn Read>);
    let output = output
        .or(child.stderr.take().map(|errors| Box::new(errors) as _))
        .context("a pipe")?;
    let (mut said, mut seconds) = (Vec::new(), None);
    for line in BufReader::new(output).lines() {
        said.push(line?);
        if seconds.is_none() && said.last().is_some_and(|line| line.contains(text)) {
            seconds = Some(started.elapsed().as_secs_f64());
        }
    }
    child.wait()?;
    seconds.with_context(|| format!("no line with `{text}`: {}", said.join("\n")))
}

/// Times the way from a file to a component that can be instantiated, and from there to a callback that is ready.
fn load(folder: &Path) -> Result<()> {
    let cache = folder.join("compiled");
    let paths = LANGUAGES.map(|(language, path)| (language, component(path)));
    let there: Vec<_> = paths.iter().filter(|(_, path)| path.is_file()).collect();
    let engine = Rc::new(PluginEngine::new(Engine::new(&cache)?)?);
    for (_, path) in &there {
        Component::load(engine.engine(), path)?;
    }
    std::thread::sleep(SETTLING);
    for (language, path) in there {
        Component::load(engine.engine(), path)?;
        let (mut loads, mut starts) = (Vec::new(), Vec::new());
        for _ in 0..repetitions() {
            let (component, milliseconds) = timed(|| Component::load(engine.engine(), path))?;
            loads.push(milliseconds);
            starts.push(timed(|| plugin(&engine, &component, &json!({"smoothing": 0.5})))?.1);
        }
        row(
            &format!("start/load from the cache, {language}"),
            median(loads),
            "ms",
            Some(5.0),
        );
        row(
            &format!("start/instantiate and configure, {language}"),
            median(starts),
            "ms",
            None,
        );
    }
    let engines =
        (0..repetitions()).map(|_| Ok(timed(|| PluginEngine::new(Engine::new(&cache)?))?.1));
    row(
        "start/load: the engine",
        median(engines.collect::<Result<_>>()?),
        "ms",
        None,
    );
    Ok(())
}

/// Runs `make`. Returns its result and its milliseconds.
fn timed<T>(make: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let started = Instant::now();
    let made = make()?;
    Ok((made, started.elapsed().as_secs_f64() * 1e3))
}

fn plugin(engine: &Rc<PluginEngine>, component: &Component, params: &Value) -> Result<Plugin> {
    let settings = PluginSettings {
        name: "smooth".to_owned(),
        params: params.clone(),
        grants: Grants::default(),
        limits: Limits::default(),
        seed: 0,
    };
    let mut plugin = Plugin::new(engine, component, &settings)?;
    plugin.describe()?;
    plugin.configure(params)?;
    Ok(plugin)
}

/// Measures the memory of callbacks that are loaded and configured: more of them than a run has.
fn idle_memory(folder: &Path) -> Result<()> {
    let cache = folder.join("compiled");
    for (language, path) in LANGUAGES {
        let path = component(path);
        if !path.is_file() {
            continue;
        }
        let engine = Rc::new(PluginEngine::new(Engine::new(&cache)?)?);
        let one = |_| {
            plugin(
                &engine,
                &Component::load(engine.engine(), &path)?,
                &json!({}),
            )
        };
        // The first ones pay for memory that all share.
        let _first = [one(0)?, one(1)?];
        let before = resident_bytes("self")?;
        let idle = (0..IDLE_CALLBACKS)
            .map(one)
            .collect::<Result<Vec<Plugin>>>()?;
        let each = (resident_bytes("self")? - before) / IDLE_CALLBACKS as f64 / f64::from(1 << 20);
        drop(idle);
        row(
            &format!("memory/idle callback, {language}"),
            each,
            "MiB",
            (language == "Rust").then_some(3.0),
        );
    }
    Ok(())
}

/// Measures the memory of the real program with every stock callback, at the ends of its epochs.
fn soak(folder: &Path) -> Result<()> {
    write_recipe(folder, &format!("  max_epochs: {SOAK_EPOCHS}\n"), "")?;
    let mut command = phasebox(
        folder,
        &["train", "recipe.yaml", "--json", "--threads", "1"],
    );
    let mut child = command.stdout(Stdio::piped()).spawn()?;
    let process = child.id().to_string();
    let mut samples = Vec::new();
    for line in BufReader::new(child.stdout.take().context("the output is ours")?).lines() {
        let event: Value = serde_json::from_str(&line?)?;
        if let Some(step) = event["step"].as_u64() {
            samples.push((step, resident_bytes(&process)? / f64::from(1 << 20)));
        }
    }
    anyhow::ensure!(child.wait()?.success(), "the run failed");
    let after = |step| {
        samples
            .iter()
            .find(|(at, _)| *at >= step)
            .map(|(_, mebibytes)| *mebibytes)
    };
    let (early, late) = after(2_000)
        .zip(after(10_000))
        .context("the run was long enough")?;
    row("memory/soak at step 2,000", early, "MiB", None);
    row(
        "memory/soak growth from step 2,000 to 10,000",
        late - early,
        "MiB",
        Some(2.0),
    );
    Ok(())
}

fn resident_bytes(process: &str) -> Result<f64> {
    let pages = fs::read_to_string(format!("/proc/{process}/statm"))?;
    let pages = pages
        .split(' ')
        .nth(1)
        .context("statm has a second number")?;
    Ok(pages.parse::<f64>()? * 4096.0)
}
