//! Commands whose output nobody reads, as in `phasebox doctor | head -1`: each ends as it would with a reader.

use std::io;
use std::process::Stdio;

use crate::harness::{Finished, Scratch};

/// A pipe whose reader has gone.
fn unread() -> Stdio {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

fn check(code: i32, arguments: &[&str], finished: &Finished) {
    assert_eq!(
        finished.code,
        Some(code),
        "{arguments:?}: {}",
        finished.stderr
    );
    assert!(
        !finished.stderr.contains("panicked"),
        "{arguments:?}: {}",
        finished.stderr
    );
}

#[test]
fn a_command_ends_as_it_would_have() {
    let scratch = Scratch::with_callbacks("  - trace\n");
    let earlier = scratch.trained(&[]);
    let stock = scratch.stock("trace");
    let stock = stock.to_str().expect("a path in UTF-8");
    let commands: [&[&str]; 8] = [
        &["doctor"],
        &["check", "recipe.yaml"],
        &["inspect", stock],
        &["inspect", stock, "--json"],
        &["report", earlier.path()],
        &["report", earlier.path(), "--json"],
        &["train", "recipe.yaml"],
        &["train", "recipe.yaml", "--json"],
    ];
    for arguments in commands {
        let child = scratch
            .command(arguments)
            .stdout(unread())
            .spawn()
            .expect("the binary starts");
        check(0, arguments, &scratch.finish(child));
        let child = scratch
            .command(arguments)
            .stderr(unread())
            .spawn()
            .expect("the binary starts");
        check(0, arguments, &scratch.finish(child));
    }
}

/// A refusal keeps its exit code also where nobody reads its message.
#[test]
fn a_refusal_stays_a_refusal() {
    let scratch = Scratch::with_callbacks("  - nobody\n");
    for arguments in [["check", "recipe.yaml"], ["train", "recipe.yaml"]] {
        let child = scratch
            .command(&arguments)
            .stdout(unread())
            .stderr(unread())
            .spawn();
        check(
            2,
            &arguments,
            &scratch.finish(child.expect("the binary starts")),
        );
    }
}
