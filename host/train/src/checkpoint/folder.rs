//! One checkpoint folder: writes its files and reads them back, verified. `store` owns where the folder lies, and that
//! it appears in one step.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use phasebox_contract::digest::{Digest, Hasher};
use phasebox_contract::printable::excerpt;
use phasebox_files::regular_file;

use super::manifest::{CALLBACKS, FileRecord, MANIFEST, Manifest, callback_file};
use super::{NamedTensors, SavedCallback, Snapshot, State, tensors};
use crate::callback::CallbackState;

/// Writes all of `snapshot` into the existing, empty `folder`, with the tags that are to name it. Syncs nothing.
pub(super) fn write(folder: &Path, snapshot: &Snapshot, tags: &[&str]) -> Result<()> {
    let mut files = BTreeMap::new();
    for (name, tensors) in tensor_files(snapshot) {
        write_tensors(folder, name, tensors, &mut files)?;
    }
    let callback_tensors = joined(&snapshot.callbacks);
    write_tensors(folder, CALLBACK_TENSORS, &callback_tensors, &mut files)?;
    write_callbacks(folder, &snapshot.callbacks, &mut files)?;
    let callbacks = snapshot.callbacks.iter().map(identity).collect();
    Manifest::new(snapshot.state.clone(), tags, files, callbacks).write(folder)
}

/// Reads a folder back, of a network of so many bytes; every byte is compared with its sha256 before it is used.
pub(super) fn read(folder: &Path, network_bytes: u64) -> Result<Snapshot> {
    let manifest = Manifest::read(folder, &TENSOR_FILES)?;
    let tensors = |name: &str| {
        check_size(folder, &manifest, name, network_bytes)?;
        read_tensors(folder, &manifest, name)
    };
    Ok(Snapshot {
        model: tensors(MODEL)?,
        optimizer: tensors(OPTIMIZER)?,
        ema: tensors(EMA)?,
        validated: Vec::new(),
        metrics: tensors(METRICS)?,
        rng: tensors(RNG)?,
        gradients: tensors(GRADIENTS)?,
        best_models: tensors(BEST_MODELS)?,
        callbacks: {
            check_size(folder, &manifest, CALLBACK_TENSORS, network_bytes)?;
            read_callbacks(folder, &manifest)?
        },
        state: manifest.state,
    })
}

/// The numbers of a folder, without its tensors.
pub(super) fn state(folder: &Path) -> Result<State> {
    Ok(Manifest::read(folder, &TENSOR_FILES)?.state)
}

/// The tags that a folder was saved under; none in one of an earlier version.
pub(super) fn tags(folder: &Path) -> Result<Vec<String>> {
    Ok(Manifest::read(folder, &TENSOR_FILES)?.tags)
}

