//! `cargo xtask`: everything this repository needs before and around cargo. Each step says what it does in one
//! line, does nothing when it is done already, and resumes after an interruption.

mod atomic;
mod bench;
mod checks;
mod command;
mod guest_tools;
mod languages;
mod libtorch;
mod paths;
mod peers;
mod plugins;
mod probes;
mod registry;
mod wasi;
mod wasm_std;
mod workspace;

use std::process::{Command, ExitCode};

use anyhow::Result;
use clap::Parser;

use crate::paths::Paths;

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
        /// Also fetch the registry that tests publish to
        #[arg(long)]
        registry: bool,
    },
    /// Build all callbacks into target/plugins
    Plugins {
        /// Also build the examples in C, Python and JavaScript
        #[arg(long)]
        languages: bool,
    },
    /// Build the WASI that phasebox puts inside callbacks into wasi/built, to be committed
    Wasi,
    /// Build everything for release and train a recipe
    #[command(disable_help_flag = true)]
    Train {
        /// RECIPE and what else `phasebox train` takes
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        arguments: Vec<String>,
    },
    /// Format, lints and all tests; with arguments, only the tests that they select
    Test {
        /// Also what takes hours: every fault of a disk, a thousand kills, the siege's long rows
        #[arg(long)]
        long: bool,
        /// Train on the first CUDA device, and only what shows something there
        #[arg(long, conflicts_with = "long")]
        cuda: bool,
        /// As for `cargo test`: a filter, `-p PACKAGE`, `-- --nocapture`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Build everything for release and run the benchmarks
    Bench(bench::Arguments),
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
    let paths = Paths::find()?;
    match task {
        Task::Setup {
            cuda,
            languages,
            registry,
        } => {
            setup(&paths, cuda)?;
            if registry {
                registry::install(&paths)?;
            }
            if languages {
                languages::install_tools(&paths)
            } else {
                Ok(())
            }
        }
        Task::Plugins { languages } => {
            wasm_std::install(&paths)?;
            plugins::build(&paths, true)?;
            if languages {
                languages::build(&paths)
            } else {
                Ok(())
            }
        }
        Task::Wasi => {
            wasm_std::install(&paths)?;
            wasi::build(&paths)
        }
        Task::Train { arguments } => train(&paths, &arguments),
        Task::Test {
            cuda: true,
            arguments,
            ..
        } => checks::test_on_a_gpu(&paths, &arguments),
        Task::Test {
            long, arguments, ..
        } => checks::test(&paths, &arguments, long),
        Task::Bench(arguments) => bench::run(&paths, &arguments),
    }
}

/// Fetches what every build needs: libtorch, and Rust's standard library for callbacks.
fn setup(paths: &Paths, with_cuda: bool) -> Result<()> {
    libtorch::install(paths, with_cuda)?;
    wasm_std::install(paths)
}

/// Ends by becoming the trainer, in the folder the user is in: paths and the exit code are the trainer's.
fn train(paths: &Paths, arguments: &[String]) -> Result<()> {
    setup(paths, false)?;
    plugins::build(paths, false)?;
    let remedy = "see the compiler's message above";
    command::run(
        &mut paths.cargo(&["build", "--release", "--package", "phasebox"]),
        remedy,
    )?;
    let phasebox = paths.target.join("release/phasebox");
    command::become_command(Command::new(phasebox).arg("train").args(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_test_is_told_from_what_is_for_cargo() {
        fn check(words: &[&str], expected: bool, rest: &[&str]) {
            let words = ["cargo xtask", "test"].iter().chain(words);
            let Task::Test {
                long, arguments, ..
            } = Task::parse_from(words)
            else {
                panic!("another task");
            };
            assert_eq!(
                (long, arguments),
                (expected, rest.iter().map(|&word| word.to_owned()).collect())
            );
        }
        check(&[], false, &[]);
        check(&["--long"], true, &[]);
        check(&["--long", "siege::"], true, &["siege::"]);
        check(
            &["-p", "phasebox", "--", "--nocapture"],
            false,
            &["-p", "phasebox", "--", "--nocapture"],
        );
        check(&["--long", "-p", "phasebox"], true, &["-p", "phasebox"]);
    }
}
