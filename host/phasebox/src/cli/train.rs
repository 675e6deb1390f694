//! `phasebox train`.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use clap::Args;

use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, Options};
use crate::interrupt::Interrupt;
use crate::logger::Progress;
use crate::trainer::Summary;

#[derive(Args)]
pub(super) struct Train {
    #[command(flatten)]
    recipe: RecipeArguments,
    /// Go on with the run in this folder.
    #[arg(long, value_name = "RUN")]
    resume: Option<PathBuf>,
    /// Where runs are kept.
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs_dir: PathBuf,
    /// Threads of libtorch on the CPU, one a core by default. On cores that others use too, fewer are faster.
    /// Sums depend on it in their last bits.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..=1024))]
    threads: Option<i32>,
    /// Show progress as JSON lines on standard output.
    #[arg(long)]
    json: bool,
}

impl Train {
    pub(super) fn run(self) -> Result<(), Failure> {
        let recipe = self.recipe.load()?;
        if let Some(threads) = self.threads {
            tch::set_num_threads(threads);
        }
        let progress = self.progress(recipe.training_hyperparams.silent_mode);
        show_messages(&progress);
        let is_quiet = self.json || recipe.training_hyperparams.silent_mode;
        let options = Options {
            runs_dir: self.runs_dir,
            resume: self.resume,
            progress,
            interrupt: Interrupt::listen().map_err(Failure::Failed)?,
            ..self.recipe.options()
        };
        let trainer =
            Assembly::new(&recipe, options).and_then(Assembly::trainer).map_err(Failure::Refused)?;
        let summary = trainer.train().map_err(Failure::Failed)?;
        if !is_quiet {
            report(&summary);
        }
        if summary.stop_reason == "interrupted" { Err(Failure::Interrupted) } else { Ok(()) }
    }

    fn progress(&self, is_silent: bool) -> Progress {
        match (self.json, is_silent) {
            (true, _) => Progress::for_machines(),
            (false, true) => Progress::silent(),
            (false, false) => Progress::for_people(),
        }
    }
}

/// Messages go to standard error, above the bar if there is one.
fn show_messages(progress: &Progress) {
    let writer = progress.line_writer();
    let lines =
        tracing_subscriber::fmt().without_time().with_target(false).with_writer(move || writer.clone());
    let lines = lines.with_ansi(std::io::stderr().is_terminal());
    // Only the first subscriber of a process counts; a second run in it keeps that one.
    let _ = lines.with_max_level(tracing::Level::INFO).try_init();
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(summary: &Summary) {
    let last: Vec<String> = summary.last.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    println!(
        "{} after {} epochs, {} steps, {:.1} s",
        summary.stop_reason, summary.epochs, summary.steps, summary.train_seconds
    );
    if let Some(best) = &summary.best {
        println!("best {}: {:.4} (epoch {})", best.metric, best.value, best.epoch + 1);
    }
    println!("last: {}", last.join("  "));
    println!("run: {}", summary.run.display());
}
