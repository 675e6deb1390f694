//! A core module, made a component: the steps `then` of a language.

use anyhow::{Context as _, Result};
use phasebox_component::component_of_module;
use phasebox_files::regular_file;
use wit_component::{StringEncoding, embed_component_metadata};

use crate::manifest::Project;
use crate::toolchains::Then;
use crate::world;

/// The most bytes of a module: a callback may have as many.
pub(crate) const MOST_BYTES: u64 = 64 << 20;

/// The component of the core module that a language's steps have left in `file` of the project.
///
/// # Errors
/// If there is none, or if it does not fit its world.
pub(crate) fn component(project: &Project, file: &str) -> Result<Vec<u8>> {
    let mut bytes = left(project, file)?;
    for step in &project.language.then {
        match step {
            Then::EmbedUtf8 => embed(project, &mut bytes, StringEncoding::UTF8)?,
            Then::EmbedUtf16 => embed(project, &mut bytes, StringEncoding::UTF16)?,
            Then::AdaptPreview1IfImported => {}
            Then::New => bytes = encoded(&bytes)?,
        }
    }
    Ok(bytes)
}

/// A file that a compiler has left.
pub(crate) fn left(project: &Project, file: &str) -> Result<Vec<u8>> {
    let read = regular_file::read(&project.folder.join(file), MOST_BYTES);
    read.with_context(|| format!("the compiler left no {file}"))
}

fn embed(project: &Project, module: &mut Vec<u8>, encoding: StringEncoding) -> Result<()> {
    let (resolve, world) = world::read(&project.folder)?;
    embed_component_metadata(module, &resolve, world, encoding)
}

fn encoded(module: &[u8]) -> Result<Vec<u8>> {
    component_of_module(module).context(
        "the module does not fit its world in wit/, which has the phases that the source has functions for: export each of \
         them as the template does, in Zig with `pub`",
    )
}
