//! `phasebox test X.wasm --replay RUN`, or `X.rhai`: a callback fed with a traced run, and what it did. Owns which entry of
//! the run's recipe the file stands for, and the lines that are printed; the replay is `phasebox_train::trace`'s.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use phasebox_contract::policy::OnState;
use phasebox_contract::printable::excerpt;
use phasebox_recipe::{CallbackEntry, CallbackSource, DeviceChoice, Recipe, Script};
use phasebox_registry::Locator;
use phasebox_train::interrupt::Interrupt;
use phasebox_train::logger::{Progress, RunFolder};
use phasebox_train::trace::{Replayed, TraceEnding, TraceFile, newest};

use super::Failure;
use super::inspect::described;
use super::logged::{Extent, LoggedValues};
use super::place::{Placed, keys_of_file, without_place};
use super::print::{print, tell};
use super::profile::Profiling;
use super::report::callbacks;
use super::test::{callbacks_key, limits};
use super::watch::{look, wait_for_change};
use crate::assemble::{Assembly, Options, ProcessCache, StandIn, StockCallbacks};

/// The name of a callback that the run's recipe does not have.
const NAME: &str = "tested";
/// Lines of what it logged that are printed.
const MOST_LINES: usize = 20;

/// A callback's file and the run that it is fed with.
pub(super) struct Replaying {
    pub(super) file: Placed,
    pub(super) interrupt: Interrupt,
    pub(super) run: PathBuf,
    pub(super) params: Option<String>,
    pub(super) grants: Option<Vec<String>>,
    pub(super) entry: Option<String>,
    /// It begins without the state that a resumed run went on with.
    pub(super) is_fresh: bool,
    pub(super) profiling: Option<Profiling>,
}

/// The state that lasts from one replay to the next.
struct Bench {
    interrupt: Interrupt,
    cache: ProcessCache,
}

/// A traced run on disk.
struct Traced {
    run: RunFolder,
    trace: TraceFile,
}

/// The part of a run that its trace is of.
struct Past {
    run: RunFolder,
    first_step: u64,
    /// The first byte of its log there.
    log_bytes: u64,
    /// It goes to the end of the run.
    is_whole: bool,
    /// The run was killed, or goes on.
    is_torn: bool,
}

/// The recipe with the callback alone.
struct Chosen {
    recipe: Recipe,
    stand_in: StandIn,
    /// The run had it.
    is_of_run: bool,
}

impl Replaying {
    pub(super) fn run(&self, watches: bool) -> Result<(), Failure> {
        if let Some(profiling) = &self.profiling {
            profiling.check().map_err(Failure::Refused)?;
        }
        let mut bench = Bench {
            interrupt: self.interrupt.clone(),
            cache: Profiling::cache(self.profiling.as_ref()),
        };
        if !watches {
            return self.once(&mut bench);
        }
        let files = [self.file.path.clone()];
        loop {
            let begun_with = look(&files);
            match self.once(&mut bench) {
                Ok(()) => {}
                Err(Failure::Interrupted) => return Err(Failure::Interrupted),
                Err(Failure::Refused(error) | Failure::Failed(error)) => {
                    tell(format_args!("error: {error:#}"));
                }
            }
            tell(format_args!(
                "waiting for a change of {}",
                self.file.path.display()
            ));
            wait_for_change(&begun_with, &files, &bench.interrupt)?;
        }
    }

