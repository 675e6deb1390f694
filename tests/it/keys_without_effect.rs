//! Keys that change nothing in a recipe's run are listed, each with its place and the reason; keys that change something
//! are not.

mod rows;

use std::fmt::Write as _;
use std::path::Path;

use phasebox::assemble::{Assembly, Options};
use phasebox_recipe::Recipe;

use crate::harness::wat_components::{NOTHING, component};
use crate::harness::{Scratch, TINY, alone, repository};
use rows::ROWS;

/// Keys that stand at the top of a recipe.
const TOP: [&str; 9] = [
    "dataset",
    "train_dataloader_params",
    "val_dataloader_params",
    "test_dataloader_params",
    "train_transforms",
    "val_transforms",
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
    let recipe = Recipe::load(recipe, arguments).unwrap_or_else(|error| panic!("{error}"));
    let options = Options {
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        ..Options::default()
    };
    let assembly = Assembly::new(&recipe, options);
    let assembly = assembly.unwrap_or_else(|error| panic!("{arguments:?}: {error:#}"));
    let notes = assembly.notes().expect("notes").into_iter();
    notes.map(|note| note.to_string()).collect()
}

#[test]
fn keys_without_effect_are_listed() {
    let _alone = alone();
    let scratch = Scratch::with_callbacks("  []\n");
    let mut wrong = String::new();
    for (changes, expected) in ROWS {
        let arguments: Vec<String> = changes.iter().map(argument).collect();
        let found = notes(&scratch.path("recipe.yaml"), &arguments);
        let mut pairs = found.iter().zip(*expected);
        let fits = found.len() == expected.len();
        if !fits || !pairs.all(|(note, row)| says(note, row)) {
            let _ = writeln!(wrong, "{changes:?}: {found:#?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// True if a note names the key of a row and has the words of its reason.
fn says(note: &str, (key, reason): &(&str, &str)) -> bool {
    let is_whole = note.contains(&format!("{key}` has no effect"));
    let names = is_whole || note.contains(&format!("`{key}"));
    names && note.contains(reason)
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

/// The component imports `request-checkpoint`, and `describe` asks for nothing.
#[test]
fn an_import_that_will_be_denied_is_told() {
    for (entry, is_told) in [
        ("./case.wasm", true),
        ("{wasm: case.wasm, grants: []}", false),
        ("{wasm: case.wasm, grants: [checkpoint]}", false),
    ] {
        let scratch = Scratch::with_callbacks(&format!("  - {entry}\n"));
        scratch.write("case.wasm", component(&[("on-epoch-end", NOTHING)]));
        let finished = scratch.phasebox(&["check", "recipe.yaml"]);
        let said = finished.stdout + &finished.stderr;
        let note = "recipe.yaml:18: callback `case` imports `request-checkpoint`, which will be denied: its `describe` does \
                    not ask for the grant `checkpoint`; if it may request a checkpoint, write `grants: [checkpoint]`";
        assert_eq!(said.contains(note), is_told, "{entry}: {said}");
    }
}

/// Changes of [`TINY`] that make a run useless, and words of the refusal.
const REFUSED: &[(&[&str], &str)] = &[
    (
        &["initial_lr=0"],
        "`initial_lr` is 0, and nothing is trained",
    ),
    (
        &["initial_lr={default: 0}"],
        "every rate is 0, so nothing is trained",
    ),
    (
        &["ema=true", "ema_params={decay: 1.0, decay_type: constant}"],
        "`ema_params.decay` is 1, and the average stays",
    ),
    (
        &["phase_callbacks=[EMA: {decay: 0.9}, {stock: EMA, name: second}]"],
        "callback `second`: a second average would be lent",
    ),
];

/// Values that look like those, in a run that they fit.
const ACCEPTED: &[&[&str]] = &[
    &[
        "initial_lr=0",
        "phase_callbacks=[LrWarmupCosine: {initial_lr: 0.1}]",
    ],
    &[
        "initial_lr=0",
        "lr_warmup_epochs=1",
        "warmup_initial_lr=0.1",
    ],
    &["ema=true", "ema_params={decay: 1.0}"],
];

#[test]
fn a_run_that_would_be_useless_is_refused() {
    let _alone = alone();
    let scratch = Scratch::with_callbacks("  []\n");
    let path = scratch.path("recipe.yaml");
    let arguments = |changes: &[&str]| changes.iter().map(argument).collect::<Vec<_>>();
    for (changes, expected) in REFUSED {
        let recipe = Recipe::load(&path, &arguments(changes)).expect("a recipe");
        let refused = Assembly::new(&recipe, Options::default()).err();
        let message = format!("{:#}", refused.expect("a refusal"));
        assert!(message.contains(expected), "{changes:?}: {message}");
        assert!(message.starts_with("from the command line"), "{message}");
    }
    for changes in ACCEPTED {
        notes(&path, &arguments(changes));
    }
}

/// The values of `default_train_params` are nobody's slip; the same value is one in the recipe's own file.
#[test]
fn values_of_the_default_file_are_not_listed() {
    let _alone = alone();
    let scratch = Scratch::new();
    let text = TINY.replace("lr_mode: Constant", "warmup_mode: LinearEpochLRWarmup") + "  []\n";
    scratch.write("recipe.yaml", &text);
    assert_eq!(notes(&scratch.path("recipe.yaml"), &[]).len(), 1);
    let defaults = "defaults: [{training_hyperparams: default_train_params}, _self_]\n";
    let text = TINY.replace("  lr_mode: Constant\n", "") + "  []\n";
    scratch.write("recipe.yaml", format!("{defaults}{text}"));
    assert_eq!(
        notes(&scratch.path("recipe.yaml"), &[]),
        Vec::<String>::new()
    );
}

/// The folder of a bare file name is the working directory.
#[test]
fn a_base_folder_that_nothing_reads_is_listed_for_a_bare_name() {
    let scratch = Scratch::new();
    scratch.write("recipe.yaml", format!("base_folder: data\n{TINY}  []\n"));
    for (name, expected) in [("recipe.yaml", 1), ("./recipe.yaml", 1)] {
        let said = scratch.phasebox(&["check", name]).stdout;
        let note = "`base_folder` has no effect: the data set `digits` reads no file";
        assert_eq!(said.matches(note).count(), expected, "{name}: {said}");
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
