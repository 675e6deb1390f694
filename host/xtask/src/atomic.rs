//! Files that are either complete or not there: each is made beside its place and then renamed.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The path beside `path` where it is made. It survives an interruption, so that the next run resumes there.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// Writes `path` whole. Returns false if it holds these bytes already: then its time of change stays.
pub(crate) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    create_parent(path)?;
    let part = unfinished(path);
    fs::write(&part, bytes)
        .with_context(|| format!("writing {}: is the disk full?", part.display()))?;
    publish(&part, path)?;
    Ok(true)
}

/// Makes `path` a symlink to `target`. Replaces an older file in one step.
pub(crate) fn link(target: &Path, path: &Path) -> Result<()> {
    if fs::read_link(path).is_ok_and(|old| old == target) {
        return Ok(());
    }
    create_parent(path)?;
    let part = unfinished(path);
    remove(&part)?;
    symlink(target, &part)
        .with_context(|| format!("linking {} to {}", part.display(), target.display()))?;
    publish(&part, path)
}

/// Gives the finished `part` its name.
pub(crate) fn publish(part: &Path, path: &Path) -> Result<()> {
    fs::rename(part, path).with_context(|| {
        format!(
            "{} is in the way: remove it and run this again",
            path.display()
        )
    })
}

/// Removes a file, a link or a whole folder, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => Err(error),
    };
    removed.with_context(|| format!("cannot remove {}: remove it by hand", path.display()))
}

/// Creates a folder and its parents.
pub(crate) fn create_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| {
        format!(
            "cannot create {}: check its owner and permissions",
            path.display()
        )
    })
}

/// Locks `path` against other processes, as the xtask of another clone, until the returned file is dropped.
pub(crate) fn lock(path: &Path) -> Result<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    create_parent(path)?;
    let file = File::create(&name)
        .with_context(|| format!("cannot create {}", Path::new(&name).display()))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", Path::new(&name).display()))?;
    Ok(file)
}

fn create_parent(path: &Path) -> Result<()> {
    path.parent().map_or(Ok(()), create_folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> Result<PathBuf> {
        let folder =
            std::env::temp_dir().join(format!("phasebox-xtask-{name}-{}", std::process::id()));
        remove(&folder)?;
        Ok(folder)
    }

    #[test]
    fn the_same_bytes_are_written_once() -> Result<()> {
        let folder = scratch("write")?;
        let path = folder.join("a/b.wasm");
        assert!(write_if_changed(&path, b"one")?);
        assert!(!write_if_changed(&path, b"one")?);
        assert!(write_if_changed(&path, b"two")?);
        assert_eq!(fs::read(&path)?, b"two");
        assert!(!unfinished(&path).exists());
        remove(&folder)
    }

    #[test]
    fn a_link_replaces_the_one_before() -> Result<()> {
        let folder = scratch("link")?;
        let path = folder.join("libtorch");
        for target in ["/first", "/second"] {
            link(Path::new(target), &path)?;
            assert_eq!(fs::read_link(&path)?, Path::new(target));
        }
        remove(&folder)
    }
}