    fn once(&self, bench: &mut Bench) -> Result<(), Failure> {
        let begun = Instant::now();
        let traced = Traced::open(&self.run).map_err(Failure::Refused)?;
        // The last bits of sums depend on it. A file that asks for many has them started.
        tch::set_num_threads(traced.trace.header.threads.clamp(1, 128));
        let chosen = self.chosen(&traced.recipe())?;
        let folder = tempfile::tempdir().map_err(|error| Failure::Failed(error.into()))?;
        let logs = RunFolder::create(folder.path(), "replay").map_err(Failure::Failed)?;
        print(self.heading(&traced.trace, &chosen))?;
        let past = chosen.is_of_run.then(|| traced.past());
        let name = chosen.stand_in.name.clone();
        let options = Options {
            device: Some(DeviceChoice::Cpu),
            runs_dir: folder.path().to_owned(),
            progress: Progress::silent(),
            interrupt: bench.interrupt.clone(),
            stand_in: Some(chosen.stand_in),
            ..Options::default()
        };
        let assembly = Assembly::with(&chosen.recipe, options, &mut bench.cache);
        let replay =
            assembly.and_then(|assembly| assembly.replay(traced.trace, traced.run.path(), &logs));
        let replay = replay.map_err(|error| self.refused(error))?;
        let loaded = begun.elapsed();
        let replayed = replay.run(&bench.interrupt).map_err(Failure::Failed)?;
        if replayed.is_interrupted {
            return Err(Failure::Interrupted);
        }
        let now = LoggedValues::of(&logs, &name, 0).map_err(Failure::Failed)?;
        let compared = past.map(|past| past.compared(&name, &now, &replayed));
        let compared = compared.transpose().map_err(Failure::Failed)?;
        print(outcome(&replayed, &now, compared, loaded))?;
        self.show_profile(bench)?;
        match replayed.failure {
            None => Ok(()),
            Some(error) => Err(Failure::Failed(error)),
        }
    }

    fn show_profile(&self, bench: &Bench) -> Result<(), Failure> {
        let Some(profiling) = &self.profiling else {
            return Ok(());
        };
        let called = described(&self.file.component()?, &self.interrupt)?;
        profiling.show(&bench.cache, &called.0)
    }

    /// The entry that the file stands for; one of the network stands for the one with its locator.
    fn entry_of(&self, entries: &[CallbackEntry], file: &Path) -> Result<Option<usize>> {
        let of_locator = entries.iter().position(|entry| match &entry.source {
            CallbackSource::Locator(text) => Some(text) == self.file.locator.as_ref(),
            _ => false,
        });
        match (of_locator, &self.entry) {
            (Some(found), None) => Ok(Some(found)),
            _ => entry_of_file(entries, file, self.entry.as_deref()),
        }
    }

    /// The recipe of the run with the callback alone: its entry there, or one with what it asks for.
    fn chosen(&self, path: &Path) -> Result<Chosen, Failure> {
        let shown = self.file.path.display();
        let file = self.file.path.canonicalize();
        let file = file.with_context(|| format!("cannot read {shown}"));
        let file = file.map_err(Failure::Refused)?;
        let mut recipe = Recipe::load(path, &[])?;
        let entries = &recipe.training_hyperparams.phase_callbacks;
        let found = self.entry_of(entries, &file);
        let Some(index) = found.map_err(Failure::Refused)? else {
            let entry = self.written(&recipe, &file, &self.asked(&file)?);
            return Ok(Chosen {
                recipe: Recipe::load(path, &[entry])?,
                stand_in: StandIn {
                    name: NAME.to_owned(),
                    file,
                },
                is_of_run: false,
            });
        };
        let mut entry = entries[index].clone();
        self.change(&mut entry, (&recipe, path), &file)?;
        let name = entry.name.clone();
        recipe.training_hyperparams.phase_callbacks = vec![entry];
        Ok(Chosen {
            recipe,
            stand_in: StandIn { name, file },
            is_of_run: true,
        })
    }

    /// The rights of a callback that the run has not: those that are given, or those that it asks for.
    fn asked(&self, file: &Path) -> Result<Vec<String>, Failure> {
        match &self.grants {
            Some(grants) => Ok(grants.clone()),
            None if self.file.is_script() => Ok(Vec::new()),
            None => Ok(described(file, &self.interrupt)?.1.description.grants),
        }
    }

