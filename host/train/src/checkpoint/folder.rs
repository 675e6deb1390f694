//! One checkpoint folder: writes its files and reads them back, verified. `store` owns where the folder lies, and that
//! it appears in one step.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::digest::{Digest, Hasher};
use phasebox_files::atomic_file::check_file_name;
use phasebox_files::regular_file;
use serde::{Deserialize, Serialize};

use super::{NamedTensors, SavedCallback, Snapshot, State, tensors};
use crate::callback::CallbackState;

/// The one JSON of a checkpoint; written last, so a folder with it has all its files.
const MANIFEST: &str = "checkpoint.json";
/// The most bytes of it: a recipe, and some numbers for each epoch.
const MOST_MANIFEST_BYTES: u64 = 256 << 20;
/// The version of what is written here; docs/formats.md says what changed with each.
const SCHEMA: u64 = 2;

#[derive(Serialize, Deserialize)]
struct Manifest {
    schema: u64,
    written_by: String,
    state: State,
    /// By path inside the folder.
    files: BTreeMap<String, FileRecord>,
    /// The states' identities; their bytes and tensors are in files.
    callbacks: Vec<SavedCallback>,
}

#[derive(Serialize, Deserialize)]
struct FileRecord {
    bytes: u64,
    sha256: String,
}

