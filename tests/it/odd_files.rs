//! Files that never end, or wait for a writer, in the place of each file that a recipe names: refused at once, with the
//! kind of the file.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Child, Command};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::harness::{Scratch, TINY};

/// Long beside a check, which reads nothing of such a file.
const MOST_SECONDS: u64 = 60;

/// A file that is named, and the arguments of the command that reads it.
struct Row {
    file: &'static str,
    arguments: &'static [&'static str],
}

const ROWS: [Row; 10] = [
    Row {
        file: "odd.yaml",
        arguments: &["check", "odd.yaml"],
    },
    Row {
        file: "odd.yaml",
        arguments: &["check", "defaults.yaml"],
    },
    Row {
        file: "odd.yaml",
        arguments: &["sweep", "recipe.yaml", "--list", "odd.yaml"],
    },
    Row {
        file: "recipe.plugins.lock",
        arguments: &["check", "recipe.yaml"],
    },
    Row {
        file: "odd",
        arguments: &[
            "check",
            "recipe.yaml",
            "checkpoint_params.checkpoint_path=odd",
        ],
    },
    Row {
        file: "odd.csv",
        arguments: &[
            "check",
            "recipe.yaml",
            "dataset={csv: {file: odd.csv, target: y}}",
        ],
    },
    Row {
        file: "train-images-idx3-ubyte",
        arguments: &["check", "recipe.yaml", "dataset={mnist: {root: .}}"],
    },
    Row {
        file: "data_batch_1.bin",
        arguments: &["check", "recipe.yaml", "dataset={cifar10: {root: .}}"],
    },
    Row {
        file: "odd.wasm",
        arguments: &[
            "check",
            "recipe.yaml",
            "training_hyperparams.phase_callbacks=[./odd.wasm]",
        ],
    },
    Row {
        file: "odd.pt",
        arguments: &[
            "check",
            "recipe.yaml",
            "architecture=torchscript",
            "arch_params={file: odd.pt}",
        ],
    },
];

/// The kinds of files, with the words for each.
const KINDS: [(&str, &str); 3] = [
    ("pipe", "it is a pipe: name a regular file"),
    ("folder", "it is a folder: name a regular file"),
    ("device", "it is a device: name a regular file"),
];

/// Names alone, so that arguments take their place.
fn recipe() -> String {
    let named = TINY.replace("{digits: {test_fraction: 0.1}}", "digits");
    named.replace("arch_params: {hidden: [16]}\n", "") + "  []\n"
}

fn make(scratch: &Scratch, kind: &str, name: &str) {
    let path = scratch.path(name);
    match kind {
        "pipe" => {
            let made = Command::new("mkfifo").arg(&path).status();
            assert!(made.expect("mkfifo is there").success());
        }
        "folder" => fs::create_dir(path).expect("ours"),
        _ => symlink("/dev/zero", path).expect("ours"),
    }
}

/// Ends a process that hangs, so that the test fails.
fn wait(child: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(MOST_SECONDS) {
        if child.try_wait().expect("it is ours").is_some() {
            return true;
        }
        sleep(Duration::from_millis(20));
    }
    child.kill().expect("it runs");
    false
}

#[test]
fn odd_files_are_refused_at_once() {
    for row in &ROWS {
        for (kind, words) in KINDS {
            let scratch = Scratch::new();
            scratch.write("recipe.yaml", recipe());
            scratch.write("defaults.yaml", "defaults: [odd]\n");
            make(&scratch, kind, row.file);
            let mut child = scratch.start(row.arguments);
            let has_ended = wait(&mut child);
            let finished = scratch.finish(child);
            let shown = format!("{kind} {:?}: {}", row.arguments, finished.stderr);
            assert!(has_ended, "it hangs: {shown}");
            assert_eq!(finished.code, Some(2), "{shown}");
            assert!(finished.stderr.contains(words), "{shown}");
            assert!(finished.stderr.contains(row.file), "{shown}");
        }
    }
}
