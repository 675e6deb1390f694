//! `defaults`, merging, `${…}` and the command line: what comes out, and what is refused.

use serde_json::json;

use super::{WHOLE, load};

const BASE: &str = "experiment_name: base
architecture: mlp
dataset: digits
training_hyperparams: {max_epochs: 2, loss: mse, optimizer_params: {lr: 1, momentum: 0.9}}
phase_callbacks: [EMA]
";

fn check(files: &[(&str, &str)], arguments: &[&str], pointer: &str, expected: serde_json::Value) {
    let recipe = load(files, arguments)
        .unwrap_or_else(|message| panic!("{message} for {files:?} {arguments:?}"));
    assert_eq!(
        recipe.to_json().pointer(pointer),
        Some(&expected),
        "{pointer} of {files:?} {arguments:?}"
    );
}

fn check_refused(files: &[(&str, &str)], arguments: &[&str], expected: &str) {
    assert_eq!(load(files, arguments).expect_err(expected), expected);
}

#[test]
fn later_files_win() {
    let rows = [
        ("defaults: [base]\n", "/experiment_name", json!("base")),
        (
            "defaults: [base.yaml]\nexperiment_name: mine\n",
            "/experiment_name",
            json!("mine"),
        ),
        (
            "defaults: [_self_, base]\nexperiment_name: mine\n",
            "/experiment_name",
            json!("base"),
        ),
        (
            "defaults: [base, more/training]\n",
            "/training_hyperparams/max_epochs",
            json!(7),
        ),
        (
            "defaults: [base, training_hyperparams: fast]\n",
            "/training_hyperparams/max_epochs",
            json!(1),
        ),
        (
            "defaults: [base, training_hyperparams/optimizer_params: plain]\n",
            "/training_hyperparams/optimizer_params",
            json!({"lr": 1, "momentum": 0}),
        ),
        (
            "defaults: [base]\ntraining_hyperparams: {optimizer_params: {lr: 3}}\n",
            "/training_hyperparams/optimizer_params",
            json!({"lr": 3, "momentum": 0.9}),
        ),
        (
            "defaults: [base]\ntraining_hyperparams: {optimizer_params: }\n",
            "/training_hyperparams/optimizer_params",
            json!(null),
        ),
        (
            "defaults: [base]\nphase_callbacks: [Clip]\n",
            "/phase_callbacks",
            json!(["Clip"]),
        ),
        (
            "defaults: [base]\nphase_callbacks+: [Clip]\n",
            "/phase_callbacks",
            json!(["EMA", "Clip"]),
        ),
        (
            "defaults: [base]\ntraining_hyperparams: {valid_metrics_list+: [Accuracy]}\n",
            "/training_hyperparams/valid_metrics_list",
            json!(["Accuracy"]),
        ),
    ];
    for (recipe, pointer, expected) in rows {
        let files = [
            ("recipe.yaml", recipe),
            ("base.yaml", BASE),
            (
                "more/training.yaml",
                "defaults: [deeper]\ntraining_hyperparams: {max_epochs: 7}\n",
            ),
            (
                "more/deeper.yaml",
                "training_hyperparams: {max_epochs: 6}\n",
            ),
            ("training_hyperparams/fast.yaml", "max_epochs: 1\n"),
            (
                "training_hyperparams/optimizer_params/plain.yaml",
                "momentum: 0\n",
            ),
        ];
        check(&files, &[], pointer, expected);
    }
}

