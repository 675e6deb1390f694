//! `phasebox watch RECIPE`: trains again whenever the recipe, a file it is made of, its lock or a callback changes. A run
//! that is under way keeps what it began with.
//!
//! Files are looked at four times a second rather than watched by the system: editors that write by renaming, network
//! file systems and files that do not exist yet then need no care, and a few dozen looks cost nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;
use phasebox_recipe::{CallbackSource, Recipe};
use phasebox_train::interrupt::Interrupt;

use super::print::tell;
use super::train_options::{Session, TrainOptions};
use super::{Failure, RecipeArguments};
use crate::assemble::{SCRIPT, Search, lock_beside};

/// Between two looks; a change must have settled for one such time.
const LOOK_EVERY: Duration = Duration::from_millis(250);

#[derive(Args)]
pub(super) struct Watch {
    #[command(flatten)]
    recipe: RecipeArguments,
    #[command(flatten)]
    options: TrainOptions,
}

/// How files look: their size, their time and which file it is; none where there is none.
pub(super) type Look = BTreeMap<PathBuf, Option<FileLook>>;
type FileLook = (u64, SystemTime, u64);

impl Watch {
    /// Ends only by a signal.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut session = self.options.begin()?;
        let mut files = vec![self.recipe.recipe.clone(), lock_beside(&self.recipe.recipe)];
        loop {
            if let Ok(recipe) = self.recipe.load() {
                files = self.files(&recipe).map_err(Failure::Refused)?;
            }
            // Before the recipe is read for the run: what changes from here on is another run's.
            let begun_with = look(&files);
            self.train(&mut session)?;
            tell(format_args!(
                "waiting for a change of {} files",
                files.len()
            ));
            wait_for_change(&begun_with, &files, &session.interrupt)?;
        }
    }

    /// A recipe or callback that is refused, and a run that fails, are reported and wait for the next change.
    fn train(&self, session: &mut Session) -> Result<(), Failure> {
        let trained = self
            .recipe
            .load()
            .map_err(Failure::from)
            .and_then(|recipe| self.options.train(&recipe, &self.recipe, None, session));
        match trained {
            Ok(summary) if summary.is_interrupted() => Err(Failure::Interrupted),
            Ok(_) => Ok(()),
            Err(Failure::Interrupted) => Err(Failure::Interrupted),
            Err(Failure::Refused(error) | Failure::Failed(error)) => {
                tell(format_args!("error: {error:#}"));
                Ok(())
            }
        }
    }

    fn files(&self, recipe: &Recipe) -> anyhow::Result<Vec<PathBuf>> {
        let search = Search::of(recipe, self.recipe.plugins_dir.as_deref())?;
        let mut files = recipe.files();
        for entry in &recipe.training_hyperparams.phase_callbacks {
            let stock = match &entry.source {
                CallbackSource::Named(name) => {
                    // Those that are not there, too: one that appears may be found before the present one.
                    files.extend(search.candidates(name));
                    name.as_str()
                }
                CallbackSource::Stock(name) => name.as_str(),
                CallbackSource::Script(_) => SCRIPT,
                CallbackSource::File(_) | CallbackSource::Locator(_) => continue,
            };
            files.extend(search.stock().path(stock));
        }
        files.push(lock_beside(&self.recipe.recipe));
        Ok(files)
    }
}

pub(super) fn look(files: &[PathBuf]) -> Look {
    let files = files.iter();
    files.map(|path| (path.clone(), look_at(path))).collect()
}

fn look_at(path: &Path) -> Option<FileLook> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = path.metadata().ok()?;
    Some((metadata.len(), metadata.modified().ok()?, metadata.ino()))
}

/// Returns once `files` look different from `before` and have stopped to change.
pub(super) fn wait_for_change(
    before: &Look,
    files: &[PathBuf],
    interrupt: &Interrupt,
) -> Result<(), Failure> {
    let mut last = look(files);
    loop {
        std::thread::sleep(LOOK_EVERY);
        if interrupt.take().is_some() {
            return Err(Failure::Interrupted);
        }
        let now = look(files);
        if now == last && now != *before {
            return Ok(());
        }
        last = now;
    }
}
