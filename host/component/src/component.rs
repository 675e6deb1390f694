//! A callback's file, read and understood before anything of it runs: is it a component, what does it
//! import, what does it export. Owns the refusals in words; running it is `Plugin`'s part.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::{CONTRACT, suggest};
use sha2::{Digest, Sha256};
use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component as Code, ComponentExportIndex};

use crate::bounds;
use crate::engine::Engine;

const CONTRACT_NAME: &str = "phasebox:train/";
const INTERFACES: [&str; 5] = ["types", "tensor", "context", "storage", "diagnostics"];

/// The four functions of the `callback` interface that are not phases.
const LIFE_CYCLE: [&str; 4] = ["describe", "configure", "save-state", "load-state"];

/// Larger files are refused before they are read; a Python component has 18 MB.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// A compiled component whose imports and exports fit this host.
#[derive(Clone)]
pub struct Component {
    /// Where it was read from.
    pub path: PathBuf,
    /// Of the file's bytes, in hexadecimal.
    pub sha256: String,
    /// Size of the file.
    pub file_bytes: u64,
    /// Full names of the interfaces it imports.
    pub imports: Vec<String>,
    /// Full name of its `callback` interface.
    pub callback_interface: String,
    /// Exports beside it; toolchains add some, the host never calls them.
    pub other_exports: Vec<String>,
    /// The phases it exports.
    pub phases: PhaseSet,
    /// Life-cycle functions it exports.
    pub life_cycle: Vec<&'static str>,
    component: Code,
    interface: ComponentExportIndex,
}

impl Component {
    /// Reads, checks and compiles the file at `path`. Compiling takes 40 ms for a Rust callback and up to
    /// half a minute for a Python one, once: compiled code is kept, and then the file is not even read.
    ///
    /// # Errors
    /// Each names the file, what is wrong with it and what to do.
    pub fn load(engine: &Engine, path: &Path) -> Result<Component> {
        Self::load_within(engine, path, &Limits::default())
    }

    /// The same under a callback's own `compile_time`.
    ///
    /// # Errors
    /// Each names the file, what is wrong with it and what to do.
    pub fn load_within(engine: &Engine, path: &Path, limits: &Limits) -> Result<Component> {
        let (file, metadata) = open(path)?;
        let (sha256, component) = match kept(engine, &metadata) {
            Some(kept) => kept,
            None => compiled(engine, path, file, &metadata, limits)?,
        };
        Self::understand(engine, component, path, sha256, metadata.len())
            .with_context(|| format!("{} does not fit this phasebox", path.display()))
    }

    fn understand(
        engine: &Engine,
        component: Code,
        path: &Path,
        sha256: String,
        file_bytes: u64,
    ) -> Result<Component> {
        let component_type = component.component_type();
        let imports: Vec<String> = component_type
            .imports(&engine.engine)
            .map(|(name, _)| name.to_owned())
            .collect();
        check_imports(&imports)?;
        let (mut callbacks, mut other_exports) = (Vec::new(), Vec::new());
        for (name, export) in component_type.exports(&engine.engine) {
            match export.ty {
                ComponentItem::ComponentInstance(interface)
                    if interface_name(name) == "callback" =>
                {
                    callbacks.push((name.to_owned(), interface));
                }
                _ => other_exports.push(name.to_owned()),
            }
        }
        let (callback_interface, exported) = only_one(callbacks, &other_exports)?;
        let (phases, life_cycle) = subscriptions(engine, &exported, &callback_interface)?;
        let interface = component
            .get_export_index(None, callback_interface.as_str())
            .with_context(|| format!("`{callback_interface}` cannot be looked up"))?;
        Ok(Component {
            path: path.to_owned(),
            sha256,
            file_bytes,
            imports,
            callback_interface,
            other_exports,
            phases,
            life_cycle,
            component,
            interface,
        })
    }

    /// Its compiled code.
    pub fn code(&self) -> &Code {
        &self.component
    }

    /// Where a function of the callback interface is, if it is exported.
    pub fn export(&self, name: &str) -> Option<ComponentExportIndex> {
        self.component.get_export_index(Some(&self.interface), name)
    }
}

fn open(path: &Path) -> Result<(File, Metadata)> {
    let no_file = || {
        format!(
            "no callback at {}: check the path; it is relative to the recipe",
            path.display()
        )
    };
    // A pipe would be waited for.
    let is_file = std::fs::metadata(path).with_context(no_file)?.is_file();
    ensure!(
        is_file,
        "{} is not a file: name the .wasm file itself",
        path.display()
    );
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let metadata = file.metadata()?;
    let (size, limit) = (metadata.len(), MAX_FILE_BYTES);
    ensure!(
        size <= limit,
        "{} has {size} bytes; a callback may have {limit}: strip it",
        path.display()
    );
    Ok((file, metadata))
}

/// The code of a file that has been compiled before and has not changed since, and the digest of its bytes.
fn kept(engine: &Engine, metadata: &Metadata) -> Option<(String, Code)> {
    let sha256 = engine.compiled.digest_of(metadata)?;
    let component = engine.compiled.find(&engine.engine, &sha256)?;
    Some((sha256, component))
}

