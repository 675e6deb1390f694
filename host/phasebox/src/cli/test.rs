//! `phasebox test X.wasm`, or `X.rhai`: a callback tried out in small trainings, and a verdict on what every callback should
//! do. Owns the questions; the trainings are those of any recipe.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use clap::Args;
use phasebox_component::Description;
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;
use phasebox_files::regular_file;
use phasebox_recipe::Recipe;
use phasebox_train::interrupt::Interrupt;
use phasebox_train::logger::{Progress, RunFolder};
use phasebox_train::trainer::{CallbackSummary, Summary};
use serde_json::Value;

use super::inspect::described;
use super::messages::show_messages;
use super::place::{self, Place, without_place};
use super::print::print;
use super::profile::Profiling;
use super::replay::Replaying;
use super::{Failure, report_lines};
use crate::assemble::{Assembly, Options, ProcessCache};

/// The name of the callback in these trainings.
const NAME: &str = "tested";
/// The most bytes of a run's log that are compared.
const MOST_LOGGED: u64 = 256 << 20;
/// The samples that a profile should have, and the time that more trainings may take for them.
const ENOUGH_SAMPLES: u64 = 1000;
const SAMPLING: Duration = Duration::from_secs(10);
/// The remedy for a callback that a resume changes.
const STATE: &str = "; whatever it counts or keeps belongs into its state";
/// A parameter that no callback has.
const NO_PARAMETER: &str = "no_such_parameter";

#[derive(Args)]
pub(super) struct Test {
    /// The component: a file, or a place on the network; or a script, `my.rhai`.
    file: Place,
    /// The only bytes that are taken from the network, as `sha256:…`.
    #[arg(long, value_parser = place::digest)]
    digest: Option<Digest>,
    /// A recipe to try it in, in place of a small network on digits; its own callbacks are left out.
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// Its parameters: `{patience: 5}`.
    #[arg(long)]
    params: Option<String>,
    /// Its rights, with commas between them, as in `stop,sync`. Without this, those that it asks for, and in a replay those of its
    /// entry in the run's recipe; a script asks for none.
    #[arg(long, value_delimiter = ',')]
    grants: Option<Vec<String>>,
    /// Epochs of a training; at least 2.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(2..))]
    epochs: u32,
    /// Feed it with a run that was trained with `--trace`, in place of trainings: the run's folder, or a trace in it. Its
    /// parameters, rights and limits are those of its entry in the run's recipe, or those that it asks for.
    #[arg(long, value_name = "RUN", conflicts_with_all = ["recipe", "epochs"])]
    replay: Option<PathBuf>,
    /// The name of its entry in the run's recipe, where its file does not say which it is.
    #[arg(long, value_name = "NAME", requires = "replay")]
    entry: Option<String>,
    /// Begin without the state that a resumed run went on with.
    #[arg(long, requires = "replay")]
    fresh: bool,
    /// Show where its time goes, function by function; with a file, also write all stacks there, a line each, for flame
    /// graphs.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    profile: Option<Option<PathBuf>>,
    /// Replay again whenever its file changes.
    #[arg(long, requires = "replay")]
    watch: bool,
}

impl Test {
    pub(super) fn run(mut self) -> Result<(), Failure> {
        show_messages();
        // `--grants ''` gives none.
        if let Some(grants) = &mut self.grants {
            let written = std::mem::take(grants).into_iter();
            let named = written.map(|grant| grant.trim().to_owned());
            grants.extend(named.filter(|grant| !grant.is_empty()));
            grants.sort();
            grants.dedup();
        }
        let profiling = self.profiling();
        let interrupt = Interrupt::listen().map_err(Failure::Failed)?;
        match self.replay {
            Some(run) => Replaying {
                file: self.file.file(self.digest, &interrupt)?,
                interrupt,
                run,
                params: self.params,
                grants: self.grants,
                entry: self.entry,
                is_fresh: self.fresh,
                profiling,
            }
            .run(self.watch),
            None => self.train(interrupt),
        }
    }

