//! Machine code of callbacks, compiled once and kept in a folder of the user. Owns what an entry is and when it may
//! run; `folder` owns who may write there, `stamp` when a file counts as unchanged, `eviction` what is thrown away.
//! Compiling is `component`'s part.
//!
//! An entry is two files, named by a digest of all that decides the code: the component's bytes, the engine's version
//! and settings, the contract. One is the code, which is mapped, so that a page of it costs time and memory when it is
//! used; the other records the code's digest. A third kind of file remembers digests of components.
//!
//! Code that is not what was written there is never run: it is compiled anew, and the log says so. Against somebody who
//! can write to the user's own files nothing here helps, and nothing could: that is the user.

mod eviction;
mod folder;
mod stamp;
#[cfg(test)]
mod tests;

use std::fs::{File, Metadata};
use std::hash::{Hash as _, Hasher};
use std::io::Read;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::SystemTime;

use anyhow::{Result, anyhow, ensure};
use phasebox_contract::CONTRACT;
use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use self::folder::Folder;
use self::stamp::Stamp;
use crate::WASMTIME_VERSION;

/// What is known of a file: the digest of its bytes, and how the file looked when they were digested.
#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    /// The name it was written under: a record that was moved speaks of something else.
    name: String,
    sha256: String,
    /// None while the file was too fresh for its times to tell whether it has changed since.
    stamp: Option<Stamp>,
}

/// The user's folder of compiled code; without one that is the user's alone, nothing is kept.
pub(crate) struct CompiledCode {
    folder: Result<Folder>,
}

impl CompiledCode {
    /// Makes the folder if need be. One that others could change is not used: the log says why, and callbacks are
    /// compiled at each start.
    pub(crate) fn open(directory: &Path) -> CompiledCode {
        let folder = Folder::open(directory);
        if let Err(reason) = &folder {
            tracing::warn!(
                "compiled callbacks are not kept, so each start compiles them: {reason:#}"
            );
        }
        CompiledCode { folder }
    }

    /// One line for people: where it is, and how much is in it.
    ///
    /// # Errors
    /// Why it is not used.
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

    /// The sha256 of a component's file, if its bytes were digested before and it has not changed since.
    pub(crate) fn digest_of(&self, source: &Metadata) -> Option<String> {
        let folder = self.folder.as_ref().ok()?;
        let record = folder.record(&source_name(source)).ok()??;
        (record.stamp == Some(Stamp::of(source))).then_some(record.sha256)
    }

    /// Remembers the sha256 of bytes that were read after `source` was asked for.
    pub(crate) fn remember(&self, source: &Metadata, sha256: &str) {
        let (Ok(folder), stamp) = (&self.folder, Stamp::of(source)) else {
            return;
        };
        if stamp.is_settled(SystemTime::now()) {
            let record = Record {
                name: source_name(source),
                sha256: sha256.to_owned(),
                stamp: Some(stamp),
            };
            forget_failure(folder.write_record(&record));
        }
    }

    /// The code of the component whose bytes have this digest, if it is kept and whole.
    pub(crate) fn find(&self, engine: &Engine, sha256: &str) -> Option<Component> {
        let folder = self.folder.as_ref().ok()?;
        let name = entry_name(engine, sha256);
        load(engine, folder, &name).unwrap_or_else(|reason| {
            tracing::warn!(
                "compiled code of sha256:{sha256} is not used, it is compiled anew: {reason:#}"
            );
            forget_failure(folder.remove(&code_file(&name)));
            None
        })
    }

    /// Keeps what was compiled, and throws away what has not been used for long. That nothing could be kept is no
    /// failure: the next start compiles again.
    pub(crate) fn keep(&self, engine: &Engine, sha256: &str, component: &Component) {
        let Ok(folder) = &self.folder else { return };
        let kept = component
            .serialize()
            .map_err(|error| anyhow!(error))
            .and_then(|code| {
                let name = entry_name(engine, sha256);
                folder.write_record(&Record {
                    sha256: hexadecimal(&code),
                    stamp: None,
                    name: name.clone(),
                })?;
                folder.write(&code_file(&name), &code)?;
                eviction::make_room(folder, eviction::Bounds::default(), SystemTime::now())
            });
        forget_failure(kept);
    }
}

fn forget_failure(kept: Result<()>) {
    if let Err(error) = kept {
        tracing::warn!("compiled code could not be kept: {error:#}");
    }
}

fn load(engine: &Engine, folder: &Folder, name: &str) -> Result<Option<Component>> {
    match intact(folder, name)? {
        Some(code) => map(engine, &code).map(Some),
        None => Ok(None),
    }
}

/// An entry's code, if there is one and it is what was written.
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
            digest_of_rest(&mut code)? == record.sha256,
            "its bytes are not those that were written"
        );
        let stamp = stamp.is_settled(now).then_some(stamp);
        forget_failure(folder.write_record(&Record { stamp, ..record }));
    } else if folder.was_used_long_ago(name, now) {
        forget_failure(folder.write_record(&record));
    }
    Ok(Some(code))
}

/// Makes code of a file executable: the one place where that happens.
#[expect(
    unsafe_code,
    reason = "the engine cannot know whether a file holds its own work; `intact` does"
)]
fn map(engine: &Engine, code: &File) -> Result<Component> {
    // By the open file, not by its name: what is mapped is what was checked.
    let path = format!("/proc/self/fd/{}", code.as_raw_fd());
    // SAFETY: the engine must have written these bytes itself, and nobody may change them while they are mapped. The
    // file lies in a folder that only this user can write to and belongs to this user (`folder`); its bytes have the
    // digest that was recorded when the engine wrote them (`intact`); files there are replaced whole, never written
    // to. The engine checks by itself that its version and settings are those of the code.
    unsafe { Component::deserialize_file(engine, path) }.map_err(|error| anyhow!(error))
}

/// A digest of all that decides the machine code of a component.
fn entry_name(engine: &Engine, sha256: &str) -> String {
    let mut digest = HashInto(Sha256::new());
    (sha256, CONTRACT, WASMTIME_VERSION).hash(&mut digest);
    engine.precompile_compatibility_hash().hash(&mut digest);
    format!("{:x}", digest.0.finalize())
}

/// Feeds whatever can be hashed to a digest that is the same in every process.
struct HashInto(Sha256);

impl Hasher for HashInto {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finalize();
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

fn code_file(entry: &str) -> String {
    format!("{entry}.code")
}

/// By inode: a component that is moved or linked keeps its digest.
fn source_name(source: &Metadata) -> String {
    format!("source-{}-{}", source.dev(), source.ino())
}

fn hexadecimal(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

fn digest_of_rest(file: &mut File) -> Result<String> {
    let (mut digest, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(format!("{:x}", digest.finalize())),
            count => digest.update(&buffer[..count]),
        }
    }
}
