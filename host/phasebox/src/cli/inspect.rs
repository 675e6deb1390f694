//! A callback's file, asked for its description before it is tried.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use phasebox_component::{Component, Description, Profile};

use crate::assemble::engine;

/// The description that a callback gives of itself.
///
/// # Errors
/// A file that is no callback, or that this phasebox has not enough for.
pub(super) fn described(file: &Path) -> Result<Description> {
    let engine = engine(None, Profile::Fast, Arc::default())?;
    let component = Component::load(&engine, file)?;
    Ok(component.describe_alone(&engine)?.description)
}
