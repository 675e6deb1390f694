//! The reading layer: keys of SuperGradients, what they become, what is said about them, and what is refused. Its own
//! recipes are read in `tests/it/sg_recipes.rs`.

use serde_json::{Value, json};

use super::{WHOLE, load, load_with};
use crate::{Note, Recipe};

fn words(notes: &[Note]) -> Vec<String> {
    let words = notes
        .iter()
        .map(|note| format!("{}: {}", note.location.line, note.text));
    words.collect()
}

fn read(added: &str) -> Recipe {
    load_with(added).unwrap_or_else(|message| panic!("{message} for:\n{added}"))
}

/// A key that becomes something else, and nothing is said.
fn check(added: &str, pointer: &str, expected: Value) {
    let recipe = read(added);
    let found = recipe.to_json().pointer(pointer).cloned();
    assert_eq!(found, Some(expected), "{pointer} for:\n{added}");
    assert_eq!(
        (recipe.notes, recipe.missing),
        (vec![], vec![]),
        "for:\n{added}"
    );
}

#[test]
fn targets_become_data() {
    let rows = [
        ("numpy.arange, start: 1, stop: 4", json!([1, 2, 3])),
        (
            "numpy.arange, start: 2.5, stop: 8, step: 2.5",
            json!([2.5, 5.0, 7.5]),
        ),
        ("numpy.arange, stop: 2", json!([0, 1])),
        ("super_gradients.training.utils.utils.empty_list", json!([])),
        (
            "super_gradients.x.StrictLoad, value: key_matching",
            json!("key_matching"),
        ),
        (
            "super_gradients.x.Phase, value: PRE_TRAINING",
            json!("PRE_TRAINING"),
        ),
        (
            "super_gradients.x.CollateMixup, mixup_alpha: 0.2, _convert_: all",
            json!({"CollateMixup": {"mixup_alpha": 0.2}}),
        ),
        ("torch.nn.CrossEntropyLoss", json!("CrossEntropyLoss")),
    ];
    for (target, expected) in rows {
        let added = format!("variables: {{it: {{_target_: {target}}}}}\n");
        // That nothing reads the variable is said.
        let found = read(&added).to_json().pointer("/variables/it").cloned();
        assert_eq!(found, Some(expected), "{added}");
    }
}

#[test]
fn other_targets_are_refused_by_name() {
    let rows = [
        (
            "{_target_: os.system, command: ls}",
            "`_target_: os.system`: a recipe holds no code and can build nothing by name; write the parameters here, or remove the key",
        ),
        (
            "{_target_: evil.empty_list}",
            "`_target_: evil.empty_list`; did you mean `empty_list`?: a recipe holds no code and can build nothing by name; write the parameters here, or remove the key",
        ),
        (
            "{_target_: numpy.arange}",
            "`arange`: `stop` is no number; give one",
        ),
        (
            "{_target_: numpy.arange, stop: 1.0e+9}",
            "`arange`: more than 10000 numbers; give a larger `step`",
        ),
        (
            "{_target_: numpy.arange, stop: 3, step: 0}",
            "`arange`: more than 10000 numbers; give a larger `step`",
        ),
    ];
    for (target, expected) in rows {
        let message = load_with(&format!("  loss_x: 1\nvariables: {{it: {target}}}\n"));
        let message = message.expect_err(expected);
        assert_eq!(message, format!("recipe.yaml:8: {expected}"));
    }
}

#[test]
fn keys_that_ask_for_nothing_are_not_mentioned() {
    for added in [
        "  torch_compile: False\n  torch_compile_options: {mode: x}\n  finetune: off\n  sync_bn: False\n",
        "  sg_logger: base_sg_logger\n  sg_logger_params: {tensorboard_port: }\n",
        "multi_gpu: Off\nnum_gpus: 1\nckpt_root_dir:\n",
        "lr:\nbatch_size:\nepochs:\nresume:\nval_batch_size:\nema:\nnum_workers:\n",
        "train_dataloader_params: {pin_memory: true, sampler: null, collate_fn: null}\n",
        "checkpoint_params: {load_backbone: false, pretrained_weights: , strict_load: no_key_matching, load_weights_only: true}\n",
        "_convert_: all\n",
        "  valid_metrics_list: [Accuracy: {dist_sync_on_step: false, compute_on_cpu: false}]\n",
        "  lr_mode: {OneCycleLR: {phase: null}}\n  sg_logger_params: {save_logs_remote: false, storage_location: local}\n",
        "  resume: false\nresume: true\n",
        "  seed: 3\nseed: 3\n",
    ] {
        check(added, "/dataset", json!("digits"));
    }
}

