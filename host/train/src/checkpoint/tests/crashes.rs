//! Saves that a crash or a kill cuts short: the run stays readable.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use phasebox_files::atomic_file::{self, Durability};

use super::super::{LATEST, finish_cut_save, newest, save, store};
use super::{BEST, loaded_step, snapshot};

/// `source` as it lies on the disk, links as links.
fn copy_tree(source: &Path, target: &Path) -> Result<()> {
    fs::create_dir_all(target)?;
    for path in atomic_file::entries(source)? {
        let place = target.join(path.file_name().context("an entry has a name")?);
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path)?, place)?;
        } else if path.is_dir() {
            copy_tree(&path, &place)?;
        } else {
            fs::copy(path, place)?;
        }
    }
    Ok(())
}

/// Every state of the disk that a crash in a save could leave: the tag names the old or the new one, whole.
#[test]
fn a_crash_at_any_step_of_a_save_loses_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = folder.path().join("run");
    fs::create_dir(&run)?;
    let (mut seen, mut crashed) = (Vec::new(), Vec::new());
    for step in 0..4 {
        let tags: &[&str] = if step == 1 {
            &[LATEST, BEST]
        } else {
            &[LATEST]
        };
        store::save_in_steps(
            &run,
            tags,
            &snapshot(step)?,
            Durability::Process,
            &mut |what| {
                let copy = folder.path().join(format!("crash {}", crashed.len()));
                copy_tree(&run, &copy)?;
                seen.push(what.to_owned());
                crashed.push((step, what.to_owned(), copy));
                Ok(())
            },
        )?;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6, "every kind of step was seen: {seen:?}");
    for (step, what, run) in crashed {
        after_crash(step, &run).with_context(|| format!("save {step} cut off after {what}"))?;
    }
    Ok(())
}

fn after_crash(step: u64, run: &Path) -> Result<()> {
    if let Some(path) = newest(run)? {
        ensure!((step.saturating_sub(1)..=step).contains(&loaded_step(&path)?));
    } else {
        ensure!(step == 0, "nothing is left");
    }
    if step > 0 {
        ensure!((step - 1..=step).contains(&loaded_step(&run.join("ckpt_latest"))?));
    }
    if step > 1 {
        ensure!(loaded_step(&run.join("ckpt_best"))? == 1);
    }
    if let Some(path) = newest(run)? {
        // A resume moves the tags that the save would have moved.
        finish_cut_save(run)?;
        let newest = loaded_step(&path)?;
        ensure!(loaded_step(&run.join("ckpt_latest"))? == newest);
        ensure!(newest == 0 || loaded_step(&run.join("ckpt_best"))? == 1);
    }
    // The next save works and sweeps: nothing is left but what a tag names.
    save(run, &[LATEST], &snapshot(99)?, Durability::Process)?;
    ensure!(loaded_step(&run.join("ckpt_latest"))? == 99);
    let folders = atomic_file::entries(&run.join("checkpoints"))?;
    let mut tagged = vec![fs::canonicalize(run.join("ckpt_latest"))?];
    tagged.extend(fs::canonicalize(run.join("ckpt_best")).ok());
    let untagged = folders.iter().find(|folder| {
        let folder = fs::canonicalize(folder).unwrap_or_default();
        !tagged.contains(&folder)
    });
    ensure!(untagged.is_none(), "left over: {untagged:?}");
    Ok(())
}

/// Set for the child process of the next test: the run to save into until killed.
const SAVE_FOREVER_IN: &str = "PHASEBOX_TEST_SAVE_FOREVER_IN";

#[test]
fn kill_9_while_saving_leaves_a_loadable_run() -> Result<()> {
    if let Some(run) = std::env::var_os(SAVE_FOREVER_IN) {
        for step in 1.. {
            save(
                &PathBuf::from(&run),
                &[LATEST],
                &snapshot(step)?,
                Durability::Process,
            )?;
        }
    }
    let run = tempfile::tempdir()?;
    save(run.path(), &[LATEST], &snapshot(0)?, Durability::Process)?;
    let mut steps = Vec::new();
    for pause_ms in [60, 71, 83, 97] {
        let mut child = Command::new(std::env::current_exe()?)
            .args([
                "--exact",
                "checkpoint::tests::crashes::kill_9_while_saving_leaves_a_loadable_run",
            ])
            .env(SAVE_FOREVER_IN, run.path())
            .stdout(Stdio::null())
            .spawn()?;
        let before = newest(run.path())?;
        while newest(run.path())? == before {
            ensure!(
                child.try_wait()?.is_none(),
                "the saving process ended by itself"
            );
            // Tags stay readable to another process while they move.
            loaded_step(&run.path().join("ckpt_latest"))?;
        }
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        child.kill()?;
        child.wait()?;
        steps.push(loaded_step(&run.path().join("ckpt_latest"))?);
    }
    assert!(steps.iter().all(|step| *step > 0), "{steps:?}");
    Ok(())
}
