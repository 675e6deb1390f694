//! A folder that only its user can change, and the files in it. Knows nothing of what they hold.
//!
//! The folder is opened once and checked. Its files are reached from there, without following links, and are
//! checked when they are opened. So neither a name that is exchanged later is used, nor a file that somebody
//! else has put there.

use std::fs::{DirBuilder, File};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, Stat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

use super::Record;

/// The longest record.
const MAX_RECORD_BYTES: u64 = 4096;
/// The precision to which the age of a record tells when it was last used.
const USE_RESOLUTION: Duration = Duration::from_secs(24 * 60 * 60);

/// The opened folder.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    opened: OwnedFd,
}

/// A file of the folder, as a listing shows it.
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) bytes: u64,
    pub(super) modified: SystemTime,
}

impl Folder {
    /// Opens the folder, which is made if it is not there.
    ///
    /// # Errors
    /// If it cannot be made, or is not the user's alone; says what to do about it.
    pub(super) fn open(path: &Path) -> Result<Folder> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.with_context(|| format!("the folder {} cannot be made", path.display()))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(CWD, path, flags, Mode::empty()).with_context(|| {
            format!(
                "{} is not a folder (a link is not taken for one)",
                path.display()
            )
        })?;
        let status = rustix::fs::fstat(&opened)?;
        ensure!(
            is_ours(status.st_uid),
            "the folder {} belongs to another user",
            path.display()
        );
        ensure!(
            status.st_mode & 0o077 == 0,
            "other users may enter the folder {0}: `chmod 700 {0}` if nobody has changed it, or remove it",
            path.display()
        );
        Ok(Folder {
            path: path.to_owned(),
            opened,
        })
    }

    /// Opens a file to read, if it is there.
    ///
    /// # Errors
    /// If it is no plain file, or others may write to it.
    pub(super) fn open_file(&self, name: &str) -> Result<Option<File>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = match openat(&self.opened, name, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => bail!("{name} is a link"),
            Err(error) => return Err(error).with_context(|| format!("{name} cannot be read")),
        };
        let metadata = file.metadata()?;
        ensure!(metadata.is_file(), "{name} is not a plain file");
        ensure!(is_ours(metadata.uid()), "{name} belongs to another user");
        ensure!(
            metadata.mode() & 0o022 == 0,
            "other users may write to {name}"
        );
        Ok(Some(file))
    }

    /// The record of this name, if there is one and it is whole.
    pub(super) fn record(&self, name: &str) -> Result<Option<Record>> {
        let Some(file) = self.open_file(&record_file(name))? else {
            return Ok(None);
        };
        let mut text = String::new();
        file.take(MAX_RECORD_BYTES).read_to_string(&mut text)?;
        let record = serde_json::from_str::<Record>(&text).ok();
        Ok(record.filter(|record| record.name == name))
    }

    pub(super) fn write_record(&self, record: &Record) -> Result<()> {
        self.write(&record_file(&record.name), &serde_json::to_vec(record)?)
    }

    /// True if the record of this name should be written again, to show that it is used.
    pub(super) fn was_used_long_ago(&self, name: &str, now: SystemTime) -> bool {
        let Ok(Some(record)) = self.open_file(&record_file(name)) else {
            return false;
        };
        let written = record.metadata().and_then(|metadata| metadata.modified());
        written.is_ok_and(|written| {
            now.duration_since(written)
                .is_ok_and(|age| age > USE_RESOLUTION)
        })
    }

    /// Replaces a file: a reader sees the old one or the new one, whole.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        static WRITES: AtomicU64 = AtomicU64::new(0);
        let unique = WRITES.fetch_add(1, Ordering::Relaxed);
        let aside = format!("{name}.{}-{unique}.tmp", std::process::id());
        // Left by a process of the same number that was killed.
        self.remove(&aside)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let written = openat(&self.opened, &aside, flags, Mode::RUSR)
            .map_err(std::io::Error::from)
            .and_then(|file| File::from(file).write_all(bytes))
            .and_then(|()| Ok(renameat(&self.opened, &aside, &self.opened, name)?));
        if written.is_err() {
            self.remove(&aside)?;
        }
        written.with_context(|| format!("{}/{name} cannot be written", self.path.display()))
    }

    /// Removes a file that may be there.
    pub(super) fn remove(&self, name: &str) -> Result<()> {
        match unlinkat(&self.opened, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => {
                Err(error).with_context(|| format!("{}/{name} stays", self.path.display()))
            }
        }
    }

    /// The plain files in the folder.
    pub(super) fn list(&self) -> Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for entry in Dir::read_from(&self.opened)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue;
            };
            // Another process may have removed it since.
            let Ok(status) = statat(&self.opened, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile {
                listed.push(Listed {
                    name: name.to_owned(),
                    bytes: status.st_size.unsigned_abs(),
                    modified: modified(&status),
                });
            }
        }
        Ok(listed)
    }
}

/// The time of the last modification, in whole seconds.
fn modified(status: &Stat) -> SystemTime {
    let seconds = u64::try_from(status.st_mtime).unwrap_or(0);
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn is_ours(owner: u32) -> bool {
    owner == rustix::process::geteuid().as_raw()
}

fn record_file(name: &str) -> String {
    format!("{name}.json")
}
