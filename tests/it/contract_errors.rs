//! Requests of a callback that must be answered with an error: from shapes whose size overflows to changes of a parameter
//! by way of a view. The guest `tests/guests/questions` asks, under the names of these tables, and
//! trains on; the run must then have the metrics and the weights of one without it, bit for bit.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use phasebox_contract::grants::Grant;
use serde_json::{Value, json};

use crate::device::test_device;
use crate::harness::recipes::EVERY_PART;
use crate::harness::{Scratch, repository};

/// One error code of the contract, or "ok", and the questions that are answered with it.
type Answers = (&'static str, &'static [&'static str]);

/// Requests that make no sense. They are refused to a callback that has every grant.
const NONSENSE: &[Answers] = &[
    (
        "DtypeMismatch",
        &[
            "a fraction among integers",
            "zeros of dtype other",
            "index by floats",
            "one hot of floats",
            "norm of counts",
        ],
    ),
    (
        "InvalidArgument",
        &[
            "logged histogram of nothing",
            "expand negative",
            "cat of nothing",
            "cat of one too often",
            "overlap",
            "spread over itself",
            "read from 2^64",
            "read around 2^64",
            "read past the end",
            "norm nan",
            "learning rate nan",
            "beta1 nan",
            "learning rate infinite",
            "beta1 infinite",
            "learning rate -1",
            "beta1 -1",
            "learning rate of nobody",
            "clip to 0",
            "clip to nan",
            "clip by norm nan",
            "clip values to -1",
            "learning rate of nobody, read",
            "short learning rate nan",
            "group state of nobody",
            "parameter names of nobody",
            "clip gradients to 0",
            "clip gradients to nan",
            "clip gradients by norm nan",
            "log numbers without a name",
            "metric of nobody",
            "metric not json",
            "metric of boxes of no boxes",
            "normal noise nan",
            "norm nan of a group",
            "metric name empty",
            "text name empty",
            "stored name empty",
            "metric name long",
            "text name long",
            "stored name long",
            "metric name with a line break",
            "text name with a line break",
            "stored name with a line break",
            "metric name with an escape",
            "text name with an escape",
            "stored name with an escape",
            "metric name with a nul",
            "text name with a nul",
            "stored name with a nul",
            "metric name reversed",
            "text name reversed",
            "stored name a//b",
            "file name empty",
            "file name long",
            "file name with a line break",
            "file name with an escape",
            "file name with a nul",
            "file name reversed",
            "file name .",
            "picture name .",
            "file name ..",
            "picture name ..",
            "file name ../x",
            "picture name ../x",
            "file name /etc/x",
            "picture name /etc/x",
            "file name a/b",
            "picture name a/b",
            "file name a\\b",
            "picture name a\\b",
            "file name .hidden",
            "picture name .hidden",
            "file name x.",
            "picture name x.",
            "checkpoint tag ",
            "checkpoint tag ..",
            "checkpoint tag a/b",
            "checkpoint tag a b",
            "checkpoint tag xxxxxxxx",
            "reshape negative",
            "reshape unknown twice",
            "reshape to 1000 dimensions",
            "zeros negative",
            "zeros of 65 dimensions",
            "zeros elsewhere",
            "select far",
            "select dimension far",
            "narrow negative",
            "narrow far",
            "transpose far",
            "permute twice",
            "squeeze far",
            "flip far",
            "roll far",
            "softmax far",
            "sum twice",
            "unsqueeze without end",
            "index outside",
            "index of nothing",
            "index far",
            "one hot of 2^32 classes",
            "one hot of no class",
            "histogram of 2^32 bins",
            "histogram backwards",
            "histogram of nan",
            "topk of 2^32",
            "arange by nothing",
            "arange of nothing by nothing",
            "arange backwards",
            "largest of nothing",
            "place of nothing",
            "median of nothing",
            "quantile 2",
            "quantile nan",
            "clamp by nan",
            "a hyperparameter of no name",
            "accumulation 0",
            "stop above nan",
            "criterion not json",
            "criterion 2",
            "criterion -1",
            "criterion of no name",
            "batch size 0",
            "batch size -1",
            "batch size 1e300",
            "batch size 18446744073709551616",
            "batch size null",
            "batch size {}",
            "loader of no name",
            "image of no pixel",
            "image of one line",
            "image of five dimensions",
            "image of seven colors",
            "image of integers",
            "logged histogram of 2^32 bins",
            "logged histogram of no bins",
            "stop whenever",
            "glob unclosed",
        ],
    ),
    (
        "NotAvailable",
        &[
            "optimizer state of no name",
            "an item of no name",
            "skip batch too late",
            "skip backward too late",
            "skip step too late",
            "set inputs too late",
            "set target too late",
            "set loss too late",
            "no member",
            "requires grad of nobody",
            "group state of no name",
            "publish too early",
            "publish a tensor too early",
        ],
    ),
    (
        "ShapeMismatch",
        &[
            "another shape in place",
            "reshape nothing to unknown",
            "permute too many",
            "values that do not fill",
            "item of many",
            "defer many",
            "stop above many",
            "parameters by fewer",
            "factor of many",
        ],
    ),
    (
        "StaleHandle",
        &[
            "stale info",
            "stale item",
            "stale write",
            "stale keep",
            "stale in a list",
        ],
    ),
    (
        "TooLarge",
        &[
            "criterion nested",
            "loader nested",
            "metric nested",
            "freeze by braces",
            "glob of braces",
            "log 2000 numbers",
            "zeros 2^40",
            "zeros 2^64",
            "expand 2^40",
            "sum to 2^34",
            "broadcast 2^40",
            "broadcast 2^40 by choose",
            "pad around 2^64",
            "interpolate to 2^64",
            "overlaps 2^40",
            "nms 2^20",
            "masked-select of 2^40",
            "draw on 2^26 pixels",
            "text of a million letters",
            "matmul 2^40",
            "stack of nothing, wide",
            "read 2^32 elements",
            "reshape around 2^64",
            "reshape around 2^64 of two",
            "reshape nothing to 2^64",
            "reshape nothing wide",
            "zeros of nothing, wide",
            "randperm of 2^32",
            "arange without end",
            "image of 25 million pixels",
        ],
    ),
    (
        "ok",
        &[
            "metric of the batch",
            "cat of one a thousand times",
            "read nothing at the end",
            "read bf16",
            "integers by zero",
            "least integer by -1",
            "integers to -1",
        ],
    ),
];

/// Requests that need a grant, made without it.
const RIGHTS: &[Answers] = &[(
    "Denied",
    &[
        "set-learning-rate",
        "freeze",
        "short set-learning-rate",
        "clip-gradients",
        "clip-and-log-gradients",
        "set-inputs",
        "set-inputs-item",
        "set-target",
        "set-target-item",
        "set-loss",
        "model.forward",
        "repeat-backward",
        "gradient-penalty",
        "artifact",
        "image-file",
        "request-stop",
        "stop-epoch",
        "stop-if-above",
        "stop-if-nonfinite",
        "abort",
        "skip-batch",
        "skip-backward",
        "skip-step",
        "request-validation",
        "request-checkpoint",
        "set-accumulation",
        "set-hyperparameter",
        "criterion.set",
        "data-loader.set",
        "unfreeze",
        "item",
        "read-f32",
        "nonzero",
        "masked-select",
        "nms",
        "draw-boxes",
        "batch-metric",
        "rand",
    ],
)];

/// Attempts, without any grant, to change tensors of the trainer by way of a view, of an operation that may not copy, of a
/// group or of storage.
const LAUNDERING: &[Answers] = &[(
    "ok",
    &[
        "launder preds",
        "launder inputs",
        "launder target",
        "launder loss",
        "launder loss items",
        "launder mean loss",
        "launder parameters",
        "launder gradients",
        "launder buffers",
        "launder optimizer state",
        "launder ema parameters",
        "launder ema buffers",
    ],
)];

/// Numbers of two groups whose rates differ.
const GROUPS: &[Answers] = &[
    ("InvalidArgument", &["rate of all", "short rate of all"]),
    (
        "ok",
        &[
            "momentum of all",
            "rate of hidden",
            "rate of default",
            "one rate of all",
            "one rate of hidden",
        ],
    ),
];

const TWO_RATES: &str = "\
experiment_name: tiny
dataset: digits
train_dataloader_params: {batch_size: 64}
val_dataloader_params: {batch_size: 360}
architecture: {mlp: {hidden: [16]}}
training_hyperparams:
  max_epochs: 1
  max_train_batches: 2
  initial_lr: {hidden: 0.02, default: 0.01}
  lr_mode: Constant
  optimizer: SGD
  optimizer_params: {momentum: 0.9}
  loss: CrossEntropyLoss
  valid_metrics_list: [Accuracy]
phase_callbacks:
";

const WEIGHTS: &str = "ckpt_latest/model.safetensors";

/// The numbers that a run computed, and the lines that were logged in it.
struct Outcome {
    metrics: Vec<Value>,
    weights: Vec<u8>,
    lines: Vec<String>,
}

/// Trains on one thread: the order of sums must not depend on how busy the machine is.
fn train(recipe: &str, callbacks: &Value) -> Outcome {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", format!("{recipe}  {callbacks}\n"));
    let run = scratch.trained(&["--threads", "1"]);
    let (messages, metrics) = run
        .metrics()
        .into_iter()
        .partition::<Vec<_>, _>(|line| line["message"].is_string());
    let lines = messages
        .iter()
        .filter_map(|line| Some(line["message"].as_str()?.to_owned()));
    Outcome {
        metrics,
        weights: run.bytes(WEIGHTS),
        lines: lines.collect(),
    }
}

static CLEAN: LazyLock<Outcome> = LazyLock::new(|| train(EVERY_PART, &json!([])));

/// Asks `ask` in a training of `recipe`, and compares the answers.
fn ask(recipe: &str, ask: &str, grants: &[&str], expected: &[Answers]) -> Outcome {
    let guest = repository("target/plugins/tests/questions.wasm");
    let callbacks = json!([{
        "wasm": guest, "params": { "ask": ask }, "grants": grants,
        "limits": {
            "time": "20s", "step_time": "60s", "log_lines": 1000,
            "launches": 1_000_000, "host_calls": 1_000_000, "tensors": "64MiB",
        },
    }]);
    let outcome = train(recipe, &callbacks);
    compare(ask, &answers(&outcome.lines), expected);
    outcome
}

fn compare(ask: &str, answers: &BTreeMap<&str, &str>, expected: &[Answers]) {
    let expected: BTreeMap<&str, &str> = expected
        .iter()
        .flat_map(|(code, names)| names.iter().map(|name| (*name, *code)))
        .collect();
    let code = |answer: &str| answer.split(" | ").next().unwrap_or_default().to_owned();
    // A GPU wraps such an index: to look at it would cost a wait.
    let is_wrapped = |name: &str| name == "index outside" && test_device().is_cuda();
    let is_wrong = |(name, answer): &(&&str, &&str)| {
        expected.get(**name) != Some(&code(answer).as_str()) && !is_wrapped(name)
    };
    let wrong: Vec<_> = answers.iter().filter(is_wrong).collect();
    assert!(wrong.is_empty(), "{ask}: {wrong:#?}");
    let unasked: Vec<_> = expected
        .keys()
        .filter(|name| !answers.contains_key(*name))
        .collect();
    assert!(unasked.is_empty(), "{ask}: never asked: {unasked:?}");
}

/// Asks as [`ask`] does, of a guest that must have changed nothing.
fn check(kind: &str, grants: &[&str], expected: &[Answers]) {
    let outcome = ask(EVERY_PART, kind, grants, expected);
    assert_eq!(outcome.metrics, CLEAN.metrics, "{kind}");
    assert!(
        outcome.weights == CLEAN.weights,
        "{kind}: the weights differ"
    );
}

/// The last answer to each question.
fn answers(lines: &[String]) -> BTreeMap<&str, &str> {
    lines
        .iter()
        .filter_map(|line| line.split_once(" = "))
        .collect()
}

#[test]
fn what_makes_no_sense_is_refused_to_everybody() {
    let grants: Vec<&str> = Grant::ALL.iter().map(|grant| grant.name()).collect();
    check("nonsense", &grants, NONSENSE);
}

#[test]
fn what_needs_a_grant_is_denied_without_it() {
    check("rights", &[], RIGHTS);
}

#[test]
fn nothing_of_the_trainers_is_changed_in_disguise() {
    check("launder", &[], LAUNDERING);
}

#[test]
fn one_name_for_all_groups_has_an_answer_where_they_agree() {
    ask(TWO_RATES, "groups", &["optimizer"], GROUPS);
}