    fn train(self, interrupt: Interrupt) -> Result<(), Failure> {
        tch::set_num_threads(1);
        let file = self.file.file(self.digest, &interrupt)?;
        let (component, described) = described(&file.component()?, &interrupt)?;
        let description = described.description;
        let asked = self.grants.as_ref().unwrap_or(&description.grants);
        let profiling = self.profiling();
        let folder = tempfile::tempdir().map_err(|error| Failure::Failed(error.into()))?;
        let mut bench = Bench {
            recipe: self.recipe_in(folder.path()).map_err(Failure::Failed)?,
            is_script: file.is_script(),
            entry: file.entry,
            grants: asked.clone(),
            needed: description.grants.clone(),
            params: self.params.unwrap_or_else(|| "{}".to_owned()),
            epochs: self.epochs,
            runs: folder.path().join("runs"),
            interrupt,
            cache: Profiling::cache(profiling.as_ref()),
        };
        if let Some(profiling) = &profiling {
            profiling.check().map_err(Failure::Refused)?;
        }
        let whole = bench.trained(self.epochs, None);
        let whole = whole.map_err(|failure| bench.with_rules(failure));
        if let Ok(whole) = &whole {
            print(used(whole))?;
        }
        if let Some(profiling) = &profiling {
            // Of a training that failed, the profile shows where its last call was.
            let sampled = match whole.is_ok() {
                true => bench.sample(),
                false => Ok(()),
            };
            profiling.show(&bench.cache, &component)?;
            sampled?;
        }
        let whole = whole?;
        let verdicts = bench.verdicts(&description, &whole)?;
        let failed = verdicts.iter().filter(|verdict| !verdict.is_good).count();
        print(verdicts.iter().map(Verdict::line))?;
        match failed {
            0 => Ok(()),
            _ => Err(Failure::Failed(anyhow!(
                "{failed} of {} questions were answered badly",
                verdicts.len()
            ))),
        }
    }

    fn profiling(&self) -> Option<Profiling> {
        let stacks = self.profile.clone()?;
        Some(Profiling { stacks })
    }

    /// The file of the recipe to try it in.
    fn recipe_in(&self, folder: &Path) -> Result<PathBuf> {
        if let Some(recipe) = &self.recipe {
            return Ok(recipe.clone());
        }
        let path = folder.join("recipe.yaml");
        std::fs::write(&path, include_str!("test.yaml"))
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(path)
    }
}

/// The key of the callbacks, in the place where a recipe has them.
pub(super) fn callbacks_key(recipe: &Recipe) -> &'static str {
    match recipe.resolved.get("phase_callbacks") {
        Some(_) => "phase_callbacks",
        None => "training_hyperparams.phase_callbacks",
    }
}

/// The answer to one question.
struct Verdict {
    is_good: bool,
    text: String,
}

impl Verdict {
    fn line(&self) -> String {
        let word = if self.is_good { "ok  " } else { "BAD " };
        format!("{word}{}", self.text)
    }
}

/// Everything that trainings have in common.
struct Bench {
    recipe: PathBuf,
    /// The keys that mean the callback.
    entry: String,
    is_script: bool,
    grants: Vec<String>,
    /// The rights that its own description asks for.
    needed: Vec<String>,
    params: String,
    epochs: u32,
    runs: PathBuf,
    interrupt: Interrupt,
    cache: ProcessCache,
}

impl Bench {
    fn recipe(&self, grants: &[String], params: &str, epochs: u32) -> Result<Recipe, Failure> {
        let (own, grants) = (&self.entry, grants.join(", "));
        let entry = format!("{{{own}, name: {NAME}, params: {params}, grants: [{grants}]}}");
        let written = Recipe::load(&self.recipe, &[])?;
        let changes = [
            format!("{}=[{entry}]", callbacks_key(&written)),
            format!("training_hyperparams.max_epochs={epochs}"),
        ];
        Ok(Recipe::load(&self.recipe, &changes)?)
    }

    fn options(&self, resume: Option<&Path>) -> Options {
        Options {
            runs_dir: self.runs.clone(),
            is_trial: true,
            resume: resume.map(Path::to_path_buf),
            progress: Progress::silent(),
            interrupt: self.interrupt.clone(),
            ..Options::default()
        }
    }

