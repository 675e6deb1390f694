//! Machine code of callbacks, compiled once and kept in a folder of the user. Owns what an entry is and when
//! it may run. `folder` owns who may write there, `stamp` when a file counts as unchanged, `eviction` what is
//! thrown away, `refusals` what is known of components that have no code. Compiling is `compile`'s part.
//!
//! An entry is two files, named by a digest of all that decides the code: the component's bytes, the engine's
//! version and settings, the contract, the WASI put inside. One file is the code, which is mapped, so that a page of it costs time
//! and memory only when it is used. The other holds the code's digest. A third kind of file remembers
//! digests of components.
//!
//! Code that is not what was written there is never run: it is compiled anew, and the log says so. Nothing
//! here helps against somebody who can write to the user's own files, since that is the user.

mod eviction;
mod folder;
mod refusals;
mod stamp;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata};
use std::hash::{Hash, Hasher};
use std::io::Write as _;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Result, anyhow, ensure};
use phasebox_contract::CONTRACT;
use phasebox_contract::digest::{self, Digest};
use rustix::fs::{MemfdFlags, memfd_create};
use wasmtime::Engine;
use wasmtime::component::Component;

use self::folder::Folder;
use self::stamp::Stamp;
use crate::{WASMTIME_VERSION, wasi};

/// A file of the cache that knows another: the digest of its bytes, and how it looked when they were digested.
#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    /// The name it was written under: a record that was moved speaks of something else.
    name: String,
    /// In hexadecimal.
    sha256: String,
    /// None if the file was so fresh that its times could not tell a later change.
    stamp: Option<Stamp>,
}

/// The user's folder of compiled code. Nothing is kept in a folder that is not the user's alone.
pub(crate) struct CompiledCode {
    folder: Result<Folder>,
}

impl CompiledCode {
    /// Makes the folder if it is not there. A folder that others could change is not used: the log says why,
    /// and callbacks are compiled at each start.
    pub(crate) fn open(directory: &Path) -> CompiledCode {
        let folder = Folder::open(directory);
        if let Err(reason) = &folder {
            tracing::warn!(
                "compiled callbacks are not kept, so each start compiles them: {reason:#}"
            );
        }
        CompiledCode { folder }
    }

    /// One line for people: where the folder is, and how much is in it.
    ///
    /// # Errors
    /// If it is not used; says why.
    pub(crate) fn describe(&self) -> Result<String> {
        let folder = self
            .folder
            .as_ref()
            .map_err(|reason| anyhow!("{reason:#}"))?;
        let (entries, bytes) = eviction::contents(folder)?;
        let megabytes = bytes as f64 / 1e6;
        Ok(format!(
            "{}: {entries} compiled, {megabytes:.1} MB",
            folder.path.display()
        ))
    }

    /// The digest of a component's file, if its bytes were digested before and it has not changed since.
    pub(crate) fn digest_of(&self, source: &Metadata) -> Option<Digest> {
        let folder = self.folder.as_ref().ok()?;
        let record = folder.record(&source_name(source)).ok()??;
        match record.stamp == Some(Stamp::of(source)) {
            true => record.sha256.parse().ok(),
            false => None,
        }
    }

    /// Remembers the digest of bytes that were read after `source` was asked for.
    pub(crate) fn remember(&self, source: &Metadata, sha256: Digest) {
        let Ok(folder) = &self.folder else { return };
        let stamp = Stamp::of(source);
        if stamp.is_settled(SystemTime::now()) {
            let record = Record {
                name: source_name(source),
                sha256: sha256.to_string(),
                stamp: Some(stamp),
            };
            log_failure(folder.write_record(&record));
        }
    }

    /// The code of the component whose bytes have this digest, if it is kept and whole.
    pub(crate) fn find(&self, engine: &Engine, sha256: Digest) -> Option<Component> {
        let folder = self.folder.as_ref().ok()?;
        let name = entry_name(engine, sha256);
        load(engine, folder, &name).unwrap_or_else(|reason| {
            tracing::warn!(
                "compiled code of sha256:{sha256} is not used, it is compiled anew: {reason:#}"
            );
            log_failure(folder.remove(&code_file(&name)));
            None
        })
    }

