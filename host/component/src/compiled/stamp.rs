//! Stamps, by which a file counts as unchanged without being read. The rule is that of git's index.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The resolution of times on the coarsest file system. A file that changed within this time of its digest
/// may change again without its times showing it.
const RESOLUTION: Duration = Duration::from_secs(2);

/// A file as it looks from outside. Contents cannot change without the time of the last change moving on,
/// which no program can set, unlike the time of the last modification.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(super) fn of(file: &Metadata) -> Stamp {
        Stamp {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// True if a change after `now` is sure to give another stamp.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let until = now
            .checked_sub(RESOLUTION)
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let seconds = until.map_or(0, |time| i64::try_from(time.as_secs()).unwrap_or(i64::MAX));
        self.modified.0 < seconds && self.changed.0 < seconds
    }
}
