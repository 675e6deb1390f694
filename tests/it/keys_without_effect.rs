//! Keys that change nothing in a recipe's run are listed, each with its place and the reason; keys that change something
//! are not.

use std::path::Path;

use phasebox::assemble::{Assembly, Options};
use phasebox_recipe::Recipe;

use crate::harness::{Scratch, TINY, alone, repository};

/// Changes of [`TINY`], and the notes that follow: the key, and words of the reason.
type Row = (
    &'static [&'static str],
    &'static [(&'static str, &'static str)],
);

const ROWS: &[Row] = &[
    (&[], &[]),
    (
        &["lr_updates=[1]"],
        &[("lr_updates", "the learning rate is constant")],
    ),
    (
        &[
            "lr_mode=step",
            "lr_decay_factor=0.1",
            "lr_updates=[1]",
            "cosine_final_lr_ratio=0.5",
        ],
        &[("cosine_final_lr_ratio", "`lr_mode` is StepLRScheduler")],
    ),
    (
        &["lr_mode=step", "lr_decay_factor=0.1", "lr_updates=[1,2,7]"],
        &[("lr_updates", "never comes to 2, 7")],
    ),
    (
        &[
            "lr_mode=step",
            "lr_decay_factor=0.1",
            "step_lr_update_freq=2",
        ],
        &[("step_lr_update_freq", "no update falls among them")],
    ),
    (
        &[
            "lr_mode=cosine",
            "lr_decay_factor=0.5",
            "step_lr_update_freq=1",
        ],
        &[
            ("step_lr_update_freq", "`lr_mode` is CosineLRScheduler"),
            ("lr_decay_factor", "`lr_mode` is CosineLRScheduler"),
        ],
    ),
    (
        &[
            "lr_mode=cosine",
            "lr_cooldown_epochs=1",
            "cosine_final_lr_ratio=0.5",
        ],
        &[],
    ),
    (
        &["lr_cooldown_epochs=1"],
        &[("lr_cooldown_epochs", "is constant")],
    ),
    (
        &["warmup_initial_lr=0.001", "warmup_mode=linear_batch_step"],
        &[
            ("warmup_mode", "no warm-up"),
            ("warmup_initial_lr", "no warm-up"),
        ],
    ),
    (
        &["lr_warmup_steps=4", "warmup_mode=linear_batch_step"],
        &[("lr_warmup_steps", "beyond 3 of them")],
    ),
    (
        &[
            "optimizer_params={momentum: 0, dampening: 0.5, weight_decay: 0}",
            "zero_weight_decay_on_bias_and_bn=true",
        ],
        &[
            ("zero_weight_decay_on_bias_and_bn", "no weight decay"),
            ("optimizer_params.dampening", "`momentum` is 0"),
        ],
    ),
    (
        &["max_train_batches=500"],
        &[("max_train_batches", "an epoch has 81 batches")],
    ),
    (
        &["max_valid_batches=2"],
        &[("max_valid_batches", "an epoch has 2 batches")],
    ),
    (
        &["train_dataloader_params.max_batches=3"],
        &[("max_train_batches", "own `max_batches` goes before it")],
    ),
    (
        &["ema_params={decay: 0.5}"],
        &[("ema_params", "`ema: true` reads it")],
    ),
    (
        &[
            "ema=true",
            "ema_params={decay: 0.5, decay_type: constant, beta: 3}",
        ],
        &[("ema_params.beta", "`decay_type` is `constant`")],
    ),
    (
        &[
            "save_model=false",
            "save_ckpt_epoch_list=[1]",
            "save_ckpt_every_n_steps=2",
        ],
        &[
            ("save_ckpt_epoch_list", "`save_model` is false"),
            ("save_ckpt_every_n_steps", "`save_model` is false"),
        ],
    ),
    (
        &["save_ckpt_epoch_list=[0,2,3]"],
        &[("save_ckpt_epoch_list", "never ends [0, 3]")],
    ),
    (
        &["save_ckpt_every_n_steps=7"],
        &[("save_ckpt_every_n_steps", "the run has 6 steps")],
    ),
    (
        &["ckpt_name=ckpt_best"],
        &[("ckpt_name", "goes on with no other")],
    ),
    (
        &["checkpoint_params.strict_load=false"],
        &[("checkpoint_params.strict_load", "no `checkpoint_path`")],
    ),
    (
        &["deterministic_callbacks=true"],
        &[("deterministic_callbacks", "no callbacks")],
    ),
    (
        &[
            "dataset=digits",
            "run_test_freq=2",
            "test_dataloader_params={batch_size: 7}",
        ],
        &[
            ("run_test_freq", "no test part"),
            ("test_dataloader_params", "no test part"),
        ],
    ),
    (
        &["channels_last=true"],
        &[("channels_last", "no convolution")],
    ),
    (
        &["arch_params={hidden: [], dropout: 0.5, activation: gelu}"],
        &[
            ("arch_params.dropout", "no hidden layer"),
            ("arch_params.activation", "no hidden layer"),
        ],
    ),
    (
        &["base_folder=data"],
        &[("base_folder", "`digits` reads no file")],
    ),
    (
        &["val_dataloader_params.batch_size=400"],
        &[("val_dataloader_params.batch_size", "beyond 360")],
    ),
    (
        &[
            "val_dataloader_params.drop_last=true",
            "test_dataloader_params={batch_size: 100}",
        ],
        &[("val_dataloader_params.drop_last", "360 samples is full")],
    ),
    (
        &[
            "train_dataloader_params.drop_last=true",
            "max_train_batches=null",
        ],
        &[],
    ),
    (
        &[
            "train_dataloader_params.num_workers=0",
            "train_dataloader_params.prefetch=4",
        ],
        &[("train_dataloader_params.prefetch", "`num_workers` is 0")],
    ),
    (
        &["train_transforms={horizontal_flip: 0}"],
        &[("horizontal_flip", "probability is 0")],
    ),
    (
        &["train_transforms=[RandomHorizontalFlip: {prob: 0}, RandomCrop: {size: 8, fill: 3}]"],
        &[
            ("RandomHorizontalFlip", "`prob` is 0"),
            ("RandomCrop.fill", "`padding` is 0"),
        ],
    ),
    (
        &["phase_callbacks=[{stock: EarlyStopping, when: {every: 2, unit: step}}]"],
        &[("when", "no batch calls the callback")],
    ),
];

