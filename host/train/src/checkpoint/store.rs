//! The checkpoints of one run: saves them in steps of which each leaves everything readable, moves tags, sweeps, and
//! finds the newest. One process writes to a run; any number may read.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, bail, ensure};
use phasebox_files::atomic_file::{self, Durability, check_file_name};

use super::{Snapshot, State, folder};

/// The folder in a run that holds its checkpoints.
const CHECKPOINTS: &str = "checkpoints";
/// Prefix of a checkpoint that is being written or removed: never read, swept at the next save.
const UNFINISHED: &str = ".unfinished-";
/// More checkpoints than any run saves: the number of a folder that is none of ours.
const MOST_SAVES: u64 = 1 << 40;
/// Between a checkpoint's sequence number and its step in its folder's name.
const STEP: &str = "-step-";

/// Saves `snapshot` and points every tag (`latest`, `best`, `epoch_3`, …) at it; checkpoints that no tag
/// names any more are removed. Returns the checkpoint's folder.
///
/// Killed at any moment, each tag still names a complete checkpoint, the old or the new. Waits for the
/// device of the tensors; with [`Durability::Machine`] also for the disk.
pub(crate) fn save(
    run: &Path,
    tags: &[&str],
    snapshot: &Snapshot,
    durability: Durability,
) -> Result<PathBuf> {
    save_in_steps(run, tags, snapshot, durability, &mut |_| Ok(()))
        .with_context(|| format!("cannot save a checkpoint in {}", run.display()))
}

