//! The program as it sees itself: no arguments, no variables, no folder; an end that is reported; a terminal for
//! output, so that languages write each line when it is finished.

use crate::bindings::exports::wasi::cli::{
    environment, exit, terminal_input, terminal_output, terminal_stderr, terminal_stdin,
    terminal_stdout,
};
use crate::bindings::{Nothing, phasebox::train::process};

impl environment::Guest for Nothing {
    fn get_environment() -> Vec<(String, String)> {
        Vec::new()
    }

    fn get_arguments() -> Vec<String> {
        Vec::new()
    }

    fn initial_cwd() -> Option<String> {
        None
    }
}

impl exit::Guest for Nothing {
    fn exit(status: Result<(), ()>) {
        end(u8::from(status.is_err()));
    }

    fn exit_with_code(status_code: u8) {
        end(status_code);
    }
}

fn end(status: u8) -> ! {
    process::exit(status.into());
    std::process::abort()
}

pub(crate) enum NoTerminal {}

/// The log, as far as a program can tell one from a terminal.
pub(crate) struct Terminal;

impl terminal_input::Guest for Nothing {
    type TerminalInput = NoTerminal;
}

impl terminal_input::GuestTerminalInput for NoTerminal {}

impl terminal_output::Guest for Nothing {
    type TerminalOutput = Terminal;
}

impl terminal_output::GuestTerminalOutput for Terminal {}

impl terminal_stdin::Guest for Nothing {
    fn get_terminal_stdin() -> Option<terminal_stdin::TerminalInput> {
        None
    }
}

impl terminal_stdout::Guest for Nothing {
    fn get_terminal_stdout() -> Option<terminal_stdout::TerminalOutput> {
        Some(terminal_stdout::TerminalOutput::new(Terminal))
    }
}

impl terminal_stderr::Guest for Nothing {
    fn get_terminal_stderr() -> Option<terminal_stderr::TerminalOutput> {
        // Languages write their errors at once anyway, and color them for a terminal.
        None
    }
}
