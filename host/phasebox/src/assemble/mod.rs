//! From a recipe to a trainer: the one place where the parts meet. Knows every part and is known only by the
//! command line and by programs that use phasebox as a library. Decides nothing about training.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! use phasebox::assemble::{Assembly, Options};
//! let recipe = phasebox_recipe::Recipe::load("recipes/digits.yaml", &[])?;
//! let summary = Assembly::new(&recipe, Options::default())?.trainer()?.train()?;
//! println!("{:?}", summary.best);
//! # Ok(())
//! # }
//! ```

mod build;
mod callback_names;
mod callbacks;
mod classes;
mod detection_pictures;
mod evaluation;
mod facts;
mod folders;
mod kinds;
mod lock;
mod names;
mod policy;
mod process_cache;
mod replay;
mod resume;
mod script;
mod search;
mod settings;
mod sources;
mod start;
mod stock;
mod trial;
mod watched;
mod without_effect;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use tch::Device;
use torch_ext::Items;

use self::build::Built;
pub use self::build::Data;
pub use self::callbacks::PlannedCallback;
use self::lock::Locked;
pub use self::lock::lock_beside;
pub use self::policy::Policies;
pub use self::process_cache::ProcessCache;
pub(crate) use self::process_cache::{downloads, engine};
pub use self::replay::StandIn;
pub use self::script::SCRIPT;
pub(crate) use self::search::Search;
pub(crate) use self::settings::tag;
use self::start::Start;
pub use self::stock::StockCallbacks;
pub use self::trial::{Extent, Tried};
use self::watched::Watched;
use phasebox_contract::phase::Phase;
use phasebox_contract::policy::{OnError, When};
use phasebox_data::{DataLoader, Outline};
use phasebox_recipe::{DeviceChoice, Note, Precision, Recipe};
use phasebox_train::accumulation::Accumulation;
use phasebox_train::callback::{Callback, Subscriber};
use phasebox_train::context::{Context, RunFacts};
use phasebox_train::control::Control;
use phasebox_train::interrupt::Interrupt;
use phasebox_train::logger::{Logger, Progress, RunFolder};
use phasebox_train::split::Split;
use phasebox_train::trace::Trace;
use phasebox_train::trainer::{RecordingPlan, Trainer};

/// Options of the command line, beside the recipe.
pub struct Options {
    /// The data that the parts are built with.
    pub data: Data,
    /// In place of the recipe's device.
    pub device: Option<DeviceChoice>,
    /// Where runs are kept.
    pub runs_dir: PathBuf,
    /// Its folder is removed after it, and nobody goes on with the run.
    pub is_trial: bool,
    /// A run's folder to go on with.
    pub resume: Option<PathBuf>,
    /// Where stock callbacks are found, before the usual places.
    pub plugins_dir: Option<PathBuf>,
    /// Where compiled callbacks are kept; the user's cache folder if none.
    pub cache_dir: Option<PathBuf>,
    /// The file that callbacks are held to, if it is there: see [`lock_beside`].
    pub lock: Option<PathBuf>,
    /// A policy beside the machine's own.
    pub policy: Option<PathBuf>,
    /// How progress is shown.
    pub progress: Progress,
    /// Signals to obey.
    pub interrupt: Interrupt,
    /// The file that is replayed in the place of a callback's own.
    pub stand_in: Option<StandIn>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            data: Data::default(),
            device: None,
            runs_dir: PathBuf::from("runs"),
            is_trial: false,
            resume: None,
            plugins_dir: None,
            cache_dir: None,
            lock: None,
            policy: None,
            progress: Progress::silent(),
            interrupt: Interrupt::ignored(),
            stand_in: None,
        }
    }
}

/// A recipe whose parts all exist and fit, and of which nothing is on disk yet.
pub struct Assembly<'a> {
    /// As it was given, but for names of callbacks that are files: those are the files.
    recipe: Cow<'a, Recipe>,
    /// Lines about those names.
    hidden: Vec<Note>,
    options: Options,
    built: Built,
    callbacks: Vec<PlannedCallback>,
    watched: Watched,
    policies: Policies,
}

