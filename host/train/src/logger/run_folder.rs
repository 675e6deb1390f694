//! A run's folder: its unique name, and the place of each of its files. Owns no content; `checkpoint` lays out its own
//! part.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use phasebox_contract::digest::Digest;
use phasebox_files::atomic_file::{self, Durability, check_file_name};
use phasebox_files::regular_file;
use time::OffsetDateTime;
use time::macros::{datetime, format_description};

/// The most bytes of a resolved recipe: all of its files, which have 1 MiB each at most.
const MOST_RECIPE_BYTES: u64 = 64 << 20;

/// `runs/<experiment_name>/<run_id>/`. Cheap to clone; the folder exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Makes a new run's folder. Its id is `RUN_YYYYMMDD_HHMMSS_<microseconds>_<letters>`, in UTC, so that names sort by
    /// time on every machine; the random letters are made exclusively, so runs started together differ.
    pub fn create(runs: &Path, experiment_name: &str) -> Result<Self> {
        check_file_name(experiment_name).context("`experiment_name` cannot name a folder")?;
        let experiment = runs.join(experiment_name);
        let context = || format!("cannot make {}", experiment.display());
        fs::create_dir_all(&experiment).with_context(context)?;
        let started = format_description!(
            "RUN_[year][month][day]_[hour][minute][second]_[subsecond digits:6]_"
        );
        let prefix = date(SystemTime::now()).format(started)?;
        Ok(RunFolder {
            path: atomic_file::create_unique_folder(&experiment, &prefix)?,
        })
    }

    /// Makes a folder for an evaluation in `parent`: `EVAL_…`, named as a run's folder is, and never taken for a run.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create_evaluation(parent: &Path) -> Result<Self> {
        let context = || format!("cannot make {}", parent.display());
        fs::create_dir_all(parent).with_context(context)?;
        let started = format_description!("EVAL_[year][month][day]_[hour][minute][second]_");
        let prefix = date(SystemTime::now()).format(started)?;
        Ok(RunFolder {
            path: atomic_file::create_unique_folder(parent, &prefix)?,
        })
    }

    /// An earlier run's folder, to resume or to report.
    pub fn open(path: &Path) -> Result<Self> {
        ensure!(path.is_dir(), "there is no run folder {}", path.display());
        Ok(RunFolder {
            path: path.to_owned(),
        })
    }

    /// The runs of an experiment, that which was started last first; none before the first.
    pub fn newest_first(runs: &Path, experiment_name: &str) -> Result<Vec<Self>> {
        check_file_name(experiment_name).context("`experiment_name` cannot name a folder")?;
        let experiment = runs.join(experiment_name);
        if !experiment.is_dir() {
            return Ok(Vec::new());
        }
        let entries = atomic_file::entries(&experiment)?.into_iter().rev();
        let runs = entries.filter(|path| is_run(path));
        Ok(runs.map(|path| RunFolder { path }).collect())
    }

    /// The folder itself. TensorBoard's event files lie directly in it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `RUN_…`, the folder's name.
    pub fn run_id(&self) -> &str {
        name_of(&self.path)
    }

    /// The resolved recipe.
    pub fn recipe(&self) -> PathBuf {
        self.path.join("recipe.yaml")
    }

    /// The recipe that the run's folder kept before it was resumed with another one; `number` counts from 1.
    fn earlier_recipe(&self, number: u32) -> PathBuf {
        self.path.join(format!("recipe.{number}.yaml"))
    }

    /// The recipes that the run was trained with, the newest first.
    pub fn recipes(&self) -> Vec<PathBuf> {
        let earlier = (1..).map(|number| self.earlier_recipe(number));
        let earlier: Vec<PathBuf> = earlier.take_while(|path| path.is_file()).collect();
        let newest_first = earlier.into_iter().rev();
        [self.recipe()].into_iter().chain(newest_first).collect()
    }

    /// The sha256 of a recipe that a run keeps.
    ///
    /// # Errors
    /// A file that is not there, or is too large.
    pub fn digest_of_recipe(path: &Path) -> Result<String> {
        let bytes = regular_file::read(path, MOST_RECIPE_BYTES);
        let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Digest::of(&bytes).to_string())
    }

    /// Keeps the resolved recipe. One that the run was trained with before stays, as `recipe.1.yaml`, `recipe.2.yaml`, …
    /// in the order of time.
    ///
    /// # Errors
    /// If a file cannot be read or written.
    pub fn keep_recipe(&self, text: &str) -> Result<()> {
        let path = self.recipe();
        if path.exists() {
            let earlier = regular_file::read(&path, MOST_RECIPE_BYTES)
                .with_context(|| format!("cannot read {}", path.display()))?;
            if earlier == text.as_bytes() {
                return Ok(());
            }
            self.set_aside(&earlier)?;
        }
        atomic_file::write_file(&path, text.as_bytes(), Durability::Process)
    }

    /// Keeps an earlier recipe, unless a process that was killed at this very point has done so.
    fn set_aside(&self, earlier: &[u8]) -> Result<()> {
        let mut free = 1;
        while self.earlier_recipe(free).exists() {
            free += 1;
        }
        let last = regular_file::read(&self.earlier_recipe(free - 1), MOST_RECIPE_BYTES);
        if last.is_ok_and(|last| last == earlier) {
            return Ok(());
        }
        atomic_file::write_file(&self.earlier_recipe(free), earlier, Durability::Process)
    }

    /// Takes back a folder that was made for a run which is then refused. A folder that holds anything stays.
    pub fn discard(&self) {
        let _ = fs::remove_file(self.lock());
        let _ = fs::remove_dir(&self.path);
    }

    /// The lock that keeps a second process from the run.
    pub(crate) fn lock(&self) -> PathBuf {
        self.path.join("run.lock")
    }

    /// Name, source, sha256, interface, version and grants of every callback that is a component.
    pub fn plugins_lock(&self) -> PathBuf {
        self.path.join("plugins.lock")
    }

    /// The log for machines.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// The summary of a run that has ended.
    pub fn summary(&self) -> PathBuf {
        self.path.join("summary.json")
    }

    /// Logged images as PNG files.
    pub fn images(&self) -> PathBuf {
        self.path.join("images")
    }

    /// Writes one of a callback's own files to `artifacts/<callback>/<file>`, whole or not at all. Returns its path.
    ///
    /// # Errors
    /// If either name could leave the folder or hide in it, or the file cannot be written.
    pub(crate) fn write_artifact(
        &self,
        callback: &str,
        file: &str,
        bytes: &[u8],
    ) -> Result<PathBuf> {
        check_file_name(callback).context("the plugin's name cannot name a folder")?;
        check_file_name(file)
            .with_context(|| format!("plugin `{callback}` cannot save an artifact"))?;
        let folder = own_folder(&own_folder(&self.path, "artifacts")?, callback)?;
        let path = folder.join(file);
        atomic_file::write_file(&path, bytes, Durability::Process)?;
        Ok(path)
    }
}

