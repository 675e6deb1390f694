//! `checkpoint.json`: the numbers of a run, and the size and sha256 of each file beside it. Owns its form, its own digest,
//! and the checks of every field that names or counts something; the files are `folder`'s.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;
use phasebox_files::atomic_file::check_file_name;
use phasebox_files::{json, regular_file};
use serde::{Deserialize, Serialize};

use super::{SavedCallback, State};

/// The one JSON of a checkpoint; written last, so a folder with it has all its files.
pub(super) const MANIFEST: &str = "checkpoint.json";
/// The digest of [`MANIFEST`], as `sha256sum --check` reads it.
const DIGEST: &str = "checkpoint.json.sha256";
/// The folder of the callbacks' own bytes.
pub(super) const CALLBACKS: &str = "callbacks";
/// The most bytes of the manifest: a recipe, and some numbers for each epoch and parameter.
const MOST_BYTES: u64 = 32 << 20;
/// The most bytes of its digest's file.
const MOST_DIGEST_BYTES: u64 = 256;
/// The version of what is written here; docs/formats.md says what changed with each.
const SCHEMA: u64 = 3;
/// The first version with a digest of its own.
const SCHEMA_OF_DIGEST: u64 = 3;
/// More tags than any checkpoint is saved under.
const MOST_TAGS: usize = 100_000;
/// More batches, steps or samples than any run counts: what JSON numbers hold in every language.
const MOST_COUNTED: u64 = 1 << 53;

#[derive(Serialize, Deserialize)]
pub(super) struct Manifest {
    schema: u64,
    written_by: String,
    pub(super) state: State,
    /// The tags that it was saved under.
    #[serde(default)]
    pub(super) tags: Vec<String>,
    /// By path inside the folder.
    pub(super) files: BTreeMap<String, FileRecord>,
    /// The states' identities; their bytes and tensors are in files.
    pub(super) callbacks: Vec<SavedCallback>,
}

/// A file as it was written.
#[derive(Serialize, Deserialize)]
pub(super) struct FileRecord {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// The path of a callback's own bytes.
///
/// # Errors
/// A name that is no file name.
pub(super) fn callback_file(name: &str) -> Result<String> {
    check_file_name(name).with_context(|| {
        format!(
            "callback {:?} cannot be saved under its name",
            excerpt(name)
        )
    })?;
    Ok(format!("{CALLBACKS}/{name}.bin"))
}

impl Manifest {
    pub(super) fn new(
        state: State,
        tags: &[&str],
        files: BTreeMap<String, FileRecord>,
        callbacks: Vec<SavedCallback>,
    ) -> Manifest {
        Manifest {
            schema: SCHEMA,
            written_by: concat!("phasebox ", env!("CARGO_PKG_VERSION")).to_owned(),
            state,
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            files,
            callbacks,
        }
    }

    /// Writes the manifest, after its digest.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        let text = json::pretty(self)?;
        let line = format!("{}  {MANIFEST}\n", Digest::of(text.as_bytes()));
        for (name, text) in [(DIGEST, &line), (MANIFEST, &text)] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }

    /// Reads and checks the manifest of a folder. `tensor_files` are the names that it may list beside callbacks.
    ///
    /// # Errors
    /// A manifest that differs from its digest, was made by a newer version, or lists what no checkpoint has.
    pub(super) fn read(folder: &Path, tensor_files: &[&str]) -> Result<Manifest> {
        let path = folder.join(MANIFEST);
        let text = regular_file::read(&path, MOST_BYTES)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let digest = own_digest(folder)?;
        let damaged = || format!("{} is damaged", path.display());
        if let Some(expected) = digest {
            compare(&text, expected).with_context(damaged)?;
        }
        let json = json::parse(&text).with_context(damaged)?;
        let schema = json["schema"]
            .as_u64()
            .ok_or_else(|| anyhow!("it has no `schema`"))
            .with_context(damaged)?;
        ensure!(
            schema <= SCHEMA,
            "{} was made by a newer phasebox ({}): it has schema {schema}, this phasebox reads up to {SCHEMA}; use that \
             one, or a newer",
            path.display(),
            excerpt(json["written_by"].as_str().unwrap_or("not named"))
        );
        ensure!(
            digest.is_some() || schema < SCHEMA_OF_DIGEST,
            "{} is missing: copy the whole folder of the checkpoint",
            folder.join(DIGEST).display()
        );
        let manifest: Manifest = serde_json::from_value(json).with_context(damaged)?;
        manifest.check(tensor_files).with_context(damaged)?;
        Ok(manifest)
    }

    /// Refuses files outside of the folder, names that come twice, and counts beyond any run.
    fn check(&self, tensor_files: &[&str]) -> Result<()> {
        let mut names = HashSet::new();
        for SavedCallback { name, .. } in &self.callbacks {
            let is_new = names.insert(callback_file(name)?);
            ensure!(is_new, "it lists callback `{name}` twice");
        }
        for file in self.files.keys() {
            ensure!(
                tensor_files.contains(&file.as_str()) || names.contains(file),
                "it lists `{}`, which is no file of a checkpoint",
                excerpt(file)
            );
        }
        self.check_tags()?;
        self.state.check()
    }

    fn check_tags(&self) -> Result<()> {
        let count = self.tags.len();
        ensure!(
            count <= MOST_TAGS,
            "it lists {count} tags, and no checkpoint has more than {MOST_TAGS}"
        );
        self.tags.iter().try_for_each(|tag| check_file_name(tag))
    }
}

impl State {
    fn check(&self) -> Result<()> {
        let counts = [
            ("epoch", self.epoch, u64::from(u32::MAX) - 1),
            ("next_batch", self.next_batch, MOST_COUNTED),
            ("global_step", self.global_step, MOST_COUNTED),
            ("samples_seen", self.samples_seen, MOST_COUNTED),
            ("metrics_bytes", self.metrics_bytes, MOST_COUNTED),
            ("accumulation.batches", self.accumulation.batches, 1 << 31),
        ];
        for (key, count, most) in counts {
            ensure!(
                count <= most,
                "its `state.{key}` is {count}, and at most {most} is counted"
            );
        }
        Ok(())
    }
}

/// The digest of a folder's manifest; none in checkpoints of earlier versions.
fn own_digest(folder: &Path) -> Result<Option<Digest>> {
    let path = folder.join(DIGEST);
    if path.symlink_metadata().is_err() {
        return Ok(None);
    }
    let cannot = || format!("cannot read {}", path.display());
    let line = regular_file::read_text(&path, MOST_DIGEST_BYTES).with_context(cannot)?;
    let digits = line.split_whitespace().next().unwrap_or_default();
    digits.parse().map(Some).with_context(cannot)
}

/// Compares before anything is parsed.
fn compare(text: &[u8], expected: Digest) -> Result<()> {
    let found = Digest::of(text);
    ensure!(
        found == expected,
        "its sha256 is {found}, and {DIGEST} says {expected}: go on from another checkpoint"
    );
    Ok(())
}