impl<'a> Assembly<'a> {
    /// Builds every part and loads every callback; a recipe that passes can train.
    ///
    /// # Errors
    /// The first thing that does not fit, with its place in the recipe.
    pub fn new(recipe: &'a Recipe, options: Options) -> Result<Assembly<'a>> {
        Self::with(recipe, options, &mut ProcessCache::default())
    }

    /// Builds as [`Assembly::new`] does, with the engine and the data sets that earlier runs of this process have kept.
    ///
    /// # Errors
    /// The errors of [`Assembly::new`].
    pub fn with(
        recipe: &'a Recipe,
        options: Options,
        cache: &mut ProcessCache,
    ) -> Result<Assembly<'a>> {
        stock::check_folder(options.plugins_dir.as_deref())?;
        let policies = Policies::read(options.policy.as_deref())?;
        let search = Search::of(recipe, options.plugins_dir.as_deref())?;
        let (hidden, recipe) = (search.hidden(recipe), search.resolved(recipe));
        policies.check(&recipe, &options)?;
        names::check(&recipe, &search)?;
        let built = build(&recipe, &options, &policies, cache)?;
        let mut callbacks =
            callbacks::load(&recipe, &built, &options, (&policies, &search), cache)?;
        let published = callbacks.iter().flat_map(PlannedCallback::metrics);
        let others = replay::published_by_others(&recipe, &options);
        let published: Vec<String> = published.cloned().chain(others).collect();
        let watched = Watched::of(&recipe, &built, &published)?;
        if !callbacks.is_empty() {
            let mut facts = facts::facts(&recipe, &built, &published, &watched)?;
            let mut callbacks = callbacks.iter_mut();
            callbacks.try_for_each(|callback| callback.check_run(&mut facts))?;
        }
        let assembly = Assembly {
            recipe,
            hidden,
            options,
            built,
            callbacks,
            watched,
            policies,
        };
        if assembly.options.stand_in.is_none() {
            without_effect::refuse(&assembly.facts())?;
        }
        Ok(assembly)
    }

