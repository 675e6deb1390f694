//! The length of a class's name. Names are kept as the data have them; messages escape and cut them.

use anyhow::{Result, ensure};
use phasebox_contract::printable::excerpt;

/// The most bytes of a name.
const MOST_BYTES: usize = 4096;

/// Refuses a name that is no name, such as a text in its place.
pub(super) fn check_class_name(name: &str) -> Result<()> {
    ensure!(
        name.len() <= MOST_BYTES,
        "a class has a name of {} bytes, and at most {MOST_BYTES} are taken: `{}`\nhint: shorten it",
        name.len(),
        excerpt(name)
    );
    Ok(())
}