    /// Trains again until there are enough samples for a profile, or it takes too long.
    fn sample(&mut self) -> Result<(), Failure> {
        let begun = Instant::now();
        while begun.elapsed() < SAMPLING {
            let engine = self.cache.last_engine();
            if engine.is_none_or(|engine| engine.stacks().count() >= ENOUGH_SAMPLES) {
                break;
            }
            self.trained(self.epochs, None)?;
        }
        Ok(())
    }

    /// One training to its end, or the rest of one.
    fn trained(&mut self, epochs: u32, resume: Option<&Path>) -> Result<Summary, Failure> {
        let recipe = self.recipe(&self.grants, &self.params, epochs)?;
        let options = self.options(resume);
        let assembly = Assembly::with(&recipe, options, &mut self.cache);
        let trainer = assembly.and_then(Assembly::trainer);
        let summary = trainer.map_err(Failure::Refused)?.train();
        let summary = summary.map_err(Failure::Failed)?;
        match summary.is_interrupted() {
            true => Err(Failure::interrupted("the trainings of the test")),
            false => Ok(summary),
        }
    }

    /// The refusal of a recipe with these grants and parameters; none if it is taken.
    fn refusal(&mut self, grants: &[String], params: &str) -> Option<String> {
        let recipe = match self.recipe(grants, params, self.epochs) {
            Ok(recipe) => recipe,
            Err(Failure::Refused(error) | Failure::Failed(error)) => {
                return Some(error.to_string());
            }
            Err(Failure::Interrupted) => return None,
        };
        let options = self.options(None);
        let assembly = Assembly::with(&recipe, options, &mut self.cache);
        assembly.err().map(|error| format!("{error:#}"))
    }

    /// A failure with the rules of these trainings, which no recipe says.
    fn with_rules(&self, failure: Failure) -> Failure {
        let grants = match self.is_script {
            true => "of `--grants`, as in `--grants stop,sync`",
            false => {
                "that its own description asks for (`grants` in its source), or those of `--grants`"
            }
        };
        let more = |error: anyhow::Error| {
            anyhow!(
                "{}\nhint: here it has the grants {grants}, and the parameters of `--params`, as in `--params \
                 '{{patience: 5}}'`",
                without_place(&error)
            )
        };
        match failure {
            Failure::Refused(error) => Failure::Refused(more(error)),
            Failure::Failed(error) if format!("{error:#}").contains("grant") => {
                Failure::Failed(more(error))
            }
            Failure::Failed(_) | Failure::Interrupted => failure,
        }
    }

    fn verdicts(
        &mut self,
        description: &Description,
        whole: &Summary,
    ) -> Result<Vec<Verdict>, Failure> {
        let mut verdicts = vec![of_failures(whole)];
        if !self.is_script {
            verdicts.insert(0, described_well(description));
        }
        let again = self.trained(self.epochs, None)?;
        verdicts.push(equal(whole, &again, "two runs log the same")?);
        let cut = self.trained(self.epochs / 2, None)?;
        let resumed = self.trained(self.epochs, Some(&cut.run))?;
        let carried = "a resumed run logs what one does that was never cut";
        let mut carried = equal(whole, &resumed, carried)?;
        if !carried.is_good {
            carried.text.push_str(STATE);
        }
        verdicts.push(carried);
        if !self.is_script {
            verdicts.push(self.of_unknown_parameter());
        }
        for grant in self.grants.clone() {
            verdicts.push(self.of_missing_grant(&grant));
        }
        Ok(verdicts)
    }

    fn of_unknown_parameter(&mut self) -> Verdict {
        let grants = self.grants.clone();
        let refusal = self.refusal(&grants, &format!("{{{NO_PARAMETER}: 1}}"));
        let names_it = refusal.is_some_and(|text| text.contains(NO_PARAMETER));
        let text = match names_it {
            true => "an unknown parameter is refused by its name",
            false => {
                "an unknown parameter is not refused: let `describe` say `additionalProperties: false`"
            }
        };
        Verdict {
            is_good: names_it,
            text: text.to_owned(),
        }
    }

