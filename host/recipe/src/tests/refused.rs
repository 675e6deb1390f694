//! One row for every way a recipe can be wrong: what is added to a whole recipe, and the full message.

use super::{load, load_with};

fn check(rows: &[(&str, &str)]) {
    for (added, expected) in rows {
        let message = load_with(added).expect_err(added);
        assert_eq!(message, format!("recipe.yaml:{expected}"), "for:\n{added}");
    }
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    check(&[
        (
            "  max_epoch: 3\n",
            "7: unknown key `max_epoch` in `training_hyperparams`; did you mean `max_epochs`?",
        ),
        (
            "  Optimizer: SGD\n",
            "7: unknown key `Optimizer` in `training_hyperparams`; did you mean `optimizer`?",
        ),
        (
            "  frobnicate: 3\n",
            "7: unknown key `frobnicate` in `training_hyperparams`",
        ),
        (
            "\n\narch_param: {}\n",
            "9: unknown key `arch_param`; did you mean `arch_params`?",
        ),
        (
            "checkpoint_params:\n  strict: true\n",
            "8: unknown key `strict` in `checkpoint_params`; did you mean `strict_load`? known: checkpoint_path, strict_load",
        ),
        (
            "phase_callbacks:\n- stock: EMA\n  param: {}\n",
            "9: unknown key `param` in `phase_callbacks[0]`; did you mean `params`? known: wasm, stock, params, name, digest, grants, when, order, limits, on_error, on_state, wasi",
        ),
        (
            "phase_callbacks:\n- stock: EMA\n  when:\n    evry: 2\n",
            "10: unknown key `evry` in `phase_callbacks[0].when`; did you mean `every`? known: every, unit, rank",
        ),
        (
            "max_epochs: 3\n",
            "7: `max_epochs` does not belong here; write it in `training_hyperparams`",
        ),
    ]);
}

#[test]
fn the_best_checkpoint_takes_no_name_of_another() {
    for name in ["ckpt_latest", "latest.pth", "error", "epoch_3"] {
        check(&[(
            &format!("  ckpt_best_name: {name}\n"),
            &format!(
                "7: `training_hyperparams.ckpt_best_name`: `{name}` is the name of another checkpoint; choose one such as ckpt_best"
            ),
        )]);
    }
}

#[test]
fn keys_of_other_trainers_are_refused_with_a_remedy() {
    check(&[
        (
            "  torch_compile: true\n",
            "7: `torch_compile` is not supported by phasebox: there is no compiler; steps run on fused and multi-tensor kernels; remove the key",
        ),
        (
            "  sync_bn: 3\n",
            "7: `sync_bn` is not supported by phasebox: one process drives one device, so statistics are those of its batch; remove the key",
        ),
        (
            "multi_gpu: TPU\n",
            "7: `multi_gpu` is not supported by phasebox: one process drives one device; choose it with `device`",
        ),
        (
            "_target_: os.system\n",
            "7: `_target_: os.system`: a recipe holds no code and can build nothing by name; write the parameters here, or remove the key",
        ),
        (
            "train_dataloader_params:\n  batch_size: 2\n  worker_init_fn: mine\n",
            "9: `worker_init_fn` is not supported by phasebox: a recipe holds no code; workers are seeded from `seed`",
        ),
    ]);
}