    /// The change of a recipe that has this callback alone, in the place where the recipe has its callbacks.
    fn written(&self, recipe: &Recipe, file: &Path, grants: &[String]) -> String {
        let (key, own) = (callbacks_key(recipe), keys_of_file(file));
        let params = self.params.as_deref().unwrap_or("{}");
        let grants = grants.join(", ");
        format!("{key}=[{{{own}, name: {NAME}, params: {params}, grants: [{grants}]}}]")
    }

    /// Gives an entry of the run the file, the parameters and the rights that are asked for in place of its own.
    fn change(
        &self,
        entry: &mut CallbackEntry,
        (recipe, path): (&Recipe, &Path),
        file: &Path,
    ) -> Result<(), Failure> {
        if self.params.is_some() || self.grants.is_some() {
            let grants = self.grants.as_deref().unwrap_or_default();
            let change = self.written(recipe, file, grants);
            let changed = Recipe::load(path, &[change])?;
            for changed in changed.training_hyperparams.phase_callbacks {
                if self.params.is_some() {
                    entry.params = changed.params;
                }
                if self.grants.is_some() {
                    entry.grants = changed.grants;
                }
            }
        }
        if self.file.is_script() {
            entry.source = CallbackSource::Script(Script::File(file.to_owned()));
            entry.digest = None;
        } else if matches!(entry.source, CallbackSource::Script(_)) {
            entry.source = CallbackSource::File(file.to_owned());
        }
        if self.is_fresh {
            entry.on_state = OnState::Fresh;
        }
        Ok(())
    }

    /// A refusal, with the way on where the callback does not take its state.
    fn refused(&self, error: anyhow::Error) -> Failure {
        let text = without_place(&error);
        let hint = match text.contains("does not take the state") {
            true => "\nhint: `--fresh` replays it without that state",
            false => "",
        };
        Failure::Refused(anyhow!("{text}{hint}"))
    }

    /// The words for the rights of a callback that the run has not.
    fn rights(&self) -> &'static str {
        match (&self.grants, self.file.is_script()) {
            (Some(_), _) => "with the rights of `--grants`",
            (None, true) => "without rights: `--grants` gives some",
            (None, false) => "with the rights that it asks for",
        }
    }

    fn heading(&self, trace: &TraceFile, chosen: &Chosen) -> Vec<String> {
        let mut lines = vec![format!("trace   {}", trace.extent())];
        lines.push(match chosen.is_of_run {
            true => format!(
                "entry   `{}` of the run's recipe",
                excerpt(&chosen.stand_in.name)
            ),
            false => format!("entry   none in the run's recipe: {}", self.rights()),
        });
        let step = trace.header.first_step;
        let has_state = chosen.is_of_run && trace.has_state_of(&chosen.stand_in.name);
        if step > 0 && !has_state {
            lines.push(format!(
                "note    the trace begins in a resumed run, after step {step}, and has no state of the callback: it begins anew"
            ));
        }
        lines
    }
}

impl Traced {
    /// Opens the newest trace of a run's folder, or the trace that is named.
    fn open(path: &Path) -> Result<Traced> {
        let is_trace = path.join("events.jsonl").is_file();
        let (run, trace) = match is_trace {
            true => {
                let trace = path.canonicalize()?;
                (trace.parent().unwrap_or(&trace).to_owned(), trace)
            }
            false => (path.to_owned(), newest(path)?),
        };
        Ok(Traced {
            trace: TraceFile::open(&trace)?,
            run: RunFolder::open(&run)?,
        })
    }

    /// The recipe that the run had when it was traced; the newest, if it is not there any more.
    fn recipe(&self) -> PathBuf {
        let wanted = &self.trace.header.recipe;
        let mut recipes = self.run.recipes().into_iter();
        let is_it = |path: &PathBuf| {
            RunFolder::digest_of_recipe(path).is_ok_and(|sha256| sha256 == *wanted)
        };
        recipes.find(is_it).unwrap_or_else(|| self.run.recipe())
    }

    fn past(&self) -> Past {
        Past {
            run: self.run.clone(),
            first_step: self.trace.header.first_step,
            log_bytes: self.trace.header.log_bytes,
            is_whole: self.trace.ending == TraceEnding::Complete,
            is_torn: self.trace.ending == TraceEnding::Torn,
        }
    }
}

