//! The files that were fetched, in a folder of the user, named by their digest. Owns their names and their number. A file
//! whose bytes have another digest than its name counts as none.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result};
use phasebox_contract::digest::Digest;
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::regular_file;

use crate::MOST_COMPONENT_BYTES;

/// The most bytes of all files together. The one that was not used for longest goes first.
const MOST_BYTES: u64 = 2 << 30;

pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub(crate) fn new(folder: PathBuf) -> Cache {
        Cache { folder }
    }

    /// The file with these bytes, if it is there and whole.
    pub(crate) fn find(&self, sha256: Digest) -> Option<PathBuf> {
        let path = self.path(sha256);
        let (mut file, bytes) = regular_file::open(&path).ok()?;
        if bytes > MOST_COMPONENT_BYTES {
            return None;
        }
        let is_whole = Digest::of_reader(&mut file).ok()? == sha256;
        if is_whole {
            touch(&file);
        }
        is_whole.then_some(path)
    }

    /// The bytes of a small file.
    pub(crate) fn read(&self, sha256: Digest, most_bytes: u64) -> Option<Vec<u8>> {
        let bytes = regular_file::read(&self.path(sha256), most_bytes).ok()?;
        (Digest::of(&bytes) == sha256).then_some(bytes)
    }

    /// Keeps bytes that were fetched, and throws away what has not been used for long.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub(crate) fn keep(&self, sha256: Digest, bytes: &[u8]) -> Result<PathBuf> {
        let shown = self.folder.display();
        let cannot =
            || format!("cannot keep a download in {shown}: make room, or let it be written");
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(0o700);
        builder.create(&self.folder).with_context(cannot)?;
        let path = self.path(sha256);
        atomic_file::write_file(&path, bytes, Durability::Process).with_context(cannot)?;
        make_room(&self.folder, MOST_BYTES, &path)?;
        Ok(path)
    }

    fn path(&self, sha256: Digest) -> PathBuf {
        self.folder.join(format!("{sha256}.wasm"))
    }
}

/// Notes that a file was used. Where that cannot be written, it goes earlier.
fn touch(file: &File) {
    let _ = file.set_modified(SystemTime::now());
}

/// Removes the files that were used first until the others fit, all but `kept`.
fn make_room(folder: &Path, most: u64, kept: &Path) -> Result<()> {
    let mut files: Vec<(SystemTime, u64, PathBuf)> = atomic_file::entries(folder)?
        .into_iter()
        .filter_map(|path| {
            let metadata = path.symlink_metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), path))
        })
        .collect();
    files.sort();
    let mut bytes: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, size, path) in files {
        if bytes > most && path != kept {
            // Another process may have removed it.
            let _ = fs::remove_file(&path);
            bytes -= size;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_was_changed_counts_as_none() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let cache = Cache::new(folder.path().join("downloads"));
        let sha256 = Digest::of(b"abc");
        assert_eq!(cache.find(sha256), None);
        let path = cache.keep(sha256, b"abc")?;
        assert_eq!(cache.find(sha256), Some(path.clone()));
        assert_eq!(cache.read(sha256, 3).as_deref(), Some(&b"abc"[..]));
        fs::write(&path, b"abd")?;
        assert_eq!((cache.find(sha256), cache.read(sha256, 3)), (None, None));
        fs::remove_file(&path)?;
        std::os::unix::fs::symlink("/dev/zero", &path)?;
        assert_eq!(cache.find(sha256), None);
        assert_eq!(cache.keep(sha256, b"abc")?, path);
        assert!(cache.find(sha256).is_some());
        Ok(())
    }

    #[test]
    fn the_file_that_was_used_first_makes_room() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let cache = Cache::new(folder.path().to_owned());
        let [old, used, new] = [&b"old"[..], b"used", b"new"].map(Digest::of);
        for (age, sha256, bytes) in [(9, old, &b"old"[..]), (10, used, b"used")] {
            let path = cache.keep(sha256, bytes)?;
            let then = SystemTime::now() - std::time::Duration::from_secs(age);
            File::options().write(true).open(path)?.set_modified(then)?;
        }
        assert!(cache.find(used).is_some());
        let kept = cache.keep(new, b"new")?;
        make_room(folder.path(), 7, &kept)?;
        assert_eq!(cache.find(old), None);
        assert!(cache.find(used).is_some() && cache.find(new).is_some());
        Ok(())
    }
}
