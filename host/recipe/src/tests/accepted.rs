//! Recipes that are accepted: their types, their defaults and the forms of a callback. The recipe that a run writes is
//! read as the recipe that was given.

use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::policy::{LastStrike, LoopUnit, OnError, Reload, When};
use serde::Serialize;
use serde_json::json;

use super::super::*;
use super::{WHOLE, load, load_with};

#[test]
fn scalars_are_typed_by_the_core_schema() {
    let rows = [
        ("1e-4", json!(1e-4)),
        ("1E3", json!(1000.0)),
        ("5", json!(5)),
        ("-3", json!(-3)),
        ("0x10", json!(16)),
        ("0o17", json!(15)),
        ("1.", json!(1.0)),
        (".5", json!(0.5)),
        ("18446744073709551615", json!(u64::MAX)),
        ("true", json!(true)),
        ("False", json!(false)),
        ("yes", json!("yes")),
        ("off", json!("off")),
        ("1_000", json!("1_000")),
        ("12:30", json!("12:30")),
        ("2024-01-01", json!("2024-01-01")),
        ("~", json!(null)),
        ("", json!(null)),
        ("null", json!(null)),
        ("'5'", json!("5")),
        ("\"a\\tb\"", json!("a\tb")),
        ("[1, {a: 2}]", json!([1, {"a": 2}])),
    ];
    for (yaml, expected) in rows {
        let recipe = load_with(&format!("variables: {{it: {yaml}}}\n")).expect(yaml);
        assert_eq!(recipe.to_json()["variables"]["it"], expected, "{yaml}");
    }
}

#[test]
fn defaults_are_those_of_the_dialect() {
    let recipe = load(&[("recipe.yaml", WHOLE)], &[]).expect("a whole recipe");
    let training = &recipe.training_hyperparams;
    assert_eq!(training.optimizer.as_str(), Some("SGD"));
    assert_eq!(
        (
            training.batch_accumulate,
            training.clip_grad_norm,
            training.seed
        ),
        (1, None, 42)
    );
    assert_eq!(
        (
            training.metric_to_watch.as_str(),
            training.greater_metric_to_watch_is_better
        ),
        ("Accuracy", None)
    );
    assert_eq!((training.ema, training.average_best_models), (false, false));
    assert_eq!(
        (
            training.evaluation.run_validation_freq,
            training.saving.save_model
        ),
        (1, true)
    );
    assert_eq!(
        (training.resume.resume, training.resume.load_opt_params),
        (false, true)
    );
    assert_eq!(
        recipe.train_dataloader_params.to_json(),
        json!({"shuffle": true})
    );
    assert_eq!(recipe.val_dataloader_params.to_json(), json!({}));
    assert!(recipe.checkpoint_params.strict_load);
    assert_eq!(recipe.device, None);
}

#[test]
fn loaders_take_their_batch_size_from_training() {
    let recipe = load_with(
        "train_dataloader_params: {batch_size: 64, shuffle: false}\nval_dataloader_params: {num_workers: 2}\n",
    );
    let recipe = recipe.expect("loaders");
    assert_eq!(
        recipe.train_dataloader_params.to_json(),
        json!({"batch_size": 64, "shuffle": false})
    );
    assert_eq!(
        recipe.val_dataloader_params.to_json(),
        json!({"num_workers": 2, "batch_size": 64})
    );
    assert_eq!(recipe.test_dataloader_params, recipe.val_dataloader_params);
}

#[test]
fn a_callback_has_three_forms() {
    let yaml = "phase_callbacks:
- EMA
- ./my_callback.wasm: {every_k: 10}
- wasm: callbacks/clip.wasm
  name: clip
  params: {max_norm: 1.0}
  digest: sha256:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
  grants: [gradients, stop]
  when: {every: 10, unit: epoch, rank: main}
  order: {before: EMA}
  limits: {time: 250ms, memory: 64MiB, tensors: 1.5 GiB, handles: 100, syncs: 0}
  on_error: disable
";
    let callbacks = load_with(yaml)
        .expect("callbacks")
        .training_hyperparams
        .phase_callbacks;
    let names: Vec<_> = callbacks
        .iter()
        .map(|callback| callback.name.as_str())
        .collect();
    assert_eq!(names, ["my_callback", "clip", "EMA"]);
    let [file, clip, ema] = &callbacks[..] else {
        panic!("three callbacks")
    };
    assert_eq!(ema.source, CallbackSource::Named("EMA".to_owned()));
    assert!(
        matches!(&file.source, CallbackSource::File(path) if path.ends_with("my_callback.wasm"))
    );
    assert_eq!(
        (&file.params, &file.grants),
        (&json!({"every_k": 10}), &None)
    );
    assert_eq!(clip.params, json!({"max_norm": 1.0}));
    let digest = clip.digest.expect("a digest").to_string();
    assert_eq!(
        digest,
        "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
    );
    let grants = clip.grants.as_ref().expect("grants");
    assert_eq!(
        grants
            .iter()
            .map(|grant| (grant.name.as_str(), grant.location.line))
            .collect::<Vec<_>>(),
        [("gradients", 14), ("stop", 14)]
    );
    assert_eq!(
        clip.when,
        When {
            every: 10,
            unit: LoopUnit::Epoch
        }
    );
    let written = [
        (Limit::Time, 250_000_000),
        (Limit::Memory, 64 << 20),
        (Limit::Tensors, 3 << 29),
        (Limit::Handles, 100),
        (Limit::Syncs, 0),
    ];
    let limits = written
        .into_iter()
        .fold(Limits::default(), |limits, (limit, n)| {
            limits.with(limit, n)
        });
    assert_eq!((clip.limits, ema.limits), (limits, Limits::default()));
    assert_eq!(
        (clip.on_error, clip.written.location.line),
        (OnError::Disable, 10)
    );
}

