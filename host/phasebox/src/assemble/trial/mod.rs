//! The trial of a recipe: its own parts train and validate for a few small batches, and everything is thrown away. What
//! must fail in a run fails here, with the place in the recipe. Owns what a trial leaves out of a run, and that it leaves
//! nothing behind; `probe` watches it, `blame` says which section is at fault.

mod blame;
mod boxes;
mod outputs;
mod probe;
mod samples;
mod weights;

use std::path::Path;

use anyhow::{Context as _, Error, Result};
pub use phasebox_data::Extent;
use phasebox_nn::model::Model;
use phasebox_recipe::Recipe;
use phasebox_train::accumulation::Accumulation;
use phasebox_train::callback::CallbackFailed;
use phasebox_train::checkpoint;
use phasebox_train::logger::RunFolder;
use phasebox_train::trainer::{CallbackSummary, LossNotFinite, Settings, Summary, Trainer};
use tch::{Device, Tensor};
use tracing::subscriber::{NoSubscriber, with_default};

use self::blame::Blame;
use self::outputs::Classes;
use self::probe::Probe;
use self::weights::Broken;
use super::build::Built;
use super::{Assembly, Options, callbacks, context, settings};

/// Batches of an epoch, at most: two are enough to add up gradients.
const MAX_BATCHES: u64 = 2;
/// The most bytes of weights that a trial saves and reads back; with more it saves nothing.
const MAX_SAVED_BYTES: usize = 16 << 20;

/// A trial that went through.
#[derive(Debug)]
pub struct Tried {
    /// Failures of callbacks that the recipe's `on_error` lets a run go on after, each with its place.
    pub warnings: Vec<String>,
    /// A signal ended the trial before its end.
    pub is_interrupted: bool,
}

impl Assembly<'_> {
    /// [`Assembly::trial`] with two samples. Where a callback fails, or the loss or the weights are no use, two samples may
    /// be too few: the assembly that `again` makes is then tried with a whole batch, and decides.
    ///
    /// # Errors
    /// The errors of [`Assembly::trial`].
    pub fn trial_of_two<'a>(self, again: impl FnOnce() -> Result<Assembly<'a>>) -> Result<Tried> {
        let error = match self.trial(Extent::TwoSamples) {
            Err(error) if may_be_of_two(&error) => error,
            tried => return tried,
        };
        let mut tried = again()?.trial(Extent::WholeBatch)?;
        if !error.is::<Broken>() {
            let warning = format!("with two samples only: {error:#}");
            tried.warnings.push(warning);
        }
        Ok(tried)
    }

    /// Looks at the boxes of the data, which a training would miss in its first validation. Answers a line about those of
    /// validation.
    ///
    /// # Errors
    /// The section at fault, with the remedy.
    pub(crate) fn look_at_boxes(&self) -> Result<Option<String>> {
        boxes::look_at(&self.recipe, &self.built, &self.watched, None)
    }

    /// True if a stage of training begins in a later epoch, with values that nothing but a trial looks at before.
    pub(crate) fn has_later_stage(&self) -> bool {
        let mut callbacks = self.callbacks.iter();
        callbacks.any(|callback| callback.is_stock("training-stage-switch"))
    }

    /// Trains, validates and tests on a few samples, in the first and the last epoch. Files go to a folder that is removed
    /// at the end, messages nowhere; random numbers are put back. Callbacks' requests to end the run are dropped. Callbacks
    /// added with [`Assembly::add_callback`] are called as in a run.
    ///
    /// # Errors
    /// The failure that a run would end with too, with its place in the recipe.
    pub fn trial(self, extent: Extent) -> Result<Tried> {
        let randomness = Randomness::kept(self.built.net.device())?;
        let folder = tempfile::tempdir().context("a trial needs a folder")?;
        let silence = NoSubscriber::default();
        let tried = with_default(silence, || self.tried(extent, folder.path()));
        randomness.put_back()?;
        folder.close().context("the folder of a trial stays")?;
        tried
    }

    fn tried(self, extent: Extent, folder: &Path) -> Result<Tried> {
        let Assembly {
            recipe,
            options,
            built,
            callbacks,
            watched,
            ..
        } = self;
        let recipe: &Recipe = &recipe;
        let unseen = samples::look_at(recipe, &built, extent)?;
        let without_boxes = boxes::look_at(recipe, &built, &watched, Some(extent))?;
        let built = built.excerpt(recipe, extent);
        let settings = trial_settings(recipe, &built.net)?;
        let is_saved = settings.saving.enabled;
        let blame = Blame::new(recipe, &callbacks, &built)?;
        let classes = Classes::of(recipe, &built);
        let (mut callbacks, _) = callbacks::into_callbacks(callbacks);
        let (probe, seen) = Probe::new();
        callbacks.push(Box::new(probe), Default::default(), Default::default());
        let run = RunFolder::create(folder, &recipe.experiment_name)?;
        let schedule = built.schedule.clone();
        let mut context = context(recipe, built, watched, &run);
        let planned = u64::from(context.accumulation.planned()).min(MAX_BATCHES);
        context.accumulation = Accumulation::new(planned as u32);
        let mut trainer = Trainer::new(context, callbacks, settings, schedule, run.clone());
        let Options { interrupt, .. } = options;
        trainer.interrupt_on(interrupt);
        let summary = trainer.train();
        let unused_outputs = classes.check(&seen.borrow())?;
        if summary
            .as_ref()
            .err()
            .is_none_or(Error::is::<LossNotFinite>)
        {
            // A loss that is no number may come from them.
            seen.borrow().weights.check(recipe)?;
        }
        let summary = summary.map_err(|error| blame.place(error, &seen.borrow()))?;
        if is_saved && !summary.is_interrupted() {
            read_back(&run)?;
        }
        let mut warnings = warnings(&summary, &blame);
        warnings.extend(unused_outputs);
        warnings.extend(unseen);
        warnings.extend(without_boxes);
        Ok(Tried {
            warnings,
            is_interrupted: summary.is_interrupted(),
        })
    }
}

