//! What must hold before a change is shared: format, lints, tests.

use anyhow::Result;

use crate::command::{become_command, run, say};
use crate::places::Places;
use crate::{languages, plugins, setup};

/// What stands on libtorch: linted and tested together.
const HOST: [&str; 3] = ["phasebox", "torch-ext", "phasebox-fuzz"];

/// All checks; with `selection` (arguments for `cargo test`) only the tests it selects. Ends by becoming the last
/// test run, so that its closing lines and exit code are ours.
pub(crate) fn test(places: &Places, selection: &[String]) -> Result<()> {
    setup(places, false)?;
    if selection.is_empty() {
        check_style(places)?;
        test_outside_the_host(places)?;
    }
    plugins::build(places, true)?;
    languages::build(places)?;
    say("testing the host");
    // Tests run side by side: threads of libtorch beside them would spend their time waiting for a core.
    let mut cargo = places.cargo(&["test", "--no-fail-fast"]);
    if selection.is_empty() {
        cargo.args(HOST.iter().flat_map(|name| ["--package", name]));
    }
    become_command(cargo.args(selection).env("OMP_NUM_THREADS", "1"))
}

fn check_style(places: &Places) -> Result<()> {
    say("checking format and lints");
    run(
        &mut places.cargo(&["fmt", "--all", "--check"]),
        "run `cargo fmt --all`",
    )?;
    let mut clippy = places.cargo(&["clippy", "--all-targets", "--package", "xtask"]);
    clippy.args(HOST.iter().flat_map(|name| ["--package", name]));
    run(
        clippy.args(["--", "--deny", "warnings"]),
        "repair what clippy names above",
    )
}

/// In xtask's own profile: its dependencies are compiled for that already.
fn test_outside_the_host(places: &Places) -> Result<()> {
    say("testing xtask and the callbacks' own logic");
    let packages = plugins::packages(places)?;
    let mut cargo = places.cargo(&[
        "test",
        "--no-fail-fast",
        "--profile",
        "xtask",
        "--package",
        "xtask",
    ]);
    run(
        cargo.args(packages.iter().flat_map(|name| ["--package", name])),
        "repair the failures above",
    )
}