#[test]
fn errors_name_the_file_that_is_wrong() {
    let rows = [
        (
            "defaults:\n- base\n- nothing\n",
            "recipe.yaml:3: cannot read `nothing.yaml`: there is no such file",
        ),
        (
            "defaults: base\n",
            "recipe.yaml:1: `defaults` is a list of files, found the text \"base\"",
        ),
        (
            "defaults:\n- {a: b, c: d}\n",
            "recipe.yaml:2: an entry of `defaults` is a file or `key: file`, found a mapping",
        ),
        (
            "defaults:\n- base\n- training_hyperparams: slow\n",
            "training_hyperparams/slow.yaml:2: unknown key `max_epoch` in `training_hyperparams`; did you mean `max_epochs`?",
        ),
        (
            "defaults: [circle]\n",
            "circle.yaml:2: `defaults` go in a circle: recipe.yaml → circle.yaml → recipe.yaml",
        ),
        (
            "defaults: [doubling0]\n",
            "doubling8.yaml:1: `defaults` ask for more than 64 files",
        ),
        (
            "defaults: [base]\ntraining_hyperparams+: [x]\n",
            "recipe.yaml:2: `training_hyperparams+` adds to a list, but below it is a mapping",
        ),
        (
            "defaults: [base]\nphase_callbacks+: Clip\n",
            "recipe.yaml:2: `phase_callbacks+` adds to a list, found the text \"Clip\"",
        ),
    ];
    for (recipe, expected) in rows {
        let mut files = vec![
            ("recipe.yaml".to_owned(), recipe.to_owned()),
            ("base.yaml".to_owned(), BASE.to_owned()),
            ("circle.yaml".to_owned(), "defaults:\n- recipe\n".to_owned()),
            ("doubling9.yaml".to_owned(), String::new()),
            (
                "training_hyperparams/slow.yaml".to_owned(),
                "loss: mse\nmax_epoch: 1\n".to_owned(),
            ),
        ];
        files.extend((0..9).map(|n| {
            (
                format!("doubling{n}.yaml"),
                format!("defaults: [doubling{0}, doubling{0}]\n", n + 1),
            )
        }));
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        check_refused(&files, &[], expected);
    }
    check_refused(
        &[],
        &[],
        "recipe.yaml:1: cannot read `recipe.yaml`: there is no such file",
    );
}

#[test]
fn references_keep_types_and_fit_inside_texts() {
    let rows = [
        ("${variables.lr}", json!(0.1)),
        (" ${ variables.lr } ", json!(0.1)),
        ("${variables.list}", json!([1, 0.1])),
        ("${variables.list.1}", json!(0.1)),
        ("${variables.chain}", json!("lr=0.1")),
        (
            "a-${variables.name}-${training_hyperparams.max_epochs}",
            json!("a-x-2"),
        ),
        ("${variables.name}${variables.name}", json!("xx")),
        ("\\\\${variables.name}", json!("${variables.name}")),
        ("${.lr}", json!(0.1)),
        ("${..training_hyperparams.max_epochs}", json!(2)),
        ("${variables.${variables.key}}", json!(0.1)),
        ("${.list[1]}", json!(0.1)),
        ("a${variables.list}", json!("a[1, 0.1]")),
        (
            "a${variables.values}",
            json!("a{'x': [True, None, 1e-05, 'b']}"),
        ),
        ("${add:1,2,3}", json!(6)),
        ("${add: ${variables.lr}, 1}", json!(1.1)),
        ("${sub:5,7}", json!(-2)),
        ("${mul:2,${variables.lr}}", json!(0.2)),
        ("${div:1,4}", json!(0.25)),
        ("${cond:${variables.none},1,b}", json!("b")),
        ("${first:${variables.list}}", json!(1)),
        ("${last:[1,2,3]}", json!(3)),
        ("${len:${variables.list}}", json!(2)),
        (
            "${getitem:${variables.values},x}-",
            json!("[True, None, 1e-05, 'b']-"),
        ),
        ("$variables", json!("$variables")),
    ];
    for (text, expected) in rows {
        let recipe = format!(
            "{WHOLE}variables:\n  lr: 0.1\n  name: x\n  list: [1, '${{variables.lr}}']\n  chain: lr=${{variables.lr}}\n  key: lr\n  none:\n  values: {{x: [true, null, 1e-5, b]}}\n  it: \"{text}\"\n"
        );
        check(&[("recipe.yaml", &recipe)], &[], "/variables/it", expected);
    }
}

