//! `phasebox.yaml`: name and language of a project. Owns the file, and how files of a project are written.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::regular_file;
use serde::{Deserialize, Serialize};

use crate::names;
use crate::toolchains::{Language, table};

/// The file's name in a project's folder.
pub(crate) const FILE: &str = "phasebox.yaml";
/// A longer file is no manifest.
const MOST_BYTES: u64 = 16 << 10;

/// A project: a folder with a manifest.
pub(crate) struct Project {
    pub(crate) folder: PathBuf,
    pub(crate) name: String,
    pub(crate) language: &'static Language,
}

/// The contents of `phasebox.yaml`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    /// Words of small letters and digits with dashes between them. The component is `build/<name>.wasm`.
    name: String,
    /// A language of the table.
    language: String,
}

impl Project {
    /// A project that is to be made.
    ///
    /// # Errors
    /// A name that is none, or an unknown language.
    pub(crate) fn new(folder: &Path, name: &str, language: &str) -> Result<Project> {
        names::check(name)?;
        let (_, language) = table()?.language(language)?;
        Ok(Project {
            folder: folder.to_owned(),
            name: name.to_owned(),
            language,
        })
    }

    /// Reads the manifest of a project.
    ///
    /// # Errors
    /// A folder without one, or a manifest that is none, with the place.
    pub(crate) fn open(folder: &Path) -> Result<Project> {
        let path = folder.join(FILE);
        ensure!(
            path.exists(),
            "{} has no {FILE}: name the folder of a project, or begin one with `phasebox new`",
            folder.display()
        );
        let shown = path.display().to_string();
        let text = regular_file::read_text(&path, MOST_BYTES).with_context(|| shown.clone())?;
        let manifest: Manifest = serde_yaml::from_str(&text).with_context(|| shown.clone())?;
        let folder = folder.canonicalize()?;
        Project::new(&folder, &manifest.name, &manifest.language).context(shown)
    }

    /// Writes the manifest.
    pub(crate) fn write_manifest(&self, language: &str) -> Result<()> {
        let manifest = Manifest {
            name: self.name.clone(),
            language: language.to_owned(),
        };
        let text = serde_yaml::to_string(&manifest)?;
        self.write(FILE, text.as_bytes())
    }

    /// The file of its component.
    pub(crate) fn component(&self) -> PathBuf {
        self.folder.join(format!("build/{}.wasm", self.name))
    }

    /// True if a file of the project has these bytes.
    pub(crate) fn holds(&self, path: impl AsRef<Path>, bytes: &[u8]) -> bool {
        let read = regular_file::read(&self.folder.join(path), bytes.len() as u64);
        read.is_ok_and(|old| old == bytes)
    }

    /// Writes a file of the project, unless it has these bytes already.
    pub(crate) fn write(&self, path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
        let path = self.folder.join(path);
        if self.holds(&path, bytes) {
            return Ok(());
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)
                .with_context(|| format!("cannot make {}", parent.display()))?;
        }
        atomic_file::write_file(&path, bytes, Durability::Process)
            .with_context(|| format!("cannot write {}: is the disk full?", path.display()))
    }
}