    /// Everything that decides whether a key of the recipe does something.
    fn facts(&self) -> without_effect::Facts<'_> {
        without_effect::Facts {
            recipe: &self.recipe,
            built: &self.built,
            callbacks: &self.callbacks,
            is_resumed: self.options.resume.is_some(),
        }
    }

    /// Adds a callback written in Rust, after those of the recipe.
    pub fn add_callback(&mut self, callback: Box<dyn Callback>, when: When, on_error: OnError) {
        self.callbacks
            .push(PlannedCallback::native(callback, when, on_error));
    }

    /// Has the run write a trace: a callback before all others, which finds what each of them finds.
    pub fn trace(&mut self, trace: Trace) {
        let traces = PlannedCallback::native(Box::new(trace), When::default(), OnError::Disable);
        self.callbacks.insert(0, traces);
    }

    /// The callbacks in the order they run in.
    pub fn callbacks(&self) -> &[PlannedCallback] {
        &self.callbacks
    }

    /// Writes a lock: held to it, callbacks must be these to the byte.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_lock(&self, path: &Path) -> Result<()> {
        lock::write(path, &callbacks::locked(&self.callbacks))
    }

    /// One line a part, for `phasebox check`.
    pub fn describe_parts(&self) -> Vec<String> {
        let mut lines = self.built.describe();
        let policies = self.policies.describe().into_iter();
        lines.extend(policies.map(|policy| format!("policy      {policy}")));
        lines
    }

    /// The recipe's notes, what became of the weights that it starts from, and one about each key that has no effect in
    /// this run.
    ///
    /// # Errors
    /// None that a recipe can cause.
    pub fn notes(&self) -> Result<Vec<Note>> {
        let mut notes = self.recipe.notes.clone();
        notes.extend_from_slice(&self.hidden);
        notes.extend(sources::stale(&self.recipe));
        notes.extend_from_slice(&self.built.notes);
        notes.extend(build::note_on_rates(&self.recipe, &self.built));
        notes.extend(classes::note(&self.recipe, &self.built));
        notes.extend(without_effect::notes(&self.facts())?);
        Ok(notes)
    }

    /// The loaders of all splits.
    pub(crate) fn loaders(&self) -> impl Iterator<Item = &DataLoader> {
        let Built {
            train_loader,
            valid_loader,
            test_loader,
            ..
        } = &self.built;
        [train_loader, valid_loader].into_iter().chain(test_loader)
    }

    /// A line about pixels of validation on another scale than the network was trained with.
    ///
    /// # Errors
    /// A first sample that cannot be read.
    pub(crate) fn note_on_scale(&self, outline: &Outline) -> Result<Option<Note>> {
        let loader = &self.built.valid_loader;
        let is_same = outline.is_on_scale_of(loader)?;
        let scale = loader.scale()?.filter(|_| !is_same);
        let transforms = &self.recipe.val_transforms;
        Ok(scale.map(|scale| Note {
            location: transforms.location.clone(),
            text: format!(
                "the network was trained with pixels on another scale than these, which is from {}: end `val_transforms` \
                 as `train_transforms` of its run",
                scale.source
            ),
        }))
    }

    /// The fate of the weights that the recipe starts from: prefixes that were taken off, tensors that were left out.
    pub fn notes_on_weights(&self) -> &[Note] {
        &self.built.notes
    }

    /// How a step is recorded, or why it is not, for `phasebox check`.
    ///
    /// # Errors
    /// Settings that make no sense.
    pub fn describe_recording(&self) -> Result<Vec<String>> {
        let settings = settings::settings(&self.recipe)?;
        let subscribers: Vec<Subscriber<'_>> = self
            .callbacks
            .iter()
            .map(PlannedCallback::subscriber)
            .collect();
        let facts = settings.facts(self.built.net.architecture());
        Ok(RecordingPlan::new(&subscribers, facts).report())
    }

    /// For each phase that somebody wants, who is called, in order.
    pub fn plan(&self) -> Vec<(Phase, Vec<&str>)> {
        let all = Phase::ALL.into_iter();
        all.map(|phase| (phase, self.called_at(phase)))
            .filter(|(_, names)| !names.is_empty())
            .collect()
    }

    fn called_at(&self, phase: Phase) -> Vec<&str> {
        let callbacks = self.callbacks.iter();
        callbacks
            .filter(|callback| callback.phases().contains(phase))
            .map(PlannedCallback::name)
            .collect()
    }

    /// Makes the run's folder, or opens the one to go on with, and hands everything to a trainer.
    ///
    /// # Errors
    /// If the folder cannot be written or the checkpoint does not fit the recipe. Nothing is then changed on disk.
    pub fn trainer(self) -> Result<Trainer> {
        let recipe_text = self.recipe.to_yaml()?;
        let Start { folder, from } = Start::find(&self.recipe, &self.options, &self.built.net)?;
        let run = folder.run().clone();
        let (mut trainer, locked) = self.trainer_in(&run)?;
        if let Some(from) = from {
            from.restore(&mut trainer)?;
        }
        if trainer.is_over() {
            return Ok(trainer);
        }
        // The files of an earlier run are changed only now, when it is clear that this run can go on with them.
        trainer.hold(folder.keep()?);
        run.keep_recipe(&recipe_text)?;
        lock::record(&run, &locked)?;
        Ok(trainer)
    }

    /// The trainer of a run in `run`, and its callbacks' records. Changes nothing on disk.
    fn trainer_in(self, run: &RunFolder) -> Result<(Trainer, Vec<Locked>)> {
        let settings = settings::settings(&self.recipe)?;
        let schedule = self.built.schedule.clone();
        let context = context(&self.recipe, self.built, self.watched, run);
        let (callbacks, locked) = callbacks::into_callbacks(self.callbacks);
        let mut trainer = Trainer::new(context, callbacks, settings, schedule, run.clone());
        trainer.show_on(self.options.progress);
        trainer.interrupt_on(self.options.interrupt);
        if self.options.is_trial {
            trainer.is_for_trial();
        }
        Ok((trainer, locked))
    }
}

