//! The verdict on a mutated recipe. Owns the comparison with the recipe that it was made of, and the list of spellings that
//! mean the same.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use phasebox::assemble::{Assembly, Extent, Options, ProcessCache};
use phasebox_recipe::Recipe;
use phasebox_train::checkpoint;

use super::bases::Base;
use super::change::Mutation;
use crate::harness::{Run, Scratch};

/// The most processor time that the refusal or the trial of a recipe takes.
const MOST: Duration = Duration::from_secs(2);

pub(super) enum Verdict {
    /// With the place, and the name of what is wrong.
    Refused,
    /// A note names the key.
    Noted,
    /// The run is another one.
    Changed,
    /// It says the same as before.
    Same,
    /// Accepted without effect, or refused without place or name.
    Wrong(String),
}

impl Verdict {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Verdict::Refused => "refused",
            Verdict::Noted => "noted",
            Verdict::Changed => "changed",
            Verdict::Same => "same",
            Verdict::Wrong(_) => "wrong",
        }
    }
}

/// Keys that may change nothing that a run leaves behind, and the document that says so.
const ABOUT_THE_MACHINE: [(&str, &str); 4] = [
    ("num_workers", "recipes/README.md: no number depends on it"),
    ("prefetch", "recipes/README.md: no number depends on it"),
    ("silent_mode", "prints nothing but errors"),
    ("record_steps", "replayed steps have the bits of eager ones"),
];

/// Keys that a recipe here has at the value that they have by default.
const AT_DEFAULT: [&str; 8] = [
    "greater_metric_to_watch_is_better",
    "warmup_mode",
    "on_state",
    "metric_to_watch",
    "shuffle",
    "save_model",
    "record_steps",
    "optimizer",
];

/// Values that stand for the absence of a key.
const ABSENT: [&str; 4] = ["null", "{}", "[]", "\"\""];

pub(super) struct Judge {
    folder: PathBuf,
    cache: ProcessCache,
    /// The traces that runs of unchanged recipes left behind.
    known: Vec<(&'static str, String)>,
}

/// A recipe that `check` accepts.
struct Accepted {
    notes: Vec<String>,
    recipe: Recipe,
    /// The parts and the plan, in words.
    parts: String,
}

impl Judge {
    pub(super) fn new(scratch: &Scratch) -> Judge {
        Judge {
            folder: scratch.path("mutated"),
            cache: ProcessCache::default(),
            known: Vec::new(),
        }
    }

    pub(super) fn judge(&mut self, number: usize, base: &Base, mutation: &Mutation) -> Verdict {
        let folder = self.folder.join(number.to_string());
        let verdict = self.judge_in(&folder, base, mutation);
        // Checkpoints of hundreds of runs take gigabytes.
        let _ = fs::remove_dir_all(&folder);
        verdict
    }

    fn judge_in(&mut self, folder: &Path, base: &Base, mutation: &Mutation) -> Verdict {
        let text = mutation.recipe.text();
        let judged = catch_unwind(AssertUnwindSafe(|| self.outcome(folder, &text)));
        let Ok((accepted, took)) = judged else {
            return Verdict::Wrong("it panics".to_owned());
        };
        if took > MOST {
            return Verdict::Wrong(format!("it takes {took:?}"));
        }
        let accepted = match accepted {
            Ok(accepted) => accepted,
            Err(error) => return refused(&format!("{error:#}"), mutation),
        };
        if accepted.notes.iter().any(|note| names(note, mutation)) {
            return Verdict::Noted;
        }
        let before = self.of_base(base);
        match self.left_behind(folder, &accepted) {
            Err(error) if diverges(&error) => Verdict::Changed,
            Err(error) => {
                Verdict::Wrong(format!("`check` accepts it, and the run fails: {error:#}"))
            }
            Ok(after) if after != before => Verdict::Changed,
            Ok(_) if says_the_same(mutation) || mutation.recipe == base.recipe => Verdict::Same,
            Ok(_) => Verdict::Wrong("accepted without effect".to_owned()),
        }
    }

    /// The answer of `check` to a text, and the processor time that it took.
    fn outcome(&mut self, folder: &Path, text: &str) -> (Result<Accepted>, Duration) {
        let before = processor_time();
        let accepted = self.check(folder, text);
        (accepted, processor_time().saturating_sub(before))
    }

    fn check(&mut self, folder: &Path, text: &str) -> Result<Accepted> {
        fs::create_dir_all(folder)?;
        let path = folder.join("recipe.yaml");
        fs::write(&path, text)?;
        let recipe = Recipe::load(&path, &[])?;
        let assembly = Assembly::with(&recipe, options(folder), &mut self.cache)?;
        let notes = assembly.notes()?.into_iter();
        let mut notes: Vec<String> = notes.map(|note| note.to_string()).collect();
        let parts = format!("{} {}", described(&assembly)?, policies(&recipe));
        notes.extend(assembly.trial(Extent::TwoSamples)?.warnings);
        Ok(Accepted {
            notes,
            recipe,
            parts,
        })
    }

    fn of_base(&mut self, base: &Base) -> String {
        if let Some((_, known)) = self.known.iter().find(|(name, _)| *name == base.name) {
            return known.clone();
        }
        let folder = self.folder.join(base.name);
        let accepted = self.check(&folder, &base.recipe.text()).expect(base.name);
        assert_eq!(accepted.notes, Vec::<String>::new(), "{}", base.name);
        let left = self.left_behind(&folder, &accepted).expect(base.name);
        self.known.push((base.name, left.clone()));
        left
    }

