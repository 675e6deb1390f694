//! `phasebox sweep RECIPE`: many runs of one recipe in one process. libtorch, data and compiled callbacks stay warm; a
//! callback's file is looked at again before each run.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use clap::Args;
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::json;
use phasebox_recipe::{Recipe, variants};
use phasebox_train::trainer::Summary;
use serde_json::{Value, json};

use super::print::{print, print_json_line, tell};
use super::train_options::{Session, TrainOptions};
use super::{Failure, RecipeArguments};
use crate::assemble::{Assembly, Options};

#[derive(Args)]
pub(super) struct Sweep {
    #[command(flatten)]
    recipe: RecipeArguments,
    #[command(flatten)]
    options: TrainOptions,
    /// Values of one key; of several grids, every combination is run. `training_hyperparams.initial_lr=0.1,0.01`
    #[arg(long, value_name = "KEY=A,B", required_unless_present = "list")]
    grid: Vec<String>,
    /// A YAML list of mappings from keys to values, each a run.
    #[arg(long, value_name = "FILE", conflicts_with = "grid")]
    list: Option<PathBuf>,
    /// End with the first run that fails.
    #[arg(long)]
    stop_on_failure: bool,
}

/// One variant and what became of it.
struct Run {
    changes: Vec<String>,
    recipe: Recipe,
    outcome: Option<Result<Summary, String>>,
}

impl Sweep {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut runs = self.variants()?;
        let mut session = self.options.begin()?;
        for run in &runs {
            self.check(run, &mut session)?;
        }
        let ending = self.train_all(&mut runs, &mut session);
        self.report(&runs)?;
        ending
    }

    fn variants(&self) -> Result<Vec<Run>, Failure> {
        let variants = match &self.list {
            Some(file) => variants::list(file)?,
            None => variants::grid(&self.grid)?,
        };
        let variants = variants.into_iter();
        variants.map(|changes| self.variant(changes)).collect()
    }

    fn variant(&self, changes: Vec<String>) -> Result<Run, Failure> {
        let all = [self.recipe.overrides.clone(), changes.clone()].concat();
        let recipe = Recipe::load(&self.recipe.recipe, &all)?;
        Ok(Run {
            changes,
            recipe,
            outcome: None,
        })
    }

    /// Refuses a run now that would be refused later, before hours of other runs.
    fn check(&self, run: &Run, session: &mut Session) -> Result<(), Failure> {
        let interrupt = session.interrupt.clone();
        let options = || Options {
            interrupt: interrupt.clone(),
            ..self.recipe.options()
        };
        let cache = &mut session.cache;
        let tried = Assembly::with(&run.recipe, options(), cache).and_then(|assembly| {
            assembly.trial_of_two(|| Assembly::with(&run.recipe, options(), cache))
        });
        match tried {
            Ok(tried) if tried.is_interrupted => Err(Failure::Interrupted),
            Ok(_) => Ok(()),
            Err(error) => Err(Failure::Refused(error.context(run.name()))),
        }
    }

    /// A run that fails does not end the others.
    fn train_all(&self, runs: &mut [Run], session: &mut Session) -> Result<(), Failure> {
        let (count, mut failed) = (runs.len(), 0);
        for (index, run) in runs.iter_mut().enumerate() {
            if session.interrupt.is_set() {
                return Err(Failure::Interrupted);
            }
            tracing::info!("run {} of {count}: {}", index + 1, run.name());
            match self.options.train(&run.recipe, &self.recipe, None, session) {
                Ok(summary) => {
                    let is_interrupted = summary.is_interrupted();
                    run.outcome = Some(Ok(summary));
                    if is_interrupted {
                        return Err(Failure::Interrupted);
                    }
                }
                Err(Failure::Interrupted) => return Err(Failure::Interrupted),
                Err(Failure::Refused(error) | Failure::Failed(error)) => {
                    failed += 1;
                    tell(format_args!("error: {}: {error:#}", run.name()));
                    run.outcome = Some(Err(format!("{error:#}")));
                    if self.stop_on_failure {
                        break;
                    }
                }
            }
        }
        match failed {
            0 => Ok(()),
            _ => Err(Failure::Failed(anyhow!("{failed} of {count} runs failed"))),
        }
    }

    /// A table for people, `sweep.json` for machines.
    fn report(&self, runs: &[Run]) -> Result<(), Failure> {
        let rows: Vec<Value> = runs.iter().map(Run::as_json).collect();
        let file = self.write(runs, &rows).map_err(Failure::Failed)?;
        if self.options.json {
            return print_json_line(&json!({ "sweep": rows }));
        }
        print(runs.iter().map(Run::line))?;
        print([format!("sweep: {}", file.display())])
    }

    fn write(&self, runs: &[Run], rows: &[Value]) -> anyhow::Result<PathBuf> {
        let experiment = runs
            .first()
            .map(|run| run.recipe.experiment_name.as_str())
            .unwrap_or_default();
        let folder = self.options.runs_dir.join(experiment);
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let file = atomic_file::create_unique_folder(&folder, "SWEEP_")?.join("sweep.json");
        atomic_file::write_file(&file, json::pretty(rows)?.as_bytes(), Durability::Process)?;
        Ok(file)
    }
}

impl Run {
    fn name(&self) -> String {
        self.changes.join(" ")
    }

    fn line(&self) -> String {
        let outcome = match &self.outcome {
            None => "not begun".to_owned(),
            Some(Err(error)) => format!("failed: {}", error.lines().next().unwrap_or_default()),
            Some(Ok(summary)) => {
                let best = summary.best.as_ref();
                let best = best.map(|best| format!("best {} {:.4}  ", best.metric, best.value));
                let Summary {
                    stop_reason,
                    steps_per_second,
                    run,
                    ..
                } = summary;
                let best = best.unwrap_or_default();
                format!(
                    "{stop_reason}  {best}{steps_per_second:.0} steps/s  {}",
                    run.display()
                )
            }
        };
        format!("{}  {outcome}", self.name())
    }

    fn as_json(&self) -> Value {
        match &self.outcome {
            None => json!({ "changes": self.changes, "outcome": null }),
            Some(Err(error)) => {
                json!({ "changes": self.changes, "outcome": "failed", "error": error })
            }
            Some(Ok(summary)) => json!({
                "changes": self.changes,
                "outcome": summary.stop_reason,
                "best": summary.best,
                "steps_per_second": summary.steps_per_second,
                "run": summary.run,
            }),
        }
    }
}