    fn of_missing_grant(&mut self, missing: &str) -> Verdict {
        let grants = self.grants.clone();
        let given = grants.iter().filter(|grant| *grant != missing).cloned();
        let refusal = self.refusal(&given.collect::<Vec<_>>(), &self.params.clone());
        let names_it = refusal.is_some_and(|text| text.contains(missing));
        let shown = excerpt(missing);
        let is_asked_for = self.needed.iter().any(|needed| needed == missing);
        match !is_asked_for && !names_it {
            true => Verdict {
                is_good: true,
                text: format!(
                    "without the grant `{shown}` it is taken too: leave it out, unless it catches the error"
                ),
            },
            false => Verdict {
                is_good: names_it,
                text: format!("without the grant `{shown}` it is refused at check"),
            },
        }
    }
}

/// The callback's part of a run, in the words of `report`, and the most that it used of each limit.
fn used(summary: &Summary) -> Vec<String> {
    let mut lines = report_lines(summary);
    lines.retain(|line| !line.starts_with("run  "));
    let callbacks = summary.callbacks.iter();
    let tested = callbacks.filter(|callback| callback.name == NAME);
    lines.extend(tested.flat_map(limits));
    lines
}

/// The limits of which a callback used something, and its handles.
pub(super) fn limits(callback: &CallbackSummary) -> Vec<String> {
    let held = format!("handles it held at the end: {}", callback.live_handles);
    callback
        .limits
        .iter()
        .filter_map(limit)
        .chain([held])
        .collect()
}

/// A limit of which something was used.
fn limit((name, value): (&String, &Value)) -> Option<String> {
    let (most, used) = (&value["limit"], &value["peak"]);
    let is_used = used.as_f64().is_some_and(|used| used > 0.0);
    is_used.then(|| format!("limit {name:<13} {used} of {most}"))
}

fn described_well(description: &Description) -> Verdict {
    let is_good = !description.name.is_empty() && description.parameters.is_object();
    let text = match is_good {
        true => "`describe` names it and gives a schema of its parameters",
        false => "`describe` gives no name or no schema of parameters",
    };
    Verdict {
        is_good,
        text: text.to_owned(),
    }
}

fn of_failures(summary: &Summary) -> Verdict {
    let tested = summary
        .callbacks
        .iter()
        .find(|callback| callback.name == NAME);
    let failures = tested.map_or(0, |callback| callback.failures.len());
    let calls = tested.map_or(0, |callback: &CallbackSummary| callback.calls);
    let never = match calls {
        0 => ": it is called at no phase of this training",
        _ => "",
    };
    Verdict {
        is_good: failures == 0 && calls > 0,
        text: format!("{calls} calls, {failures} failures{never}"),
    }
}

/// Compares what the callback logged in two runs.
fn equal(one: &Summary, other: &Summary, what: &str) -> Result<Verdict, Failure> {
    let (one, other) = (logged(one), logged(other));
    let (one, other) = (
        one.map_err(Failure::Failed)?,
        other.map_err(Failure::Failed)?,
    );
    let differs = one.iter().zip(&other).find(|(one, other)| one != other);
    let text = match differs {
        None if one.is_empty() && other.is_empty() => {
            format!("{what}: it logs no value, so nothing was compared")
        }
        None if one.len() == other.len() => format!("{what} ({} values)", one.len()),
        None => format!(
            "{what}: not so, {} values in place of {}",
            other.len(),
            one.len()
        ),
        Some((one, other)) => format!("{what}: not so, `{other}` in place of `{one}`"),
    };
    Ok(Verdict {
        is_good: one == other,
        text,
    })
}

/// The values that the callback logged, a line each, without the times at which it did.
fn logged(summary: &Summary) -> Result<Vec<String>> {
    let path = RunFolder::open(&summary.run)?.metrics();
    let text = regular_file::read_text(&path, MOST_LOGGED)?;
    let beginning = format!("{NAME}/");
    let mut values = Vec::new();
    for line in text.lines() {
        let line: Value = serde_json::from_str(line)?;
        let name = line["name"].as_str().unwrap_or_default();
        if name.starts_with(&beginning) {
            values.push(format!("{name} at {}: {}", line["step"], line["value"]));
        }
    }
    Ok(values)
}
