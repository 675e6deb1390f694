//! The names that callbacks have in a run. Each is a folder's name, the beginning of what the callback logs, and the source
//! of its messages. Refuses names that are no folder's, that are the trainer's own, and that two callbacks share.

use std::collections::BTreeMap;

use phasebox_contract::printable::excerpt;
use phasebox_files::atomic_file::check_file_name;

use super::callbacks::CallbackEntry;
use super::location::Result;

/// Beginnings of the trainer's metrics, with other spellings of them, those of its messages, and the name of the callback
/// that writes traces.
const RESERVED: &[&str] = &[
    "train",
    "valid",
    "validation",
    "val",
    "test",
    "lr",
    "error",
    "warning",
    "warn",
    "note",
    "hint",
    "resume",
    "run",
    "--trace",
];

/// Checks the names of all callbacks of a recipe.
///
/// # Errors
/// The first name that is refused, at the line of its entry.
pub(super) fn check(entries: &[CallbackEntry]) -> Result<()> {
    let mut taken = BTreeMap::new();
    for entry in entries {
        check_one(entry)?;
        let Some(first) = taken.insert(entry.name.to_lowercase(), entry) else {
            continue;
        };
        let (name, at) = (excerpt(&first.name), &first.written.location);
        let message = format!(
            "a callback named `{name}` is already at {at}; give one of them another `name:`"
        );
        return Err(entry.written.location.error(message));
    }
    Ok(())
}

fn check_one(entry: &CallbackEntry) -> Result<()> {
    let location = &entry.written.location;
    let name = excerpt(&entry.name);
    if let Err(fault) = check_file_name(&entry.name) {
        return Err(location.error(format!(
            "callback `{name}` needs another `name:`, which names a folder of the run: {fault}"
        )));
    }
    let lowercase = entry.name.to_lowercase();
    match RESERVED.contains(&lowercase.as_str()) {
        false => Ok(()),
        true => Err(location.error(format!(
            "no callback may be named `{name}`: what it logs would look like the trainer's own; give it another `name:`"
        ))),
    }
}