/// True for failures that more samples may not have.
fn may_be_of_two(error: &Error) -> bool {
    error.is::<CallbackFailed>() || error.is::<LossNotFinite>() || error.is::<Broken>()
}

impl Built {
    /// These parts, with loaders that read a few batches an epoch.
    fn excerpt(self, recipe: &Recipe, extent: Extent) -> Built {
        let accumulate = recipe.training_hyperparams.batch_accumulate;
        let batches = accumulate.clamp(1, MAX_BATCHES) as usize;
        let test = self.test_loader;
        Built {
            train_loader: self.train_loader.excerpt(extent, batches),
            valid_loader: self.valid_loader.excerpt(extent, 1),
            test_loader: test.map(|test| test.excerpt(extent, 1)),
            ..self
        }
    }
}

/// The recipe's settings, but for what a trial leaves out.
fn trial_settings(recipe: &Recipe, net: &Model) -> Result<Settings> {
    let mut settings = settings::settings(recipe)?;
    settings.skips_middle_epochs = true;
    settings.record_steps = false;
    settings.saving.every_steps = None;
    settings.saving.enabled &= bytes(net) <= MAX_SAVED_BYTES;
    Ok(settings)
}

/// The memory that the parameters of a network take.
fn bytes(net: &Model) -> usize {
    let parameters = net.parameters().iter();
    let sizes = parameters.map(|(_, tensor)| tensor.numel() * tensor.kind().elt_size_in_bytes());
    sizes.sum()
}

/// Reads the checkpoint that the trial wrote.
fn read_back(run: &RunFolder) -> Result<()> {
    if let Some(newest) = checkpoint::newest(run.path())? {
        checkpoint::load(&newest).context("the checkpoint of the trial cannot be read back")?;
    }
    Ok(())
}

/// The failures of callbacks that did not end the trial.
fn warnings(summary: &Summary, blame: &Blame<'_>) -> Vec<String> {
    let callbacks = summary.callbacks.iter();
    callbacks
        .flat_map(|callback| callback_warnings(callback, blame))
        .collect()
}

fn callback_warnings(callback: &CallbackSummary, blame: &Blame<'_>) -> Vec<String> {
    let failures = callback.failures.iter();
    failures
        .map(|failure| {
            let (name, phase) = (&callback.name, &failure.phase);
            let (message, done) = (&failure.message, &failure.done);
            let text = format!("callback `{name}` failed at {phase}: {message}; {done}");
            blame.at_callback(name, message, &text)
        })
        .collect()
}

/// The states of the generators of random numbers.
struct Randomness(Vec<(Device, Tensor)>);

impl Randomness {
    fn kept(device: Device) -> Result<Randomness> {
        let mut states = vec![(Device::Cpu, torch_ext::rng_state(Device::Cpu)?)];
        if device != Device::Cpu {
            states.push((device, torch_ext::rng_state(device)?));
        }
        Ok(Randomness(states))
    }

    fn put_back(&self) -> Result<()> {
        for (device, state) in &self.0 {
            torch_ext::set_rng_state(*device, state)?;
        }
        Ok(())
    }
}