/// The reason why there is no CUDA device at all on this machine, where `choice` is one.
pub fn missing_cuda(choice: Option<DeviceChoice>) -> Option<String> {
    let Some(DeviceChoice::Cuda(_)) = choice else {
        return None;
    };
    match torch_ext::load_cuda().and_then(|()| torch_ext::cuda_device_count()) {
        Ok(0) => Some("there is no device".to_owned()),
        Ok(_) => None,
        Err(error) => Some(first_line(&format!("{error:#}")).to_owned()),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

/// The parts that a run is made of, but for callbacks.
fn build(
    recipe: &Recipe,
    options: &Options,
    policies: &Policies,
    cache: &mut ProcessCache,
) -> Result<Built> {
    let device = open_device(recipe, options)?;
    torch_ext::use_deterministic_kernels(recipe.training_hyperparams.deterministic_kernels)?;
    torch_ext::allow_tf32(recipe.training_hyperparams.allow_tf32)?;
    let built = Built::build(recipe, &options.data, device, policies, cache)?;
    kinds::check(recipe, &built)?;
    classes::check(recipe, &built)?;
    Ok(built)
}

/// The device of the command line, or else of the recipe.
fn open_device(recipe: &Recipe, options: &Options) -> Result<Device> {
    let index = match options.device.or(recipe.device) {
        None | Some(DeviceChoice::Cpu) => return Ok(Device::Cpu),
        Some(DeviceChoice::Cuda(index)) => index,
    };
    let opened = phasebox_train::device::open(&format!("cuda:{index}"));
    let written = recipe.resolved.get("device");
    match written.filter(|_| options.device.is_none()) {
        Some(written) => build::at(&[written], opened),
        None => opened,
    }
}

fn context(recipe: &Recipe, built: Built, watched: Watched, run: &RunFolder) -> Context {
    let training = &recipe.training_hyperparams;
    Context {
        phase: Phase::TrainingStart,
        split: Split::Train,
        epoch: None,
        batch_idx: None,
        global_step: 0,
        samples_seen: 0,
        is_last_batch: false,
        is_accumulation_boundary: false,
        outcome: None,
        started: Instant::now(),
        elapsed_before: Duration::ZERO,
        inputs: None,
        target: None,
        preds: None,
        loss: None,
        loss_log_items: None,
        additional_batch_items: Items::NONE,
        batch_size: 0,
        device: built.net.device(),
        net: built.net,
        ema_model: built.ema,
        optimizer: built.optimizer,
        criterion: built.criterion,
        train_loader: built.train_loader,
        valid_loader: built.valid_loader,
        test_loader: built.test_loader,
        logger: Logger::new(run),
        running_metrics: built.metrics,
        metrics_dict: Vec::new(),
        best_metric: None,
        best_epoch: None,
        accumulation: Accumulation::new(
            u32::try_from(training.batch_accumulate).unwrap_or(u32::MAX),
        ),
        control: Control::default(),
        untraced: None,
        run: run_facts(recipe, watched, run, built.warmup_epochs),
    }
}

fn run_facts(
    recipe: &Recipe,
    watched: Watched,
    run: &RunFolder,
    lr_warmup_epochs: u32,
) -> RunFacts {
    let training = &recipe.training_hyperparams;
    RunFacts {
        seed: training.seed,
        max_epochs: u32::try_from(training.max_epochs).unwrap_or(u32::MAX),
        experiment_name: recipe.experiment_name.clone(),
        ckpt_dir: run.path().display().to_string(),
        training_params: section_as_json(recipe, "training_hyperparams"),
        checkpoint_params: section_as_json(recipe, "checkpoint_params"),
        arch_params: section_as_json(recipe, "arch_params"),
        metric_to_watch: watched.metric,
        greater_metric_to_watch_is_better: watched.greater_is_better,
        lr_warmup_epochs,
        silent_mode: training.silent_mode,
        autocast: training.mixed_precision == Precision::Bfloat16,
    }
}

/// A section of the resolved recipe; an absent one is an empty object.
fn section_as_json(recipe: &Recipe, key: &str) -> String {
    recipe
        .resolved
        .get(key)
        .map_or_else(|| "{}".to_owned(), |node| node.to_json().to_string())
}
