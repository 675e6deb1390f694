//! The `phasebox` program: parse, run, exit code.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    phasebox::cli::run(phasebox::cli::Cli::parse())
}
