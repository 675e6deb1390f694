//! The table of docs/resume.md: each key is changed between a checkpoint and the run that goes on from it. A row says who
//! decides, and where a change that is obeyed can be seen.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::contents;
use crate::harness::wat_components::{CHECKPOINT, component};
use crate::harness::{Finished, Run, Scratch, repository};

const RECIPE: &str = "\
experiment_name: tiny
dataset: {digits: {test_fraction: 0.1}}
train_dataloader_params: {batch_size: 16, shuffle: true}
val_dataloader_params: {batch_size: 180}
architecture: mlp
arch_params: {hidden: [8], dropout: 0.1}
training_hyperparams:
  max_epochs: 3
  max_train_batches: 6
  batch_accumulate: 2
  optimizer: SGD
  optimizer_params: {momentum: 0.9, weight_decay: 0.01}
  initial_lr: 0.05
  lr_mode: StepLRScheduler
  lr_updates: [2]
  lr_decay_factor: 0.5
  loss: CrossEntropyLoss
  criterion_params: {label_smoothing: 0.1}
  train_metrics_list: [Accuracy]
  valid_metrics_list: [Accuracy, Top5]
  metric_to_watch: Accuracy
  ema: true
  ema_params: {decay: 0.9}
  save_ckpt_every_n_steps: 1
  save_ckpt_epoch_list: [1]
phase_callbacks:
  - {wasm: asks.wasm, grants: [checkpoint], when: {every: 4, unit: batch}}
";

/// The place where a change that is obeyed can be seen; `Nowhere` if it changes no number.
const SEEN: &str = "Weights Average Log Files Best Recorded Silence Nowhere Refused";

/// The checkpoint that is gone on from.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Checkpoint {
    EpochEnd,
    InsideEpoch,
}

use Checkpoint::{EpochEnd, InsideEpoch};

struct Row {
    key: &'static str,
    changes: Vec<&'static str>,
    from: Checkpoint,
    seen: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = ROWS.lines().map(|line| line.split(" | ").collect());
    lines
        .map(|cells: Vec<&str>| Row {
            key: cells[0],
            changes: cells[1].split("; ").collect(),
            from: if cells[2] == "end" {
                EpochEnd
            } else {
                InsideEpoch
            },
            seen: cells[3],
        })
        .collect()
}

