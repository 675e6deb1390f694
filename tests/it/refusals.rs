//! Mistakes that are refused before anything runs, and the words of each refusal: every message names the thing, the
//! place and the remedy.

use crate::harness::wat_components::{FAIL, NOTHING, assembled, component};
use crate::harness::{Scratch, TINY, snapshot_settings};

/// A mistake, put into an otherwise good recipe.
struct Row {
    mistake: &'static str,
    /// Texts in [`TINY`], each with the text that takes its place.
    edits: &'static [(&'static str, &'static str)],
    callbacks: &'static str,
    /// Makes `case.wasm`.
    files: fn(&Scratch),
}

/// The data of [`TINY`].
const DIGITS: &str = "{digits: {test_fraction: 0.1}}";
const GOOD: Row = Row {
    mistake: "",
    edits: &[],
    callbacks: "  []\n",
    files: |_| (),
};

/// `case.wasm` is this text.
macro_rules! text {
    ($mistake:literal, $text:literal) => {
        Row {
            mistake: $mistake,
            callbacks: "  - ./case.wasm\n",
            files: |scratch| scratch.write("case.wasm", assembled($text)),
            ..GOOD
        }
    };
}

/// `case.wasm` has these bytes.
macro_rules! bytes {
    ($mistake:literal, $bytes:expr) => {
        Row {
            mistake: $mistake,
            callbacks: "  - ./case.wasm\n",
            files: |scratch| scratch.write("case.wasm", $bytes),
            ..GOOD
        }
    };
}

/// A core function with a name and a type of its own, in an interface `callback` that needs no import.
macro_rules! exporting {
    ($function:literal) => {
        concat!(
            "(component (core module $m (func (export \"f\"))) (core instance $i (instantiate $m))",
            " (func $f (canon lift (core func $i \"f\")))",
            " (instance $c (export \"",
            $function,
            "\" (func $f))) (export \"callback\" (instance $c)))"
        )
    };
}

fn rows() -> Vec<Row> {
    vec![
        Row {
            mistake: "a typo in a key",
            edits: &[("batch_accumulate: 2", "batch_acumulate: 2")],
            ..GOOD
        },
        Row {
            mistake: "a wrong type",
            edits: &[("max_epochs: 2", "max_epochs: two")],
            ..GOOD
        },
        Row {
            mistake: "an unknown metric to watch",
            edits: &[("loss: Cross", "metric_to_watch: Acuracy\n  loss: Cross")],
            ..GOOD
        },
        Row {
            mistake: "a network that the data do not fit",
            edits: &[
                (DIGITS, "{csv: {file: data.csv, target: y}}"),
                ("mlp", "convnet"),
                ("hidden", "channels"),
            ],
            ..GOOD
        },
        Row {
            mistake: "a memory format of images for rows of numbers",
            edits: &[
                (DIGITS, "{csv: {file: data.csv, target: y}}"),
                ("  max_epochs: 2", "  channels_last: true\n  max_epochs: 2"),
            ],
            ..GOOD
        },
        Row {
            mistake: "a metric where a list is wanted",
            edits: &[(
                "  train_metrics_list: [Accuracy]",
                "  train_metrics_list: Accuracy",
            )],
            ..GOOD
        },
        Row {
            mistake: "no data file",
            edits: &[(DIGITS, "{csv: {file: nowhere.csv, target: y}}")],
            ..GOOD
        },
        Row {
            mistake: "an unknown stock callback",
            callbacks: "  - grad-clop: {max_norm: 1.0}\n",
            ..GOOD
        },
        Row {
            mistake: "no file",
            callbacks: "  - ./nowhere.wasm\n",
            ..GOOD
        },
        bytes!("a text file", "not WebAssembly"),
        bytes!("an empty file", ""),
        bytes!(
            "a truncated component",
            &component(&[("on-epoch-end", NOTHING)])[..200]
        ),
        text!("a core module", "(module)"),
        text!("no interface `callback`", "(component)"),
        bytes!(
            "a phase that does not exist",
            assembled(exporting!("on-train-bach-end"))
        ),
        bytes!(
            "a phase of another type",
            assembled(exporting!("on-train-batch-end"))
        ),
        bytes!("no phase", component(&[("configure", NOTHING)])),
        text!(
            "an import of WASI that is not answered",
            "(component (import \"wasi:cli/stdout@0.3.0\" (instance)))"
        ),
        text!(
            "a contract of the future",
            "(component (import \"phasebox:train/types@0.2.0\" (instance)))"
        ),
        text!(
            "an import from elsewhere",
            "(component (import \"acme:trainer/types@0.1.0\" (instance)))"
        ),
        text!(
            "a memory of 64 bits",
            "(component (core module (memory i64 1)))"
        ),
        text!(
            "a shared memory",
            "(component (core module (memory 1 2 shared)))"
        ),
        text!(
            "more memory than it may have",
            "(component (core module $m (memory 8192)) (core instance (instantiate $m)) (instance $c) (export \"callback\" (instance $c)))"
        ),
        bytes!(
            "a compile bomb",
            assembled(&format!(
                "(component (core module {}))",
                "(func)".repeat(100_000)
            ))
        ),
        bytes!(
            "a refusal in configure",
            component(&[("configure", FAIL), ("on-epoch-end", NOTHING)])
        ),
        Row {
            mistake: "parameters for a callback without any",
            callbacks: "  - ./case.wasm: {rate: 1}\n",
            files: |scratch| scratch.write("case.wasm", component(&[("on-epoch-end", NOTHING)])),
            ..GOOD
        },
        Row {
            mistake: "a parameter of a wrong type",
            callbacks: "  - grad-clip: {max_norm: big}\n",
            ..GOOD
        },
        Row {
            mistake: "an unknown parameter",
            callbacks: "  - grad-clip: {max_nrom: 1.0}\n",
            ..GOOD
        },
        Row {
            mistake: "a file without the grant it wants",
            callbacks: "  - ./case.wasm: {max_norm: 1.0}\n",
            files: |scratch| {
                scratch.write(
                    "case.wasm",
                    std::fs::read(scratch.stock("grad-clip")).expect("it is built"),
                )
            },
            ..GOOD
        },
        Row {
            mistake: "an unknown grant",
            callbacks: "  - {stock: grad-clip, params: {max_norm: 1.0}, grants: [gradient]}\n",
            ..GOOD
        },
        Row {
            mistake: "another file than the recipe's digest",
            callbacks: "  - {stock: grad-clip, params: {max_norm: 1.0}, digest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000'}\n",
            ..GOOD
        },
        Row {
            mistake: "one name twice",
            callbacks: "  - trace\n  - trace\n",
            ..GOOD
        },
        Row {
            mistake: "callbacks that wait for each other",
            callbacks: "  - {stock: trace, order: {after: [clip]}}\n  - {stock: grad-clip, name: clip, params: {max_norm: 1.0}, order: {after: trace}}\n",
            ..GOOD
        },
    ]
}

