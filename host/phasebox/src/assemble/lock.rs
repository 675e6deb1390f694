//! Digests of a recipe's callbacks: the lock file beside a recipe, which training holds them to, and the record in a
//! run's folder. Owns both files' form and the refusals; `plugins` loads what is locked.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::{json, regular_file};
use phasebox_recipe::{CallbackSource, Script};
use phasebox_train::logger::RunFolder;
use serde::{Deserialize, Serialize};

/// The version of the files; docs/formats.md says what changed with each. The first was the list alone.
const SCHEMA: u64 = 3;
/// The most bytes of a lock: some hundred a callback.
const MOST_BYTES: u64 = 16 << 20;

/// One callback, as it was when somebody locked it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Locked {
    pub(super) name: String,
    /// `stock:<name>`, `script:text`, a locator, or a file: relative to the recipe's folder where it lies below that.
    pub(super) source: String,
    pub(super) sha256: String,
    /// The digest of the script that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) script: Option<String>,
    /// Full name of the interface it exports.
    pub(super) interface: String,
    /// As the callback calls it.
    pub(super) version: String,
    pub(super) grants: Vec<String>,
}

/// The lock of `recipe.yaml` is `recipe.plugins.lock` beside it.
pub fn lock_beside(recipe: &Path) -> PathBuf {
    recipe.with_extension("plugins.lock")
}

/// How a lock names a callback's file, so that a clone in another folder reads the same.
pub(super) fn source(source: &CallbackSource, folder: &Path) -> String {
    match source {
        CallbackSource::Named(name) | CallbackSource::Stock(name) => format!("stock:{name}"),
        CallbackSource::Locator(text) => text.clone(),
        CallbackSource::Script(Script::Text(_)) => "script:text".to_owned(),
        CallbackSource::File(path) | CallbackSource::Script(Script::File(path)) => {
            let below = path.strip_prefix(folder).unwrap_or(path);
            below
                .strip_prefix(".")
                .unwrap_or(below)
                .display()
                .to_string()
        }
    }
}

/// A lock file that was read.
pub(super) struct Lock {
    path: PathBuf,
    callbacks: Vec<Locked>,
}

impl Lock {
    /// The lock at `path`, if there is one.
    ///
    /// # Errors
    /// If it cannot be read or is no lock.
    pub(super) fn read(path: &Path) -> Result<Option<Lock>> {
        if !path.exists() {
            return Ok(None);
        }
        let bytes = regular_file::read(path, MOST_BYTES)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let not_one = || {
            format!(
                "{} is no lock of callbacks: write it anew with `phasebox lock`",
                path.display()
            )
        };
        let json = json::parse(&bytes).with_context(not_one)?;
        let schema = json["schema"].as_u64().unwrap_or(1);
        ensure!(
            schema <= SCHEMA,
            "{} was made by a newer phasebox: it has schema {schema}, this phasebox reads up to {SCHEMA}; use that one, \
             or write it anew with `phasebox lock`",
            path.display()
        );
        let list = json.get("callbacks").unwrap_or(&json).clone();
        Ok(Some(Lock {
            path: path.to_owned(),
            callbacks: serde_json::from_value(list).with_context(not_one)?,
        }))
    }

    /// Refuses a file that is not the one that was locked, before anything of it runs.
    pub(super) fn admit(&self, name: &str, file: &Path, sha256: &str) -> Result<()> {
        let locked = self.callbacks.iter().find(|locked| locked.name == name);
        let locked = locked.with_context(|| {
            format!(
                "callback `{name}` is not in {}; {}",
                self.path(),
                self.remedy()
            )
        })?;
        ensure!(
            locked.sha256 == sha256,
            "callback `{name}`: {} holds it to sha256:{}, {} is sha256:{sha256}; restore the file, or {}",
            self.path(),
            locked.sha256,
            file.display(),
            self.remedy()
        );
        Ok(())
    }

    /// Refuses a script that is not the one that was locked, before it is parsed.
    pub(super) fn admit_script(&self, name: &str, file: &str, sha256: &str) -> Result<()> {
        let mut callbacks = self.callbacks.iter();
        let locked = callbacks.find(|locked| locked.name == name);
        let held = locked.and_then(|locked| locked.script.as_deref());
        ensure!(
            held == Some(sha256),
            "callback `{name}`: {} holds its script to sha256:{}, {file} is sha256:{sha256}; restore the script, or {}",
            self.path(),
            held.unwrap_or("none"),
            self.remedy()
        );
        Ok(())
    }

    /// Refuses other grants than were locked, and a locked callback that the recipe no longer has.
    pub(super) fn admit_all(&self, found: &[&Locked]) -> Result<()> {
        for locked in &self.callbacks {
            let Some(found) = found.iter().find(|found| found.name == locked.name) else {
                bail!(
                    "{} holds callback `{}`, which the recipe lacks; {}",
                    self.path(),
                    locked.name,
                    self.remedy()
                );
            };
            ensure!(
                found.grants == locked.grants,
                "callback `{}` is granted [{}], {} holds it to [{}]; {}",
                locked.name,
                found.grants.join(", "),
                self.path(),
                locked.grants.join(", "),
                self.remedy()
            );
        }
        Ok(())
    }

    fn path(&self) -> std::path::Display<'_> {
        self.path.display()
    }

    fn remedy(&self) -> &'static str {
        "if the change is meant, write the lock anew with `phasebox lock`"
    }
}

/// Writes the lock of a recipe, in place of the one it had.
pub(super) fn write(path: &Path, callbacks: &[impl Serialize]) -> Result<()> {
    let lock = serde_json::json!({ "schema": SCHEMA, "callbacks": callbacks });
    let mut text = json::pretty(&lock)?;
    text.push('\n');
    atomic_file::write_file(path, text.as_bytes(), Durability::Process)
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Records in a run's folder what it ran with.
pub(super) fn record(run: &RunFolder, callbacks: &[Locked]) -> Result<()> {
    write(&run.plugins_lock(), callbacks)
}
