//! A script of a recipe, as the stock callback that runs it gets it. Owns reading it and its digest; its language is the
//! callback's.

use std::io::ErrorKind;

use anyhow::{Result, anyhow, bail};
use phasebox_contract::digest::Digest;
use phasebox_files::regular_file;
use phasebox_plugin::Code;
use phasebox_recipe::{CallbackEntry, CallbackSource, Script};
use serde_json::{Value, json};

use super::lock::Lock;

/// The name of the stock callback that runs scripts.
pub const SCRIPT: &str = "Script";
/// The most bytes of a script.
const MOST_BYTES: u64 = 256 << 10;

/// A script that was read.
pub(super) struct ScriptText {
    /// Its file, or `text` for a script in the recipe; messages begin with it.
    shown: String,
    text: String,
    pub(super) sha256: Digest,
}

impl ScriptText {
    /// The script of an entry, if it has one: held to the digest of the recipe, and to the lock.
    ///
    /// # Errors
    /// A file that is missing, too large or no text; another digest.
    pub(super) fn of(entry: &CallbackEntry, lock: Option<&Lock>) -> Result<Option<ScriptText>> {
        let CallbackSource::Script(script) = &entry.source else {
            return Ok(None);
        };
        let (shown, text) = read(script)?;
        let sha256 = Digest::of(text.as_bytes());
        if let Some(expected) = entry.digest.filter(|expected| *expected != sha256) {
            bail!(
                "callback `{}`: the recipe accepts only a script with sha256:{expected}, {shown} is sha256:{sha256}; \
                 restore it, or change `digest`",
                entry.name
            );
        }
        if let Some(lock) = lock {
            lock.admit_script(&entry.name, &shown, &sha256.to_string())?;
        }
        Ok(Some(ScriptText {
            shown,
            text,
            sha256,
        }))
    }

    /// The parameters of the callback that runs it.
    pub(super) fn params(&self, own: &Value) -> Value {
        json!({ "file": self.shown, "text": self.text, "params": own })
    }

    /// The code that the callback is known by.
    pub(super) fn code(&self) -> Code {
        Code {
            source: self.shown.clone(),
            sha256: self.sha256,
        }
    }
}

/// The name and the text of a script.
fn read(script: &Script) -> Result<(String, String)> {
    let path = match script {
        Script::Text(text) if text.len() as u64 > MOST_BYTES => bail!(
            "parameter `text`: the script has {} bytes, and at most {MOST_BYTES} are read",
            text.len()
        ),
        Script::Text(text) => return Ok(("text".to_owned(), text.clone())),
        Script::File(path) => path,
    };
    let shown = path.display().to_string();
    let text = regular_file::read_text(path, MOST_BYTES).map_err(|error| match error.kind() {
        ErrorKind::NotFound => anyhow!(
            "parameter `file`: there is no script at {shown}: check the path; it begins at the recipe's folder"
        ),
        ErrorKind::InvalidData => {
            anyhow!("parameter `file`: {shown} is no script: {error}")
        }
        _ => anyhow!("parameter `file`: cannot read the script {shown}: {error}"),
    })?;
    Ok((shown, text))
}