/// A row a line: a key as the table has it, the changes, of which the first is of that key, the checkpoint that is gone on
/// from, and where the change is seen.
const ROWS: &str = "\
experiment_name | experiment_name=other | end | Nowhere
architecture | architecture={convnet: {channels: [4]}}; arch_params=null | end | Refused
arch_params | arch_params.dropout=0.5 | inside | Weights
arch_params | arch_params.hidden=[9] | end | Refused
dataset_params | dataset.digits.test_fraction=0.2 | end | Log
dataset_params | dataset.digits.test_fraction=0.2 | inside | Refused
base_folder | base_folder=/ | inside | Nowhere
train_dataloader_params | train_dataloader_params.num_workers=1 | inside | Nowhere
train_dataloader_params | train_dataloader_params.max_batches=5 | inside | Weights
train_dataloader_params.batch_size | train_dataloader_params.batch_size=8 | end | Weights
train_dataloader_params.batch_size | train_dataloader_params.batch_size=8 | inside | Refused
train_dataloader_params.shuffle | train_dataloader_params.shuffle=false | end | Weights
train_dataloader_params.shuffle | train_dataloader_params.shuffle=false | inside | Refused
val_dataloader_params | val_dataloader_params.max_batches=1 | inside | Log
test_dataloader_params | test_dataloader_params={batch_size: 16, max_batches: 1} | inside | Log
train_transforms | train_transforms={horizontal_flip: 0.5} | inside | Weights
val_transforms | val_transforms={normalize: {mean: [0.5], std: [0.5]}} | inside | Log
checkpoint_params | checkpoint_params.checkpoint_path=base/ckpt_best/model.safetensors | end | Refused
device | device=cpu | inside | Nowhere
max_epochs | max_epochs=4 | inside | Log
initial_lr | initial_lr=0.2 | inside | Weights
lr_mode | lr_mode=PolyLRScheduler | inside | Weights
lr_updates | lr_updates=[1] | inside | Weights
lr_decay_factor | lr_decay_factor=0.1 | inside | Weights
step_lr_update_freq | step_lr_update_freq=1; lr_updates=null | inside | Weights
cosine_final_lr_ratio | cosine_final_lr_ratio=0.9; lr_mode=CosineLRScheduler | inside | Weights
lr_warmup_epochs | lr_warmup_epochs=2 | inside | Weights
lr_warmup_steps | lr_warmup_steps=3; warmup_mode=LinearBatchLRWarmup | inside | Nowhere
warmup_initial_lr | warmup_initial_lr=0.001; lr_warmup_epochs=2 | inside | Weights
warmup_mode | warmup_mode=LinearBatchLRWarmup; lr_warmup_steps=3 | inside | Nowhere
lr_cooldown_epochs | lr_cooldown_epochs=1; lr_mode=PolyLRScheduler | inside | Weights
optimizer | optimizer={Adam: {}}; optimizer_params=null | inside | Refused
optimizer | optimizer={Adam: {}}; optimizer_params=null; load_opt_params=false | inside | Weights
optimizer_params | optimizer_params.weight_decay=0.5 | inside | Weights
optimizer_params | optimizer_params.momentum=0.5 | inside | Weights
optimizer_params | optimizer_params.momentum=0 | inside | Weights
zero_weight_decay_on_bias_and_bn | zero_weight_decay_on_bias_and_bn=true | inside | Weights
batch_accumulate | batch_accumulate=3 | inside | Weights
clip_grad_norm | clip_grad_norm=0.01 | inside | Weights
mixed_precision | mixed_precision=bf16 | inside | Weights
channels_last | channels_last=true | inside | Nowhere
loss | loss=LabelSmoothingCrossEntropyLoss; criterion_params.label_smoothing=0.3 | inside | Weights
criterion_params | criterion_params.label_smoothing=0.4 | inside | Weights
train_metrics_list | train_metrics_list=[F1] | inside | Log
valid_metrics_list | valid_metrics_list=[Accuracy] | inside | Log
metric_to_watch | metric_to_watch=Top5 | inside | Best
greater_metric_to_watch_is_better | greater_metric_to_watch_is_better=false; metric_to_watch=loss | inside | Best
ema | ema=false | inside | Log
ema_params | ema_params.decay=0.5 | inside | Average
average_best_models | average_best_models=true | inside | Files
nan_policy | nan_policy=ignore | inside | Nowhere
record_steps | record_steps=off | inside | Recorded
seed | seed=7 | end | Weights
seed | seed=7 | inside | Refused
silent_mode | silent_mode=true | inside | Silence
run_validation_freq | run_validation_freq=3 | inside | Log
run_test_freq | run_test_freq=3 | inside | Log
max_train_batches | max_train_batches=7 | inside | Weights
max_valid_batches | max_valid_batches=1 | inside | Log
save_model | save_model=false | inside | Files
save_ckpt_epoch_list | save_ckpt_epoch_list=[1,2] | inside | Files
save_ckpt_every_n_steps | save_ckpt_every_n_steps=2 | inside | Files
ckpt_best_name | ckpt_best_name=finest | inside | Files
load_opt_params | load_opt_params=false | inside | Weights
allow_tf32 | allow_tf32=false | inside | Nowhere
deterministic_kernels | deterministic_kernels=true | inside | Nowhere
deterministic_callbacks | deterministic_callbacks=true | inside | Nowhere
phase_callbacks | phase_callbacks=[{grad-clip: {max_norm: 0.01}}] | inside | Weights
";

/// Keys of the table without a row here, which other tests change; every row sets `ckpt_name`.
const ELSEWHERE: [&str; 5] = ["dataset", "resume", "run_id", "resume_path", "ckpt_name"];