    /// Keeps compiled code, and throws away what has not been used for long. If nothing can be kept, the log
    /// says so and the next start compiles again.
    pub(crate) fn keep(&self, engine: &Engine, sha256: Digest, code: &[u8]) {
        if let Ok(folder) = &self.folder {
            log_failure(write_entry(folder, &entry_name(engine, sha256), code));
        }
    }
}

fn log_failure(kept: Result<()>) {
    if let Err(error) = kept {
        tracing::warn!("compiled code could not be kept: {error:#}");
    }
}

/// Writes both files of an entry, and makes room if there is too much.
fn write_entry(folder: &Folder, name: &str, code: &[u8]) -> Result<()> {
    folder.write_record(&Record {
        name: name.to_owned(),
        sha256: Digest::of(code).to_string(),
        stamp: None,
    })?;
    folder.write(&code_file(name), code)?;
    eviction::make_room(folder, eviction::Bounds::default(), SystemTime::now())
}

/// The code of an entry, if there is one.
fn load(engine: &Engine, folder: &Folder, name: &str) -> Result<Option<Component>> {
    match intact(folder, name)? {
        Some(code) => map(engine, &code).map(Some),
        None => Ok(None),
    }
}

/// The file of an entry's code, if there is one.
///
/// # Errors
/// If its bytes are not those that were written.
fn intact(folder: &Folder, name: &str) -> Result<Option<File>> {
    let Some(mut code) = folder.open_file(&code_file(name))? else {
        return Ok(None);
    };
    let Some(record) = folder.record(name)? else {
        return Ok(None);
    };
    let stamp = Stamp::of(&code.metadata()?);
    let now = SystemTime::now();
    if record.stamp.as_ref() != Some(&stamp) {
        ensure!(
            Digest::of_reader(&mut code)?.to_string() == record.sha256,
            "its bytes are not those that were written"
        );
        let stamp = stamp.is_settled(now).then_some(stamp);
        log_failure(folder.write_record(&Record { stamp, ..record }));
    } else if folder.was_used_long_ago(name, now) {
        log_failure(folder.write_record(&record));
    }
    Ok(Some(code))
}

/// Makes the code in a file executable. This happens nowhere else.
#[expect(
    unsafe_code,
    reason = "the engine cannot know whether a file holds its own work; `intact` and `load_fresh` do"
)]
fn map(engine: &Engine, code: &File) -> Result<Component> {
    // By the open file, not by its name: what is mapped is what was checked.
    let path = format!("/proc/self/fd/{}", code.as_raw_fd());
    // SAFETY: the engine must have written these bytes itself, and nobody may change them while they are mapped. The
    // file lies in a folder that only this user can write to and belongs to this user (`folder`); its bytes have the
    // digest that was stored when the engine wrote them (`intact`); files there are replaced whole, never written
    // to. Or the file has no name and was written a moment ago (`load_fresh`): by the engine of this process, or of a
    // process of this very program that was started for it. The engine checks by itself that its version and settings
    // are those of the code.
    unsafe { Component::deserialize_file(engine, path) }.map_err(|error| anyhow!(error))
}

/// Makes code executable that `compile` has just given.
pub(crate) fn load_fresh(engine: &Engine, code: &[u8]) -> Result<Component> {
    let mut file = File::from(memfd_create("compiled", MemfdFlags::CLOEXEC)?);
    file.write_all(code)?;
    map(engine, &file)
}

/// A digest of all that decides the machine code of a component.
fn entry_name(engine: &Engine, sha256: Digest) -> String {
    key(engine, sha256.to_string().as_str())
}

/// A digest of `subject` and of what compiles it here.
fn key(engine: &Engine, subject: impl Hash) -> String {
    let mut hasher = StableHasher::default();
    subject.hash(&mut hasher);
    (CONTRACT, WASMTIME_VERSION, wasi::DIGEST.as_str()).hash(&mut hasher);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finish().to_string()
}

/// Makes a digest of anything that can be hashed, which is the same in every process.
#[derive(Default)]
struct StableHasher(digest::Hasher);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Required by the trait; only the digest is used.
    fn finish(&self) -> u64 {
        0
    }
}

fn code_file(entry: &str) -> String {
    format!("{entry}.code")
}

/// The name of a component's record, by its inode: a component that is moved or linked keeps its digest.
fn source_name(source: &Metadata) -> String {
    format!("source-{}-{}", source.dev(), source.ino())
}