#[test]
fn unfitting_values_say_what_was_found_and_what_is_expected() {
    check(&[
        (
            "  batch_accumulate: 0\n",
            "7: `training_hyperparams.batch_accumulate`: expected a whole number, 1 or more, found `0`",
        ),
        (
            "  seed: -1\n",
            "7: `training_hyperparams.seed`: expected a whole number, 0 or more, found `-1`",
        ),
        (
            "  seed: 1.5\n",
            "7: `training_hyperparams.seed`: expected a whole number, 0 or more, found `1.5`",
        ),
        (
            "  seed: ten\n",
            "7: `training_hyperparams.seed`: expected a whole number, 0 or more, found the text \"ten\"",
        ),
        (
            "  ema: ja\n",
            "7: `training_hyperparams.ema`: expected true or false, found the text \"ja\"",
        ),
        (
            "  metric_to_watch: 5\n",
            "7: `training_hyperparams.metric_to_watch`: expected a text, found `5`; put it in quotes",
        ),
        (
            "  clip_grad_norm: -1.0\n",
            "7: `training_hyperparams.clip_grad_norm`: expected a number above 0, found `-1.0`",
        ),
        (
            "  clip_grad_norm: [1]\n",
            "7: `training_hyperparams.clip_grad_norm`: expected a number, found a list",
        ),
        (
            "  mixed_precision: fp16\n",
            "7: `training_hyperparams.mixed_precision`: expected true, false or bf16, found `\"fp16\"`",
        ),
        (
            "  nan_policy: skip\n",
            "7: `training_hyperparams.nan_policy`: unknown value `skip`; did you mean `skip_step`? known: abort, skip_step, ignore",
        ),
        (
            "  save_ckpt_epoch_list:\n  - 1\n  - two\n",
            "9: `training_hyperparams.save_ckpt_epoch_list[1]`: expected a whole number, 0 or more, found the text \"two\"",
        ),
        (
            "  ckpt_best_name: ../../etc/passwd\n",
            "7: `training_hyperparams.ckpt_best_name`: names a folder or file: letters, digits, `_ - . = +`; found the text \"../../etc/passwd\"",
        ),
        (
            "device: gpu\n",
            "7: `device`: expected cpu, cuda or cuda:N, found \"gpu\"",
        ),
        (
            "device: cuda:-1\n",
            "7: `device`: expected cpu, cuda or cuda:N, found \"cuda:-1\"",
        ),
        (
            "checkpoint_params: 3\n",
            "7: `checkpoint_params`: expected a mapping, found `3`",
        ),
        (
            "seed: 1\nresume: 1\n",
            "8: `resume`: expected true or false, found `1`",
        ),
        (
            "phase_callbacks: EMA\n",
            "7: `phase_callbacks`: expected a list (`- EMA: {…}`), found the text \"EMA\"",
        ),
    ]);
}

#[test]
fn sections_of_another_kind_are_refused() {
    let mapping = "expected a mapping of names to values, found";
    let in_training = |key| format!("7: `training_hyperparams.{key}`: {mapping} a list");
    check(&[
        (
            "arch_params: 3\n",
            &format!("7: `arch_params`: {mapping} `3`"),
        ),
        (
            "dataset_params: [a]\n",
            &format!("7: `dataset_params`: {mapping} a list"),
        ),
        ("variables: 3\n", &format!("7: `variables`: {mapping} `3`")),
        (
            "train_dataloader_params: 16\n",
            &format!("7: `train_dataloader_params`: {mapping} `16`"),
        ),
        (
            "val_dataloader_params: [{batch_size: 16}]\n",
            &format!("7: `val_dataloader_params`: {mapping} a list"),
        ),
        (
            "test_dataloader_params: x\n",
            &format!("7: `test_dataloader_params`: {mapping} the text \"x\""),
        ),
        (
            "  optimizer_params: [0.9]\n",
            &in_training("optimizer_params"),
        ),
        (
            "  criterion_params: [1]\n",
            &in_training("criterion_params"),
        ),
        ("  ema_params: [0.9]\n", &in_training("ema_params")),
        (
            "  train_metrics_list: Accuracy\n",
            "7: `training_hyperparams.train_metrics_list`: expected a list such as [Accuracy], found the text \"Accuracy\"",
        ),
        (
            "  valid_metrics_list: {Accuracy: }\n",
            "7: `training_hyperparams.valid_metrics_list`: expected a list such as [Accuracy], found a mapping",
        ),
        (
            "train_transforms: 3\n",
            "7: `train_transforms`: expected a list or a mapping, found `3`",
        ),
        (
            "val_transforms: ToTensor\n",
            "7: `val_transforms`: expected a list or a mapping, found the text \"ToTensor\"",
        ),
        (
            "phase_callbacks:\n- {stock: EMA, when: [1]}\n",
            "8: `phase_callbacks[0].when`: expected a mapping, found a list",
        ),
        (
            "phase_callbacks:\n- {stock: EMA, limits: 3}\n",
            "8: `phase_callbacks[0].limits`: expected a mapping, found `3`",
        ),
    ]);
}

