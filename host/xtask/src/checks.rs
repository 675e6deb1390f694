//! The checks before a change is shared: format, lints, tests.

use anyhow::Result;

use crate::command::{become_command, run, say};
use crate::paths::Paths;
use crate::workspace::Workspace;
use crate::{languages, plugins, registry, setup, wasi};

/// Tests that train, or run the kernels of a step: what `--cuda` repeats on a GPU.
const ON_A_GPU: [(&[&str], &[&str]); 2] = [
    (
        &["--package", "phasebox-nn", "--lib"],
        &["criterion", "optim"],
    ),
    (
        &["--package", "phasebox", "--test", "it"],
        &[
            "cuda::",
            "recorded_steps",
            "any_batch",
            "phases",
            "effects",
            "conformance",
            "tensor_ops",
            "extra_passes",
            "callback_failures",
            "contract_errors",
            "sandbox",
            "resume",
            "eval",
            "--include-ignored",
        ],
    ),
];

/// Runs on the first CUDA device what `selection` names, or all that is worth it there.
///
/// # Errors
/// A test that fails.
pub(crate) fn test_on_a_gpu(paths: &Paths, selection: &[String]) -> Result<()> {
    setup(paths, true)?;
    plugins::build(paths, true)?;
    say("testing on the first CUDA device");
    let test = || {
        let mut cargo = paths.cargo(&["test", "--no-fail-fast"]);
        cargo.env("PHASEBOX_TEST_DEVICE", "cuda");
        cargo.env("OMP_NUM_THREADS", "1");
        cargo
    };
    if !selection.is_empty() {
        return become_command(test().args(selection));
    }
    let [kernels, runs] = ON_A_GPU;
    let remedy = "repair the failures above";
    run(test().args(kernels.0).arg("--").args(kernels.1), remedy)?;
    become_command(test().args(runs.0).arg("--").args(runs.1))
}

/// Runs all checks; with `selection` (arguments for `cargo test`) only the tests it selects. Ends by becoming the last
/// test run, so that its closing lines and exit code are ours. A long one has no case left out.
pub(crate) fn test(paths: &Paths, selection: &[String], is_long: bool) -> Result<()> {
    setup(paths, false)?;
    let workspace = Workspace::read(paths)?;
    if selection.is_empty() {
        check_style(paths, &workspace)?;
        test_outside_the_host(paths, &workspace)?;
        wasi::check(paths)?;
    }
    plugins::build(paths, true)?;
    languages::build(paths)?;
    registry::install(paths)?;
    say("testing the host");
    // Tests run side by side: threads of libtorch beside them would spend their time waiting for a core.
    let mut cargo = paths.cargo(&["test", "--no-fail-fast"]);
    if selection.is_empty() {
        cargo.args(selected(&host(&workspace)));
    }
    if is_long {
        cargo.env("PHASEBOX_TEST_LONG", "1");
    }
    become_command(cargo.args(selection).env("OMP_NUM_THREADS", "1"))
}

fn check_style(paths: &Paths, workspace: &Workspace) -> Result<()> {
    say("checking format and lints");
    run(
        &mut paths.cargo(&["fmt", "--all", "--check"]),
        "run `cargo fmt --all`",
    )?;
    let mut clippy = paths.cargo(&["clippy", "--all-targets", "--package", "xtask"]);
    clippy.args(selected(&host(workspace)));
    run(
        clippy.args(["--", "--deny", "warnings"]),
        "repair the lines that clippy names above",
    )
}

/// Tests in xtask's own profile: its dependencies are compiled for that already.
fn test_outside_the_host(paths: &Paths, workspace: &Workspace) -> Result<()> {
    say("testing xtask and the callbacks' own logic");
    let mut cargo = paths.cargo(&["test", "--no-fail-fast", "--profile", "xtask"]);
    cargo.args(["--package", "xtask"]);
    cargo.args(selected(&workspace.packages("plugins")));
    run(&mut cargo, "repair the failures above")
}

/// The packages of the host: all that users run, and its fuzz targets.
fn host(workspace: &Workspace) -> Vec<&str> {
    let mut packages = workspace.packages("host");
    packages.retain(|name| *name != "xtask");
    packages
}

fn selected<'a>(packages: &[&'a str]) -> Vec<&'a str> {
    packages
        .iter()
        .flat_map(|name| ["--package", *name])
        .collect()
}
