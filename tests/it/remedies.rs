//! Messages for authors: for each fault of a callback's file, by `inspect`, `check` and `train`, and for each failure while it
//! is called. A message names the callback, the place and what to do.

use phasebox_contract::phase::Phase;

use crate::harness::wat_components::{FAIL, NOTHING, PANIC, SAVE, altered, assembled, component};
use crate::harness::{Scratch, TINY};

/// The commands that meet a fault.
#[derive(Clone, Copy, PartialEq)]
enum Met {
    /// `inspect`, `check` and `train`: the file itself is at fault.
    Everywhere,
    /// `check` and `train`: the recipe's entry is at fault.
    InRecipe,
}

struct Row {
    fault: &'static str,
    met: Met,
    file: Vec<u8>,
    entry: &'static str,
    /// The thing and the remedy.
    says: &'static [&'static str],
}

const PLAIN: &str = "./case.wasm";
/// The contract's version in a case's own text, and a later one.
const LATER: (&str, &str) = ("@0.1.0", "@0.1.4");
/// A function of the context that no contract has yet.
const WARP: (&str, &str) = (
    "(export \"[method]phase-context.request-checkpoint\"",
    "(export \"[method]phase-context.warp\" (func (param \"self\" (borrow $lent)) (result (result (error $asked)))))
     (export \"[method]phase-context.request-checkpoint\"",
);

fn module(imported: &str) -> Vec<u8> {
    assembled(&format!(
        "(module (import \"{imported}\" \"call\" (func)) (memory (export \"memory\") 1))"
    ))
}

fn file(fault: &'static str, file: Vec<u8>, says: &'static [&'static str]) -> Row {
    Row {
        fault,
        met: Met::Everywhere,
        file,
        entry: PLAIN,
        says,
    }
}

fn rows(scratch: &Scratch) -> Vec<Row> {
    let clip = std::fs::read(scratch.stock("grad-clip")).expect("it is built");
    let quiet = || component(&[("on-epoch-end", NOTHING)]);
    vec![
        Row {
            met: Met::InRecipe,
            entry: "{wasm: ./case.wasm, params: {max_norm: 1.0}}",
            ..file(
                "a missing grant",
                clip.clone(),
                &["change gradients", "write `grants: [gradients]`"],
            )
        },
        Row {
            met: Met::InRecipe,
            entry: "{wasm: ./case.wasm, params: {max_nrom: 1.0}, grants: [gradients]}",
            ..file(
                "a wrong name of a parameter",
                clip.clone(),
                &["`max_nrom`", "did you mean `max_norm`"],
            )
        },
        Row {
            met: Met::InRecipe,
            entry: "{wasm: ./case.wasm, params: {max_norm: big}, grants: [gradients]}",
            ..file(
                "a wrong type of a parameter",
                clip,
                &["`max_norm`", "number"],
            )
        },
        Row {
            met: Met::InRecipe,
            entry: "{wasm: ./case.wasm, params: {rate: 1}}",
            ..file(
                "parameters for none",
                quiet(),
                &["takes no parameters", "remove `params`"],
            )
        },
        file(
            "a world without callback",
            assembled("(component)"),
            &["no interface named `callback`", "export one"],
        ),
        file(
            "a phase that is none",
            altered(
                &[("on-epoch-end", NOTHING)],
                &[("on-epoch-end", "on-epock-end")],
            ),
            &["`on-epock-end`", "did you mean `on-epoch-end`"],
        ),
        file(
            "a function of a newer contract",
            altered(&[("on-epoch-end", NOTHING)], &[LATER, WARP]),
            &[
                "built for phasebox:train@0.1.4",
                "this phasebox has phasebox:train@0.1.0, which lacks `phase-context.warp`",
                "use a newer phasebox, or build it against this contract with `phasebox build`",
            ],
        ),
        file(
            "a phase of a newer contract",
            altered(
                &[("on-epoch-end", NOTHING)],
                &[LATER, ("on-epoch-end", "on-warp")],
            ),
            &[
                "built for phasebox:train@0.1.4",
                "lacks `on-warp`",
                "use a newer phasebox",
            ],
        ),
        file(
            "an interface of a newer contract",
            assembled("(component (import \"phasebox:train/graphs@0.1.4\" (instance)))"),
            &["built for phasebox:train@0.1.4", "lacks `interface graphs`"],
        ),
        file(
            "another contract",
            assembled("(component (import \"phasebox:train/types@2.0.0\" (instance)))"),
            &[
                "built for phasebox:train@2.0.0",
                "use a phasebox of that contract",
            ],
        ),
        file(
            "WASI that is not answered",
            assembled("(component (import \"wasi:cli/stdout@0.3.0\" (instance)))"),
            &["`wasi:cli/stdout@0.3.0`", "build for WASI 0.2"],
        ),
        file(
            "a core module",
            assembled("(module)"),
            &["a core WebAssembly module", "`phasebox build`"],
        ),
        file(
            "a core module for WASI",
            module("wasi_snapshot_preview1"),
            &["needs WASI preview 1", "`phasebox build`"],
        ),
        file(
            "a plugin of Extism",
            module("extism:host/env"),
            &["a plugin of Extism", "`phasebox new`"],
        ),
        file(
            "a module of wasi-nn",
            module("wasi_ephemeral_nn"),
            &["a module of wasi-nn", "`phasebox new`"],
        ),
    ]
}

/// A folder whose recipe has one callback.
fn folder(entry: &str, file: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", format!("{TINY}  - {entry}\n"));
    scratch.write("case.wasm", file);
    scratch
}

fn check(row: &Row) {
    let scratch = folder(row.entry, &row.file);
    let commands: &[&[&str]] = &[
        &["inspect", "case.wasm"],
        &["check", "recipe.yaml"],
        &["train", "recipe.yaml"],
    ];
    for command in commands {
        let finished = scratch.phasebox(command);
        let said = finished.stderr.as_str();
        if command[0] == "inspect" && row.met == Met::InRecipe {
            assert_eq!(finished.code, Some(0), "{}, {command:?}: {said}", row.fault);
            continue;
        }
        assert_eq!(finished.code, Some(2), "{}, {command:?}: {said}", row.fault);
        let place = if command[0] == "inspect" {
            "case.wasm"
        } else {
            "recipe.yaml:"
        };
        for expected in [&[place][..], row.says].concat() {
            assert!(
                said.contains(expected),
                "{}, {command:?}: no `{expected}` in {said}",
                row.fault
            );
        }
    }
}

#[test]
fn a_fault_of_a_file_has_its_remedy_in_every_command() {
    let scratch = Scratch::new();
    rows(&scratch).iter().for_each(check);
}

/// Later patch releases of the contract only add functions: what needs none of them runs.
#[test]
fn a_callback_of_a_later_contract_runs_without_what_that_added() {
    let scratch = folder(PLAIN, &altered(&[("on-epoch-end", NOTHING)], &[LATER]));
    let run = scratch.trained(&[]);
    assert_eq!(run.callback("case")["calls"], 2);
}

/// Phases that a whole training from its beginning does not reach.
const ELSEWHERE: [Phase; 3] = [Phase::CheckpointLoaded, Phase::Interrupt, Phase::Exception];

/// A panic at any phase names the callback, the phase, the guest's own words and place, and the way on.
#[test]
fn a_panic_at_any_phase_names_the_phase_and_the_way_on() {
    for phase in Phase::ALL
        .into_iter()
        .filter(|phase| !ELSEWHERE.contains(phase))
    {
        let scratch = folder(PLAIN, &component(&[(phase.name(), PANIC)]));
        let finished = scratch.train(&[]);
        let said = finished.stderr.as_str();
        if finished.code == Some(0) {
            let summary = scratch.run().summary();
            panic!("{phase} was not reached: {}", summary["stop_reason"]);
        }
        let failed = format!("callback `case` failed at {phase}");
        for expected in [failed.as_str(), "it fails, as it was told", "at asked"] {
            assert!(
                said.contains(expected),
                "{phase}: no `{expected}` in {said}"
            );
        }
        let on = [
            "with the callback repaired",
            "`on_error: disable`",
            "/runs/tiny/",
            "`--resume ",
        ];
        let has_way_on = on.iter().all(|expected| said.contains(expected));
        // At the very end nothing is left to go on with.
        assert!(has_way_on || phase == Phase::TrainingEnd, "{phase}: {said}");
    }
}

/// An error of a life-cycle function names the function and the callback.
#[test]
fn an_error_of_the_life_cycle_names_the_function() {
    for (functions, code, says) in [
        (
            &[("configure", FAIL)][..],
            2,
            "callback `case` refuses its parameters: it fails, as it was told",
        ),
        (
            &[("configure", PANIC)],
            2,
            "callback `case` failed in `configure`: it fails, as it was told",
        ),
        (
            &[("check-run", FAIL)],
            2,
            "callback `case` cannot work in this run: it fails, as it was told",
        ),
        (
            &[("check-run", PANIC)],
            2,
            "callback `case` failed in `check-run`",
        ),
        (
            &[("save-state", FAIL)],
            1,
            "callback `case` failed at save-state",
        ),
        (
            &[("save-state", PANIC)],
            1,
            "callback `case` failed at save-state",
        ),
    ] {
        let functions = [functions, &[("on-epoch-end", NOTHING)]].concat();
        let scratch = folder(PLAIN, &component(&functions));
        let finished = scratch.train(&[]);
        assert_eq!(
            finished.code,
            Some(code),
            "{functions:?}: {}",
            finished.stderr
        );
        assert!(
            finished.stderr.contains(says),
            "{functions:?}: no `{says}` in {}",
            finished.stderr
        );
    }
}

/// A state that a newer build cannot read names the callback and both ways out.
#[test]
fn a_state_that_cannot_be_read_names_the_callback() {
    let scratch = folder(
        PLAIN,
        &component(&[("save-state", SAVE), ("on-epoch-end", NOTHING)]),
    );
    let run = scratch.trained(&[]);
    scratch.write(
        "case.wasm",
        component(&[
            ("save-state", SAVE),
            ("load-state", FAIL),
            ("on-epoch-end", NOTHING),
        ]),
    );
    let finished = scratch.train(&["--resume", run.path(), "training_hyperparams.max_epochs=3"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    for expected in [
        "callback `case`",
        "it fails, as it was told",
        "on_state: fresh",
    ] {
        assert!(
            finished.stderr.contains(expected),
            "no `{expected}` in {}",
            finished.stderr
        );
    }
}