/// Checks that every file is there with the bytes that were written. Reads all of them, decodes none.
pub(super) fn verify(folder: &Path) -> Result<()> {
    let manifest = Manifest::read(folder, &TENSOR_FILES)?;
    ensure!(
        manifest.files.contains_key(MODEL),
        "{} lists no {MODEL}",
        folder.join(MANIFEST).display()
    );
    manifest
        .files
        .iter()
        .try_for_each(|(name, record)| verify_hashed(folder, name, record))
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

const TENSOR_FILES: [&str; 9] = [
    MODEL,
    OPTIMIZER,
    EMA,
    VALIDATED,
    METRICS,
    RNG,
    GRADIENTS,
    BEST_MODELS,
    CALLBACK_TENSORS,
];

/// The most bytes of a file of tensors for each of the network's own: ten best models, or three moments of each parameter, may
/// be float64 where the network is not.
const FILE_RATIO: u64 = 24;
/// Bytes beside these, for a network of any size.
const FREE_BYTES: u64 = 64 << 20;
/// Bytes in their place for what metrics have gathered and callbacks keep, which does not depend on the network.
const KEPT_BYTES: u64 = 2 << 30;

/// The most bytes of a callback's own, which limits keep far smaller.
const MOST_CALLBACK_BYTES: u64 = 1 << 30;

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
    fs::create_dir(folder.join(CALLBACKS)).context("cannot make the folder of callback states")?;
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

fn read_tensors(folder: &Path, manifest: &Manifest, name: &str) -> Result<NamedTensors> {
    match manifest.files.get(name) {
        Some(record) => {
            let bytes = read_hashed(folder, name, record)?;
            tensors::read(&bytes).with_context(|| {
                let path = folder.join(name);
                format!("{} is not a readable safetensors file", path.display())
            })
        }
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
    let mut owners: HashMap<String, usize> = HashMap::new();
    for (index, saved) in callbacks.iter().enumerate() {
        owners.insert(saved.name.clone(), index);
    }
    for (name, tensor) in read_tensors(folder, manifest, CALLBACK_TENSORS)? {
        let Some((owner, key)) = name.split_once(OWNER_SEPARATOR) else {
            bail!("tensor `{}` has no owner", excerpt(&name))
        };
        if let Some(index) = owners.get(owner) {
            let tensors = &mut callbacks[*index].state.tensors;
            tensors.push((key.to_owned(), tensor));
        }
    }
    Ok(callbacks)
}

/// Refuses a file of tensors that no run of such a network has written, before it takes any memory.
fn check_size(folder: &Path, manifest: &Manifest, name: &str, network_bytes: u64) -> Result<()> {
    let Some(record) = manifest.files.get(name) else {
        return Ok(());
    };
    let free = match name {
        METRICS | CALLBACK_TENSORS => KEPT_BYTES,
        _ => FREE_BYTES,
    };
    let most = network_bytes
        .saturating_mul(FILE_RATIO)
        .saturating_add(free);
    ensure!(
        record.bytes <= most,
        "{} has {} bytes, and at most {most} are read for a network of {network_bytes}: it is of another network, or damaged",
        folder.join(name).display(),
        record.bytes
    );
    Ok(())
}

fn read_callback(folder: &Path, manifest: &Manifest, name: &str) -> Result<Vec<u8>> {
    let file = callback_file(name)?;
    let listed = manifest.files.get(&file);
    let listed =
        listed.with_context(|| format!("{} lists no {file}", folder.join(MANIFEST).display()))?;
    read_hashed(folder, &file, listed)
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

/// Reads a file of a checkpoint whole.
fn read_hashed(folder: &Path, name: &str, record: &FileRecord) -> Result<Vec<u8>> {
    let (path, file) = open_listed(folder, name, record)?;
    let mut bytes = Vec::new();
    file.take(record.bytes)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    compare(&path, Digest::of(&bytes), record)?;
    Ok(bytes)
}

/// Compares a file with its digest, piece by piece.
fn verify_hashed(folder: &Path, name: &str, record: &FileRecord) -> Result<()> {
    let (path, file) = open_listed(folder, name, record)?;
    let found = Digest::of_reader(file.take(record.bytes))
        .with_context(|| format!("cannot read {}", path.display()))?;
    compare(&path, found, record)
}

fn compare(path: &Path, found: Digest, record: &FileRecord) -> Result<()> {
    let expected = &record.sha256;
    ensure!(
        found.to_string() == *expected,
        "{} is damaged: its sha256 is {found}, {MANIFEST} says {}",
        path.display(),
        excerpt(expected)
    );
    Ok(())
}

/// Opens a file that a manifest lists: a regular one, inside of the folder, of the size that was written.
fn open_listed(folder: &Path, name: &str, record: &FileRecord) -> Result<(PathBuf, File)> {
    let path = folder.join(name);
    let shown = path.display();
    let (file, size) = match regular_file::open(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!("{shown} is missing"),
        opened => opened.with_context(|| format!("cannot read {shown}"))?,
    };
    let is_inside = path.canonicalize()?.starts_with(folder.canonicalize()?);
    ensure!(
        is_inside,
        "{shown} is a link that leaves the checkpoint's folder: put the file itself in its place"
    );
    let expected = record.bytes;
    ensure!(
        size == expected,
        "{shown} is damaged ({size} bytes, {expected} were written)"
    );
    let most = match name.starts_with(CALLBACKS) {
        true => MOST_CALLBACK_BYTES,
        false => tensors::MOST_BYTES,
    };
    ensure!(
        size <= most,
        "{shown} has {size} bytes, and at most {most} are read"
    );
    Ok((path, file))
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
