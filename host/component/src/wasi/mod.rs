//! WASI for callbacks whose toolchains import it, with nothing behind it. The host links no WASI: what answers is a guest
//! too, the component of `wasi/` in this repository, put inside the callback before it is compiled. Its only import is
//! `phasebox:train/process`.
//!
//! | file | owns |
//! |---|---|
//! | `compose` | a component and that one inside a new one |
//! | `module` | a component made of a core module that imports preview 1 |

mod compose;
mod module;

use std::borrow::Cow;
use std::sync::LazyLock;

use anyhow::Result;
use phasebox_contract::digest::Digest;

pub use self::module::component_of_module;
use crate::imports::top_level_imports;

/// The component that answers WASI 0.2.
const NOTHING: &[u8] = include_bytes!("../../../../wasi/built/nothing.wasm");
/// The interface that it stands on.
pub(crate) const PROCESS: &str = "phasebox:train/process";
/// Versions of WASI that are answered: patch releases of 0.2 have the same types, and more functions.
const VERSIONS: &str = "0.2.";

/// The digest of what is put inside callbacks: their compiled code depends on it.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "only Linux keeps code")
)]
pub(crate) static DIGEST: LazyLock<String> = LazyLock::new(|| Digest::of(NOTHING).to_string());

/// Interfaces that are answered, without their version, each with the name that [`NOTHING`] exports it by.
static ANSWERED: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let exports = compose::exported_names(NOTHING).unwrap_or_default();
    let without_version = |name: &String| Some((name.split_once('@')?.0.to_owned(), name.clone()));
    exports.iter().filter_map(without_version).collect()
});

/// True for an interface of WASI, whichever version.
pub(crate) fn is_wasi(import: &str) -> bool {
    import.starts_with("wasi:")
}

/// The name by which the interface of an import is exported inside, if it is answered.
pub(crate) fn answer_to(import: &str) -> Option<&'static str> {
    let (interface, version) = import.split_once('@')?;
    let mut answered = ANSWERED.iter();
    let found = answered.find(|(name, _)| name == interface && version.starts_with(VERSIONS));
    found.map(|(_, full)| full.as_str())
}

/// The component to compile for a callback's file: the file itself, or one that holds it and the WASI it asks for. It reads
/// types, which a stranger's file may nest without end: call it only in a process that may fail.
///
/// # Errors
/// If what it imports cannot be read or wired.
pub(crate) fn provided(component: &[u8]) -> Result<Cow<'_, [u8]>> {
    let asks = top_level_imports(component)
        .iter()
        .any(|name| is_wasi(name));
    Ok(match asks {
        true => Cow::Owned(compose::compose(NOTHING, component)?),
        false => Cow::Borrowed(component),
    })
}
