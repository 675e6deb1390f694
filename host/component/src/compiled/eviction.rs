//! What is thrown away so that the folder does not grow for ever: what has not been used for longest.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use anyhow::Result;

use super::folder::{Folder, Listed};

/// How much is kept, for how long.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) bytes: u64,
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

/// The files that share a name up to the first dot: they come and go together.
struct Group {
    files: Vec<Listed>,
    bytes: u64,
    used: SystemTime,
}

/// How many callbacks the folder has code of, and the bytes of all that is in it.
pub(super) fn contents(folder: &Folder) -> Result<(usize, u64)> {
    let files = folder.list()?;
    let entries = files
        .iter()
        .filter(|file| file.name.ends_with(".code"))
        .count();
    Ok((entries, files.iter().map(|file| file.bytes).sum()))
}

/// Removes what has not been used for `bounds.unused`, then what was used longest ago until the rest fits.
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
