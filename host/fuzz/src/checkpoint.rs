//! Arbitrary folders of runs: a checkpoint with its manifest, tensors and callbacks' bytes, and the logs beside it, that a
//! resume goes on from.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use anyhow::Result;
use phasebox::assemble::{Assembly, Options, ProcessCache};
use phasebox_contract::digest::Digest;
use phasebox_recipe::Recipe;
use phasebox_train::checkpoint;
use phasebox_train::trainer::Summary;
use serde_json::{Value, json};

use crate::cost::{Memory, within};
use crate::files;
use crate::training;

/// The checkpoint's folder in the run's, and its manifest.
const CHECKPOINT: &str = "checkpoints/000001-step-2";
const MANIFEST: &str = "checkpoints/000001-step-2/checkpoint.json";
/// The digest of a file that is not written in the input: it is made here, as a stranger would make it.
const MADE: &str = "made";

const MEMORY: Memory = Memory {
    free: 1 << 20,
    each: 200,
};

/// Loads a checkpoint of the files of an input, and trains on from it. Returns true if the run went on.
///
/// # Panics
/// If loading takes more than is in proportion, or the logs of a run that went on cannot be read.
pub fn run(bytes: &[u8]) -> bool {
    let folder = tempfile::tempdir().expect("a folder for the run");
    let mut files = files::files(bytes, MANIFEST);
    complete(&mut files);
    for (name, bytes) in &files {
        files::write(folder.path(), name, bytes);
    }
    let _ = symlink(CHECKPOINT, folder.path().join("ckpt_latest"));
    let checkpoint = folder.path().join(CHECKPOINT);
    let loaded = within(MEMORY, bytes.len(), || checkpoint::load(&checkpoint));
    // What cannot be loaded is not resumed, which takes ten times as long.
    if loaded.is_err() {
        return false;
    }
    let log = || fs::read(folder.path().join("metrics.jsonl")).ok();
    let before = log();
    let resumed = resume(folder.path());
    // A run that is over changes nothing, and leaves the log as it is.
    let has_trained = resumed.is_ok() && log() != before;
    if has_trained {
        training::check_run(folder.path());
    }
    resumed.is_ok()
}

/// Puts sizes and digests into the manifest where it says that they are to be made, and its own digest beside it.
fn complete(files: &mut Vec<(&str, Vec<u8>)>) {
    let Ok(mut manifest) = serde_json::from_slice::<Value>(&files[0].1) else {
        return;
    };
    let listed = manifest.get_mut("files").and_then(Value::as_object_mut);
    for (name, record) in listed.into_iter().flatten() {
        let path = format!("{CHECKPOINT}/{name}");
        let file = files.iter().rfind(|(name, _)| *name == path);
        if let Some((_, bytes)) = file.filter(|_| *record == MADE) {
            *record = json!({"bytes": bytes.len(), "sha256": Digest::of(bytes).to_string()});
        }
    }
    let text = manifest.to_string().into_bytes();
    let digest = format!("{}  checkpoint.json\n", Digest::of(&text));
    files[0].1 = text;
    files.insert(1, (DIGEST, digest.into_bytes()));
}

const DIGEST: &str = "checkpoints/000001-step-2/checkpoint.json.sha256";

thread_local! {
    static CACHE: RefCell<ProcessCache> = RefCell::default();
    static RECIPE: Recipe = recipe();
}

/// A run with all that a checkpoint holds: an average, the best models, a callback's state.
fn recipe() -> Recipe {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("resumed.yaml");
    Recipe::load(path, &[]).expect("the recipe is right")
}

fn resume(run: &Path) -> Result<Summary> {
    tch::set_num_threads(1);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    let options = Options {
        resume: Some(run.to_owned()),
        plugins_dir: Some(target.join("plugins")),
        cache_dir: Some(target.join("tmp/fuzz-compiled")),
        ..Options::default()
    };
    let assembly = |recipe: &Recipe| -> Result<Summary> {
        CACHE
            .with_borrow_mut(|cache| Assembly::with(recipe, options, cache))
            .expect("the recipe is right")
            .trainer()?
            .train()
    };
    RECIPE.with(assembly)
}