/// The entry that a file stands for: the one that is named, the one of this very file, or the one of a file of that name.
fn entry_of_file(
    entries: &[CallbackEntry],
    file: &Path,
    named: Option<&str>,
) -> Result<Option<usize>> {
    if let Some(name) = named {
        let found = entries.iter().position(|entry| entry.name == name);
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        return found.map(Some).with_context(|| {
            format!(
                "the run's recipe has no callback `{name}`; it has: {}",
                names.join(", ")
            )
        });
    }
    let stock = StockCallbacks::find(None);
    let files: Vec<Option<PathBuf>> = entries.iter().map(|entry| file_of(entry, &stock)).collect();
    let same = |other: &Path| other.canonicalize().is_ok_and(|other| other == *file);
    let alike = |other: &Path| other.file_name() == file.file_name();
    for is_it in [&same as &dyn Fn(&Path) -> bool, &alike] {
        let all = files.iter().enumerate();
        let found = all.filter(|(_, other)| other.as_deref().is_some_and(is_it));
        let found: Vec<usize> = found.map(|(index, _)| index).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(Some(*one)),
            [first, second, ..] => bail!(
                "the run's recipe has this callback as `{}` and as `{}`: say which with `--entry`",
                excerpt(&entries[*first].name),
                excerpt(&entries[*second].name)
            ),
        }
    }
    Ok(None)
}

fn file_of(entry: &CallbackEntry, stock: &StockCallbacks) -> Option<PathBuf> {
    match &entry.source {
        CallbackSource::File(path) => Some(path.clone()),
        CallbackSource::Named(name) | CallbackSource::Stock(name) => stock.path(name).ok(),
        CallbackSource::Locator(text) => {
            let locator: Locator = text.parse().ok()?;
            Some(PathBuf::from(locator.file_name()))
        }
        CallbackSource::Script(script) => match script {
            Script::File(path) => Some(path.clone()),
            Script::Text(_) => None,
        },
    }
}

impl Past {
    /// Holds what the callback logged now against what it logged in the run.
    fn compared(&self, name: &str, now: &LoggedValues, replayed: &Replayed) -> Result<String> {
        let before = LoggedValues::of(&self.run, name, self.log_bytes)?;
        let went_on = before.last_step > replayed.last_step;
        let extent = Extent {
            first_step: self.first_step,
            last_step: replayed.last_step,
            is_whole: self.is_whole && replayed.failure.is_none() && !went_on,
            torn_at: self.is_torn.then_some(before.last_step),
        };
        Ok(match before.difference(now, extent) {
            None if replayed.failure.is_some() => format!(
                "same    up to its failure it logs what it logged in the run ({} values)",
                now.len()
            ),
            None => format!(
                "same    it logs what it logged in the run ({} values)",
                now.len()
            ),
            Some(words) => format!("differs {words}"),
        })
    }
}

fn outcome(
    replayed: &Replayed,
    now: &LoggedValues,
    compared: Option<String>,
    loaded: Duration,
) -> Vec<String> {
    let logged = now.lines(MOST_LINES).into_iter();
    let mut lines: Vec<String> = logged.map(|line| format!("logged  {line}")).collect();
    let asked = replayed.asked.iter();
    lines.extend(asked.map(|line| format!("asked for {line}")));
    lines.extend(callbacks(&replayed.callbacks));
    for callback in &replayed.callbacks {
        lines.extend(limits(callback));
        let failures = callback.failures.iter();
        lines.extend(failures.map(|failure| {
            format!(
                "failure at {} after step {}: {}; {}",
                failure.phase, failure.global_step, failure.message, failure.done
            )
        }));
    }
    lines.extend(compared);
    lines.push(format!(
        "time    {} phases in {:.1} ms; loaded in {:.0} ms",
        replayed.phases,
        milliseconds(replayed.time),
        milliseconds(loaded)
    ));
    lines
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
