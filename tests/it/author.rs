//! An author's way: `phasebox new`, `build`, a training, and a resume that carries the state, in every language. Each
//! project is the template as it is written; all smooth the same losses, so all log the same numbers.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::harness::training::{TrainedRun, Training};
use crate::harness::wat_components::{NOTHING, component};
use crate::harness::{Finished, Scratch, is_long, repository};

/// Languages whose compilers every build of this repository has.
const QUICK: [&str; 2] = ["rust", "c"];
/// Languages whose compilers are fetched, or take long.
const OTHERS: [&str; 7] = [
    "cpp",
    "zig",
    "go",
    "python",
    "javascript",
    "typescript",
    "assemblyscript",
];

fn languages() -> Vec<&'static str> {
    let others = OTHERS.into_iter().filter(|_| is_long());
    QUICK.into_iter().chain(others).collect()
}

/// Runs a command of the program, with the user's own compilers.
pub(crate) fn run(scratch: &Scratch, arguments: &[&str]) -> Finished {
    let own = std::env::var_os("PHASEBOX_CACHE").map(PathBuf::from);
    let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/phasebox"));
    let mut command = scratch.command(arguments);
    command.env("PHASEBOX_CACHE", own.or_else(home).expect("a home"));
    scratch.finish(command.spawn().expect("the binary starts"))
}

/// Runs a command of the program, which must succeed; answers what it printed.
pub(crate) fn done(scratch: &Scratch, arguments: &[&str]) -> String {
    let finished = run(scratch, arguments);
    assert_eq!(finished.code, Some(0), "{arguments:?}: {}", finished.stderr);
    finished.stdout
}

/// A new project in a language, built.
pub(crate) fn built(scratch: &Scratch, language: &str) -> PathBuf {
    done(
        scratch,
        &[
            "new",
            "smooth-it",
            "--lang",
            language,
            "--on",
            "epoch-end,training-end",
        ],
    );
    done(scratch, &["build", "smooth-it", "--install"]);
    scratch.path("smooth-it/build/smooth-it.wasm")
}

fn training(component: &Path) -> Training {
    let entry = format!(
        "{{wasm: '{}', name: s, params: {{smoothing: 0.8, patience: 50}}, grants: [stop]}}",
        component.display()
    );
    Training::digits().callback(&entry).checkpoints(1).epochs(4)
}

fn smoothed(run: &TrainedRun) -> Vec<(u64, f64)> {
    run.logged("s/smoothed_loss")
}

#[test]
fn a_new_project_trains_and_resumes_in_every_language() {
    let mut first = None;
    for language in languages() {
        let scratch = Scratch::new();
        let component = built(&scratch, language);
        let inspected = done(&scratch, &["inspect", "smooth-it/build/smooth-it.wasm"]);
        let phases = "phases      on-train-batch-end, on-epoch-end, on-training-end";
        assert!(inspected.contains(phases), "{language}: {inspected}");
        let whole = training(&component).run();
        let expected = smoothed(&whole);
        assert!(!expected.is_empty(), "{language}");
        assert_eq!(
            first.get_or_insert_with(|| expected.clone()),
            &expected,
            "{language}"
        );
        let cut = training(&component).epochs(2).run();
        let resumed = training(&component).from(&cut, "latest").run();
        let parts = [smoothed(&cut), smoothed(&resumed)];
        assert!(parts.iter().all(|part| !part.is_empty()), "{language}");
        assert_eq!(parts.concat(), expected, "{language} resumed");
    }
}

#[test]
fn a_build_of_nothing_new_is_at_once() {
    let scratch = Scratch::new();
    let component = built(&scratch, "c");
    let bytes = std::fs::read(&component).expect("it is built");
    let again = done(&scratch, &["build", "smooth-it"]);
    assert!(again.starts_with("smooth-it.wasm is up to date"), "{again}");
    let source = scratch.path("smooth-it/plugin.c");
    let text = std::fs::read_to_string(&source).expect("a source");
    std::fs::write(source, text.replace("0.9", "0.7")).expect("it is written");
    let stale = done(&scratch, &["check", "smooth-it/recipe.yaml"]);
    let words = "was built from other sources than its project has now";
    assert!(stale.contains(words), "{stale}");
    done(&scratch, &["build", "smooth-it"]);
    let fresh = || {
        let checked = done(&scratch, &["check", "smooth-it/recipe.yaml"]);
        assert!(!checked.contains(words), "{checked}");
    };
    fresh();
    // Recipes and runs are no sources, and a project is the same elsewhere.
    let recipe = scratch.path("smooth-it/recipe.yaml");
    let text = std::fs::read_to_string(&recipe).expect("a recipe");
    std::fs::write(&recipe, text + "# changed\n").expect("it is written");
    std::fs::create_dir_all(scratch.path("smooth-it/runs/r")).expect("ours");
    scratch.write("smooth-it/runs/r/large", vec![0; 17 << 20]);
    fresh();
    std::fs::rename(scratch.path("smooth-it"), scratch.path("moved")).expect("ours");
    assert!(done(&scratch, &["build", "moved"]).contains("up to date"));
    std::fs::rename(scratch.path("moved"), scratch.path("smooth-it")).expect("ours");
    assert_ne!(std::fs::read(&component).expect("it is built"), bytes);
}

