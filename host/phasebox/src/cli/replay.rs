//! `phasebox test X.wasm --replay RUN`: a callback fed with a traced run, and what it did. Owns which entry of the run's
//! recipe the file stands for, and the lines that are printed; the replay is `phasebox_train::trace`'s.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use phasebox_contract::printable::excerpt;
use phasebox_recipe::{CallbackEntry, CallbackSource, DeviceChoice, Recipe};
use phasebox_registry::Locator;
use phasebox_train::interrupt::Interrupt;
use phasebox_train::logger::{Progress, RunFolder};
use phasebox_train::trace::{Replayed, TraceEnding, TraceFile, newest};

use super::Failure;
use super::inspect::described;
use super::logged::{Extent, LoggedValues};
use super::place::Placed;
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
    pub(super) entry: Option<String>,
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
        // The last bits of sums depend on it.
        tch::set_num_threads(traced.trace.header.threads.clamp(1, 1024));
        let chosen = self.chosen(&traced.run)?;
        let folder = tempfile::tempdir().map_err(|error| Failure::Failed(error.into()))?;
        let logs = RunFolder::create(folder.path(), "replay").map_err(Failure::Failed)?;
        let extent = traced.trace.extent();
        let (first_step, is_whole) = traced.bounds();
        let name = chosen.stand_in.name.clone();
        let is_of_run = chosen.is_of_run;
        print(heading(&extent, &chosen, first_step))?;
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
        let replay = replay.map_err(Failure::Refused)?;
        let loaded = begun.elapsed();
        let replayed = replay.run(&bench.interrupt).map_err(Failure::Failed)?;
        if replayed.is_interrupted {
            return Err(Failure::Interrupted);
        }
        let now = LoggedValues::of(&logs, &name).map_err(Failure::Failed)?;
        let compared = match is_of_run {
            false => Vec::new(),
            true => {
                let extent = Extent {
                    first_step,
                    last_step: replayed.last_step,
                    is_whole: is_whole && replayed.failure.is_none(),
                };
                compared(&traced.run, &name, &now, extent).map_err(Failure::Failed)?
            }
        };
        print(outcome(&replayed, &now, &compared, loaded))?;
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
        profiling.show(
            &bench.cache,
            &described(&self.file.path, &self.interrupt)?.0,
        )
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
    fn chosen(&self, run: &RunFolder) -> Result<Chosen, Failure> {
        let shown = self.file.path.display();
        let file = self.file.path.canonicalize();
        let file = file.with_context(|| format!("cannot read {shown}"));
        let file = file.map_err(Failure::Refused)?;
        let mut recipe = Recipe::load(run.recipe(), &[])?;
        let params = self.params.as_deref();
        let entries = &recipe.training_hyperparams.phase_callbacks;
        let found = self.entry_of(entries, &file);
        let Some(index) = found.map_err(Failure::Refused)? else {
            let description = described(&file, &self.interrupt)?.1.description;
            let entry = written(&recipe, &file, params.unwrap_or("{}"), &description.grants);
            return Ok(Chosen {
                recipe: Recipe::load(run.recipe(), &[entry])?,
                stand_in: StandIn {
                    name: NAME.to_owned(),
                    file,
                },
                is_of_run: false,
            });
        };
        let of_params = params.map(|params| written(&recipe, &file, params, &[]));
        let entries = &mut recipe.training_hyperparams.phase_callbacks;
        let mut entry = entries.swap_remove(index);
        if let Some(change) = of_params {
            let other = Recipe::load(run.recipe(), &[change])?;
            let others = other.training_hyperparams.phase_callbacks.into_iter();
            others.for_each(|other| entry.params = other.params);
        }
        let name = entry.name.clone();
        *entries = vec![entry];
        Ok(Chosen {
            recipe,
            stand_in: StandIn { name, file },
            is_of_run: true,
        })
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

    /// The step that the trace begins at, and whether it goes to the end of the run.
    fn bounds(&self) -> (u64, bool) {
        let is_whole = self.trace.ending == TraceEnding::Complete;
        (self.trace.header.first_step, is_whole)
    }
}

/// The change of a recipe that has this callback alone, in the place where the recipe has its callbacks.
fn written(recipe: &Recipe, file: &Path, params: &str, grants: &[String]) -> String {
    let key = callbacks_key(recipe);
    let file = file.display().to_string().replace('\'', "''");
    let grants = grants.join(", ");
    format!("{key}=[{{wasm: '{file}', name: {NAME}, params: {params}, grants: [{grants}]}}]")
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
        CallbackSource::Script(_) => None,
    }
}

fn heading(extent: &str, chosen: &Chosen, first_step: u64) -> Vec<String> {
    let mut lines = vec![format!("trace   {extent}")];
    lines.push(match chosen.is_of_run {
        true => format!(
            "entry   `{}` of the run's recipe",
            excerpt(&chosen.stand_in.name)
        ),
        false => "entry   none in the run's recipe: with the rights that it asks for".to_owned(),
    });
    if first_step > 0 {
        lines.push(format!(
            "note    the trace begins in a resumed run, after step {first_step}: the callback begins without the state that it \
             had there"
        ));
    }
    lines
}

/// Holds what the callback logged now against what it logged in the run.
fn compared(
    run: &RunFolder,
    name: &str,
    now: &LoggedValues,
    extent: Extent,
) -> Result<Vec<String>> {
    let before = LoggedValues::of(run, name)?;
    Ok(vec![match before.difference(now, extent) {
        None => format!(
            "same    it logs what it logged in the run ({} values)",
            now.len()
        ),
        Some(words) => format!("differs {words}"),
    }])
}

fn outcome(
    replayed: &Replayed,
    now: &LoggedValues,
    compared: &[String],
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
    lines.extend_from_slice(compared);
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
