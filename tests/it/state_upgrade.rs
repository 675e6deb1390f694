//! A run resumed with another build of a callback: the new build goes on with the state of the old one, or the run is
//! refused with the remedy.

use std::fs;

use crate::harness::{Run, Scratch, TINY};

/// Batches of an epoch. The checkpoint holds the count after one epoch.
const BATCHES: f64 = 5.0;
const SAVED: &str = "training_hyperparams.save_ckpt_epoch_list=[1]";
const RESUMED: &str = "training_hyperparams.ckpt_name=ckpt_epoch_1";

/// The callback that takes another's place.
struct Next {
    what: &'static str,
    /// Its entry, whose component is `next.wasm`.
    entry: &'static str,
    /// A stock callback or a test's guest.
    component: &'static str,
    /// Set if its bytes are to differ from those of the component.
    rebuilt: bool,
}

fn keeper(next: &Next) -> (Scratch, Run) {
    let scratch = Scratch::with_callbacks("  - {wasm: keeper.wasm, name: keeper}\n");
    fs::copy(
        scratch.stock("tests/keeper-guest"),
        scratch.path("keeper.wasm"),
    )
    .expect("it is built");
    let run = scratch.trained(&[SAVED]);
    let mut bytes = fs::read(scratch.stock(next.component)).expect("it is built");
    if next.rebuilt {
        // An empty custom section named "new": nothing that runs, and another digest.
        bytes.extend([0, 4, 3, b'n', b'e', b'w']);
    }
    scratch.write("next.wasm", bytes);
    scratch.write("recipe.yaml", format!("{TINY}{}", next.entry));
    (scratch, run)
}

/// The first count that is logged after the checkpoint.
fn first_count(run: &Run) -> f64 {
    let after = |line: &serde_json::Value| line["name"] == "keeper/batches" && line["epoch"] == 1;
    let line = run
        .metrics()
        .into_iter()
        .find(after)
        .expect("it logs in the second epoch");
    line["value"].as_f64().expect("a number")
}

const REBUILT: Next = Next {
    what: "",
    entry: "  - {wasm: next.wasm, name: keeper}\n",
    component: "tests/keeper-guest",
    rebuilt: true,
};

#[test]
fn another_build_goes_on_with_the_state() {
    let rows = [
        (
            Next {
                what: "a new build",
                ..REBUILT
            },
            BATCHES + 1.0,
        ),
        (
            Next {
                what: "a new build that begins anew",
                entry: "  - {wasm: next.wasm, name: keeper, on_state: fresh}\n",
                ..REBUILT
            },
            1.0,
        ),
        (
            Next {
                what: "one that refuses, but begins anew",
                entry: "  - {wasm: next.wasm, name: keeper, params: {refuses: true}, on_state: fresh}\n",
                ..REBUILT
            },
            1.0,
        ),
    ];
    for (next, expected) in rows {
        let (scratch, run) = keeper(&next);
        scratch.trained(&["--resume", run.path(), RESUMED]);
        assert_eq!(first_count(&run), expected, "{}", next.what);
        let record = &run.json("ckpt_latest/checkpoint.json")["callbacks"][0];
        assert_eq!(
            (&record["name"], &record["state_version"]),
            (&"keeper".into(), &2.into()),
            "{record}"
        );
    }
}

#[test]
fn a_build_that_cannot_read_the_state_is_refused() {
    let rows = [
        (
            Next {
                what: "it refuses",
                entry: "  - {wasm: next.wasm, name: keeper, params: {refuses: true}}\n",
                ..REBUILT
            },
            "it was told to refuse",
        ),
        (
            Next {
                what: "an older state version",
                entry: "  - {wasm: next.wasm, name: keeper, params: {patience: 2}, grants: [stop]}\n",
                component: "early-stopping",
                rebuilt: false,
            },
            "it reads state up to version 0",
        ),
    ];
    for (next, reason) in rows {
        let (scratch, run) = keeper(&next);
        let finished = scratch.train(&["--resume", run.path(), RESUMED]);
        assert_eq!(finished.code, Some(2), "{}: {}", next.what, finished.stderr);
        for part in [reason, "`on_state: fresh`", "state version 2)"] {
            assert!(
                finished.stderr.contains(part),
                "{}: `{part}` is not in {}",
                next.what,
                finished.stderr
            );
        }
        assert_eq!(
            finished.stderr.matches("sha256:").count(),
            2,
            "{}: {}",
            next.what,
            finished.stderr
        );
    }
}