/// A time in UTC, to the microsecond. A clock before 1970 counts as 1970, and one beyond 9999 as the last second of that
/// year: names of folders keep their length, and a clock that is wrong ends no run.
fn date(time: SystemTime) -> OffsetDateTime {
    const LAST: OffsetDateTime = datetime!(9999-12-31 23:59:59 UTC);
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i128::try_from(since.as_micros()).unwrap_or(i128::MAX);
    let nanos = micros.saturating_mul(1000);
    OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(LAST)
}

/// The folder `name` in `parent`, made if need be. A link that somebody planted in its place is not followed. A link in
/// the place of a file needs no care: files are renamed into place, over it.
fn own_folder(parent: &Path, name: &str) -> Result<PathBuf> {
    let folder = parent.join(name);
    let metadata = fs::symlink_metadata(&folder);
    if !metadata.is_ok_and(|metadata| metadata.is_dir()) {
        fs::create_dir(&folder).with_context(|| {
            format!("cannot make {}: remove what has its name", folder.display())
        })?;
    }
    Ok(folder)
}

/// Tells runs from other files that a person may have put beside them.
fn is_run(path: &Path) -> bool {
    path.is_dir() && name_of(path).starts_with("RUN_")
}

fn name_of(path: &Path) -> &str {
    path.file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::time::Duration;

    #[test]
    fn runs_started_together_get_their_own_folders() -> Result<()> {
        let runs = tempfile::tempdir()?;
        let create = || RunFolder::create(runs.path(), "mnist").map(|run| run.run_id().to_owned());
        let started: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(create)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .collect::<Result<_>>()
        })?;
        assert_eq!(started.iter().collect::<HashSet<_>>().len(), 16);
        for id in &started {
            let digits = id
                .bytes()
                .map(|b| if b.is_ascii_digit() { '9' } else { b as char })
                .collect::<String>();
            assert!(digits.starts_with("RUN_99999999_999999_999999_"), "{id}");
        }
        assert_eq!(RunFolder::newest_first(runs.path(), "other")?, []);
        Ok(())
    }

    #[test]
    fn any_clock_gives_a_date_of_eight_digits() -> Result<()> {
        let day = format_description!("[year][month][day]");
        let check = |seconds: i64, expected: &str| -> Result<()> {
            let length = Duration::from_secs(seconds.unsigned_abs());
            let time = match seconds < 0 {
                true => UNIX_EPOCH - length,
                false => UNIX_EPOCH + length,
            };
            assert_eq!(date(time).format(day)?, expected);
            Ok(())
        };
        check(0, "19700101")?;
        check(1_764_158_400, "20251126")?;
        check(-1, "19700101")?;
        check(-100_000_000_000, "19700101")?;
        check(253_402_300_799, "99991231")?;
        check(253_402_300_800, "99991231")?;
        check(i64::MAX, "99991231")
    }

    #[test]
    fn of_runs_begun_in_one_second_the_later_is_the_newest() -> Result<()> {
        let runs = tempfile::tempdir()?;
        for _ in 0..50 {
            let last = RunFolder::create(runs.path(), "mnist")?;
            assert_eq!(
                RunFolder::newest_first(runs.path(), "mnist")?.first(),
                Some(&last)
            );
        }
        Ok(())
    }

    #[test]
    fn earlier_recipes_are_kept_in_their_order() -> Result<()> {
        let runs = tempfile::tempdir()?;
        let run = RunFolder::create(runs.path(), "mnist")?;
        for text in ["a", "a", "b", "a"] {
            run.keep_recipe(text)?;
        }
        let texts = [run.recipe(), run.earlier_recipe(1), run.earlier_recipe(2)]
            .map(|path| fs::read_to_string(path).unwrap_or_default());
        assert_eq!(texts, ["a", "a", "b"]);
        assert!(!run.earlier_recipe(3).exists());
        Ok(())
    }

    #[test]
    fn artifacts_stay_in_their_callback_s_folder() -> Result<()> {
        let runs = tempfile::tempdir()?;
        let run = RunFolder::create(runs.path(), "mnist")?;
        for content in ["first", "second"] {
            let path = run.write_artifact("confusion", "matrix.csv", content.as_bytes())?;
            assert_eq!(path, run.path().join("artifacts/confusion/matrix.csv"));
            assert_eq!(fs::read_to_string(path)?, content);
        }
        for (callback, file) in [
            ("confusion", "../recipe.yaml"),
            ("..", "a"),
            ("a/b", "c"),
            ("a", ".bashrc"),
            ("a", ""),
        ] {
            let error = run
                .write_artifact(callback, file, b"")
                .expect_err("refused");
            assert!(
                format!("{error:#}").contains("file name"),
                "{callback} {file}: {error:#}"
            );
        }
        assert!(RunFolder::create(runs.path(), "../elsewhere").is_err());
        Ok(())
    }

    #[test]
    fn a_planted_link_is_not_followed() -> Result<()> {
        let (runs, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let run = RunFolder::create(runs.path(), "mnist")?;
        run.write_artifact("good", "a.csv", b"first")?;
        std::os::unix::fs::symlink(elsewhere.path(), run.path().join("artifacts/bad"))?;
        let error = run
            .write_artifact("bad", "a.csv", b"")
            .expect_err("refused");
        assert!(
            format!("{error:#}").contains("remove what has its name"),
            "{error:#}"
        );
        let victim = elsewhere.path().join("victim");
        fs::write(&victim, "kept")?;
        std::os::unix::fs::symlink(&victim, run.path().join("artifacts/good/b.csv"))?;
        run.write_artifact("good", "b.csv", b"new")?;
        assert_eq!(fs::read_to_string(&victim)?, "kept");
        Ok(())
    }
}
