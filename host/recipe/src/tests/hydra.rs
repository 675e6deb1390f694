//! Hydra's own forms: entries of `defaults`, groups and signs on the command line, `???`. What comes out agrees with
//! Hydra 1.3, and what is not obeyed is refused.

use serde_json::json;

use super::load;

const FILES: &[(&str, &str)] = &[
    (
        "base.yaml",
        "experiment_name: base\narchitecture: mlp\ndataset: digits\nvariables: {size: 8}\n",
    ),
    (
        "training_hyperparams/fast.yaml",
        "max_epochs: 1\nloss: mse\nseed: 1\n",
    ),
    (
        "training_hyperparams/slow.yaml",
        "max_epochs: 9\nloss: mse\n",
    ),
    (
        "training_hyperparams/built_in.yaml",
        "defaults: [default_train_params]\nmax_epochs: 3\nloss: mse\n",
    ),
    ("arch_params/wide.yaml", "hidden: [512]\n"),
    ("arch_params/deep.yaml", "layers: 9\n"),
    ("sizes/large.yaml", "hidden: [1024]\n"),
    (
        "sizes/top.yaml",
        "# @package _global_\narch_params: {hidden: [3]}\n",
    ),
    (
        "whole.yaml",
        "defaults: [base, training_hyperparams: slow, arch_params: wide]\n",
    ),
];

fn files(recipe: &str) -> Vec<(&str, &str)> {
    [&[("recipe.yaml", recipe)], FILES].concat()
}

fn check(recipe: &str, arguments: &[&str], pointer: &str, expected: serde_json::Value) {
    let recipe = load(&files(recipe), arguments)
        .unwrap_or_else(|message| panic!("{message} for {recipe:?} {arguments:?}"));
    let found = recipe.to_json().pointer(pointer).cloned();
    assert_eq!(found, Some(expected), "{pointer} {arguments:?}");
}

fn check_refused(recipe: &str, arguments: &[&str], expected: &str) {
    let message = load(&files(recipe), arguments).expect_err(expected);
    assert_eq!(message, expected);
}

const EPOCHS: &str = "/training_hyperparams/max_epochs";
const HIDDEN: &str = "/arch_params/hidden";

#[test]
fn entries_of_defaults() {
    let rows = [
        ("[base, /training_hyperparams: fast]", EPOCHS, json!(1)),
        (
            "[base, training_hyperparams: [fast, slow]]",
            EPOCHS,
            json!(9),
        ),
        (
            "[base, training_hyperparams: [slow, fast]]",
            EPOCHS,
            json!(1),
        ),
        (
            "[base, training_hyperparams: fast, optional arch_params: none]",
            EPOCHS,
            json!(1),
        ),
        (
            "[base, training_hyperparams: fast, arch_params: null]",
            EPOCHS,
            json!(1),
        ),
        (
            "[base, training_hyperparams: fast, optional arch_params: deep]",
            "/arch_params/layers",
            json!(9),
        ),
        (
            "[whole, override training_hyperparams: fast]",
            EPOCHS,
            json!(1),
        ),
        (
            "[base, training_hyperparams: fast, sizes@arch_params: large]",
            HIDDEN,
            json!([1024]),
        ),
        (
            "[base, training_hyperparams: fast, sizes@_global_: top]",
            HIDDEN,
            json!([3]),
        ),
        (
            "[base, training_hyperparams: fast, sizes: top]",
            HIDDEN,
            json!([3]),
        ),
        (
            "[base, training_hyperparams: built_in]",
            "/training_hyperparams/warmup_mode",
            json!("LinearEpochLRWarmup"),
        ),
        ("[base, training_hyperparams: built_in]", EPOCHS, json!(3)),
    ];
    for (defaults, pointer, expected) in rows {
        check(&format!("defaults: {defaults}\n"), &[], pointer, expected);
    }
}

#[test]
fn entries_that_are_refused() {
    let rows = [
        (
            "[base, training_hyperparams: '${size}']",
            "recipe.yaml:1: `${size}`: files of `defaults` are read before `${…}`; write the file's name",
        ),
        (
            "[base, override arch_params: deep, training_hyperparams: fast]",
            "recipe.yaml:1: no `defaults` choose a file for `arch_params`; drop the word `override`",
        ),
        (
            "[base, training_hyperparams: fats]",
            "recipe.yaml:1: cannot read `training_hyperparams/fats.yaml`: there is no such file; did you mean `fast`?",
        ),
        (
            "[base, training_hyperparams: 3]",
            "recipe.yaml:1: an entry of `defaults` is a file or `key: file`, found a mapping",
        ),
    ];
    for (defaults, expected) in rows {
        check_refused(&format!("defaults: {defaults}\n"), &[], expected);
    }
}

