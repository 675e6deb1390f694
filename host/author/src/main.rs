//! The program of an author who trains elsewhere: the commands of `phasebox` that need no libtorch.

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use phasebox_author::{Bindings, Build, Inspect, New, Wit, tell};

/// Writes and builds callbacks of phasebox.
#[derive(Parser)]
#[command(name = "phasebox-author", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    New(New),
    Build(Build),
    Bindings(Bindings),
    Wit(Wit),
    Inspect(Inspect),
}

fn main() -> ExitCode {
    phasebox_component::run_component_task().unwrap_or_else(run)
}

fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::New(new) => new.run(),
        Command::Build(build) => build.run(),
        Command::Bindings(bindings) => bindings.run(),
        Command::Wit(wit) => wit.run(),
        Command::Inspect(inspect) => inspect.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
