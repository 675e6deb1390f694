//! A component: a callback's file, read, checked and compiled before anything of it runs. Owns the order
//! of those steps and what is known of a component; each step has a file of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow, bail};
use phasebox_contract::digest::Digest;
use phasebox_contract::grants::Grant;
use phasebox_contract::limits::Limits;
use phasebox_contract::phase::PhaseSet;
use phasebox_contract::printable::excerpt;
use wasmtime::component::{Component as Code, ComponentExportIndex};

use crate::bounds;
use crate::compile::{NoCode, compile};
use crate::compiled::load_fresh;
use crate::engine::Engine;
use crate::file;
use crate::imports;
use crate::interface;
use crate::lacking;
use crate::needs;
use crate::source_lines::SourceLines;
use crate::wasi;

/// A compiled component whose imports and exports fit this host.
#[derive(Clone)]
pub struct Component {
    /// The file it was read from.
    pub path: PathBuf,
    /// The digest of the file's bytes.
    pub sha256: Digest,
    /// The size of the file.
    pub file_bytes: u64,
    /// Full names of the interfaces it imports.
    pub imports: Vec<String>,
    /// The functions it imports that no call of which succeeds without a grant; none if it imports the contract whole.
    pub needs: Vec<(&'static str, Grant)>,
    /// Full name of its `callback` interface.
    pub callback_interface: String,
    /// Names of its exports beside that interface. Toolchains add some; the host never calls them.
    pub other_exports: Vec<String>,
    /// The phases it exports.
    pub phases: PhaseSet,
    /// Names of the life-cycle functions it exports.
    pub life_cycle: Vec<&'static str>,
    code: Arc<Code>,
    interface: ComponentExportIndex,
}

/// The decision about a file by its digest; its error refuses the file.
pub(crate) type Admit<'a> = dyn Fn(Digest) -> Result<()> + 'a;

/// Compiled code and the digest of the bytes that it was compiled from.
struct Compiled {
    code: Arc<Code>,
    sha256: Digest,
}

impl Component {
    /// Reads, checks and compiles the file at `path` under the default `compile_time`.
    ///
    /// Compiling takes 40 ms for a Rust callback and up to half a minute for a Python one. It happens once:
    /// compiled code is kept, and the next time the file is not even read.
    ///
    /// # Errors
    /// Each names the file, what is wrong with it and what to do.
    pub fn load(engine: &Engine, path: &Path) -> Result<Component> {
        Self::load_within(engine, path, &Limits::default(), &|_| Ok(()), None)
    }

    /// Reads, checks and compiles the file at `path` under the `compile_time` of `limits`. `admit` may refuse the file by
    /// its digest: nothing of it is parsed before. `refuses_wasi` names who refuses callbacks that import WASI, if somebody
    /// does.
    ///
    /// # Errors
    /// Each names the file, what is wrong with it and what to do; or the error of `admit`.
    pub fn load_within(
        engine: &Engine,
        path: &Path,
        limits: &Limits,
        admit: &Admit,
        refuses_wasi: Option<&str>,
    ) -> Result<Component> {
        let (file, metadata) = file::open(path)?;
        let known = engine.compiled.digest_of(&metadata);
        known.map_or(Ok(()), admit)?;
        let compiled = match known.and_then(|sha256| kept_code(engine, sha256)) {
            Some(kept) => kept,
            None => {
                let bytes = file::read(file, metadata.len(), path)?;
                let sha256 = Digest::of(&bytes);
                admit(sha256)?;
                engine.compiled.remember(&metadata, sha256);
                refuse_wasi(&imports::wasi_of(&bytes), refuses_wasi, path)?;
                compile_or_find(engine, path, bytes, sha256, limits)?
            }
        };
        let component = Self::from_compiled(engine, compiled, path, metadata.len())
            .with_context(|| format!("{} does not fit this phasebox", path.display()))?;
        if component.stands_on_process() {
            refuse_wasi(&component.wasi()?, refuses_wasi, path)?;
        }
        Ok(component)
    }

    /// The interfaces of WASI that its file imports; `preview1` if WASI was answered when it was built. Reads the file.
    ///
    /// # Errors
    /// If the file can no longer be read.
    pub fn wasi(&self) -> Result<Vec<String>> {
        if !self.stands_on_process() {
            return Ok(Vec::new());
        }
        let (file, metadata) = file::open(&self.path)?;
        let bytes = file::read(file, metadata.len(), &self.path)?;
        Ok(imports::wasi_of(&bytes))
    }

    fn stands_on_process(&self) -> bool {
        let mut imports = self.imports.iter();
        imports.any(|import| import.starts_with(wasi::PROCESS))
    }

