//! `cargo xtask`: everything this repository needs before and around cargo. Each step says what it does in one
//! line, does nothing when it is done already, and resumes after an interruption.

mod bench;
mod checks;
mod command;
mod files;
mod guest_tools;
mod languages;
mod libtorch;
mod peers;
mod places;
mod plugins;
mod wasm_std;

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Parser;

use crate::places::Places;

/// Setup, builds and checks of phasebox.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Fetch libtorch and the callbacks' standard library (done by the other commands as needed)
    Setup {
        /// Also fetch the CUDA libraries: for machines with an NVIDIA GPU and no CUDA 13 of their own
        #[arg(long)]
        cuda: bool,
        /// Also fetch the compilers of the C, Python and JavaScript examples
        #[arg(long)]
        languages: bool,
    },
    /// Build all callbacks into target/plugins
    Plugins {
        /// Also build the examples in C, Python and JavaScript
        #[arg(long)]
        languages: bool,
    },
    /// Build everything for release and train a recipe
    #[command(disable_help_flag = true)]
    Train {
        /// RECIPE and what else `phasebox train` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
    /// Format, lints and all tests; with arguments, only the tests that they select
    Test {
        /// As for `cargo test`: a filter, `-p PACKAGE`, `-- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build everything for release and run the benchmarks
    Bench(bench::Wanted),
}

fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command::say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let places = Places::find()?;
    match task {
        Task::Setup { cuda, languages } => {
            setup(&places, cuda)?;
            if languages {
                languages::install_tools(&places)
            } else {
                Ok(())
            }
        }
        Task::Plugins { languages } => {
            wasm_std::install(&places)?;
            plugins::build(&places, true)?;
            if languages {
                languages::build(&places)
            } else {
                Ok(())
            }
        }
        Task::Train { arguments } => train(&places, &arguments),
        Task::Test { arguments } => checks::test(&places, &arguments),
        Task::Bench(wanted) => bench::run(&places, &wanted),
    }
}

/// What every build stands on.
fn setup(places: &Places, with_cuda: bool) -> Result<()> {
    libtorch::install(places, with_cuda)?;
    wasm_std::install(places)
}

/// Ends by becoming the trainer, in the folder the user is in: paths and the exit code are the trainer's.
fn train(places: &Places, arguments: &[String]) -> Result<()> {
    setup(places, false)?;
    plugins::build(places, false)?;
    let remedy = "see the compiler's message above";
    command::run(
        &mut places.cargo(&["build", "--release", "--package", "phasebox"]),
        remedy,
    )?;
    let phasebox = places.target.join("release/phasebox");
    command::become_command(Command::new(phasebox).arg("train").args(arguments))
}
