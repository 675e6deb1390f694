//! The checkpoints of one run: saving in steps of which each leaves everything readable, tags, sweeping, and
//! finding the newest. One process writes to a run; any number may read.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, bail};
use phasebox_files::atomic_file::{self, Durability, check_file_name};

use super::{Snapshot, State, folder};

/// The folder in a run that holds them all.
const CHECKPOINTS: &str = "checkpoints";
/// What is being written or removed; never read, swept at the next save.
const UNFINISHED: &str = ".unfinished-";
/// Between a checkpoint's sequence number and its step in its folder's name.
const STEP: &str = "-step-";

/// A checkpoint as [`list`] finds it.
#[derive(Debug)]
pub struct Listed {
    /// Its own folder, not a tag's link.
    pub path: PathBuf,
    /// Counts the saves of this run, from 1: the order of writing, also after a resume from an older one.
    pub sequence: u64,
    /// The tags that point here, without `ckpt_`.
    pub tags: Vec<String>,
    /// Its numbers, unverified.
    pub state: State,
}

/// Saves `snapshot` and points every tag (`latest`, `best`, `epoch_3`, …) at it; checkpoints that no tag
/// names any more are removed. Returns the checkpoint's folder.
///
/// Killed at any moment, each tag still names a complete checkpoint, the old or the new. Waits for the
/// device of the tensors; with [`Durability::Machine`] also for the disk.
pub fn save(
    run: &Path,
    tags: &[&str],
    snapshot: &Snapshot,
    durability: Durability,
) -> Result<PathBuf> {
    save_in_steps(run, tags, snapshot, durability, &mut |_| Ok(()))
        .with_context(|| format!("cannot save a checkpoint in {}", run.display()))
}

/// [`save`], reporting after each change of the disk: tests look at what a crash would leave there.
pub(super) fn save_in_steps(
    run: &Path,
    tags: &[&str],
    snapshot: &Snapshot,
    durability: Durability,
    after: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<PathBuf> {
    tags.iter().try_for_each(|tag| check_file_name(tag))?;
    let checkpoints = run.join(CHECKPOINTS);
    fs::create_dir_all(&checkpoints)?;
    let staged = atomic_file::create_unique_folder(&checkpoints, UNFINISHED)?;
    after("an empty staging folder")?;
    folder::write(&staged, snapshot)?;
    durability.sync_tree(&staged)?;
    after("a full staging folder")?;
    let sequence = numbered(&checkpoints)?
        .last()
        .map_or(1, |(last, _)| last + 1);
    let name = format!("{sequence:06}{STEP}{}", snapshot.state.global_step);
    let place = checkpoints.join(&name);
    fs::rename(&staged, &place)?;
    durability.sync(&checkpoints)?;
    after("in place, without a tag")?;
    for tag in tags {
        point(run, tag, &name, after)?;
    }
    durability.sync(run)?;
    sweep(run, &place, after)?;
    Ok(place)
}

/// Takes a tag away; its checkpoint goes with the next save unless another tag names it. No such tag:
/// nothing.
pub fn remove_tag(run: &Path, tag: &str) -> Result<()> {
    check_file_name(tag)?;
    let link = link(run, tag);
    if link.is_symlink() {
        fs::remove_file(&link).with_context(|| format!("cannot remove {}", link.display()))?;
    }
    Ok(())
}

/// Loads a checkpoint folder or a tag's link, verified against its sha256s. Tensors arrive on the CPU, sorted
/// by name. A damaged one is refused with the file, what is wrong, and the newest complete one beside it.
pub fn load(path: &Path) -> Result<Snapshot> {
    let mut place = resolve(path)?;
    loop {
        let error = match folder::read(&place) {
            Ok(snapshot) => return Ok(snapshot),
            Err(error) => error,
        };
        // A save may have moved the tag and swept the old folder while it was read.
        let now = resolve(path)?;
        if now == place {
            return Err(with_remedy(error, &place));
        }
        place = now;
    }
}

/// The newest complete checkpoint of a run, tagged or not, whole to the last byte; `None` if there is none.
pub fn newest(run: &Path) -> Result<Option<PathBuf>> {
    newest_in(&run.join(CHECKPOINTS), None)
}

/// All finished checkpoints of a run, oldest first. Ones whose `checkpoint.json` cannot be read are left out.
pub fn list(run: &Path) -> Result<Vec<Listed>> {
    let tags = tags(run)?;
    let mut listed = Vec::new();
    for (sequence, path) in numbered(&run.join(CHECKPOINTS))? {
        if let Ok(state) = folder::read_state(&path) {
            let names_it =
                |(_, target): &&(String, OsString)| path.file_name() == Some(target.as_os_str());
            let tags = tags
                .iter()
                .filter(names_it)
                .map(|(tag, _)| tag.clone())
                .collect();
            listed.push(Listed {
                path,
                sequence,
                tags,
                state,
            });
        }
    }
    Ok(listed)
}

fn resolve(path: &Path) -> Result<PathBuf> {
    path.canonicalize()
        .with_context(|| format!("there is no checkpoint {}", path.display()))
}

fn with_remedy(error: Error, place: &Path) -> Error {
    let beside = place
        .parent()
        .map(|checkpoints| newest_in(checkpoints, Some(place)));
    let remedy = match beside {
        Some(Ok(Some(path))) => format!("the newest complete one is {}", path.display()),
        _ => "there is no other complete one: start the run anew".to_owned(),
    };
    error.context(format!(
        "checkpoint {} cannot be used; {remedy}",
        place.display()
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

/// The finished checkpoint folders by sequence number. Before the first save there is no folder, hence none.
fn numbered(checkpoints: &Path) -> Result<Vec<(u64, PathBuf)>> {
    if !checkpoints.is_dir() {
        return Ok(Vec::new());
    }
    let number = |path: &PathBuf| path.file_name()?.to_str()?.split_once(STEP)?.0.parse().ok();
    let found = atomic_file::entries(checkpoints)?.into_iter();
    let mut numbered: Vec<_> = found
        .filter_map(|path| Some((number(&path)?, path)))
        .collect();
    numbered.sort();
    Ok(numbered)
}

fn link(run: &Path, tag: &str) -> PathBuf {
    run.join(format!("ckpt_{tag}"))
}

/// Moves a tag in one step: a link renamed over a link. Relative, so that a run can be moved or copied.
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

/// Every tag of the run with the name of the folder it points to.
fn tags(run: &Path) -> Result<Vec<(String, OsString)>> {
    let mut tags = Vec::new();
    for path in atomic_file::entries(run)? {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| name.strip_prefix("ckpt_"));
        if let (Some(tag), Ok(target)) = (name, fs::read_link(&path)) {
            tags.push((
                tag.to_owned(),
                target.file_name().unwrap_or_default().to_owned(),
            ));
        }
    }
    Ok(tags)
}

/// Removes what no tag names, except `keep`, and what earlier crashes left.
fn sweep(run: &Path, keep: &Path, after: &mut dyn FnMut(&str) -> Result<()>) -> Result<()> {
    let tagged: HashSet<OsString> = tags(run)?.into_iter().map(|(_, target)| target).collect();
    for path in atomic_file::entries(&run.join(CHECKPOINTS))? {
        let name = path.file_name().unwrap_or_default();
        if path != keep && !tagged.contains(name) {
            remove(&path, after)?;
        }
    }
    Ok(())
}

/// Renamed first: a folder under a checkpoint's name is complete even while one is being removed.
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