/// Keys that stand at the top of a recipe.
const TOP: [&str; 8] = [
    "dataset",
    "train_dataloader_params",
    "val_dataloader_params",
    "test_dataloader_params",
    "train_transforms",
    "arch_params",
    "checkpoint_params",
    "base_folder",
];

/// The change as an argument: most keys are those of `training_hyperparams`.
fn argument(change: &&str) -> String {
    let first = change.split(['.', '=']).next().unwrap_or_default();
    match TOP.contains(&first) {
        true => (*change).to_owned(),
        false => format!("training_hyperparams.{change}"),
    }
}

fn notes(recipe: &Path, arguments: &[String]) -> Vec<String> {
    let recipe = Recipe::load(recipe, arguments).expect("a good recipe");
    let options = Options {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        ..Options::default()
    };
    let assembly = Assembly::new(&recipe, options).expect("a good recipe");
    let notes = assembly.notes().expect("notes").into_iter();
    notes.map(|note| note.to_string()).collect()
}

#[test]
fn keys_without_effect_are_listed() {
    let _alone = alone();
    let scratch = Scratch::with_callbacks("  []\n");
    for (changes, expected) in ROWS {
        let arguments: Vec<String> = changes.iter().map(argument).collect();
        let found = notes(&scratch.path("recipe.yaml"), &arguments);
        assert_eq!(found.len(), expected.len(), "{changes:?}: {found:#?}");
        for (note, (key, reason)) in found.iter().zip(*expected) {
            let has_key = note.contains(&format!("{key}` has no effect: "));
            assert!(
                has_key || note.contains(&format!("`{key}` has no effect")),
                "{key}: {note}"
            );
            assert!(note.contains(reason), "{reason}: {note}");
        }
    }
}

#[test]
fn a_note_has_the_line_of_its_key() {
    let scratch = Scratch::new();
    let recipe = TINY.replace("lr_mode: Constant", "lr_updates: [1]") + "  []\n";
    scratch.write("recipe.yaml", recipe);
    for command in ["check", "train"] {
        let finished = scratch.phasebox(&[command, "recipe.yaml"]);
        let said = finished.stdout + &finished.stderr;
        let note = "recipe.yaml:12: `training_hyperparams.lr_updates` has no effect: the learning rate is constant";
        assert_eq!(said.matches(note).count(), 1, "{command}: {said}");
    }
}

/// The recipes that come with phasebox say nothing in vain.
#[test]
fn our_own_recipes_have_no_such_key() {
    let _alone = alone();
    for name in ["digits", "mnist5k", "resnet18", "torchscript"] {
        let path = repository(&format!("recipes/{name}.yaml"));
        assert_eq!(notes(&path, &[]), Vec::<String>::new(), "{name}");
    }
}