#[test]
fn keys_that_do_nothing_are_noted() {
    let rows = [
        (
            "hydra: {run: {dir: '${nothing}'}}\n",
            "7: `hydra`: runs have their own folders (`--runs-dir`)",
        ),
        (
            "  warmup_momentum: 0.8\n",
            "7: `warmup_momentum`: nothing reads it, in SuperGradients neither",
        ),
        (
            "  sg_logger_params: {monitor_system: true}\n",
            "7: `monitor_system`: the use of CPU and memory is not logged",
        ),
        (
            "  lr_mode: {MultiStepLR: {milestones: [1], phase: Phase.TRAIN_EPOCH_END}}\n",
            "7: `phase`: `MultiStepLR` always steps once an epoch",
        ),
        (
            "  valid_metrics_list: [Accuracy: {dist_sync_on_step: True, process_group: null}]\n",
            "7: `dist_sync_on_step`: a run is one process: there is nothing to synchronize",
        ),
        (
            "train_dataloader_params: {batch_size: 64}\nmulti_gpu: DDP\nnum_gpus: 8\n",
            "8: `multi_gpu`: written for 8 processes of 64: 512 samples a step; here one process: 64. For the same steps write `training_hyperparams.batch_accumulate: 8`, or divide `initial_lr` by 8",
        ),
        (
            "  batch_accumulate: 2\nnum_gpus: 4\n",
            "8: `num_gpus`: written for 4 processes of 32: 256 samples a step; here one process: 64. For the same steps write `training_hyperparams.batch_accumulate: 8`, or divide `initial_lr` by 4",
        ),
        (
            "variables: {a: 1, b: '${.a}', c: {d: '${variables.b}'}}\nproject_name: '${variables.c.d}'\n",
            "8: `project_name`: nothing reads it, in SuperGradients neither",
        ),
        (
            "  batch_accumulate: 2\nmulti_gpu: AUTO\n",
            "8: `multi_gpu`: one process drives one device: a step has 64 samples",
        ),
        (
            "phase_callbacks:\n- stock: EMA\n  when: {rank: main}\n",
            "9: `rank`: a run is one process, so `main` and `all` are the same",
        ),
        (
            "  sync_bn: true\n",
            "7: `sync_bn`: batch norm, if the network has any, has the statistics of the 32 samples of its batch",
        ),
        (
            "checkpoint_params: {load_backbone: true}\n",
            "7: `load_backbone`: there are no weights to load it from: give `checkpoint_params.checkpoint_path`",
        ),
        (
            "  lr_warmup_steps: 5\n",
            "7: `lr_warmup_steps`: no warm-up under `LinearEpochLRWarmup`: the cosine begins so many steps later",
        ),
    ];
    for (added, expected) in rows {
        assert_eq!(words(&read(added).notes), [expected], "for:\n{added}");
    }
}

#[test]
fn short_names_set_their_keys() {
    let rows = [
        ("lr: 0.5\n", "/training_hyperparams/initial_lr", json!(0.5)),
        ("ema: true\n", "/training_hyperparams/ema", json!(true)),
        (
            "batch_size: 7\n",
            "/train_dataloader_params/batch_size",
            json!(7),
        ),
        (
            "val_batch_size: 7\n",
            "/val_dataloader_params/batch_size",
            json!(7),
        ),
        (
            "num_workers: 3\n",
            "/val_dataloader_params/num_workers",
            json!(3),
        ),
        (
            "num_workers: 3\n",
            "/train_dataloader_params/num_workers",
            json!(3),
        ),
    ];
    for (added, pointer, expected) in rows {
        check(added, pointer, expected);
    }
    let recipe = read("epochs: 5\n");
    assert_eq!(recipe.training_hyperparams.max_epochs, 5);
    let [note] = &recipe.notes[..] else {
        panic!("{:?}", recipe.notes)
    };
    assert!(note.text.ends_with("recipe.yaml:5"), "{note}");
}

