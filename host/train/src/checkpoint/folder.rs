//! One checkpoint folder: writing its files and reading them back, verified. Where the folder lies, and that
//! it appears in one step, is `store`'s business.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use phasebox_contract::digest::{Digest, Hasher};
use phasebox_files::atomic_file::check_file_name;
use serde::{Deserialize, Serialize};

use super::{CallbackState, NamedTensors, Snapshot, State, tensors};

/// The one JSON of a checkpoint; written last, so a folder with it has all its files.
const MANIFEST: &str = "checkpoint.json";
/// Raised when an older phasebox could no longer read what is written.
const SCHEMA: u64 = 1;

#[derive(Serialize, Deserialize)]
struct Manifest {
    schema: u64,
    written_by: String,
    state: State,
    /// By path inside the folder.
    files: BTreeMap<String, FileRecord>,
    callbacks: Vec<CallbackRecord>,
}

#[derive(Serialize, Deserialize)]
struct FileRecord {
    bytes: u64,
    sha256: String,
}

#[derive(Serialize, Deserialize)]
struct CallbackRecord {
    name: String,
    plugin_sha256: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    state_version: u32,
}

/// Writes all of `snapshot` into the existing, empty `folder`. Syncs nothing.
pub(super) fn write(folder: &Path, snapshot: &Snapshot) -> Result<()> {
    let mut files = BTreeMap::new();
    for (name, tensors) in tensor_files(snapshot) {
        if name == MODEL || !tensors.is_empty() {
            files.insert(
                name.to_owned(),
                write_hashed(&folder.join(name), |out| tensors::write(out, tensors))?,
            );
        }
    }
    let callbacks = write_callbacks(folder, &snapshot.callbacks, &mut files)?;
    let written_by = concat!("phasebox ", env!("CARGO_PKG_VERSION")).to_owned();
    let manifest = Manifest {
        schema: SCHEMA,
        written_by,
        state: snapshot.state.clone(),
        files,
        callbacks,
    };
    let path = folder.join(MANIFEST);
    let bytes = serde_json::to_vec_pretty(&manifest)?;
    fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a folder back; every byte is compared with its sha256 before it is used.
pub(super) fn read(folder: &Path) -> Result<Snapshot> {
    let manifest = read_manifest(folder)?;
    let tensors = |name: &str| read_tensors(folder, &manifest, name);
    let callbacks = manifest
        .callbacks
        .iter()
        .map(|record| read_callback(folder, &manifest, record));
    Ok(Snapshot {
        model: tensors(MODEL)?,
        optimizer: tensors(OPTIMIZER)?,
        ema: tensors(EMA)?,
        metrics: tensors(METRICS)?,
        rng: tensors(RNG)?,
        gradients: tensors(GRADIENTS)?,
        best_models: tensors(BEST_MODELS)?,
        callback_tensors: tensors(CALLBACK_TENSORS)?,
        callbacks: callbacks.collect::<Result<_>>()?,
        state: manifest.state,
    })
}

/// Whether every file is there with the bytes that were written; reads all of them, decodes none.
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

/// The JSON part alone: cheap, unverified.
pub(super) fn read_state(folder: &Path) -> Result<State> {
    Ok(read_manifest(folder)?.state)
}

const MODEL: &str = "model.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const EMA: &str = "ema.safetensors";
const METRICS: &str = "metrics.safetensors";
const RNG: &str = "rng.safetensors";
const GRADIENTS: &str = "gradients.safetensors";
const BEST_MODELS: &str = "best_models.safetensors";
const CALLBACK_TENSORS: &str = "callbacks.safetensors";

fn tensor_files(snapshot: &Snapshot) -> [(&'static str, &NamedTensors); 8] {
    [
        (MODEL, &snapshot.model),
        (OPTIMIZER, &snapshot.optimizer),
        (EMA, &snapshot.ema),
        (METRICS, &snapshot.metrics),
        (RNG, &snapshot.rng),
        (GRADIENTS, &snapshot.gradients),
        (BEST_MODELS, &snapshot.best_models),
        (CALLBACK_TENSORS, &snapshot.callback_tensors),
    ]
}

fn write_callbacks(
    folder: &Path,
    callbacks: &[CallbackState],
    files: &mut BTreeMap<String, FileRecord>,
) -> Result<Vec<CallbackRecord>> {
    let mut records = Vec::new();
    if !callbacks.is_empty() {
        fs::create_dir(folder.join("callbacks"))
            .context("cannot make the folder of callback states")?;
    }
    for CallbackState {
        name,
        plugin_sha256,
        version,
        state_version,
        bytes,
    } in callbacks
    {
        let file = callback_file(name)?;
        ensure!(
            !files.contains_key(&file),
            "two callbacks are named `{name}`: name one of them otherwise"
        );
        let record = write_hashed(&folder.join(&file), |out| Ok(out.write_all(bytes)?))?;
        files.insert(file, record);
        records.push(CallbackRecord {
            name: name.clone(),
            plugin_sha256: plugin_sha256.clone(),
            version: version.clone(),
            state_version: *state_version,
        });
    }
    Ok(records)
}

fn callback_file(name: &str) -> Result<String> {
    check_file_name(name)
        .with_context(|| format!("callback {name:?} cannot be saved under its name"))?;
    Ok(format!("callbacks/{name}.bin"))
}

fn read_manifest(folder: &Path) -> Result<Manifest> {
    let path = folder.join(MANIFEST);
    let bytes = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let damaged = || format!("{} is damaged", path.display());
    let json: serde_json::Value = serde_json::from_slice(&bytes).with_context(damaged)?;
    let schema = json["schema"]
        .as_u64()
        .ok_or_else(|| anyhow!("it has no `schema`"))
        .with_context(damaged)?;
    ensure!(
        schema <= SCHEMA,
        "{} has schema {schema}, this phasebox reads up to {SCHEMA}: use the phasebox that wrote it ({})",
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

fn read_callback(
    folder: &Path,
    manifest: &Manifest,
    record: &CallbackRecord,
) -> Result<CallbackState> {
    let file = callback_file(&record.name)?;
    let listed = manifest.files.get(&file);
    let listed =
        listed.with_context(|| format!("{} lists no {file}", folder.join(MANIFEST).display()))?;
    Ok(CallbackState {
        name: record.name.clone(),
        plugin_sha256: record.plugin_sha256.clone(),
        version: record.version.clone(),
        state_version: record.state_version,
        bytes: read_hashed(&folder.join(file), listed)?,
    })
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
    let bytes = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            bail!("{} is missing", path.display())
        }
        read => read.with_context(|| format!("cannot read {}", path.display()))?,
    };
    let (size, expected) = (bytes.len() as u64, record.bytes);
    ensure!(
        size == expected,
        "{} is damaged ({size} bytes, {expected} were written)",
        path.display()
    );
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