#[test]
fn a_failure_s_policy_has_two_forms() {
    let reload = |strikes, backoff_steps, then| {
        OnError::Reload(Reload {
            strikes,
            backoff_steps,
            then,
        })
    };
    for (written, expected) in [
        ("abort", OnError::Abort),
        ("reload", reload(3, 10, LastStrike::Disable)),
        ("{reload: {strikes: 5}}", reload(5, 10, LastStrike::Disable)),
        (
            "{reload: {backoff: 0, then: abort}}",
            reload(3, 0, LastStrike::Abort),
        ),
    ] {
        let yaml = format!("phase_callbacks:\n- {{wasm: a.wasm, on_error: {written}}}\n");
        let callbacks = load_with(&yaml)
            .expect("a callback")
            .training_hyperparams
            .phase_callbacks;
        assert_eq!(callbacks[0].on_error, expected, "{written}");
    }
}

#[test]
fn order_changes_only_what_it_asks_for() {
    let rows: [(&[&str], &str); 4] = [
        (&["A", "B", "C"], "A B C"),
        (&["A after C", "B", "C"], "B C A"),
        (&["A", "B", "C before A"], "B C A"),
        (
            &["A after d-d", "B after A", "C", "D_D before C"],
            "D_D A B C",
        ),
    ];
    for (entries, expected) in rows {
        let entry = |text: &&str| match text.split(' ').collect::<Vec<_>>()[..] {
            [name, relation, other] => {
                format!("- {{stock: {name}, order: {{{relation}: {other}}}}}\n")
            }
            _ => format!("- {text}\n"),
        };
        let yaml = format!(
            "phase_callbacks:\n{}",
            entries.iter().map(entry).collect::<String>()
        );
        let callbacks = load_with(&yaml)
            .expect(expected)
            .training_hyperparams
            .phase_callbacks;
        assert_eq!(
            callbacks
                .iter()
                .map(|callback| callback.name.as_str())
                .collect::<Vec<_>>()
                .join(" "),
            expected
        );
    }
}

#[test]
fn sections_type_themselves_with_lines() {
    #[derive(Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Mlp {
        hidden: Vec<u32>,
    }
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Model {
        Mlp(Mlp),
        Linear,
    }

    let parse = |yaml: &str| {
        let recipe = load_with(&format!("arch_params:\n{yaml}")).expect(yaml);
        recipe
            .arch_params
            .parse::<Model>()
            .map(|model| json!(model).to_string())
            .map_err(|error| error.message + " at " + &error.location.line.to_string())
    };
    let rows = [
        (
            "  mlp:\n    hidden: [128]\n",
            Ok(r#"{"mlp":{"hidden":[128]}}"#),
        ),
        ("  linear:\n", Ok(r#""linear""#)),
        (
            "  mlp:\n    hidden:\n    - 1\n    - x\n",
            Err(
                "`arch_params.mlp.hidden[1]`: expected a whole number, 0 or more, found the text \"x\" at 11",
            ),
        ),
        (
            "  mlp:\n    hiden: [1]\n",
            Err(
                "unknown key `hiden` in `arch_params.mlp`; did you mean `hidden`? known: hidden at 9",
            ),
        ),
        (
            "  mlp: {}\n",
            Err("missing key `hidden` in `arch_params.mlp`; add it at 8"),
        ),
        (
            "  mpl: {}\n",
            Err("`arch_params`: unknown value `mpl`; did you mean `mlp`? known: mlp, linear at 7"),
        ),
        (
            "  linear: {x: 1}\n",
            Err("`arch_params.linear`: `linear` takes no settings; remove them at 8"),
        ),
        (
            "  {a: 1, b: 2}\n",
            Err(
                "`arch_params`: expected a name, or one name with its settings, found a mapping at 7",
            ),
        ),
    ];
    for (yaml, expected) in rows {
        assert_eq!(
            parse(yaml),
            expected.map(str::to_owned).map_err(str::to_owned),
            "for:\n{yaml}"
        );
    }
}

#[test]
fn the_written_recipe_is_the_recipe() {
    let yaml = "variables: {lr: 1e-4, text: '5', odd: \"a: b #c\\n\", none: ~, list: [1, [2.0, x]]}
checkpoint_params: {checkpoint_path: weights/start.safetensors}
phase_callbacks: [EMA: {decay: 0.99}, ./a.wasm, ./b.wasm: {x: 1}, {wasm: c.wasm}]
";
    let recipe = load_with(yaml).expect("a recipe");
    let written = recipe.to_yaml().expect("text");
    let again = load(&[("recipe.yaml", &written)], &[]).expect(&written);
    assert_eq!(again.to_json(), recipe.to_json());
    assert_eq!(again.to_yaml().expect("text"), written);
    assert_eq!(
        again.base_folder,
        recipe
            .base_folder
            .canonicalize()
            .unwrap_or(recipe.base_folder)
    );
    assert!(
        again
            .checkpoint_params
            .checkpoint_path
            .is_some_and(|path| path.is_absolute())
    );
}