/// Keys that do not stand in `training_hyperparams`.
const TOP: [&str; 13] = [
    "experiment_name",
    "architecture",
    "arch_params",
    "dataset",
    "dataset_params",
    "base_folder",
    "train_dataloader_params",
    "val_dataloader_params",
    "test_dataloader_params",
    "train_transforms",
    "val_transforms",
    "checkpoint_params",
    "device",
];

/// The key, or the change of it, with its section.
fn placed(key: &str) -> String {
    let first = key.split(['.', '=']).next().unwrap_or_default();
    match first {
        "phase_callbacks" => key.to_owned(),
        top if TOP.contains(&top) => key.to_owned(),
        _ => format!("training_hyperparams.{key}"),
    }
}

/// A run of two epochs of three, with a checkpoint at the end of the first and one inside the second.
struct Case {
    scratch: Scratch,
    /// The ends of runs that went on unchanged from the two checkpoints.
    unchanged: Vec<End>,
}

/// The run that went on, and its process.
struct End {
    finished: Finished,
    run: Run,
}

impl Case {
    fn new() -> Case {
        let scratch = Scratch::new();
        scratch.write("recipe.yaml", RECIPE);
        scratch.write(
            "asks.wasm",
            component(&[("on-train-batch-end", CHECKPOINT)]),
        );
        let run = scratch.trained(&["training_hyperparams.max_epochs=2"]);
        fs::rename(&run.0, scratch.path("base")).expect("a folder can be moved");
        let mut case = Case {
            scratch,
            unchanged: Vec::new(),
        };
        for (folder, from) in [("end", EpochEnd), ("inside", InsideEpoch)] {
            let end = case.end(folder, from, &[]);
            assert_eq!(end.finished.code, Some(0), "{}", end.finished.stderr);
            case.unchanged.push(end);
        }
        case
    }

    /// Goes on in a copy of the run.
    fn end(&self, folder: &str, from: Checkpoint, changes: &[&str]) -> End {
        let tag = match from {
            EpochEnd => "ckpt_name=ckpt_epoch_1",
            InsideEpoch => "ckpt_name=ckpt_asked",
        };
        let changes: Vec<String> = changes
            .iter()
            .chain([&tag])
            .map(|change| placed(change))
            .collect();
        let copy = format!("rm -rf {folder}; cp -a base {folder}");
        let copied = Command::new("sh")
            .args(["-c", &copy])
            .current_dir(self.scratch.path(""))
            .status();
        assert!(copied.expect("a shell").success());
        let arguments: Vec<&str> = ["--resume", folder]
            .into_iter()
            .chain(changes.iter().map(String::as_str))
            .collect();
        End {
            finished: self.scratch.train(&arguments),
            run: Run(self.scratch.path(folder)),
        }
    }
}

/// The place of a row, read from a run that has ended.
fn seen(place: &str, end: &End) -> String {
    let run = &end.run;
    match place {
        "Weights" => format!("{:?}", run.bytes("ckpt_latest/model.safetensors")),
        "Average" => format!("{:?}", run.bytes("ckpt_latest/ema.safetensors")),
        "Log" => format!("{:?}", run.metrics()),
        "Files" => {
            let names = contents(&run.0).into_keys();
            let is_kept = |name: &PathBuf| !name.to_string_lossy().contains("tfevents");
            format!("{:?}", names.filter(is_kept).collect::<Vec<_>>())
        }
        "Best" => run.summary()["best"].to_string(),
        "Recorded" => run.summary()["recorded_steps"].to_string(),
        "Silence" => end.finished.stdout.is_empty().to_string(),
        _ => String::new(),
    }
}

/// A key as the log and refusals name it.
fn named(key: &str) -> String {
    let placed = match key {
        "phase_callbacks" => "training_hyperparams.phase_callbacks".to_owned(),
        _ => placed(key),
    };
    format!("`{placed}")
}