/// [`save`], which reports after each change of the disk: tests look at what a crash would leave there.
pub(super) fn save_in_steps(
    run: &Path,
    tags: &[&str],
    snapshot: &Snapshot,
    durability: Durability,
    after: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<PathBuf> {
    tags.iter().try_for_each(|tag| check_file_name(tag))?;
    let checkpoints = run.join(CHECKPOINTS);
    make_folder(run, &checkpoints)?;
    let staged = stage(&checkpoints, snapshot, tags, durability, after)?;
    let sequence = numbered(&checkpoints)?
        .last()
        .map_or(1, |(last, _)| last + 1);
    let name = format!("{sequence:06}{STEP}{}", snapshot.state.global_step);
    let checkpoint = checkpoints.join(&name);
    fs::rename(&staged, &checkpoint)?;
    durability.sync(&checkpoints)?;
    after("in place, without a tag")?;
    for tag in tags {
        point(run, tag, &name, after)?;
    }
    durability.sync(run)?;
    sweep(run, &checkpoint, after)?;
    Ok(checkpoint)
}

/// Moves the tags that a save would have moved, had it not been cut short: those of the newest complete checkpoint which
/// lead to an older one of the run, or nowhere.
///
/// # Errors
/// A tag that cannot be moved.
pub fn finish_cut_save(run: &Path) -> Result<()> {
    let Some(newest) = newest(run)? else {
        return Ok(());
    };
    let newest = newest.canonicalize()?;
    for tag in folder::tags(&newest)? {
        let leads_to = link(run, &tag).canonicalize().ok();
        let is_older = leads_to.is_none_or(|folder| {
            folder.parent() == newest.parent() && sequence(&folder) < sequence(&newest)
        });
        if is_older {
            point(run, &tag, file_name(&newest), &mut |_| Ok(()))?;
        }
    }
    Ok(())
}

/// Makes the folder of checkpoints where there is none yet. A run's folder that is gone is not made again: the rest of the
/// run would be missing in it.
fn make_folder(run: &Path, checkpoints: &Path) -> Result<()> {
    if checkpoints.is_dir() {
        return Ok(());
    }
    ensure!(
        run.is_dir(),
        "the run's folder is gone: somebody has removed or renamed it while the run trained"
    );
    Ok(fs::create_dir(checkpoints)?)
}

/// Writes a checkpoint beside the others, not yet under a name. One that cannot be written is removed at once: on a disk
/// that is full, the room it took is needed.
fn stage(
    checkpoints: &Path,
    snapshot: &Snapshot,
    tags: &[&str],
    durability: Durability,
    after: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<PathBuf> {
    let staged = atomic_file::create_unique_folder(checkpoints, UNFINISHED)?;
    after("an empty staging folder")?;
    let written =
        folder::write(&staged, snapshot, tags).and_then(|()| durability.sync_tree(&staged));
    if let Err(error) = written {
        // The next save sweeps what cannot be removed now.
        let _ = fs::remove_dir_all(&staged);
        return Err(error);
    }
    after("a full staging folder")?;
    Ok(staged)
}

/// Loads a checkpoint of this program's own making, as [`load_for`] does with a network of any size.
pub fn load(path: &Path) -> Result<Snapshot> {
    load_for(path, u64::MAX)
}

/// Loads a checkpoint folder or a tag's link for a network of `network_bytes`, verified against its sha256s. Tensors arrive on the CPU, sorted
/// by name. The error of a damaged one names the file, the damage, and the newest complete checkpoint beside it. A file
/// that is much larger than the network takes no memory.
pub fn load_for(path: &Path, network_bytes: u64) -> Result<Snapshot> {
    read_settled(path, |folder| folder::read(folder, network_bytes))
}

/// The numbers of a checkpoint, a folder or a tag's link; its tensors are not read.
///
/// # Errors
/// As [`load_for`].
pub fn state(path: &Path) -> Result<State> {
    read_settled(path, folder::state)
}

/// Reads a checkpoint by `read`, and once more where its tag has moved.
fn read_settled<T>(path: &Path, read: impl Fn(&Path) -> Result<T>) -> Result<T> {
    let mut checkpoint = resolve(path)?;
    loop {
        let error = match read(&checkpoint) {
            Ok(found) => return Ok(found),
            Err(error) => error,
        };
        // A save of another process may have moved the tag and swept the old folder.
        let now = resolve(path)?;
        if now == checkpoint {
            return Err(with_remedy(error, &checkpoint));
        }
        checkpoint = now;
    }
}

/// The newest complete checkpoint of a run, tagged or not, whole to the last byte; `None` if there is none.
pub fn newest(run: &Path) -> Result<Option<PathBuf>> {
    newest_in(&run.join(CHECKPOINTS), None)
}

/// The folder that a name in a run leads to; none if nothing has that name.
///
/// # Errors
/// A link that leaves the run's folder; folders beside checkpoints that no run has made.
pub fn named(run: &Path, name: &str) -> Result<Option<PathBuf>> {
    numbered(&run.join(CHECKPOINTS))?;
    let path = run.join(name);
    if !path.exists() {
        return Ok(None);
    }
    let is_inside = path.canonicalize()?.starts_with(run.canonicalize()?);
    ensure!(
        is_inside,
        "{} is a link that leaves the run's folder: name the checkpoint that it leads to",
        path.display()
    );
    Ok(Some(path))
}

fn resolve(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .with_context(|| format!("there is no checkpoint {}", path.display()))
}

fn with_remedy(error: Error, checkpoint: &Path) -> Error {
    let beside = checkpoint
        .parent()
        .map(|checkpoints| newest_in(checkpoints, Some(checkpoint)));
    let remedy = match beside {
        Some(Ok(Some(path))) => format!("the newest complete one is {}", path.display()),
        _ => "there is no other complete one: start the run anew".to_owned(),
    };
    error.context(format!(
        "checkpoint {} cannot be used; {remedy}",
        checkpoint.display()
    ))
}

fn newest_in(checkpoints: &Path, except: Option<&Path>) -> Result<Option<PathBuf>> {
    let newest_first = numbered(checkpoints)?
        .into_iter()
        .rev()
        .map(|(_, path)| path);
    Ok(newest_first
        .filter(|path| Some(path.as_path()) != except)
        .find(|path| folder::verify(path).is_ok()))
}

/// The finished checkpoint folders by sequence number; none before the first save.
fn numbered(checkpoints: &Path) -> Result<Vec<(u64, PathBuf)>> {
    if !checkpoints.is_dir() {
        return Ok(Vec::new());
    }
    let mut numbered = Vec::new();
    for path in atomic_file::entries(checkpoints)? {
        if let Some(number) = sequence(&path) {
            ensure!(
                number <= MOST_SAVES,
                "{} has a number that no run comes to: move it away",
                path.display()
            );
            numbered.push((number, path));
        }
    }
    numbered.sort();
    Ok(numbered)
}

/// The number of a checkpoint's folder among those of its run; none if the folder is no checkpoint.
fn sequence(checkpoint: &Path) -> Option<u64> {
    let (number, _) = file_name(checkpoint).split_once(STEP)?;
    number.parse().ok()
}

fn link(run: &Path, tag: &str) -> PathBuf {
    run.join(format!("ckpt_{tag}"))
}

/// Moves a tag in one step: a link renamed over a link. The link is relative, so that a run can be moved or copied.
fn point(
    run: &Path,
    tag: &str,
    name: &str,
    after: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<()> {
    let (link, next) = (link(run, tag), run.join(format!(".ckpt_{tag}.next")));
    if link.exists() && !link.is_symlink() {
        bail!(
            "{} is not a link (copied by a tool that follows links?): move it away",
            link.display()
        );
    }
    if next.is_symlink() {
        fs::remove_file(&next)?;
    }
    symlink(Path::new(CHECKPOINTS).join(name), &next)?;
    after("a link beside the tag")?;
    fs::rename(&next, &link).with_context(|| format!("cannot move the tag {}", link.display()))?;
    after("a moved tag")
}

/// Names of the checkpoint folders that a tag of the run points to.
fn tagged(run: &Path) -> Result<HashSet<OsString>> {
    let mut tagged = HashSet::new();
    for path in atomic_file::entries(run)? {
        let is_tag = file_name(&path).starts_with("ckpt_");
        if let (true, Ok(target)) = (is_tag, fs::read_link(&path)) {
            tagged.extend(target.file_name().map(OsString::from));
        }
    }
    Ok(tagged)
}

/// The name of a file or folder; empty if it is not UTF-8.
fn file_name(path: &Path) -> &str {
    let name = path.file_name().and_then(|name| name.to_str());
    name.unwrap_or_default()
}

/// Removes the checkpoints that no tag points to, except `keep`, and remains of earlier crashes.
fn sweep(run: &Path, keep: &Path, after: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let tagged = tagged(run)?;
    for path in atomic_file::entries(&run.join(CHECKPOINTS))? {
        let name = path.file_name().unwrap_or_default();
        if path != keep && !tagged.contains(name) {
            remove(&path, after)?;
        }
    }
    Ok(())
}

/// Removes a folder. It is renamed first: a folder under a checkpoint's name is complete even while one is removed.
fn remove(path: &Path, after: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let doomed = path.with_file_name(format!(
        "{UNFINISHED}{}",
        name.trim_start_matches(UNFINISHED)
    ));
    fs::rename(path, &doomed).with_context(|| format!("cannot remove {}", path.display()))?;
    after("an old checkpoint set aside")?;
    fs::remove_dir_all(&doomed).with_context(|| format!("cannot remove {}", doomed.display()))
}
