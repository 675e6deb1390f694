//! Files that are whole or absent: atomic replacement, and what "written" means after a crash.
//! Owns no layout: which files a run has is `logger::run_folder`'s and `checkpoint`'s business.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// Longest file name taken from a plugin or a recipe, in bytes.
const MAX_FILE_NAME_BYTES: usize = 128;

/// The failures that a finished write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Any death of this process, `kill -9` included: the bytes are with the operating system. Costs nothing.
    Process,
    /// Also a power loss: every file and folder is `fsync`ed before the name that points to it appears.
    /// Costs one device flush or more per file, a millisecond to tens of them each on ordinary disks.
    #[default]
    Machine,
}

impl Durability {
    /// Waits until `path`'s own content (for a folder: its entries) is on the device, if that was asked for.
    pub fn sync(self, path: &Path) -> Result<()> {
        if self == Durability::Machine {
            let opened = File::open(path)
                .with_context(|| format!("cannot open {} to sync it", path.display()))?;
            opened
                .sync_all()
                .with_context(|| format!("cannot sync {} to its device", path.display()))?;
        }
        Ok(())
    }

    /// As [`sync`](Self::sync) for a folder and everything below it, children first.
    pub fn sync_tree(self, folder: &Path) -> Result<()> {
        if self == Durability::Machine {
            for path in entries(folder)? {
                if path.is_dir() {
                    self.sync_tree(&path)?
                } else {
                    self.sync(&path)?
                }
            }
        }
        self.sync(folder)
    }
}

/// Replaces the file `path` by `bytes`: a reader sees the old content or the new, never a part.
pub fn write_file(path: &Path, bytes: &[u8], durability: Durability) -> Result<()> {
    write_through(path, durability, |file| file.write_all(bytes))
}

/// Replaces the file `path` by what `write` writes, as [`write_file`] does: for content that memory need not hold.
pub fn write_through(
    path: &Path,
    durability: Durability,
    write: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let context = || format!("cannot write {}", path.display());
    let mut builder = tempfile::Builder::new();
    let mut temporary = open_to_others(builder.prefix(".").suffix(".tmp"), 0o666)
        .tempfile_in(folder)
        .with_context(context)?;
    write(temporary.as_file_mut()).with_context(context)?;
    durability.sync(temporary.path())?;
    temporary.persist(path).with_context(context)?;
    durability.sync(folder)
}

/// A new folder in `parent` with a name nobody has: `prefix` and random letters. Made exclusively, so
/// two processes never share one.
pub fn create_unique_folder(parent: &Path, prefix: &str) -> Result<PathBuf> {
    let mut builder = tempfile::Builder::new();
    let folder = open_to_others(builder.prefix(prefix), 0o777)
        .tempdir_in(parent)
        .with_context(|| format!("cannot make a folder in {}", parent.display()))?;
    Ok(folder.keep())
}

/// Gives what is made the permissions of any new file or folder: `mode` less the user's umask.
fn open_to_others<'a, 'b, 'c>(
    builder: &'a mut tempfile::Builder<'b, 'c>,
    mode: u32,
) -> &'a mut tempfile::Builder<'b, 'c> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        // Folders of other systems hand their own permissions on.
        let _ = mode;
        builder
    }
}

/// The paths in `folder`, sorted by name.
pub fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let context = || format!("cannot list {}", folder.display());
    let found = fs::read_dir(folder).with_context(context)?;
    let mut paths = found
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()
        .with_context(context)?;
    paths.sort();
    Ok(paths)
}

/// Refuses a name that could leave its folder, hide, or trouble a terminal or another file system.
pub fn check_file_name(name: &str) -> Result<()> {
    ensure!(!name.is_empty(), "a file name is empty");
    let size = name.len();
    ensure!(
        size <= MAX_FILE_NAME_BYTES,
        "a file name has {size} bytes: at most {MAX_FILE_NAME_BYTES} are taken"
    );
    ensure!(
        name.chars().all(is_plain),
        "file name {name:?} is refused: use letters, digits and ` ._-+=,@()[]#%`, no separators or controls"
    );
    ensure!(
        !name.starts_with('.'),
        "file name {name:?} is refused: it starts with a dot"
    );
    ensure!(
        !name.ends_with([' ', '.']),
        "file name {name:?} is refused: it ends with a space or a dot"
    );
    Ok(())
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || " ._-+=,@()[]#%".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_stay_in_their_folder() {
        let check = |name: &str, refused: Option<&str>| {
            let answer = check_file_name(name).map_err(|error| error.to_string());
            match refused {
                None => assert_eq!(answer, Ok(()), "{name:?}"),
                Some(words) => {
                    assert!(
                        answer.as_ref().is_err_and(|error| error.contains(words)),
                        "{name:?}: {answer:?}"
                    )
                }
            }
        };
        check("confusion matrix (epoch=3).png", None);
        check("größe-訓練.csv", None);
        check(&"a".repeat(128), None);
        check(&"a".repeat(129), Some("129 bytes"));
        check("", Some("empty"));
        check("..", Some("starts with a dot"));
        check(".hidden", Some("starts with a dot"));
        check("a/b", Some("no separators"));
        check("..\\b", Some("no separators"));
        check("a\0b", Some("no separators or controls"));
        check("a\nb", Some("no separators or controls"));
        check("a\u{202e}b", Some("no separators or controls"));
        check("trailing.", Some("ends with"));
    }

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_behind() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("recipe.yaml");
        for (content, durability) in [
            ("long first content", Durability::Machine),
            ("short", Durability::Process),
        ] {
            write_file(&path, content.as_bytes(), durability)?;
            assert_eq!(fs::read_to_string(&path)?, content);
            assert_eq!(entries(folder.path())?, std::slice::from_ref(&path));
        }
        let error = write_file(&folder.path().join("absent/file"), b"", Durability::Process)
            .expect_err("refused");
        assert!(format!("{error:#}").contains("cannot write"), "{error:#}");
        Ok(())
    }
}
