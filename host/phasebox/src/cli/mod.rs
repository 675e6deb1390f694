//! The command line: what was typed, and the exit code. Each command is a file of its own.

mod check;
mod claims;
mod doctor;
mod eval;
mod inspect;
mod lock;
mod logged;
mod messages;
mod network;
mod origin;
mod place;
mod predict;
mod print;
mod profile;
mod publish;
mod pull;
mod replay;
mod report;
mod sweep;
mod test;
mod train;
mod train_options;
mod trained;
mod watch;

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use phasebox_contract::printable;
use phasebox_recipe::{DeviceChoice, Recipe, RecipeError};
use phasebox_train::interrupt::{Interrupt, survive_file_limit};

pub use self::report::report_lines;
use crate::assemble::{Options, lock_beside};

/// Trains networks with callbacks that are sandboxed WebAssembly components.
#[derive(Parser)]
#[command(name = "phasebox", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Train as a recipe says.
    Train(train::Train),
    /// Train many variants of a recipe in one process.
    Sweep(sweep::Sweep),
    /// Train again whenever the recipe or a callback changes.
    Watch(watch::Watch),
    /// Evaluate a run's checkpoint on validation or test data.
    Eval(eval::Eval),
    /// Find the things in image files, or their classes, with a run's network.
    Predict(predict::Predict),
    /// Try a recipe out on a few samples, keep nothing, and print the plan phase by phase.
    Check(check::Check),
    /// Hold a recipe's callbacks to their bytes and grants of today: `train` then refuses others.
    Lock(RecipeArguments),
    /// Show what a callback is, wants and is called for: a file, or a place on the network.
    Inspect(inspect::Inspect),
    /// Try a callback out in small trainings, with a verdict.
    Test(test::Test),
    /// Fetch a callback from the network, as a file.
    Pull(pull::Pull),
    /// Publish a callback in a registry.
    Publish(publish::Publish),
    /// Begin a callback: a project that builds and trains as it is.
    New(phasebox_author::New),
    /// Build a callback's component.
    Build(phasebox_author::Build),
    /// Write the contract's bindings for a language.
    Bindings(phasebox_author::Bindings),
    /// Print the contract between phasebox and callbacks, or write its files.
    Wit(phasebox_author::Wit),
    /// Show how a run went, and what each callback did and cost.
    Report(report::Report),
    /// Show versions, devices and folders, and what is missing.
    Doctor,
}

/// A recipe and what the command line changes of it.
#[derive(Args)]
struct RecipeArguments {
    /// The recipe, a YAML file.
    recipe: PathBuf,
    /// Changes of single keys, such as `training_hyperparams.max_epochs=3`.
    #[arg(value_name = "KEY=VALUE")]
    overrides: Vec<String>,
    /// In place of the recipe's device: cpu, cuda or cuda:N.
    #[arg(long)]
    device: Option<DeviceChoice>,
    /// Where stock callbacks are looked for first.
    #[arg(long, value_name = "DIR")]
    plugins_dir: Option<PathBuf>,
    /// Ceilings that the recipe may not exceed, beside those of /etc/phasebox/policy.yaml.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl RecipeArguments {
    fn load(&self) -> Result<Recipe, RecipeError> {
        Recipe::load(&self.recipe, &self.overrides)
    }

    /// As typed; the recipe's lock holds if it has one.
    fn options(&self) -> Options {
        Options {
            device: self.device,
            plugins_dir: self.plugins_dir.clone(),
            lock: Some(lock_beside(&self.recipe)),
            policy: self.policy.clone(),
            ..Options::default()
        }
    }
}

/// Ran as it should.
const DONE: u8 = 0;
/// The run failed.
const FAILED: u8 = 1;
/// The recipe or a callback was refused before anything ran.
const REFUSED: u8 = 2;
/// SIGINT or SIGTERM ended it: a run has a checkpoint, and is not done. Shells report this code for SIGINT.
const INTERRUPTED: u8 = 130;

/// Why a command did not end well.
enum Failure {
    Refused(anyhow::Error),
    Failed(anyhow::Error),
    Interrupted,
}

impl Failure {
    /// The end of what did not come to train: a refusal, or a signal.
    fn before_training(error: anyhow::Error, interrupt: &Interrupt) -> Failure {
        if interrupt.is_set() {
            print::tell(format_args!("ended by a signal: {error:#}"));
            return Failure::Interrupted;
        }
        Failure::Refused(error)
    }

    /// A signal that ended what the words name, which the words tell people.
    fn interrupted(what: &str) -> Failure {
        print::tell(format_args!(
            "ended by a signal: {what} did not come to an end"
        ));
        Failure::Interrupted
    }

    /// A failure of what had begun, in place of a refusal.
    fn failed(self) -> Failure {
        match self {
            Failure::Refused(error) => Failure::Failed(error),
            other => other,
        }
    }
}

impl From<RecipeError> for Failure {
    fn from(error: RecipeError) -> Failure {
        Failure::Refused(error.into())
    }
}

/// Runs what was typed.
pub fn run() -> ExitCode {
    if let Some(refusal) = not_utf_8() {
        print::tell(refusal);
        return ExitCode::from(REFUSED);
    }
    match Cli::try_parse() {
        Ok(cli) => run_command(cli),
        // Help, or the version.
        Err(text) if !text.use_stderr() => text.exit(),
        Err(error) => {
            print::tell(error.render().to_string().trim_end());
            ExitCode::from(REFUSED)
        }
    }
}

/// The refusal of a path that summaries, checkpoints and JSON could not hold.
fn not_utf_8() -> Option<String> {
    let shown = |path: &OsStr| printable::path(Path::new(path));
    if let Some(argument) = env::args_os().find(|argument| argument.to_str().is_none()) {
        let argument = shown(&argument);
        return Some(format!(
            "error: the argument `{argument}` is not UTF-8: rename the file or folder"
        ));
    }
    let folder = env::current_dir().ok()?;
    folder.to_str().is_none().then(|| {
        let folder = shown(folder.as_os_str());
        format!("error: the working folder `{folder}` is not UTF-8: work in another, or rename it")
    })
}

fn run_command(cli: Cli) -> ExitCode {
    let answer = survive_file_limit().map_err(Failure::Failed);
    let (error, code) = match answer.and_then(|()| command(cli.command)) {
        Ok(()) => return ExitCode::from(DONE),
        Err(Failure::Refused(error)) => (error, REFUSED),
        Err(Failure::Failed(error)) => (error, FAILED),
        Err(Failure::Interrupted) => return ExitCode::from(INTERRUPTED),
    };
    print::tell(format_args!("error: {error:#}"));
    ExitCode::from(code)
}

fn command(command: Command) -> Result<(), Failure> {
    match command {
        Command::Train(train) => train.run(),
        Command::Sweep(sweep) => sweep.run(),
        Command::Watch(watch) => watch.run(),
        Command::Eval(eval) => eval.run(),
        Command::Predict(predict) => predict.run(),
        Command::Check(check) => check.run(),
        Command::Lock(arguments) => lock::run(&arguments),
        Command::Inspect(inspect) => inspect.run(),
        Command::Test(test) => test.run(),
        Command::Pull(pull) => pull.run(),
        Command::Publish(publish) => publish.run(),
        Command::New(new) => new.run().map_err(Failure::Refused),
        Command::Build(build) => build.run().map_err(Failure::Failed),
        Command::Bindings(bindings) => bindings.run().map_err(Failure::Failed),
        Command::Wit(wit) => wit.run().map_err(Failure::Failed),
        Command::Report(report) => report.run(),
        Command::Doctor => doctor::run(),
    }
}