#[test]
fn numbers_that_are_texts_say_how_to_write_them() {
    check(&[
        (
            "  clip_grad_norm: '1e-3'\n",
            "7: `training_hyperparams.clip_grad_norm`: expected a number, found the text \"1e-3\"; remove the quotes",
        ),
        (
            "  clip_grad_norm: 1,5\n",
            "7: `training_hyperparams.clip_grad_norm`: expected a number, found the text \"1,5\"; write `1.5`, with a point",
        ),
        (
            "  seed: '010'\n",
            "7: `training_hyperparams.seed`: expected a whole number, 0 or more, found the text \"010\"; remove the quotes",
        ),
        (
            "  seed: 010\n",
            "7: `010` is 8 to some readers of YAML and 10 to others: write it without the 0 before it",
        ),
    ]);
}

#[test]
fn a_key_in_two_places_is_refused() {
    check(&[
        (
            "  seed: 1\nseed: 2\n",
            "8: `seed` is also in `training_hyperparams` at recipe.yaml:7; keep one of them",
        ),
        (
            "  phase_callbacks: [EMA]\nphase_callbacks: [EMA]\n",
            "8: `phase_callbacks` is also in `training_hyperparams` at recipe.yaml:7; keep one of them",
        ),
        (
            "dataset: cifar10\n",
            "7: key `dataset` is here twice: line 3 has it too; keep one",
        ),
        (
            "  loss: mse\n",
            "7: key `loss` is here twice: line 6 has it too; keep one",
        ),
    ]);
}

#[test]
fn callbacks() {
    let digest = "sha256:0123";
    check(&[
        (
            "phase_callbacks:\n- EMA:\n  decay: 0.9\n",
            "8: `phase_callbacks[0]`: indent the parameters deeper than their callback `EMA`",
        ),
        (
            "phase_callbacks:\n- EMA: 0.9\n",
            "8: `phase_callbacks[0].EMA`: parameters are a mapping such as {decay: 0.9}, found `0.9`",
        ),
        (
            "phase_callbacks:\n- 3\n",
            "8: `phase_callbacks[0]`: an entry is `- Name`, `- Name: {parameters}`, or the long form with `wasm: FILE` or `stock: NAME`; found `3`",
        ),
        (
            "phase_callbacks:\n- {EMA: {}, Clip: {}}\n",
            "8: `phase_callbacks[0]`: an entry is `- Name`, `- Name: {parameters}`, or the long form with `wasm: FILE` or `stock: NAME`; found a mapping",
        ),
        (
            "phase_callbacks:\n- wasm: ./EMA\n",
            "8: `phase_callbacks[0].wasm`: `./EMA` is no callback's name, and a file's name ends in .wasm",
        ),
        (
            "phase_callbacks:\n- ./EMA\n",
            "8: `phase_callbacks[0]`: `./EMA` is no callback's name, and a file's name ends in .wasm",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  stock: EMA\n",
            "8: `phase_callbacks[0]`: has both `wasm` and `stock`; keep one",
        ),
        (
            "phase_callbacks:\n- EMA\n- Clip\n- EMA: {decay: 0.9}\n",
            "10: a callback named `EMA` is already at recipe.yaml:8; give one of them another `name:`",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  digest: sha256:0123\n",
            &format!(
                "9: `phase_callbacks[0].digest`: expected `sha256:` and 64 hexadecimal digits, found the text \"{digest}\""
            ),
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  grants: stop\n",
            "9: `phase_callbacks[0].grants`: expected a list such as [gradients, stop], found the text \"stop\"",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  when: {every: 0}\n",
            "9: `phase_callbacks[0].when.every`: expected a whole number, 1 or more, found `0`",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  when: {unit: steps}\n",
            "9: `phase_callbacks[0].when.unit`: unknown value `steps`; did you mean `step`? known: step, epoch, batch",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  on_error: stop\n",
            "9: `phase_callbacks[0].on_error`: unknown value `stop`; known: abort, disable, ignore, reload",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  on_error: {reload: {strike: 2}}\n",
            "9: unknown key `strike` in `phase_callbacks[0].on_error.reload`; did you mean `strikes`? known: strikes, backoff, then",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  limits:\n    time: 250\n",
            "10: `phase_callbacks[0].limits.time`: expected a time with its unit (us, ms, s, m, h), such as 250ms, of at most a day, found `250`",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  limits:\n    time: 2 days\n",
            "10: `phase_callbacks[0].limits.time`: expected a time with its unit (us, ms, s, m, h), such as 250ms, of at most a day, found the text \"2 days\"",
        ),
        (
            "phase_callbacks:\n- wasm: a.wasm\n  limits:\n    memory: 64M\n",
            "10: `phase_callbacks[0].limits.memory`: expected a size with its unit (B, KiB, MiB, GiB, kB, MB, GB), such as 64MiB, found the text \"64M\"",
        ),
        (
            "phase_callbacks:\n- stock: EMA\n  order: {after: [Clipp]}\n- Clip\n",
            "8: `order` of callback `EMA`: the recipe has no callback `Clipp`; did you mean `Clip`? known: EMA, Clip",
        ),
        (
            "phase_callbacks:\n- stock: A\n  order: {after: C}\n- stock: B\n  order: {after: A}\n- stock: C\n  order: {after: B}\n",
            "8: callbacks wait for each other: `A` after `C` after `B` after `A`; drop one `order`",
        ),
        (
            "phase_callbacks:\n- stock: A\n  order: {before: A}\n",
            "8: callbacks wait for each other: `A` after `A`; drop one `order`",
        ),
    ]);
}