const LAYOUT: &str = "experiment_name: '${size} ${list}'
architecture: resnet18
size: 8
list: [640, 640]
train_dataloader: cifar10_train
val_dataloader: cifar10_val
training_hyperparams: {max_epochs: 2, loss: mse, mine: 3, seed: '${.mine}'}
dataset_params:
  half: 4
  train_dataset_params: {root: data, train: True, download: False, transforms: [ToTensor]}
  val_dataset_params: {root: data, train: False, transforms: [{Resize: {size: '${.....half}'}}]}
  train_dataloader_params: {batch_size: 4}
";

#[test]
fn data_are_found_where_supergradients_has_them() {
    let recipe = load(&[("recipe.yaml", LAYOUT)], &[]).expect("a recipe");
    let json = recipe.to_json();
    for (pointer, expected) in [
        ("/experiment_name", json!("8 640-640")),
        ("/dataset", json!("cifar10_train")),
        ("/dataset_params", json!({"root": "data"})),
        ("/train_transforms", json!(["ToTensor"])),
        ("/val_transforms", json!([{"Resize": {"size": 4}}])),
        ("/train_dataloader_params", json!({"batch_size": 4})),
        ("/training_hyperparams/seed", json!(3)),
    ] {
        assert_eq!(json.pointer(pointer), Some(&expected), "{pointer}");
    }
    let again = recipe.to_yaml().expect("text");
    let again = load(&[("recipe.yaml", &again)], &[]).expect(&again);
    assert_eq!(again.to_json(), json);
}

#[test]
fn a_variable_may_lose_its_reader_to_an_override() {
    let read = load(&[("recipe.yaml", LAYOUT)], &["experiment_name=mine"]);
    assert_eq!(read.expect("a recipe").experiment_name, "mine");
}

/// A chain of references that ends in no key of the trainer makes no variables of its keys.
#[test]
fn a_variable_needs_a_reader_that_is_none() {
    let rows: &[(&str, Result<&[&str], &str>)] = &[
        ("mine: 5\nseed: '${mine}'\n", Ok(&[])),
        (
            "mine: 5\nvariables: {x: '${mine}'}\n",
            Err("8: unknown key `mine`"),
        ),
        ("mine: '${mine}'\n", Err("8: `${…}` go in a circle")),
        ("a: '${b}'\nb: '${a}'\n", Err("8: `${…}` go in a circle")),
        ("a: 1\nb: '${a}'\n", Err("8: unknown key `a`")),
        (
            "a: 1\nhydra: {run: {dir: '${a}'}}\n",
            Err("8: unknown key `a`"),
        ),
        (
            "variables: {a: 1, b: '${.a}'}\n",
            Ok(&[
                "8: `a`: nothing that is obeyed",
                "8: `b`: nothing that is obeyed",
            ]),
        ),
        (
            "variables: {a: 1, b: '\\${variables.a}'}\n",
            Ok(&["8: `a`: nothing", "8: `b`: nothing"]),
        ),
        ("a: {b: 1}\nseed: '${a.b}'\n", Ok(&[])),
    ];
    for (added, expected) in rows {
        let added = format!("  silent_mode: true\n{added}");
        match (load_with(&added), expected) {
            (Ok(recipe), Ok(notes)) => {
                let found = words(&recipe.notes);
                assert_eq!(found.len(), notes.len(), "{added}: {found:?}");
                let all = found.iter().zip(*notes);
                all.for_each(|(found, note)| assert!(found.starts_with(note), "{found}"));
            }
            (Err(message), Err(words)) => assert!(message.contains(words), "{added}: {message}"),
            (found, _) => panic!("{added}: {found:?}"),
        }
    }
}

#[test]
fn folders_of_images_become_one_root() {
    let text = LAYOUT
        .replace("cifar10", "imagenet")
        .replace("root: data, train: T", "root: /data/train, train: T");
    let text = text.replace("root: data, train: F", "root: /data/val, train: F");
    let recipe = load(&[("recipe.yaml", &text)], &[]).expect("a recipe");
    assert_eq!(
        recipe.dataset_params.to_json(),
        json!({"root": "/data", "train": "train", "validation": "val"})
    );
}

