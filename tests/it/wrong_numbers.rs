//! Data, weights and batches that would train to wrong numbers without a word are refused, or said.

use std::fs;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::{OnError, When};
use phasebox_recipe::Recipe;
use phasebox_train::callback::Callback;
use phasebox_train::checkpoint;
use phasebox_train::context::{Context, Lendable};
use phasebox_train::trainer::Trainer;
use tch::{Device, Kind, Tensor};

use crate::harness::training::Training;
use crate::harness::{Scratch, TINY, alone};

/// A batch of one sample has no variance where a single pixel is left.
#[test]
fn a_batch_of_one_sample_does_not_ruin_a_normalization() {
    let training = Training::digits().architecture("resnet18").epochs(1);
    let (code, message) = training.with("train_dataloader_params.batch_size=1").fail();
    assert_eq!(code, 1, "{message}");
    assert!(message.contains("has one value a channel"), "{message}");
    assert!(message.contains("drop_last: true"), "{message}");
}

/// A rate that makes every weight NaN: the share of the first class is a number still.
#[test]
fn a_network_that_is_no_number_is_never_the_best() {
    let run = Training::digits()
        .epochs(2)
        .with("training_hyperparams.initial_lr=1e38")
        .with("training_hyperparams.nan_policy=ignore")
        .with("training_hyperparams.average_best_models=true")
        .run();
    for name in ["ckpt_best", "average_best_models.safetensors"] {
        assert!(!run.path(name).exists(), "{name}");
    }
    let (_, weight) = &run.checkpoint("latest").model[0];
    assert!(!weight.sum(Kind::Double).double_value(&[]).is_finite());
}

/// `ckpt_best` has the weights that were validated, in a file that loads where weights are wanted.
#[test]
fn the_weights_that_were_validated_are_in_a_file() {
    let scratch = Scratch::with_callbacks("  - ema: {decay: 0.5}\n");
    let run = scratch.trained(&[]);
    let best = run.0.join("ckpt_best");
    let weights = |name: &str| checkpoint::load_weights(&best.join(name), 0).expect("weights");
    assert_ne!(
        weights("model.safetensors").tensors,
        weights("validated.safetensors").tensors
    );
    checkpoint::load(&best).expect("a whole checkpoint");
    let file = best.join("validated.safetensors").display().to_string();
    let plain = Scratch::with_callbacks("  []\n");
    let finished = plain.phasebox(&["eval", "--json", &file, "--recipe", "recipe.yaml"]);
    let result: serde_json::Value = serde_json::from_str(&finished.stdout).expect(&finished.stderr);
    assert_eq!(
        result["metrics"]["Accuracy"],
        run.summary()["best"]["value"],
        "{result}"
    );
    let plain = plain.trained(&[]).0.join("ckpt_best");
    assert!(!plain.join("validated.safetensors").exists());
}

#[test]
fn weights_that_do_not_fit_are_told() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let file = run.0.join("ckpt_best/model.safetensors");
    let from = format!("checkpoint_params.checkpoint_path={}", file.display());
    let wide = ["check", "recipe.yaml", &from, "arch_params.hidden=[8]"];
    let refused = scratch.phasebox(&wide);
    assert_eq!(refused.code, Some(2));
    for part in [
        "has shape [16, 64], the model's is [8, 64]",
        "strict_load: false",
    ] {
        assert!(refused.stderr.contains(part), "{}", refused.stderr);
    }
    let loose = [&wide[..], &["checkpoint_params.strict_load=false"]].concat();
    let noted = scratch.phasebox(&loose);
    assert_eq!(noted.code, Some(0), "{}", noted.stderr);
    let notes = "1 of 4 tensors fit; left out:";
    assert!(noted.stdout.contains(notes), "{}", noted.stdout);
}

