//! A callback's file: found, opened and read within bounds. Knows only how a component begins; what it
//! contains is checked by `bounds` and `interface`.

use std::fs::{File, Metadata};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_files::regular_file;

use crate::core_module;

/// Larger files are refused before they are read. A Python component has 18 MB.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Opens the file of a callback.
pub(crate) fn open(path: &Path) -> Result<(File, Metadata)> {
    let (file, _) = regular_file::open(path).with_context(|| match path.exists() {
        true => format!("cannot read {}: name the .wasm file itself", path.display()),
        false => format!(
            "no callback at {}: check the path; in a recipe it begins at the recipe's folder",
            path.display()
        ),
    })?;
    let metadata = file.metadata()?;
    let size = metadata.len();
    ensure!(
        size <= MAX_FILE_BYTES,
        "{} has {size} bytes; a callback may have {MAX_FILE_BYTES}: strip it",
        path.display()
    );
    Ok((file, metadata))
}

/// The bytes of an open file, of which `length` were promised; it may be growing.
pub(crate) fn read(file: File, length: u64, path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(length)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

/// The size from which on a file may take all of a limit that is shared out. A Python component has 18 MB.
const WHOLE_BYTES: u64 = 16 << 20;

/// The part of a limit that a file of a size may take, between 1 / `least` and 1: a small one may not take what a large
/// one needs.
pub(crate) fn part(size: u64, least: u64) -> f64 {
    (size as f64 / WHOLE_BYTES as f64).clamp(1.0 / least as f64, 1.0)
}

/// Refuses a file that does not begin like a component, and says what it is instead.
pub(crate) fn check_magic(bytes: &[u8]) -> Result<()> {
    match bytes {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => bail!("{}", core_module::refusal(bytes)),
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
        _ => bail!(
            "it does not begin like WebAssembly: give a .wasm component, or a script as `- script: {{file: …}}`"
        ),
    }
}