/// Writes all of `snapshot` into the existing, empty `folder`. Syncs nothing.
pub(super) fn write(folder: &Path, snapshot: &Snapshot) -> Result<()> {
    let mut files = BTreeMap::new();
    for (name, tensors) in tensor_files(snapshot) {
        write_tensors(folder, name, tensors, &mut files)?;
    }
    let callback_tensors = joined(&snapshot.callbacks);
    write_tensors(folder, CALLBACK_TENSORS, &callback_tensors, &mut files)?;
    write_callbacks(folder, &snapshot.callbacks, &mut files)?;
    let manifest = Manifest {
        schema: SCHEMA,
        written_by: concat!("phasebox ", env!("CARGO_PKG_VERSION")).to_owned(),
        state: snapshot.state.clone(),
        files,
        callbacks: snapshot.callbacks.iter().map(identity).collect(),
    };
    let path = folder.join(MANIFEST);
    let bytes = serde_json::to_vec_pretty(&manifest)?;
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a folder back; every byte is compared with its sha256 before it is used.
pub(super) fn read(folder: &Path) -> Result<Snapshot> {
    let manifest = read_manifest(folder)?;
    let tensors = |name: &str| read_tensors(folder, &manifest, name);
    Ok(Snapshot {
        model: tensors(MODEL)?,
        optimizer: tensors(OPTIMIZER)?,
        ema: tensors(EMA)?,
        validated: Vec::new(),
        metrics: tensors(METRICS)?,
        rng: tensors(RNG)?,
        gradients: tensors(GRADIENTS)?,
        best_models: tensors(BEST_MODELS)?,
        callbacks: read_callbacks(folder, &manifest)?,
        state: manifest.state,
    })
}

/// Checks that every file is there with the bytes that were written. Reads all of them, decodes none.
pub(super) fn verify(folder: &Path) -> Result<()> {
    let manifest = read_manifest(folder)?;
    ensure!(
        manifest.files.contains_key(MODEL),
        "{} lists no {MODEL}",
        folder.join(MANIFEST).display()
    );
    manifest
        .files
        .iter()
        .try_for_each(|(name, record)| read_hashed(&folder.join(name), record).map(drop))
}

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const EMA: &str = "ema.safetensors";
const VALIDATED: &str = "validated.safetensors";
const METRICS: &str = "metrics.safetensors";
const RNG: &str = "rng.safetensors";
const GRADIENTS: &str = "gradients.safetensors";
const BEST_MODELS: &str = "best_models.safetensors";
/// The tensors that the host keeps for callbacks: `<callback>///<name>`.
const CALLBACK_TENSORS: &str = "callbacks.safetensors";

/// Between a callback's name and the name of its tensor; neither may contain it.
const OWNER_SEPARATOR: &str = "///";

fn tensor_files(snapshot: &Snapshot) -> [(&'static str, &NamedTensors); 8] {
    [
        (MODEL, &snapshot.model),
        (OPTIMIZER, &snapshot.optimizer),
        (EMA, &snapshot.ema),
        (VALIDATED, &snapshot.validated),
        (METRICS, &snapshot.metrics),
        (RNG, &snapshot.rng),
        (GRADIENTS, &snapshot.gradients),
        (BEST_MODELS, &snapshot.best_models),
    ]
}

/// Writes a file of tensors, unless there are none; the model's is always there.
fn write_tensors(
    folder: &Path,
    name: &str,
    tensors: &NamedTensors,
    files: &mut BTreeMap<String, FileRecord>,
) -> Result<()> {
    if name == MODEL || !tensors.is_empty() {
        let record = write_hashed(&folder.join(name), |out| tensors::write(out, tensors))?;
        files.insert(name.to_owned(), record);
    }
    Ok(())
}

/// Writes the bytes of each callback to a file of its own.
fn write_callbacks(
    folder: &Path,
    callbacks: &[SavedCallback],
    files: &mut BTreeMap<String, FileRecord>,
) -> Result<()> {
    if callbacks.is_empty() {
        return Ok(());
    }
    fs::create_dir(folder.join("callbacks"))
        .context("cannot make the folder of callback states")?;
    for SavedCallback { name, state } in callbacks {
        let file = callback_file(name)?;
        ensure!(
            !files.contains_key(&file),
            "two callbacks are named `{name}`: name one of them otherwise"
        );
        let bytes = state.bytes.as_deref().unwrap_or_default();
        let record = write_hashed(&folder.join(&file), |out| Ok(out.write_all(bytes)?))?;
        files.insert(file, record);
    }
    Ok(())
}

/// The tensors of all callbacks, each under its callback's name.
fn joined(callbacks: &[SavedCallback]) -> NamedTensors {
    let mut joined = Vec::new();
    for SavedCallback { name, state } in callbacks {
        for (key, tensor) in &state.tensors {
            let key = format!("{name}{OWNER_SEPARATOR}{key}");
            joined.push((key, tensor.shallow_clone()));
        }
    }
    joined
}

/// The callback that a state is of, without the state's bytes and tensors.
fn identity(saved: &SavedCallback) -> SavedCallback {
    SavedCallback {
        name: saved.name.clone(),
        state: CallbackState {
            sha256: saved.state.sha256.clone(),
            version: saved.state.version.clone(),
            state_version: saved.state.state_version,
            ..CallbackState::default()
        },
    }
}

fn callback_file(name: &str) -> Result<String> {
    check_file_name(name)
        .with_context(|| format!("callback {name:?} cannot be saved under its name"))?;
    Ok(format!("callbacks/{name}.bin"))
}

fn read_manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let bytes = regular_file::read(&path, MOST_MANIFEST_BYTES)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let damaged = || format!("{} is damaged", path.display());
    let json: serde_json::Value = serde_json::from_slice(&bytes).with_context(damaged)?;
    let schema = json["schema"]
        .as_u64()
        .ok_or_else(|| anyhow!("it has no `schema`"))
        .with_context(damaged)?;
    ensure!(
        schema <= SCHEMA,
        "{} was made by a newer phasebox ({}): it has schema {schema}, this phasebox reads up to {SCHEMA}; use that \
         one, or a newer",
        path.display(),
        json["written_by"].as_str().unwrap_or("not named")
    );
    serde_json::from_value(json).with_context(damaged)
}

fn read_tensors(folder: &Path, manifest: &Manifest, name: &str) -> Result<NamedTensors> {
    let path = folder.join(name);
    match manifest.files.get(name) {
        Some(record) => tensors::read(&read_hashed(&path, record)?)
            .with_context(|| format!("{} is not a readable safetensors file", path.display())),
        None if name == MODEL => bail!("{} lists no {MODEL}", folder.join(MANIFEST).display()),
        None => Ok(Vec::new()),
    }
}

/// The states of the callbacks with their bytes and tensors.
fn read_callbacks(folder: &Path, manifest: &Manifest) -> Result<Vec<SavedCallback>> {
    let mut callbacks = Vec::new();
    for listed in &manifest.callbacks {
        let mut saved = identity(listed);
        saved.state.bytes = Some(read_callback(folder, manifest, &saved.name)?);
        callbacks.push(saved);
    }
    for (name, tensor) in read_tensors(folder, manifest, CALLBACK_TENSORS)? {
        let Some((owner, key)) = name.split_once(OWNER_SEPARATOR) else {
            bail!("tensor `{name}` has no owner")
        };
        if let Some(saved) = callbacks.iter_mut().find(|saved| saved.name == owner) {
            saved.state.tensors.push((key.to_owned(), tensor));
        }
    }
    Ok(callbacks)
}

fn read_callback(folder: &Path, manifest: &Manifest, name: &str) -> Result<Vec<u8>> {
    let file = callback_file(name)?;
    let listed = manifest.files.get(&file);
    let listed =
        listed.with_context(|| format!("{} lists no {file}", folder.join(MANIFEST).display()))?;
    read_hashed(&folder.join(file), listed)
}

fn write_hashed(path: &Path, fill: impl FnOnce(&mut Hashed) -> Result<()>) -> Result<FileRecord> {
    let context = || format!("cannot write {}", path.display());
    let file = File::create_new(path).with_context(context)?;
    let mut out = Hashed {
        file: BufWriter::with_capacity(1 << 16, file),
        hasher: Hasher::default(),
        bytes: 0,
    };
    fill(&mut out).with_context(context)?;
    out.flush().with_context(context)?;
    Ok(FileRecord {
        bytes: out.bytes,
        sha256: out.hasher.finish().to_string(),
    })
}

fn read_hashed(path: &Path, record: &FileRecord) -> Result<Vec<u8>> {
    let cannot = || format!("cannot read {}", path.display());
    let (_, size) = match regular_file::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("{} is missing", path.display())
        }
        opened => opened.with_context(cannot)?,
    };
    let expected = record.bytes;
    ensure!(
        size == expected,
        "{} is damaged ({size} bytes, {expected} were written)",
        path.display()
    );
    let bytes = regular_file::read(path, expected).with_context(cannot)?;
    let same = Digest::of(&bytes).to_string() == record.sha256;
    ensure!(same, "{} is damaged (its sha256 differs)", path.display());
    Ok(bytes)
}

/// A file that is hashed and counted while it is written, so no byte is read twice.
struct Hashed {
    file: BufWriter<File>,
    hasher: Hasher,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