#[test]
fn a_recipe_must_be_whole_and_a_mapping() {
    const TOP: &str = "experiment_name: a\narchitecture: b\ndataset: c\n";
    let rows = [
        ("", "1: missing key `training_hyperparams`; add it"),
        (
            "# nothing\n",
            "1: missing key `training_hyperparams`; add it",
        ),
        (
            "training_hyperparams:\n",
            "1: missing key `training_hyperparams`; add it",
        ),
        (
            "training_hyperparams: {max_epochs: 1, loss: mse}\n",
            "1: missing key `experiment_name`; add it",
        ),
        (
            "training_hyperparams: [1]\n",
            "1: missing key `experiment_name`; add it",
        ),
        (
            &format!("{TOP}\ntraining_hyperparams:\n  loss: mse\n"),
            "5: missing key `max_epochs` in `training_hyperparams`; add it",
        ),
        (
            &format!("{TOP}training_hyperparams: {{max_epochs: 1}}\n"),
            "4: missing key `loss` in `training_hyperparams`; add it",
        ),
        (
            &format!("{TOP}training_hyperparams: [1]\n"),
            "4: `training_hyperparams`: expected a mapping, found a list",
        ),
        (
            "- a\n- b\n",
            "1: a recipe is a mapping of keys, found a list",
        ),
        (
            "a: [1\nb: 2\n",
            "2: not usable as YAML: illegal placement of ':' indicator",
        ),
        (
            "a: {b: ${c}}\n",
            "1: not usable as YAML: while parsing a flow mapping, did not find expected ',' or '}'; inside {} and [], put `${…}` in quotes",
        ),
        (
            "a: 1\n\tb: 2\n",
            "1: not usable as YAML: while scanning a plain scalar, found a tab",
        ),
        (
            "a: &a [*a]\n",
            "1: not usable as YAML: Recursive reference not allowed here",
        ),
        (
            "a: *missing\n",
            "1: not usable as YAML: reference to unknown value",
        ),
        (
            "a: !!python/object:os.system {}\n",
            "1: not usable as YAML: unsupported tag `!!python/object:os.system`",
        ),
        (
            "a: !code 1\n",
            "1: not usable as YAML: unsupported tag `!code`",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "3: not usable as YAML: only single YAML document expected but multiple found",
        ),
        (
            "a: .inf\n",
            "1: not usable as YAML: value `.inf` is not a finite number: the greatest are 1.8e308",
        ),
        (
            "? [a, b]\n: 1\n",
            "1: not usable as YAML: expected string scalar",
        ),
    ];
    for (text, expected) in rows {
        let message = load(&[("recipe.yaml", text)], &[]).expect_err(text);
        assert_eq!(message, format!("recipe.yaml:{expected}"), "for:\n{text}");
    }
}