#[test]
fn references_that_lead_nowhere_are_refused() {
    let rows = [
        (
            "it: ${variables.lrr}",
            "`${variables.lrr}`: there is no `lrr` in `variables`; did you mean `lr`? known: lr, list, it, b",
        ),
        (
            "it: ${varables.lr}",
            "`${varables.lr}`: there is no `varables`; did you mean `variables`? known: experiment_name, architecture, dataset, training_hyperparams, variables",
        ),
        (
            "it: ${variables.lr.x}",
            "`${variables.lr.x}`: there is no `x` in `variables.lr`",
        ),
        (
            "it: ${variables.list.7}",
            "`${variables.list.7}`: there is no `7` in `variables.list`",
        ),
        (
            "it: ${variables.it}",
            "`${…}` go in a circle: `variables.it` → `variables.it`",
        ),
        (
            "it: ${variables.b}",
            "`${…}` go in a circle: `variables.b` → `variables.it` → `variables.b`",
        ),
        (
            "it: '${variables'",
            "`${` without its `}`; write `\\${` for a plain one",
        ),
        (
            "it: '${oc.env:HOME}'",
            "`${oc.env:HOME}`: a recipe reads no environment; write the value, or `key=value` on the command line",
        ),
        (
            "it: '${ad:1,2}'",
            "`${ad:1,2}`: there is no function `ad`; did you mean `add`? known: add, sub, mul, div, cond, first, last, len, getitem",
        ),
        (
            "it: '${add:1,x}'",
            "`${add:1,x}`: expected a number, found the text \"x\"",
        ),
        ("it: '${div:1,0}'", "`${div:1,0}`: division by zero"),
        (
            "it: '${roboflow_dataset_num_classes:x}'",
            "`${roboflow_dataset_num_classes:x}`: phasebox looks nothing up; write the number, such as `num_classes=7` on the command line",
        ),
        (
            "it: '${...lr}'",
            "`${...lr}` starts above the top of the recipe; use fewer dots",
        ),
        (
            "it: '???'",
            "`variables.it` has no value (`???`); write `variables.it=…` on the command line, or the value here",
        ),
        (
            "it: '${}'",
            "`${}` is not a key; write `${a.b}`, from the top of the recipe",
        ),
    ];
    for (added, expected) in rows {
        let recipe = format!(
            "{WHOLE}variables:\n  lr: 0.1\n  list: [1]\n  {added}\n  b: ${{variables.it}}\n"
        );
        check_refused(
            &[("recipe.yaml", &recipe)],
            &[],
            &format!("recipe.yaml:10: {expected}"),
        );
    }
}

#[test]
fn arguments_override() {
    let rows = [
        (
            "training_hyperparams.max_epochs=9",
            "/training_hyperparams/max_epochs",
            json!(9),
        ),
        (
            "training_hyperparams.initial_lr=1e-3",
            "/training_hyperparams/initial_lr",
            json!(1e-3),
        ),
        (
            "training_hyperparams.optimizer_params={lr: 5}",
            "/training_hyperparams/optimizer_params",
            json!({"lr": 5, "momentum": 0.9}),
        ),
        (
            "arch_params.hidden=[1, 2]",
            "/arch_params",
            json!({"hidden": [1, 2]}),
        ),
        (
            "phase_callbacks.0.EMA.decay=0.5",
            "/phase_callbacks",
            json!([{"EMA": {"decay": 0.5}}]),
        ),
        (
            "phase_callbacks.0=Clip",
            "/phase_callbacks",
            json!(["Clip"]),
        ),
        (
            "phase_callbacks+=[Clip]",
            "/phase_callbacks",
            json!([{"EMA": null}, "Clip"]),
        ),
        (
            "experiment_name=${dataset}",
            "/experiment_name",
            json!("digits"),
        ),
        ("experiment_name=a=b", "/experiment_name", json!("a=b")),
    ];
    let base = BASE.replace("[EMA]", "[EMA: ]");
    for (argument, pointer, expected) in rows {
        check(&[("recipe.yaml", &base)], &[argument], pointer, expected);
    }
}

#[test]
fn arguments_that_do_not_fit_say_so() {
    let rows = [
        (
            "max_epochs",
            "an override is written `key=value`, such as `training_hyperparams.max_epochs=3`",
        ),
        ("=3", "a key of the path is empty; write `a.b=value`"),
        ("a..b=3", "a key of the path is empty; write `a.b=value`"),
        (
            "dataset.a.b=3",
            "nothing can be set at `a`: above it is the text \"digits\"",
        ),
        (
            "phase_callbacks.4=Clip",
            "`4` is not an item of this list: it has 1, counted from 0",
        ),
        (
            "phase_callbacks.EMA=1",
            "`EMA` is not an item of this list: it has 1, counted from 0",
        ),
        ("arch_params=[1", "not usable as YAML: unclosed bracket '['"),
        (
            "training_hyperparams.max_epoch=3",
            "unknown key `max_epoch` in `training_hyperparams`; did you mean `max_epochs`?",
        ),
        (
            "training_hyperparams.seed=x",
            "`training_hyperparams.seed`: expected a whole number, 0 or more, found the text \"x\"",
        ),
        (
            "max_epochs=3",
            "`max_epochs` does not belong here; write it in `training_hyperparams`",
        ),
    ];
    for (argument, expected) in rows {
        check_refused(
            &[("recipe.yaml", BASE)],
            &[argument],
            &format!("from the command line (`{argument}`): {expected}"),
        );
    }
    check_refused(
        &[(
            "recipe.yaml",
            "experiment_name: a\narchitecture: b\ndataset: c\ntraining_hyperparams:\n  loss: mse\n",
        )],
        &["training_hyperparams.seed=1"],
        "recipe.yaml:4: missing key `max_epochs` in `training_hyperparams`; add it",
    );
}
