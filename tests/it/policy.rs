//! An operator's policy: what it does not allow is refused before anything is opened, with its name; the rest is lowered to
//! it and shown.

use crate::harness::Scratch;
use crate::harness::wat_components::{NOTHING, component};

/// A policy, an entry of `phase_callbacks`, changes of the recipe, and words of the refusal; none where the recipe passes.
type Row = (
    &'static str,
    &'static str,
    &'static [&'static str],
    Option<&'static str>,
);

const ROWS: &[Row] = &[
    ("{}", "", &[], None),
    ("devices: [cpu]", "", &[], None),
    ("devices: [cuda]", "", &[], Some("device `cpu`: the policy")),
    ("torchscript: false", "", &[], None),
    (
        "torchscript: false",
        "",
        &["architecture={torchscript: {path: net.pt}}"],
        Some("TorchScript: the policy"),
    ),
    ("network_parameters: 1210", "", &[], None),
    (
        "network_parameters: 1209",
        "",
        &[],
        Some("recipe.yaml:5: a network of 1210 parameters, and 1209 may be: the policy"),
    ),
    ("paths: [.]", "", &[], None),
    (
        "paths: [.]",
        "",
        &["checkpoint_params.checkpoint_path=/etc/hostname"],
        Some("/etc/hostname: the policy"),
    ),
    (
        "paths: [.]",
        "",
        &["dataset={csv: {path: ../../etc/passwd, target: x}}"],
        Some("/etc/passwd: the policy"),
    ),
    (
        "paths: [.]",
        "",
        &["dataset={csv: {path: link, target: x}}"],
        Some("link: the policy"),
    ),
    (
        "paths: [.]",
        "",
        &["training_hyperparams.resume_path=/etc"],
        Some("/etc: the policy"),
    ),
    ("paths: [folder]", "", &[], Some("runs: the policy")),
    ("callbacks: [.]", "  - {wasm: case.wasm}\n", &[], None),
    (
        "callbacks: [folder]",
        "  - {wasm: case.wasm}\n",
        &[],
        Some("case.wasm: the policy"),
    ),
    ("callbacks: []", "  - {stock: ema}\n", &[], None),
    (
        "grants: [log]",
        "  - {wasm: case.wasm, grants: [stop]}\n",
        &[],
        Some("there is no grant `log`"),
    ),
    (
        "grants: [stop]",
        "  - {wasm: case.wasm, grants: [stop]}\n",
        &[],
        None,
    ),
    (
        "grants: [stop]",
        "  - {wasm: case.wasm, grants: [stop, parameters]}\n",
        &[],
        Some("has the grants parameters, the policy"),
    ),
    (
        "grants: []",
        "  - {stock: grad-clip, params: {max_norm: 1.0}}\n",
        &[],
        Some("has the grants gradients, the policy"),
    ),
    (
        "limits: {memory: 16MiB}",
        "  - {wasm: case.wasm, limits: {memory: 17MiB}}\n",
        &[],
        Some("limit `memory` of 17 MiB: the policy"),
    ),
    (
        "limits: {memory: 16MiB}",
        "  - {wasm: case.wasm}\n",
        &[],
        None,
    ),
    (
        "limits: {memory: 1KiB}",
        "  - {wasm: case.wasm}\n",
        &[],
        Some("it may have 1 KiB at one time"),
    ),
    ("torchscrip: false", "", &[], Some("policy.yaml:1")),
    ("paths: [nowhere]", "", &[], Some("policy.yaml:1")),
    ("paths: .", "", &[], Some("expected a list")),
];

fn check((policy, callbacks, changes, refused): &Row) {
    let scratch = Scratch::with_callbacks(callbacks);
    scratch.write("policy.yaml", policy);
    scratch.write("case.wasm", component(&[("on-epoch-end", NOTHING)]));
    std::fs::create_dir(scratch.path("folder")).expect("a folder");
    std::os::unix::fs::symlink("/etc/passwd", scratch.path("link")).expect("a link");
    let arguments = ["check", "recipe.yaml", "--policy", "policy.yaml"];
    let finished = scratch.phasebox(&[&arguments[..], changes].concat());
    let said = format!("{}{}", finished.stdout, finished.stderr);
    let Some(words) = refused else {
        assert_eq!(finished.code, Some(0), "{policy}: {said}");
        assert!(said.contains("policy "), "{policy}: {said}");
        return;
    };
    assert_eq!(finished.code, Some(2), "{policy}: {said}");
    assert!(said.contains(words), "{policy}: {said}");
    assert!(!scratch.path("runs").exists(), "{policy}: a run is left");
}

#[test]
fn what_a_policy_does_not_allow_is_refused() {
    ROWS.iter().for_each(check);
}

#[test]
fn a_policy_that_is_not_there_stops_everything() {
    let scratch = Scratch::with_callbacks("");
    let finished = scratch.train(&["--policy", "policy.yaml"]);
    assert_eq!(finished.code, Some(2), "{}", finished.stderr);
    let words = "the policy of this machine cannot be read";
    assert!(finished.stderr.contains(words), "{}", finished.stderr);
}