/// The words with which `phasebox train` refuses the mistake. Nothing may be left on disk.
fn refusal(row: &Row) -> String {
    let scratch = Scratch::new();
    let recipe = row
        .edits
        .iter()
        .fold(TINY.to_owned(), |recipe, (from, to)| {
            assert!(recipe.contains(from), "{from}");
            recipe.replace(from, to)
        });
    scratch.write("recipe.yaml", format!("{recipe}{}", row.callbacks));
    scratch.write("data.csv", "a,b,y\n1,2,0\n3,4,1\n5,6,0\n7,8,1\n9,8,0\n");
    (row.files)(&scratch);
    let finished = scratch.train(&[]);
    assert_eq!(
        finished.code,
        Some(2),
        "{}: {}{}",
        row.mistake,
        finished.stdout,
        finished.stderr
    );
    assert!(
        !scratch.path("runs").exists(),
        "{}: a refused recipe leaves no run",
        row.mistake
    );
    format!("# {}\n{}", row.mistake, scratch.readable(&finished.stderr))
}

#[test]
fn mistakes_are_refused_in_words() {
    let refusals: Vec<String> = rows().iter().map(refusal).collect();
    snapshot_settings().bind(|| insta::assert_snapshot!("refusals", refusals.join("\n")));
}

/// `phasebox check` refuses what `phasebox train` refuses, in the same words.
#[test]
fn check_refuses_what_train_refuses() {
    let scratch = Scratch::with_callbacks("  - grad-clip: {max_nrom: 1.0}\n");
    let (train, check) = (
        scratch.train(&[]),
        scratch.phasebox(&["check", "recipe.yaml"]),
    );
    assert_eq!((check.code, check.stderr), (train.code, train.stderr));
}

/// Shapes are only known once data meet the loss: the run fails, and says which shapes.
#[test]
fn a_loss_that_the_target_does_not_fit_names_the_shapes() {
    let scratch = Scratch::with_callbacks("  []\n");
    let rows: String = (0..80)
        .map(|row| format!("{},{}\n", row % 7, row % 5))
        .collect();
    scratch.write("data.csv", format!("x,y\n{rows}"));
    let finished = scratch.train(&[
        "~dataset.digits",
        "dataset.csv={file: data.csv, target: y, task: regression}",
        "arch_params.num_classes=3",
        "training_hyperparams.loss=MSELoss",
        "training_hyperparams.train_metrics_list=[]",
        "training_hyperparams.valid_metrics_list=[MAE]",
        "training_hyperparams.metric_to_watch=MAE",
    ]);
    assert_eq!(finished.code, Some(1), "{}", finished.stderr);
    insta::assert_snapshot!(finished.stderr.lines().last().unwrap_or_default(), @"error: batch 0 of epoch 0: MSELoss cannot compare preds [16, 3] float on the CPU with target [16, 1] float on the CPU: target must have the shape of preds");
}