/// The words of each verdict, and of what was used.
#[test]
fn a_callback_is_tried_out() {
    let scratch = Scratch::new();
    built(&scratch, "c");
    let good = run(&scratch, &["test", "smooth-it/build/smooth-it.wasm"]);
    assert_eq!(good.code, Some(0), "{}{}", good.stdout, good.stderr);
    for words in [
        "limit handles",
        "calls, 0 failures",
        "two runs log the same (179 values)",
        "a resumed run logs what one does that was never cut (179 values)",
        "an unknown parameter is refused by its name",
        "without the grant `stop` it is refused at check",
    ] {
        assert!(good.stdout.contains(words), "{words}: {}", good.stdout);
    }
    assert!(!good.stdout.contains("BAD"), "{}", good.stdout);
    scratch.write("bare.wasm", component(&[("on-epoch-end", NOTHING)]));
    let bad = run(&scratch, &["test", "bare.wasm"]);
    assert_eq!(bad.code, Some(1), "{}", bad.stderr);
    for words in ["BAD `describe` gives no name", "ok  4 calls, 0 failures"] {
        assert!(bad.stdout.contains(words), "{words}: {}", bad.stdout);
    }
}

#[test]
fn mistakes_of_authors_are_refused() {
    let scratch = Scratch::new();
    done(&scratch, &["new", "good", "--lang", "py"]);
    for (arguments, expected) in [
        (
            &["new", "../up", "--lang", "c"] as &[&str],
            "`../up` is no name for a project",
        ),
        (&["new", "a", "--lang", "cobol"], "unknown language `cobol`"),
        (
            &["new", "a", "--lang", "c", "--on", "epoch-ends"],
            "there is no phase `epoch-ends`; did you mean `on-epoch-end`?",
        ),
        (&["new", "good", "--lang", "c"], "good has files already"),
        (
            &["new", "a", "--lang", "script"],
            "a script needs no project",
        ),
        (&["build", "."], ". has no phasebox.yaml"),
        (&["check", "good/recipe.yaml"], "run `phasebox build /"),
    ] {
        let finished = run(&scratch, arguments);
        assert_ne!(finished.code, Some(0), "{arguments:?}");
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    }
    for (text, expected) in [
        ("name: good\nlanguage: python\non: []\n", "phasebox.yaml"),
        (
            "name: ../x\nlanguage: python\n",
            "`../x` is no name for a project",
        ),
        ("name: good\nlanguage: pyhton\n", "did you mean `python`?"),
    ] {
        scratch.write("good/phasebox.yaml", text);
        let finished = run(&scratch, &["build", "good"]);
        assert_ne!(finished.code, Some(0), "{text}");
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    }
}

/// A compiler on the PATH that is too old counts as none, and says so.
#[test]
fn an_older_compiler_of_the_author_is_not_used() {
    let scratch = Scratch::new();
    for (language, tool, told, expected) in [
        (
            "js",
            "node",
            "v20.20.2",
            "or put your own `node` of 22.13 or later on the PATH; the one there is 20.20",
        ),
        (
            "go",
            "go",
            "go version go1.21.4 linux/amd64",
            "the one there is 1.21",
        ),
        ("zig", "zig", "0.18.0", "of 0.17 or later, before 0.18"),
    ] {
        done(&scratch, &["new", language, "--lang", language]);
        let program = format!("{language}-path/{tool}");
        std::fs::create_dir(scratch.path(&format!("{language}-path"))).expect("ours");
        scratch.write(&program, format!("#!/bin/sh\necho '{told}'\n"));
        let path = scratch.path(&program);
        let runnable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, runnable).expect("ours");
        let mut command = scratch.command(&["build", language]);
        command.env("PHASEBOX_CACHE", scratch.path("no-cache"));
        command.env(
            "PATH",
            format!(
                "{}:/usr/bin:/bin",
                path.parent().expect("a folder").display()
            ),
        );
        let finished = scratch.finish(command.spawn().expect("the binary starts"));
        assert_eq!(finished.code, Some(1), "{}", finished.stderr);
        assert!(finished.stderr.contains(expected), "{}", finished.stderr);
    }
}

/// The contract in the program is that of the repository.
#[test]
fn the_contract_is_printed_and_written() {
    let scratch = Scratch::new();
    let printed = done(&scratch, &["wit"]);
    assert!(printed.contains("package phasebox:train@"), "{printed}");
    done(&scratch, &["wit", "contract"]);
    let compared = Command::new("diff")
        .arg("-r")
        .arg(repository("wit"))
        .arg(scratch.path("contract"))
        .status();
    assert!(compared.expect("diff runs").success());
}