#[test]
fn data_with_boxes_become_a_section_for_each_part() {
    let text = LAYOUT
        .replace("cifar10", "coco2017")
        .replace(
            "root: data, train: True",
            "data_dir: /coco, verbose: 0, cache_annotations: True",
        )
        .replace(
            "root: data, train: False",
            "data_dir: /coco, json_file: val.json, cache: True",
        );
    let recipe = load(&[("recipe.yaml", &text)], &[]).expect("a recipe");
    let expected = json!({
        "train": {"data_dir": "/coco"},
        "validation": {"data_dir": "/coco", "json_file": "val.json"},
    });
    assert_eq!(recipe.dataset_params.to_json(), expected);
    let notes = words(&recipe.notes);
    assert!(notes[0].contains("`cache`: nothing reads it"), "{notes:?}");
}

#[test]
fn multi_scale_training_becomes_a_collation() {
    let check = |callback: &str, collation: &str, expected: Result<Value, &str>| {
        let text = LAYOUT
            .replace(
                "mine: 3",
                &format!("mine: 3, pre_prediction_callback: {callback}"),
            )
            .replace("batch_size: 4", &format!("batch_size: 4{collation}"));
        let read = load(&[("recipe.yaml", &text)], &[]);
        match (read, expected) {
            (Ok(recipe), Ok(expected)) => {
                let loader = recipe.train_dataloader_params.to_json();
                assert_eq!(loader["collate_fn"], expected);
                let notes = words(&recipe.notes);
                assert!(
                    notes[0].contains("becomes `collate_fn: MultiScaleCollateFunction`"),
                    "{notes:?}"
                );
            }
            (Err(message), Err(expected)) => assert!(message.contains(expected), "{message}"),
            (found, _) => panic!("{callback}: {found:?}"),
        }
    };
    let name = "DetectionMultiscalePrePredictionCallback";
    let plain = ", collate_fn: DetectionCollateFN";
    let own = |parameters: Value| Ok(json!({ "MultiScaleCollateFunction": parameters }));
    check(name, plain, own(json!({"multiscale_range": 5})));
    let with = format!("{{{name}: {{change_frequency: 3, multiscale_range: 2}}}}");
    check(
        &with,
        plain,
        own(json!({"change_frequency": 3, "multiscale_range": 2})),
    );
    check(name, "", Err("resizes batches of `DetectionCollateFN`"));
    check(
        name,
        ", collate_fn: default",
        Err("resizes batches of `DetectionCollateFN`"),
    );
    check("Other", plain, Err("pre_prediction_callback"));
}

