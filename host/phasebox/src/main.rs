//! The `phasebox` program: parse, run, exit code. It starts itself to compile callbacks.

use std::process::ExitCode;

fn main() -> ExitCode {
    phasebox_component::run_component_task().unwrap_or_else(phasebox::cli::run)
}
