//! The start of a run: a new folder or an earlier run's, the lock on it, and the checkpoint to go on from. Owns the order in
//! which they are found, so that a run which is refused leaves nothing new and nothing changed.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use phasebox_nn::model::Model;
use phasebox_recipe::Recipe;
use phasebox_train::checkpoint::{self, Snapshot};
use phasebox_train::logger::{RunFolder, RunLock};
use phasebox_train::trainer::Trainer;

use super::Options;
use super::resume::{self, Decision};

/// The folder that a run writes to, and what it goes on from.
pub(super) struct Start {
    pub(super) folder: Folder,
    pub(super) from: Option<From>,
}

/// A run's folder that is not accepted yet.
pub(super) struct Folder {
    run: RunFolder,
    /// None if an earlier run has no file for it.
    lock: Option<RunLock>,
    /// Made for this run, and removed with it if it is refused.
    vanishes: bool,
}

/// A checkpoint to go on from.
pub(super) struct From {
    path: PathBuf,
    snapshot: Snapshot,
    decision: Decision,
    /// A new run begins here.
    is_of_new_run: bool,
}

impl Start {
    /// Finds the folder and the checkpoint that the command line or the recipe asks for. A new folder is made last.
    pub(super) fn find(recipe: &Recipe, options: &Options, net: &Model) -> Result<Start> {
        let asked = &recipe.training_hyperparams.resume;
        one_source(recipe, options)?;
        if let Some(run) = earlier_run(recipe, options)? {
            let folder = Folder::of_earlier(run)?;
            folder.finish_cut_save()?;
            let checkpoint = checkpoint_of(&folder.run, &asked.ckpt_name)?;
            return Ok(Start {
                from: Some(From::read(recipe, checkpoint, net, false)?),
                folder,
            });
        }
        let path = asked.resume_path.clone();
        path.as_deref().map_or(Ok(()), check_checkpoint)?;
        let from = path.map(|path| From::read(recipe, path, net, true));
        let from = from.transpose()?;
        Ok(Start {
            from,
            folder: Folder::create(recipe, options)?,
        })
    }
}

/// Refuses a run's folder in the place of one of its checkpoints.
fn check_checkpoint(path: &Path) -> Result<()> {
    let is_run = path.join("recipe.yaml").is_file() && !path.join("checkpoint.json").is_file();
    if is_run {
        let run = path.display();
        bail!(
            "`resume_path`: {run} is a run's folder: name one of its checkpoints, such as {run}/ckpt_latest, or go on in \
             that run with `--resume {run}`"
        );
    }
    Ok(())
}

/// Refuses two answers to the question what to go on from.
fn one_source(recipe: &Recipe, options: &Options) -> Result<()> {
    let asked = &recipe.training_hyperparams.resume;
    let sources = [
        ("--resume", options.resume.is_some()),
        ("run_id", asked.run_id.is_some()),
        ("resume_path", asked.resume_path.is_some()),
    ];
    let given: Vec<&str> = sources
        .iter()
        .filter(|(_, is_given)| *is_given)
        .map(|(name, _)| *name)
        .collect();
    if let [first, second, ..] = given[..] {
        bail!("`{first}` and `{second}` both say what to go on from; keep one");
    }
    if asked.resume && asked.resume_path.is_some() {
        bail!(
            "`resume: true` goes on with the newest run, `resume_path` begins one at a checkpoint; keep one"
        );
    }
    Ok(())
}

/// The run to go on with; none if a new one is asked for.
fn earlier_run(recipe: &Recipe, options: &Options) -> Result<Option<RunFolder>> {
    let asked = &recipe.training_hyperparams.resume;
    let (runs, experiment) = (&options.runs_dir, &recipe.experiment_name);
    if let Some(path) = &options.resume {
        return RunFolder::open(path).map(Some);
    }
    if let Some(id) = &asked.run_id {
        return RunFolder::open(&runs.join(experiment).join(id)).map(Some);
    }
    if !asked.resume {
        return Ok(None);
    }
    for run in RunFolder::newest_first(runs, experiment)? {
        if checkpoint_of(&run, &asked.ckpt_name).is_ok() {
            return Ok(Some(run));
        }
        tracing::info!("resume: {} holds no checkpoint", run.path().display());
    }
    bail!(
        "`resume: true`, but there is no earlier run of `{experiment}` with a checkpoint in {}",
        runs.display()
    )
}

/// The checkpoint that the recipe names, or the newest complete one if that is not there.
fn checkpoint_of(run: &RunFolder, name: &str) -> Result<PathBuf> {
    if let Some(named) = checkpoint::named(run.path(), name)? {
        return Ok(named);
    }
    match checkpoint::newest(run.path())? {
        Some(newest) => Ok(newest),
        None => bail!(
            "{} holds no checkpoint to go on from: give a run's folder, or start anew without --resume",
            run.path().display()
        ),
    }
}

impl From {
    fn read(recipe: &Recipe, path: PathBuf, net: &Model, is_of_new_run: bool) -> Result<From> {
        let snapshot = checkpoint::load_for(&path, net.bytes())?;
        let decision = resume::decide(recipe, &path, &snapshot)?;
        Ok(From {
            path,
            snapshot,
            decision,
            is_of_new_run,
        })
    }

    /// Puts the checkpoint's state into a trainer, and says what the recipe has changed.
    pub(super) fn restore(self, trainer: &mut Trainer) -> Result<()> {
        let Decision { changed, lines } = self.decision;
        trainer
            .resume(self.snapshot, &changed)
            .with_context(|| refusal(&self.path))?;
        if self.is_of_new_run {
            let left = trainer.check_something_is_left();
            left.with_context(|| format!("`resume_path`: {}", refusal(&self.path)))?;
        }
        for line in lines {
            tracing::info!("resume: {line}");
        }
        Ok(())
    }
}

fn refusal(path: &Path) -> String {
    format!("the run cannot go on from {}", path.display())
}

impl Folder {
    fn of_earlier(run: RunFolder) -> Result<Folder> {
        Ok(Folder {
            lock: RunLock::of_earlier(&run)?,
            run,
            vanishes: false,
        })
    }

    fn create(recipe: &Recipe, options: &Options) -> Result<Folder> {
        let run = RunFolder::create(&options.runs_dir, &recipe.experiment_name)?;
        let mut folder = Folder {
            run,
            lock: None,
            vanishes: true,
        };
        folder.lock = Some(RunLock::take(&folder.run)?);
        Ok(folder)
    }

    /// Only under the lock: without one, another process may be saving.
    fn finish_cut_save(&self) -> Result<()> {
        if self.lock.is_none() {
            return Ok(());
        }
        checkpoint::finish_cut_save(self.run.path())
    }

    pub(super) fn run(&self) -> &RunFolder {
        &self.run
    }

    /// Accepts the folder. Answers its lock, which names this process.
    pub(super) fn keep(mut self) -> Result<RunLock> {
        let lock = match self.lock.take() {
            Some(lock) => lock,
            None => RunLock::take(&self.run)?,
        };
        lock.sign()?;
        self.vanishes = false;
        Ok(lock)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.vanishes {
            self.run.discard();
        }
    }
}