#[test]
fn groups_and_signs_on_the_command_line() {
    let rows = [
        ("training_hyperparams=fast", EPOCHS, json!(1)),
        ("arch_params={hidden: [2]}", HIDDEN, json!([2])),
        ("+sizes=top", HIDDEN, json!([3])),
        (
            "+training_hyperparams.seed=7",
            "/training_hyperparams/seed",
            json!(7),
        ),
        ("++training_hyperparams.max_epochs=7", EPOCHS, json!(7)),
        ("~arch_params.hidden", "/arch_params", json!({})),
        ("~arch_params.hidden=[512]", "/arch_params", json!({})),
        ("architecture=convnet", "/architecture", json!("convnet")),
        ("+variables.more=1", "/variables/more", json!(1)),
    ];
    for (argument, pointer, expected) in rows {
        check("defaults: [whole]\n", &[argument], pointer, expected);
    }
    let refused = [
        (
            "training_hyperparams=fats",
            "cannot read `training_hyperparams/fats.yaml`: there is no such file; did you mean `fast`?",
        ),
        (
            "+training_hyperparams.max_epochs=7",
            "`training_hyperparams.max_epochs` is there already; drop the `+`",
        ),
        (
            "~training_hyperparams.max_epoch",
            "there is no `max_epoch` in `training_hyperparams`; did you mean `max_epochs`? known: max_epochs, loss",
        ),
        (
            "~training_hyperparams.max_epochs=3",
            "`training_hyperparams.max_epochs` is `9`: write `~training_hyperparams.max_epochs`",
        ),
        (
            "variables.sise=9",
            "there is no `sise` in `variables`; did you mean `size`? known: size; write `+` before it to add it",
        ),
    ];
    for (argument, expected) in refused {
        let expected = format!("from the command line (`{argument}`): {expected}");
        check_refused("defaults: [whole]\n", &[argument], &expected);
    }
}

/// Hydra lets the last of several win. Mappings are merged, and a file and a value of its group both count.
#[test]
fn an_argument_that_another_one_outdoes_is_refused() {
    let whole = "defaults: [whole]\n";
    let hidden = "/arch_params/hidden";
    for (arguments, pointer, expected) in [
        (
            &["arch_params.hidden=[3]", "arch_params=wide"][..],
            hidden,
            json!([3]),
        ),
        (
            &["arch_params={a: 1}", "arch_params={b: 2}"],
            "/arch_params/a",
            json!(1),
        ),
        (
            &["arch_params.hidden=[3]", "arch_params.hidden.0=4"],
            hidden,
            json!([4]),
        ),
        (
            &["~arch_params.hidden", "+arch_params.hidden=[5]"],
            hidden,
            json!([5]),
        ),
    ] {
        check(whole, arguments, pointer, expected);
    }
    for (first, second) in [
        ("arch_params.hidden=[3]", "arch_params.hidden=[4]"),
        (
            "training_hyperparams.max_epochs=2",
            "++training_hyperparams.max_epochs=2",
        ),
        ("arch_params={a: 1}", "arch_params.a=2"),
        ("arch_params.a.b=1", "arch_params={a: null}"),
        ("training_hyperparams=slow", "training_hyperparams=fast"),
    ] {
        let expected = format!("the one from the command line (`{first}`) would have no effect");
        let found = load(&files(whole), &[first, second]);
        let message = found.expect_err("a refusal").to_string();
        assert!(message.starts_with("from the command line"), "{message}");
        assert!(message.contains(&expected), "{message}");
    }
}

#[test]
fn a_value_that_must_be_given_replaces_nothing() {
    let whole = "defaults: [whole]\n";
    let laid = format!("{whole}training_hyperparams: {{max_epochs: '???'}}\n");
    check(&laid, &[], EPOCHS, json!(9));
    let missing = format!("{whole}training_hyperparams: {{seed: '???'}}\n");
    check(&missing, &["training_hyperparams.seed=3"], EPOCHS, json!(9));
    check_refused(
        &missing,
        &[],
        "recipe.yaml:2: `training_hyperparams.seed` has no value (`???`); write `training_hyperparams.seed=…` on the command line, or the value here",
    );
}
