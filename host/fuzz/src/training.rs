//! A whole training of a few batches with a callback: real data, a small network, and everything that a callback can
//! reach. Checks the files that the run leaves.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::Recipe;
use phasebox_train::callback::Callback;
use phasebox_train::trainer::Summary;

/// The set-up of a training: each bit is one switch.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Variant(pub u8);

impl Variant {
    /// A training with every switch off.
    pub const PLAIN: Variant = Variant(0);

    /// A training with a moving average of the network.
    pub(crate) const AVERAGED: Variant = Variant(1);

    const SWITCHES: [&str; 7] = [
        "training_hyperparams.ema=true",
        "training_hyperparams.save_model=true",
        "training_hyperparams.mixed_precision=bf16",
        "training_hyperparams.batch_accumulate=2",
        "training_hyperparams.nan_policy=abort",
        "training_hyperparams.optimizer=SGD",
        "dataset_params.test_fraction=0",
    ];

    /// A network with buffers, which needs images. To unpack images takes ten times as long as all the rest, so this is
    /// the only variant with them.
    const IMAGES: Variant = Variant(255);

    /// The overrides of the recipe.
    fn arguments(self) -> Vec<String> {
        let images = [
            "dataset=digits",
            "dataset_params=null",
            "architecture=convnet",
            "arch_params={channels: [2]}",
        ];
        let is_on = |bit: &usize| self.0 >> bit & 1 == 1;
        let arguments: Vec<&str> = match self {
            Self::IMAGES => images.to_vec(),
            _ => (0..Self::SWITCHES.len())
                .filter(is_on)
                .map(|bit| Self::SWITCHES[bit])
                .collect(),
        };
        arguments.into_iter().map(str::to_owned).collect()
    }
}

/// Low limits, so that they are met and a run takes milliseconds.
pub fn limits() -> Limits {
    const MILLISECOND: u64 = 1_000_000;
    let little = [
        (Limit::Time, 50 * MILLISECOND),
        (Limit::StepTime, 100 * MILLISECOND),
        (Limit::LoadTime, 200 * MILLISECOND),
        (Limit::Memory, 32 << 20),
        (Limit::Handles, 40),
        (Limit::Tensors, 1 << 20),
        (Limit::CallTensors, 4 << 20),
        (Limit::Launches, 2000),
        (Limit::Passes, 20),
        (Limit::Syncs, 200),
        (Limit::HostCalls, 2000),
        (Limit::HostBytes, 1 << 20),
        (Limit::LogLines, 10),
        (Limit::LogValues, 50),
        (Limit::MetricNames, 50),
        (Limit::Artifacts, 1 << 20),
        (Limit::ArtifactFiles, 10),
        (Limit::State, 1 << 16),
    ];
    little
        .into_iter()
        .fold(Limits::default(), |limits, (limit, amount)| {
            limits.with(limit, amount)
        })
}

/// Trains with `callback`. The run may fail with an error; the files it leaves are whole.
///
/// # Errors
/// The error that ended the run.
///
/// # Panics
/// If the files of the run cannot be read.
pub fn run(callback: Box<dyn Callback>, variant: Variant) -> Result<Summary> {
    let runs = tempfile::tempdir().expect("a folder for runs");
    run_in(runs.path(), callback, variant)
}

/// [`run`] in a folder of choice, which holds the run afterwards.
pub(crate) fn run_in(
    runs: &Path,
    callback: Box<dyn Callback>,
    variant: Variant,
) -> Result<Summary> {
    tch::set_num_threads(1);
    let recipe = recipe(variant);
    let options = Options {
        runs_dir: runs.to_owned(),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options).expect("the recipe is right");
    assembly.add_callback(callback, When::default(), OnError::Ignore);
    let trained = assembly
        .trainer()
        .expect("a new folder can be written")
        .train();
    check_run(&only_one(&only_one(runs)));
    trained
}

thread_local! {
    static RECIPES: RefCell<HashMap<Variant, Rc<Recipe>>> = RefCell::default();
}

/// The recipe of a variant, read once.
pub(crate) fn recipe(variant: Variant) -> Rc<Recipe> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("training.yaml");
    let load = || Rc::new(Recipe::load(path, &variant.arguments()).expect("the recipe is right"));
    RECIPES.with(|recipes| {
        recipes
            .borrow_mut()
            .entry(variant)
            .or_insert_with(load)
            .clone()
    })
}

fn only_one(folder: &Path) -> PathBuf {
    let mut entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let first = entries.next().expect("something is there");
    assert!(
        entries.next().is_none(),
        "{} holds more than {}",
        folder.display(),
        first.display()
    );
    first
}

/// Checks that machines can read the logs of a run.
pub(crate) fn check_run(run: &Path) {
    let read = |name: &str| {
        fs::read_to_string(run.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text);
    for line in read("metrics.jsonl").lines() {
        parse(line).unwrap_or_else(|error| panic!("metrics.jsonl: {error}: {line}"));
    }
    parse(&read("summary.json")).expect("summary.json is JSON");
}
