//! Refusals of components, remembered for an hour under the limits that they were compiled with: a file that keeps the
//! compiler busy does so once, and not at every look. Other limits are another try, and a machine that was busy may do
//! better later.

use std::io::Read as _;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use phasebox_contract::digest::Digest;
use phasebox_contract::limits::{Limit, Limits};
use serde::{Deserialize, Serialize};
use wasmtime::Engine;

use super::folder::Folder;
use super::{CompiledCode, eviction, key, log_failure};

/// The time for which a refusal holds.
const HOLDS: Duration = Duration::from_secs(60 * 60);
/// The most bytes of a file, and of the reason in it before it is escaped.
const MAX_BYTES: u64 = 16 << 10;
const MAX_REASON_BYTES: usize = 2048;

/// The file of a refusal.
#[derive(Serialize, Deserialize)]
struct Refusal {
    /// The name it was written under: a file that was moved speaks of another component.
    name: String,
    reason: String,
}

impl CompiledCode {
    /// The reason why the component of this digest was refused a short time ago, if it was.
    pub(crate) fn refusal(
        &self,
        engine: &Engine,
        sha256: Digest,
        limits: &Limits,
    ) -> Option<String> {
        let folder = self.folder.as_ref().ok()?;
        let name = name(engine, sha256, limits);
        let found = read(folder, &name);
        found.unwrap_or_else(|error| {
            tracing::warn!("the refusal of sha256:{sha256} cannot be read: {error:#}");
            None
        })
    }

    /// Remembers a refusal. If it cannot be kept, the log says so and the next look compiles again.
    pub(crate) fn keep_refusal(
        &self,
        engine: &Engine,
        sha256: Digest,
        limits: &Limits,
        reason: &str,
    ) {
        if let Ok(folder) = &self.folder {
            log_failure(write(folder, name(engine, sha256, limits), reason));
        }
    }
}

fn read(folder: &Folder, name: &str) -> Result<Option<String>> {
    let Some(file) = folder.open_file(&refusal_file(name))? else {
        return Ok(None);
    };
    let age = SystemTime::now().duration_since(file.metadata()?.modified()?);
    if age.map_or(true, |age| age > HOLDS) {
        return Ok(None);
    }
    let mut text = String::new();
    file.take(MAX_BYTES).read_to_string(&mut text)?;
    let refusal = serde_json::from_str::<Refusal>(&text).ok();
    let refusal = refusal.filter(|refusal| refusal.name == name);
    Ok(refusal.map(|refusal| refusal.reason))
}

fn write(folder: &Folder, name: String, reason: &str) -> Result<()> {
    let end = reason.floor_char_boundary(MAX_REASON_BYTES);
    let file = refusal_file(&name);
    let refusal = Refusal {
        name,
        reason: reason[..end].to_owned(),
    };
    folder.write(&file, &serde_json::to_vec(&refusal)?)?;
    eviction::make_room(folder, eviction::Bounds::default(), SystemTime::now())
}

/// A digest of all that decides whether a component is refused.
fn name(engine: &Engine, sha256: Digest, limits: &Limits) -> String {
    let bounds = [Limit::CompileTime, Limit::CompileMemory].map(|limit| limits[limit]);
    key(engine, (sha256.to_string(), bounds))
}

fn refusal_file(name: &str) -> String {
    format!("{name}.refused")
}