    /// Everything that a run leaves behind, but for times.
    fn left_behind(&mut self, folder: &Path, accepted: &Accepted) -> Result<String> {
        let assembly = Assembly::with(&accepted.recipe, options(folder), &mut self.cache)?;
        let summary = assembly.trainer()?.train()?;
        let run = Run(summary.run.clone());
        let weights = checkpoint::newest(&run.0)?
            .map(|path| checkpoint::load(&path))
            .transpose()?;
        let weights = weights.map(|snapshot| digest(&snapshot.model));
        let lines = if run.has("metrics.jsonl") {
            run.metrics()
        } else {
            Vec::new()
        };
        let experiment = summary.run.parent().and_then(Path::file_name);
        Ok(format!(
            "{experiment:?}\n{}\n{weights:?}\n{lines:?}\n{:?}\n{:?}\n{:?}",
            accepted.parts,
            files(&run.0),
            summary.stop_reason,
            summary.requests,
        ))
    }
}

fn options(folder: &Path) -> Options {
    Options {
        runs_dir: folder.join("runs"),
        cache_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")),
        ..Options::default()
    }
}

/// The output of `check`.
fn described(assembly: &Assembly<'_>) -> Result<String> {
    let parts = assembly.describe_parts();
    let callbacks = assembly.callbacks().iter().map(|callback| {
        let limits = format!("{:?}", callback.limits());
        (
            callback.name(),
            callback.source(),
            callback.grants(),
            limits,
        )
    });
    let callbacks: Vec<_> = callbacks.collect();
    let (plan, recording) = (assembly.plan(), assembly.describe_recording()?);
    Ok(format!("{parts:?} {callbacks:?} {plan:?} {recording:?}"))
}

/// The keys that decide what follows from a failure, which a run without one does not show.
fn policies(recipe: &Recipe) -> String {
    let training = &recipe.training_hyperparams;
    let entries = training.phase_callbacks.iter();
    let policies: Vec<_> = entries
        .map(|entry| (entry.when, entry.on_error, entry.on_state, &entry.order))
        .collect();
    let nan_policy = training.nan_policy;
    format!(
        "{policies:?} {nan_policy:?} {}",
        training.deterministic_callbacks
    )
}

/// A rate or a weight that a run cannot bear shows after some steps.
fn diverges(error: &anyhow::Error) -> bool {
    format!("{error:#}").starts_with("the loss is ")
}

/// A refusal must have a line of the recipe, and the name of what is wrong.
fn refused(message: &str, mutation: &Mutation) -> Verdict {
    let mut places = message.split("recipe.yaml:").skip(1);
    let has_line = places.any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()));
    if !has_line {
        return Verdict::Wrong(format!("refused without a line: {message}"));
    }
    match names(message, mutation) {
        true => Verdict::Refused,
        false => Verdict::Wrong(format!("refused without its name: {message}")),
    }
}

/// True if a text names the key, or the one that it is below, or the value; in words or as it is written. A rate that ruins
/// the weights is named as the rate that it gives.
fn names(text: &str, mutation: &Mutation) -> bool {
    let text = bare(text);
    if mutation.key.contains("lr") && text.contains("learningrate") {
        return true;
    }
    let mut names = mutation.names.iter().map(|name| bare(name));
    names.any(|name| !name.is_empty() && text.contains(&name))
}

/// `data set` and `data_set` are `dataset`.
fn bare(text: &str) -> String {
    text.replace([' ', '_'], "")
}

/// True for a change that, as is documented, says what the recipe said.
fn says_the_same(mutation: &Mutation) -> bool {
    let key = mutation.key.rsplit('.').next().unwrap_or_default();
    let is_about_the_machine = ABOUT_THE_MACHINE.iter().any(|(known, _)| *known == key);
    let is_absent = mutation
        .value
        .as_deref()
        .is_some_and(|value| ABSENT.contains(&value));
    mutation.says_the_same || is_about_the_machine || is_absent && AT_DEFAULT.contains(&key)
}

/// Names and bits of tensors.
fn digest(named: &[(String, tch::Tensor)]) -> Vec<(String, Vec<u64>)> {
    let digest = |(name, tensor): &(String, tch::Tensor)| {
        let values = tensor.to_kind(tch::Kind::Double).flatten(0, -1);
        let values = Vec::<f64>::try_from(values).expect("numbers");
        let mut sum = 0_u64;
        for value in values {
            sum = sum.rotate_left(5) ^ value.to_bits();
        }
        (name.clone(), vec![sum])
    };
    named.iter().map(digest).collect()
}

/// The names of a run's files and folders, but for events, which have a time; and the bytes of those that callbacks wrote.
fn files(run: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![run.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("a readable entry").path();
            let name = path.strip_prefix(run).expect("below").display().to_string();
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if name.contains("artifacts") || name.contains("images") {
                let bytes = fs::read(&path).expect("a readable file");
                found.push(format!("{bytes:?}"));
            }
            if !name.contains("events") && !name.contains("checkpoints/") {
                found.push(name);
            }
        }
    }
    found.sort();
    found
}

/// The processor time of this thread so far: other work of the machine does not count.
fn processor_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(first.unwrap_or_default())
}