    /// Checks the imports and exports of compiled code.
    fn from_compiled(
        engine: &Engine,
        compiled: Compiled,
        path: &Path,
        file_bytes: u64,
    ) -> Result<Component> {
        let Compiled { code, sha256 } = compiled;
        let component_type = code.component_type();
        let imports = interface::imports(&engine.engine, &component_type)?;
        let exports = interface::exports(&engine.engine, &component_type)?;
        let name = exports.callback_interface.as_str();
        let interface = code
            .get_export_index(None, name)
            .with_context(|| format!("`{name}` cannot be looked up"))?;
        Ok(Component {
            path: path.to_owned(),
            sha256,
            file_bytes,
            imports,
            needs: needs::of(&interface::functions(&engine.engine, &component_type)),
            callback_interface: exports.callback_interface,
            other_exports: exports.others,
            phases: exports.phases,
            life_cycle: exports.life_cycle,
            code,
            interface,
        })
    }

    /// The refusal of a component of a newer contract, after "it": the functions that it imports and this host lacks. None if
    /// it lacks nothing.
    pub fn lacking(&self, engine: &Engine) -> Option<String> {
        let names = self.imports.iter().map(String::as_str);
        let version = lacking::built_for(names)?;
        let lacking = lacking::of(&engine.engine, &self.code.component_type());
        (!lacking.is_empty()).then(|| lacking::refusal(version, &lacking))
    }

    /// Lines of its source, for backtraces.
    pub fn source_lines(&self, engine: &Engine) -> SourceLines {
        SourceLines::new(
            engine.program.clone(),
            self.path.clone(),
            self.sha256,
            engine.interrupted(),
        )
    }

    /// The compiled code.
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The index of a function of the callback interface, if it is exported.
    pub fn export(&self, name: &str) -> Option<ComponentExportIndex> {
        self.code.get_export_index(Some(&self.interface), name)
    }
}

/// Refuses a file that imports these interfaces of WASI, if `refuses` does.
fn refuse_wasi(asked: &[String], refuses: Option<&str>, path: &Path) -> Result<()> {
    match refuses {
        Some(who) if !asked.is_empty() => bail!(
            "{} imports WASI ({}), and {who} says `wasi: refuse`: build it without WASI, or take that key out: \
             WASI is answered inside the sandbox, with nothing behind it",
            path.display(),
            excerpt(&asked.join(", "))
        ),
        _ => Ok(()),
    }
}

/// The code of a file with this digest, if another callback holds it or it was compiled before.
fn kept_code(engine: &Engine, sha256: Digest) -> Option<Compiled> {
    let code = engine.in_use.find(sha256).or_else(|| {
        let code = engine.compiled.find(&engine.engine, sha256)?;
        Some(engine.in_use.share(sha256, code))
    })?;
    Some(Compiled { code, sha256 })
}

/// The code of a file that was read. Compiled code is kept for the next time.
fn compile_or_find(
    engine: &Engine,
    path: &Path,
    bytes: Vec<u8>,
    sha256: Digest,
    limits: &Limits,
) -> Result<Compiled> {
    let shown = path.display();
    file::check_magic(&bytes).with_context(|| format!("{shown} is not a callback"))?;
    if let Some(kept) = kept_code(engine, sha256) {
        return Ok(kept);
    }
    bounds::check(&bytes).with_context(|| format!("{shown} is refused"))?;
    imports::check(&bytes).with_context(|| format!("{shown} does not fit this phasebox"))?;
    let compiled = code_or_refusal(engine, bytes, sha256, limits);
    let compiled = compiled.map_err(|reason| anyhow!("{shown} {reason}"))?;
    engine.compiled.keep(&engine.engine, sha256, &compiled);
    let code = load_fresh(&engine.engine, &compiled)?;
    let code = engine.in_use.share(sha256, code);
    Ok(Compiled { code, sha256 })
}

/// Compiles a component, unless it was refused a short time ago. A refusal is kept for the next time.
fn code_or_refusal(
    engine: &Engine,
    bytes: Vec<u8>,
    sha256: Digest,
    limits: &Limits,
) -> Result<Vec<u8>, String> {
    let (own, kept) = (&engine.engine, &engine.compiled);
    if let Some(reason) = kept.refusal(own, sha256, limits) {
        return Err(reason);
    }
    compile(engine, bytes, limits).map_err(|no_code| match no_code {
        NoCode::Failed(reason) => reason,
        NoCode::Refused(reason) => {
            kept.keep_refusal(own, sha256, limits, &reason);
            reason
        }
    })
}