#[test]
fn slips_are_refused_at_their_line() {
    let rows = [
        (
            ("half: 4\n", "half: 4\n  train_dataset_param: {}\n"),
            "recipe.yaml:10: unknown key `train_dataset_param` in `dataset_params`; did you mean `train_dataset_params`? known: train_dataset_params, train_dataloader_params, val_dataset_params, val_dataloader_params, test_dataset_params, test_dataloader_params; nothing reads it",
        ),
        (
            ("size: 8\n", "size: 8\nsise: 9\n"),
            "recipe.yaml:4: unknown key `sise`",
        ),
        (
            ("mine: 3", "mine: 3, other: 4"),
            "recipe.yaml:7: unknown key `other` in `training_hyperparams`",
        ),
        (
            ("size: 8\n", "size: 8\ndataset: digits\n"),
            "recipe.yaml:6: `train_dataloader` and the `dataset` at recipe.yaml:4 both name the data; keep one",
        ),
        (
            ("root: data, train: False", "root: other, train: False"),
            "recipe.yaml:11: `root` differs from that at recipe.yaml:10, but a data set has its parameters once; write the same",
        ),
        (
            (
                "size: 8\n",
                "size: 8\ncheckpoint_params: {checkpoint_path: a, strict_load: no_key_matching}\n",
            ),
            "recipe.yaml:4: `strict_load: no_key_matching` fits weights by their order, which phasebox does not; write true (all must fit) or false (what fits by name and shape)",
        ),
        (
            (
                "mine: 3",
                "mine: 3, sg_logger_params: {save_logs_remote: True}",
            ),
            "recipe.yaml:7: `save_logs_remote` of `sg_logger_params`: nothing is sent to another machine; write false, and copy the run's folder",
        ),
        (
            (
                "mine: 3",
                "mine: 3, sg_logger_params: {monitor_sistem: True}",
            ),
            "recipe.yaml:7: unknown key `monitor_sistem` in `sg_logger_params`; did you mean `monitor_system`?",
        ),
        (
            (
                "mine: 3",
                "mine: 3, lr_mode: {OneCycleLR: {phase: TRAIN_EPOCH_END}}",
            ),
            "recipe.yaml:7: `phase` of `OneCycleLR` is the text \"TRAIN_EPOCH_END\", but it steps with the optimizer here: write `TRAIN_BATCH_STEP`, or remove the key",
        ),
        (
            (
                "train_dataloader_params: {batch_size: 4}",
                "train_dataloader_params: {batch_size: 4, dataset: MNIST}",
            ),
            "recipe.yaml:12: `dataset` is not the data of `train_dataloader` at recipe.yaml:5; the parts of one data set are trained and validated on",
        ),
        (
            ("size: 8\n", "size: 8\nckpt_root_dir: runs\n"),
            "recipe.yaml:4: `ckpt_root_dir` is not supported by phasebox: choose the folder of runs with `--runs-dir`",
        ),
    ];
    for ((old, new), expected) in rows {
        let text = LAYOUT.replacen(old, new, 1);
        let message = load(&[("recipe.yaml", &text)], &[]).expect_err(expected);
        assert!(message.starts_with(expected), "{message}");
    }
}

#[test]
fn functions_that_are_not_here_are_listed() {
    let rows = [
        (
            "checkpoint_params: {pretrained_weights: imagenet}\n",
            "7: `pretrained_weights`: phasebox downloads no weights; give a safetensors file as `checkpoint_params.checkpoint_path`",
        ),
        (
            "teacher_architecture: resnet50\n",
            "7: `teacher_architecture`: there is no distillation; train the student alone",
        ),
        (
            "train_dataloader_params: {min_samples: 512}\n",
            "7: `min_samples`: an epoch is the data set once; remove the key, or train for more epochs",
        ),
    ];
    for (added, expected) in rows {
        assert_eq!(words(&read(added).missing), [expected], "for:\n{added}");
    }
}

#[test]
fn the_parts_of_one_data_set_have_one_name() {
    let loader = "dataset_params: {val_dataloader_params: {batch_size: 8}}\n";
    for (train, val, fits) in [
        ("cifar10_train", "cifar10_val", true),
        ("coco2017_train_yolo_nas", "coco2017_val_yolo_nas", true),
        ("digits", "digits", true),
        ("mnist_train", "cifar10_val", false),
        ("mnist_train", "foo", false),
    ] {
        let names = format!("train_dataloader: {train}\nval_dataloader: {val}\n");
        let recipe = WHOLE.replace("dataset: digits\n", &format!("{names}{loader}"));
        let read = load(&[("recipe.yaml", &recipe)], &[]);
        assert_eq!(read.is_ok(), fits, "{train}, {val}: {read:?}");
    }
}

#[test]
fn a_section_below_that_one_at_the_top_replaces_is_said_or_refused() {
    let both = "train_dataloader_params: {batch_size: 32}\ndataset_params: {train_dataloader_params: {batch_size: 128}}\n";
    let notes = words(&read(both).notes);
    let said = notes.iter().any(|note| {
        note.starts_with("8: `batch_size`: the one at ") && note.ends_with(":7 replaces it")
    });
    assert!(said, "{notes:?}");
    let recipe = format!("{WHOLE}{both}");
    let change = "dataset_params.train_dataloader_params.batch_size=7";
    let refused = load(&[("recipe.yaml", &recipe)], &[change]);
    let message = refused.expect_err("a change without effect");
    assert!(
        message.contains("recipe.yaml:7 replaces it; change that"),
        "{message}"
    );
}