/// The code of a file that has to be read; kept for the next time.
fn compiled(
    engine: &Engine,
    path: &Path,
    file: File,
    metadata: &Metadata,
    limits: &Limits,
) -> Result<(String, Code)> {
    let mut bytes = Vec::new();
    // No more than was promised: it may be growing.
    let read = file.take(metadata.len()).read_to_end(&mut bytes);
    read.with_context(|| format!("cannot read {}", path.display()))?;
    let sha256 = format!("{:x}", Sha256::digest(&bytes));
    check_magic(&bytes).with_context(|| format!("{} is not a callback", path.display()))?;
    engine.compiled.remember(metadata, &sha256);
    if let Some(component) = engine.compiled.find(&engine.engine, &sha256) {
        return Ok((sha256, component));
    }
    bounds::check(&bytes).with_context(|| format!("{} is refused", path.display()))?;
    let component = compile(&engine.engine, bytes, limits)
        .with_context(|| format!("{} cannot be compiled", path.display()))?
        .with_context(|| {
            format!(
                "{} is damaged or uses features that callbacks may not",
                path.display()
            )
        })?;
    engine.compiled.keep(&engine.engine, &sha256, &component);
    Ok((sha256, component))
}

/// Compiles for as long as the limit says; the inner error is the engine's. On a thread of its own, since compiling
/// cannot be stopped: one that takes too long is left to end by itself, or with the process, which refuses the recipe.
/// A child process could be killed, but needs a program to start, which who uses this as a library has not.
fn compile(engine: &wasmtime::Engine, bytes: Vec<u8>, limits: &Limits) -> Result<Result<Code>> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let engine = engine.clone();
    // Nobody listens once the time is over.
    let work = move || drop(sender.send(Code::from_binary(&engine, &bytes)));
    std::thread::Builder::new()
        .name("compiler".to_owned())
        .stack_size(COMPILER_STACK_BYTES)
        .spawn(work)?;
    match receiver.recv_timeout(limits.time(Limit::CompileTime)) {
        Ok(compiled) => Ok(compiled.map_err(|error| anyhow!("{error:#}"))),
        Err(RecvTimeoutError::Timeout) => {
            bail!(
                "it takes too long: {}",
                Limit::CompileTime.exceeded(limits[Limit::CompileTime])
            )
        }
        Err(RecvTimeoutError::Disconnected) => {
            bail!("the compiler failed on it, which is a fault of phasebox")
        }
    }
}

/// What the first thread of a process has.
const COMPILER_STACK_BYTES: usize = 8 << 20;

fn check_magic(bytes: &[u8]) -> Result<()> {
    match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => bail!(
            "it is a core WebAssembly module, not a component: wrap it with `wasm-tools component new IN.wasm -o OUT.wasm` \
             (`cargo xtask plugins` does it for Rust callbacks)"
        ),
        [0, b'a', b's', b'm', ..] => {
            bail!(
                "it is WebAssembly of a version this host does not know: rebuild it as a component"
            )
        }
        [0x7f, b'E', b'L', b'F', ..] => {
            bail!(
                "it is native or precompiled code, which is never accepted: give the .wasm component"
            )
        }
        [] => bail!("the file is empty: rebuild it"),
        _ => bail!("it does not begin like WebAssembly: give a .wasm component"),
    }
}

fn check_imports(imports: &[String]) -> Result<()> {
    for import in imports {
        if import.starts_with("wasi:") {
            bail!(
                "it imports `{import}`, but callbacks get no WASI: build for wasm32-unknown-unknown, or with the \
                 stub option of its toolchain (componentize-py -s, componentize-js disableFeatures)"
            );
        }
        let known = import
            .strip_prefix(CONTRACT_NAME)
            .and_then(|rest| rest.split_once('@'));
        match known {
            Some((interface, version)) if INTERFACES.contains(&interface) => ensure!(
                version.starts_with("0.1."),
                "it was built for phasebox:train {version}, this phasebox speaks {CONTRACT}: rebuild it against this contract"
            ),
            _ => bail!(
                "it imports `{import}`, which is not part of {CONTRACT}: callbacks import from that package alone"
            ),
        }
    }
    Ok(())
}

/// `a:b/callback@1.0.0` and `callback` are both named `callback`.
fn interface_name(export: &str) -> &str {
    let name = export.rsplit('/').next().unwrap_or(export);
    name.split('@').next().unwrap_or(name)
}

fn only_one(
    mut callbacks: Vec<(String, ComponentInstance)>,
    others: &[String],
) -> Result<(String, ComponentInstance)> {
    if callbacks.len() > 1 {
        let names: Vec<&str> = callbacks.iter().map(|(name, _)| name.as_str()).collect();
        bail!(
            "it exports two interfaces named `callback` ({}): keep one",
            names.join(", ")
        );
    }
    callbacks.pop().with_context(|| {
        let found = if others.is_empty() {
            String::new()
        } else {
            format!(", only `{}`", others.join("`, `"))
        };
        format!(
            "it exports no interface named `callback`{found}: export one with the phases it wants"
        )
    })
}

fn subscriptions(
    engine: &Engine,
    interface: &ComponentInstance,
    name: &str,
) -> Result<(PhaseSet, Vec<&'static str>)> {
    let (mut phases, mut life_cycle) = (PhaseSet::default(), Vec::new());
    for (function, export) in interface.exports(&engine.engine) {
        if !matches!(export.ty, ComponentItem::ComponentFunc(_)) {
            continue;
        }
        if let Some(phase) = Phase::from_name(function) {
            phases.insert(phase);
        } else if let Some(known) = LIFE_CYCLE.iter().find(|known| **known == function) {
            life_cycle.push(*known);
        } else {
            bail!(
                "`{name}` exports `{function}`, which is no phase of {CONTRACT}{}",
                did_you_mean(function)
            );
        }
    }
    Ok((phases, life_cycle))
}

fn did_you_mean(function: &str) -> String {
    let names = Phase::ALL
        .iter()
        .map(|phase| phase.name())
        .chain(LIFE_CYCLE)
        .collect::<Vec<_>>();
    suggest::hint(function, &names)
}
