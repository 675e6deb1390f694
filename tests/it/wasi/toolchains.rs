//! Guests of toolchains as they are built by default, with WASI: `tests/wasi` has their sources, one for each language. Each
//! does what its parameter names; the row has the words that are due in the log, or in the run's error.

use std::fs;

use phasebox_component::component_of_module;

use crate::harness::repository;
use crate::wasi::{training, written};

/// The outcome that is due, with words of it.
#[derive(Clone, Copy)]
enum Due {
    /// A line of level `info`.
    Logged(&'static str),
    /// A line of level `warn`.
    Warned(&'static str),
    /// The run's error.
    Fails(&'static str),
}
use Due::{Fails, Logged, Warned};

fn check(language: &str, guest: &[u8], rows: &[(&str, Due)]) {
    let (_scratch, path) = written(guest);
    for (deed, due) in rows {
        let training = training(&path, &format!(", params: {{do: {deed}}}"));
        let (found, words) = match due {
            Logged(words) => (training.run().said("guest", "info").join("\n"), words),
            Warned(words) => (training.run().said("guest", "warn").join("\n"), words),
            Fails(words) => (training.fail().1, words),
        };
        assert!(found.contains(words), "{language}, {deed}: {found}");
    }
}

fn built(name: &str) -> Vec<u8> {
    let path = repository("target/plugins/wasi").join(name);
    fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run `cargo xtask plugins --languages`",
            path.display()
        )
    })
}

fn component(module: &str) -> Vec<u8> {
    component_of_module(&built(module)).expect("it becomes a component")
}

#[test]
fn python_runs_as_it_is_built_by_default() {
    check(
        "Python",
        &built("probe-python.wasm"),
        &[
            ("print", Logged("printed, é")),
            ("log", Warned("WARNING:root:logged")),
            ("raise", Fails("ValueError: my own message")),
            // WASI 0.2.0 tells only that it failed.
            ("exit", Fails("it ended itself, with exit status 1")),
            ("end", Fails("it ended itself, with exit status 1")),
            ("open", Logged("FileNotFoundError")),
            ("write", Logged("FileNotFoundError")),
            ("list", Logged("FileNotFoundError")),
            ("connect", Logged("Error")),
            ("resolve", Logged("PermissionError")),
            ("environment", Logged("0 variables")),
            ("input", Logged("EOFError")),
            ("clocks", Logged("year 2000, slept 3600 s")),
        ],
    );
}

#[test]
fn javascript_runs_as_it_is_built_by_default() {
    check(
        "JavaScript",
        &built("probe-js.wasm"),
        &[
            ("print", Logged("printed, é")),
            ("log", Warned("logged")),
            ("raise", Fails("is not one of the cases of error-code")),
        ],
    );
}

#[test]
fn c_with_a_standard_library_runs() {
    check(
        "C",
        &component("probe-c.core.wasm"),
        &[
            ("print", Logged("printed, é")),
            ("prompt", Logged("unfinished")),
            ("log", Warned("logged")),
            ("raise", Fails("Assertion failed: !\"my own message\"")),
            ("exit", Fails("it ended itself, with exit status 3")),
            ("open", Logged("open: ")),
            ("environment", Logged("no variables")),
            ("input", Logged("input: ")),
            ("clocks", Logged("year 2000, slept 3600 s")),
            ("random", Logged("random: done")),
        ],
    );
}

#[test]
fn big_go_runs() {
    check(
        "Go",
        &component("probe-go.core.wasm"),
        &[
            ("print", Logged("printed, é")),
            ("log", Warned("logged")),
            ("raise", Fails("panic: my own message")),
            ("exit", Fails("it ended itself, with exit status 3")),
            ("open", Logged("open /etc/passwd: ")),
            ("connect", Logged("dial tcp 127.0.0.1:80: ")),
            ("environment", Logged("0 variables, 0 arguments")),
            ("input", Logged("EOF")),
            ("clocks", Logged("year 2000 slept 1h0m0s")),
            ("goroutines", Logged("sum 4950")),
        ],
    );
}
