//! The lock of a run's folder: one process writes to a run. Owns the file `run.lock`, which holds the number of the process
//! that has the lock, for people; the lock itself is the kernel's, and ends with the process, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use phasebox_files::regular_file;

use super::RunFolder;

/// The most bytes of the file.
const MOST_BYTES: u64 = 64;

/// The right to write to a run, until it is dropped.
#[derive(Debug)]
pub struct RunLock {
    /// None if the file system knows no locks.
    file: Option<File>,
}

impl RunLock {
    /// Takes the lock of a run that may be refused yet: nothing is written. None if the run has no lock file, as one of
    /// 0.1.0 has none.
    ///
    /// # Errors
    /// Another process has it; names that process.
    pub fn of_earlier(run: &RunFolder) -> Result<Option<RunLock>> {
        match run.lock().exists() {
            true => RunLock::open(run, OpenOptions::new().write(true)).map(Some),
            false => Ok(None),
        }
    }

    /// Takes the lock of a run, and says in its file which process has it.
    ///
    /// # Errors
    /// Another process has it; names that process.
    pub fn take(run: &RunFolder) -> Result<RunLock> {
        let lock = RunLock::open(run, OpenOptions::new().write(true).create(true))?;
        lock.sign()?;
        Ok(lock)
    }

    /// Says in the lock's file that this process has it.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn sign(&self) -> Result<()> {
        let Some(file) = &self.file else {
            return Ok(());
        };
        let text = format!("{}\n", std::process::id());
        let signed = file
            .set_len(0)
            .and_then(|()| file.write_all_at(text.as_bytes(), 0));
        signed.context("cannot write the run's lock")
    }

    fn open(run: &RunFolder, options: &mut OpenOptions) -> Result<RunLock> {
        let path = run.lock();
        let cannot = || format!("cannot open {}", path.display());
        if path.exists() {
            regular_file::check(&path).with_context(cannot)?;
        }
        let file = options.open(&path).with_context(cannot)?;
        match file.try_lock() {
            Ok(()) => Ok(RunLock { file: Some(file) }),
            Err(TryLockError::WouldBlock) => bail!(
                "run {} is being trained by {}: wait for its end, or end it",
                run.path().display(),
                holder(&path)
            ),
            Err(TryLockError::Error(error)) => {
                tracing::warn!(
                    "{} cannot be locked ({error}): nothing keeps two processes from training this run",
                    path.display()
                );
                Ok(RunLock { file: None })
            }
        }
    }
}

/// The process that has the lock, as it has signed.
fn holder(path: &Path) -> String {
    let signed = regular_file::read_text(path, MOST_BYTES).unwrap_or_default();
    match signed.trim().parse::<u32>() {
        Ok(id) => format!("process {id}"),
        Err(_) => "another process".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_refused_until_the_first_lets_go() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let run = RunFolder::create(folder.path(), "tiny")?;
        assert!(RunLock::of_earlier(&run)?.is_none(), "there is no file yet");
        let first = RunLock::take(&run)?;
        first.sign()?;
        let refusal = RunLock::of_earlier(&run).expect_err("it is taken");
        let holder = format!("is being trained by process {}:", std::process::id());
        assert!(refusal.to_string().contains(&holder), "{refusal}");
        assert!(RunLock::take(&run).is_err(), "it is taken");
        drop(first);
        assert!(RunLock::of_earlier(&run)?.is_some());
        Ok(())
    }
}
