//! Options that the commands that train have in common: where runs go, how they are shown, one run from its recipe to its
//! summary.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use phasebox_contract::quantity::{Amount, Measure};
use phasebox_recipe::Recipe;
use phasebox_train::interrupt::Interrupt;
use phasebox_train::logger::Progress;
use phasebox_train::trace::{Bounds, Parts, Trace};
use phasebox_train::trainer::Summary;

use super::messages::show_messages;
use super::print::print;
use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, Options, ProcessCache};

#[derive(Args)]
pub(super) struct TrainOptions {
    /// Where runs are kept.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    pub(super) runs_dir: PathBuf,
    /// Threads of libtorch on the CPU, one a core by default. On cores that others use too, fewer are faster.
    /// Sums depend on it in their last bits.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
    /// Show progress as JSON lines on standard output.
    #[arg(long)]
    pub(super) json: bool,
    /// Write a trace of the run, to feed callbacks with (`phasebox test X.wasm --replay RUN`). It has what callbacks can read
    /// without waiting, the loss, and the tensors that are named: inputs, target, preds, additional, gradients,
    /// parameters, buffers.
    #[arg(long, value_name = "WHAT,…", num_args = 0..=1, default_missing_value = "", value_parser = parts)]
    trace: Option<Parts>,
    /// Batches of training after which the trace ends.
    #[arg(long, value_name = "N", requires = "trace", default_value_t = 500, value_parser = clap::value_parser!(u64).range(1..))]
    trace_steps: u64,
    /// The size at which the trace ends.
    #[arg(long, value_name = "SIZE", requires = "trace", default_value = "256MiB", value_parser = size)]
    trace_size: u64,
}

fn parts(text: &str) -> anyhow::Result<Parts> {
    text.parse()
}

fn size(text: &str) -> anyhow::Result<u64> {
    let bytes = text.parse::<Amount>().ok();
    let bytes = bytes.and_then(|amount| amount.in_measure(Measure::Bytes));
    bytes.with_context(|| format!("expected {}", Measure::Bytes.expected()))
}

/// The state that lasts from one run of a process to the next.
pub(super) struct Session {
    pub(super) interrupt: Interrupt,
    pub(super) cache: ProcessCache,
}

impl TrainOptions {
    /// Once a process, before its first run.
    pub(super) fn begin(&self) -> Result<Session, Failure> {
        if let Some(threads) = self.threads {
            tch::set_num_threads(threads);
        }
        let interrupt = Interrupt::listen().map_err(Failure::Failed)?;
        Ok(Session {
            interrupt,
            cache: ProcessCache::default(),
        })
    }

    /// One run, to its end.
    pub(super) fn train(
        &self,
        recipe: &Recipe,
        arguments: &RecipeArguments,
        resume: Option<PathBuf>,
        session: &mut Session,
    ) -> Result<Summary, Failure> {
        let is_silent = recipe.training_hyperparams.silent_mode;
        show_messages();
        let interrupt = session.interrupt.clone();
        let mut assemble = || {
            let options = Options {
                runs_dir: self.runs_dir.clone(),
                resume: resume.clone(),
                progress: self.progress(is_silent),
                interrupt: interrupt.clone(),
                ..arguments.options()
            };
            Assembly::with(recipe, options, &mut session.cache)
        };
        let refused = |error| Failure::before_training(error, &interrupt);
        let assembly = assemble().map_err(refused)?;
        let assembly = looked_at(assembly, &mut assemble).map_err(refused)?;
        let mut assembly = assembly.ok_or(Failure::Interrupted)?;
        if let Some(keeps) = self.trace {
            assembly.trace(Trace::new(keeps, self.bounds_of_trace()));
        }
        if !is_silent {
            let notes = assembly.notes().map_err(Failure::Refused)?;
            notes.iter().for_each(|note| tracing::info!("note: {note}"));
        }
        let trainer = assembly.trainer();
        let trainer = trainer.map_err(refused)?;
        let summary = trainer.train().map_err(Failure::Failed)?;
        if !(self.json || is_silent) {
            show(&summary);
        }
        Ok(summary)
    }

    fn bounds_of_trace(&self) -> Bounds {
        Bounds {
            batches: self.trace_steps,
            bytes: self.trace_size,
        }
    }

    fn progress(&self, is_silent: bool) -> Progress {
        match (self.json, is_silent) {
            (true, _) => Progress::for_machines(),
            (false, true) => Progress::silent(),
            (false, false) => Progress::for_people(),
        }
    }
}

/// The assembly, once a look was taken at what no first batch shows: boxes that the data lack, and the values of a later
/// stage, which a trial finds. Other mistakes end a run in its first batches. None if a signal has ended the trial.
fn looked_at<'a>(
    assembly: Assembly<'a>,
    again: &mut impl FnMut() -> anyhow::Result<Assembly<'a>>,
) -> anyhow::Result<Option<Assembly<'a>>> {
    if assembly.has_later_stage() {
        let tried = assembly.trial_of_two(&mut *again)?;
        return match tried.is_interrupted {
            true => Ok(None),
            false => again().map(Some),
        };
    }
    if let Some(line) = assembly.look_at_boxes()? {
        tracing::info!("note: {line}");
    }
    Ok(Some(assembly))
}

/// Shows how a run went. The run has ended by now: a report that cannot be shown is no failure of it.
fn show(summary: &Summary) {
    if let Err(Failure::Failed(error)) = print(report(summary)) {
        tracing::warn!("{error:#}");
    }
}

fn report(summary: &Summary) -> Vec<String> {
    let Summary {
        epochs,
        steps,
        train_seconds,
        stop_reason,
        ..
    } = summary;
    let mut lines = vec![format!(
        "{stop_reason} after {epochs} epochs, {steps} steps, {train_seconds:.1} s"
    )];
    let best = summary.best.as_ref();
    lines.extend(best.map(|best| {
        format!(
            "best {}: {:.4} (epoch {})",
            best.metric,
            best.value,
            u64::from(best.epoch) + 1
        )
    }));
    lines.push(format!("last: {}", summary.last_line()));
    lines.push(format!("run: {}", summary.run.display()));
    lines
}