fn check(case: &Case, row: &Row) {
    let what = format!("{:?} from {:?}", row.changes, row.from);
    let end = case.end("run", row.from, &row.changes);
    let words = &end.finished.stderr;
    if row.seen == "Refused" {
        return check_refusal(case, row, &end);
    }
    assert_eq!(end.finished.code, Some(0), "{what}: {words}");
    let is_told = row.key != "load_opt_params";
    assert!(
        !is_told || words.contains(&named(row.key)),
        "{what}: {words}"
    );
    let unchanged = &case.unchanged[usize::from(row.from == InsideEpoch)];
    let (ours, theirs) = (seen(row.seen, &end), seen(row.seen, unchanged));
    assert_eq!(ours == theirs, row.seen == "Nowhere", "{what}");
    let recipe = end.run.text("recipe.yaml");
    assert!(recipe != unchanged.run.text("recipe.yaml"), "{what}");
    assert!(end.run.has("recipe.1.yaml"), "{what}");
}

fn check_refusal(case: &Case, row: &Row, end: &End) {
    let words = &end.finished.stderr;
    let what = format!("{:?} from {:?}: {words}", row.changes, row.from);
    assert_eq!(end.finished.code, Some(2), "{what}");
    for part in [named(row.key).as_str(), " was ", " and is "] {
        assert!(words.contains(part), "{what}");
    }
    let mut remedies = ["put back what it was", "remove the key"].iter();
    assert!(remedies.any(|remedy| words.contains(remedy)), "{what}");
    let base = contents(&case.scratch.path("base"));
    assert!(contents(&end.run.0) == base, "{what}: a file has changed");
}

#[test]
fn each_key_is_decided_as_the_table_says() {
    let case = Case::new();
    for row in rows() {
        assert!(SEEN.contains(row.seen), "{}", row.seen);
        check(&case, &row);
    }
}

/// The table as docs/resume.md has it: each key with the one who decides.
fn documented() -> Vec<(String, String)> {
    let text = fs::read_to_string(repository("docs/resume.md")).expect("it is there");
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    let cells = lines.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    cells
        .map(|cells| (cells[1].trim_matches('`').to_owned(), cells[2].to_owned()))
        .collect()
}

/// The keys that `training.rs` reads.
fn hyperparameters() -> BTreeSet<String> {
    let path = repository("host/recipe/src/training.rs");
    let text = fs::read_to_string(path).expect("it is there");
    let calls = text.split("reader").skip(1);
    let read = calls.filter_map(|call| {
        let (before, rest) = call.split_once('"')?;
        let is_call = before.contains('(') && !before.contains(';');
        is_call.then(|| rest.split('"').next().unwrap_or_default().to_owned())
    });
    let schedule = text.split("SCHEDULE_KEYS: &[&str] = &[").nth(1);
    let schedule = schedule.and_then(|rest| rest.split(']').next());
    let schedule = schedule.unwrap_or_default().split('"').skip(1).step_by(2);
    read.chain(schedule.map(str::to_owned)).collect()
}

#[test]
fn the_table_has_every_key_and_each_of_its_rows_is_tried() {
    let documented = documented();
    let keys: BTreeSet<&str> = documented.iter().map(|(key, _)| key.as_str()).collect();
    let read = hyperparameters();
    assert!(read.len() > 40, "{read:?}");
    for key in read.iter().map(String::as_str).chain(TOP) {
        assert!(keys.contains(key), "docs/resume.md lacks `{key}`");
    }
    let all = rows();
    for (key, decides) in &documented {
        let mut rows = all.iter().filter(|row| row.key == key).peekable();
        if ELSEWHERE.contains(&key.as_str()) {
            continue;
        }
        assert!(rows.peek().is_some(), "`{key}` has no row");
        let fits = match decides.as_str() {
            "recipe, refused if it does not fit" => rows.any(|row| row.seen == "Refused"),
            "recipe, refused inside an epoch" => {
                rows.any(|row| row.seen == "Refused" && row.from == InsideEpoch)
            }
            "refused" | "checkpoint" => rows.any(|row| row.seen == "Refused"),
            "recipe" => rows.any(|row| row.seen != "Refused"),
            _ => decides == "the key itself",
        };
        assert!(fits, "`{key}`: {decides}");
    }
}