/// A number that is none would make every later one so, and an integer has lost the fraction.
#[test]
fn weights_that_are_no_weights_are_refused() {
    let scratch = Scratch::with_callbacks("  []\n");
    let run = scratch.trained(&[]);
    let whole = run.bytes("ckpt_best/model.safetensors");
    let ends = |value: f32| [&whole[..whole.len() - 4], &value.to_le_bytes()].concat();
    for (bytes, expected) in [
        (
            ends(f32::NAN),
            "1 of the network's tensors get values that are not finite, `hidden.0.weight`",
        ),
        (
            ends(f32::INFINITY),
            "1 of the network's tensors get values that are not finite, `hidden.0.weight`",
        ),
        (of_integers(&whole), "is Int, the model's is Float"),
    ] {
        scratch.write("odd.safetensors", bytes);
        let from = "checkpoint_params.checkpoint_path=odd.safetensors";
        let refused = scratch.phasebox(&["check", "recipe.yaml", from]);
        assert_eq!(refused.code, Some(2), "{}", refused.stdout);
        for part in [expected, "odd.safetensors"] {
            assert!(refused.stderr.contains(part), "{}", refused.stderr);
        }
    }
}

/// The file with the dtype of its tensors said to be int32.
fn of_integers(file: &[u8]) -> Vec<u8> {
    let mut changed = file.to_vec();
    let places = (0..file.len() - 5).filter(|place| &file[*place..place + 5] == b"\"F32\"");
    places.for_each(|place| changed[place + 1] = b'I');
    changed
}

#[test]
fn validation_samples_that_do_not_fit_are_refused_at_once() {
    let resized = "train_transforms={resize: [16, 16]}";
    let (code, message) = Training::digits().with(resized).fail();
    assert_eq!(code, 2, "{message}");
    for part in [
        "`val_transforms` give samples of another shape",
        "[1, 16, 16]",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // This network takes images of any size.
    let training = Training::digits().architecture("resnet18").with(resized);
    assert_eq!(training.check().code, Some(0));
}

/// Forms that serde would read by position.
#[test]
fn a_list_is_no_mapping() {
    let rows = [
        "train_dataloader_params=[16]",
        "dataset={digits: [0.1]}",
        "dataset={csv: [t.csv, y]}",
        "training_hyperparams.ema_params=[0.9]",
        "train_transforms=[{RandomHorizontalFlip: [0.5]}]",
        "val_dataloader_params={collate_fn: {CollateMixup: [0.1]}}",
        "arch_params=[[16]]",
    ];
    for change in rows {
        let training = Training::digits().with(change);
        let training = training.with("training_hyperparams.ema=true");
        let finished = training.check();
        assert_eq!(finished.code, Some(2), "{change}: {}", finished.stdout);
        let words = ["mapping", "parameters here already"];
        let is_told = words.iter().any(|word| finished.stderr.contains(word));
        assert!(is_told, "{change}: {}", finished.stderr);
    }
}

/// Puts a number in the place of the inputs.
struct Number;

impl Callback for Number {
    fn name(&self) -> &str {
        "number"
    }

    fn phases(&self) -> PhaseSet {
        [Phase::TrainBatchStart].into_iter().collect()
    }

    fn on_phase(&mut self, _: Phase, context: &mut Lendable<Context>) -> Result<()> {
        let number = Tensor::from(1.0).to_device(Device::Cpu);
        context.inputs = Some(number.to_kind(Kind::Float).into());
        Ok(())
    }
}

#[test]
fn inputs_without_a_dimension_are_an_error() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("recipe.yaml");
    fs::write(&file, format!("{TINY}  []\n")).expect("room");
    let recipe = Recipe::load(&file, &[]).expect("ours");
    let options = Options {
        runs_dir: folder.path().join("runs"),
        ..Options::default()
    };
    let mut assembly = Assembly::new(&recipe, options).expect("all parts");
    assembly.add_callback(Box::new(Number), When::default(), OnError::Abort);
    let refused = assembly.trainer().and_then(Trainer::train).err();
    let refused = format!("{:#}", refused.expect("no network takes a number"));
    assert!(refused.contains("cannot take inputs [] float"), "{refused}");
}
