//! Eviction, so that the folder does not grow for ever: the code that was used longest ago goes first.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::folder::{Folder, Listed};

/// Bounds on the folder.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The most bytes of all files together.
    pub(super) bytes: u64,
    /// The longest time for which code is kept without being used.
    pub(super) unused: Duration,
}

impl Default for Bounds {
    /// Room for 30 Python or JavaScript callbacks, or 1,000 in Rust.
    fn default() -> Bounds {
        Bounds {
            bytes: 1 << 30,
            unused: Duration::from_secs(90 * 24 * 60 * 60),
        }
    }
}

/// The files that share a name up to the first dot, which come and go together.
struct Group {
    files: Vec<Listed>,
    bytes: u64,
    used: SystemTime,
}

/// The number of callbacks that the folder has code of, and the bytes of all its files.
pub(super) fn contents(folder: &Folder) -> Result<(usize, u64)> {
    let files = folder.list()?;
    let entries = files
        .iter()
        .filter(|file| file.name.ends_with(".code"))
        .count();
    Ok((entries, files.iter().map(|file| file.bytes).sum()))
}

/// Removes the files that have not been used for `bounds.unused`, then those used longest ago until the rest
/// fits.
pub(super) fn make_room(folder: &Folder, bounds: Bounds, now: SystemTime) -> Result<()> {
    let mut groups = groups(folder.list()?);
    groups.sort_by_key(|group| group.used);
    let mut bytes: u64 = groups.iter().map(|group| group.bytes).sum();
    for group in groups {
        let is_old = now
            .duration_since(group.used)
            .is_ok_and(|age| age > bounds.unused);
        if is_old || bytes > bounds.bytes {
            bytes -= group.bytes;
            group
                .files
                .iter()
                .try_for_each(|file| folder.remove(&file.name))?;
        }
    }
    Ok(())
}

fn groups(files: Vec<Listed>) -> Vec<Group> {
    let mut groups = HashMap::<String, Group>::new();
    for file in files {
        let name = file.name.split('.').next().unwrap_or_default().to_owned();
        let group = groups.entry(name).or_insert(Group {
            files: Vec::new(),
            bytes: 0,
            used: file.modified,
        });
        group.bytes += file.bytes;
        group.used = group.used.max(file.modified);
        group.files.push(file);
    }
    groups.into_values().collect()
}
