//! The world of a project: the phases that it is called at, with the contract beside it as compilers look for it. Owns the
//! text of `wit/plugin.wit`; the contract is this repository's.

use std::path::Path;

use anyhow::{Context as _, Result};
use phasebox_contract::CONTRACT;
use wit_parser::{Resolve, WorldId};

use crate::embedded;
use crate::manifest::Project;

/// The name of the world in every project.
const WORLD: &str = "plugin";
/// The one function of the life cycle that not every project has.
pub(crate) const CHECK_RUN: &str = "check-run";
/// The life-cycle functions that every project has; its SDK fills those that an author leaves out.
const LIFE_CYCLE: &str = "    describe: func() -> string;
    configure: func(params: string) -> result<_, error>;
    save-state: func() -> result<list<u8>, error>;
    load-state: func(state: list<u8>) -> result<_, error>;
";

/// Writes the world and the contract to `wit/` of a project. Files that are as they should be keep their times.
pub(crate) fn write(project: &Project, functions: &[&str]) -> Result<()> {
    project.write("wit/plugin.wit", text(functions).as_bytes())?;
    for (name, text) in embedded::CONTRACT {
        project.write(format!("wit/deps/phasebox-train/{name}"), text.as_bytes())?;
    }
    Ok(())
}

/// The world of a callback with these functions beside those of its life cycle.
fn text(functions: &[&str]) -> String {
    let (package, version) = CONTRACT.split_once('@').unwrap_or((CONTRACT, ""));
    let lines = functions.iter().map(|name| match *name {
        CHECK_RUN => format!("    {CHECK_RUN}: func(facts: string) -> result<_, error>;\n"),
        phase => format!("    {phase}: func(ctx: borrow<phase-context>) -> result<_, error>;\n"),
    });
    let functions: String = lines.collect();
    format!(
        "/// The phases that this callback is called at. `phasebox build` writes this file from the source.\n\
         package local:plugin;\n\n\
         interface callback {{\n    \
         use {package}/types@{version}.{{error}};\n    \
         use {package}/context@{version}.{{phase-context}};\n\n\
         {LIFE_CYCLE}{functions}}}\n\n\
         world {WORLD} {{\n    include {package}/imports@{version};\n    export callback;\n}}\n"
    )
}

/// Reads the world of a project.
pub(crate) fn read(folder: &Path) -> Result<(Resolve, WorldId)> {
    let mut resolve = Resolve::default();
    let wit = folder.join("wit");
    let read = resolve.push_path(&wit);
    let (package, _) = read.with_context(|| format!("cannot read {}", wit.display()))?;
    let world = resolve.select_world(&[package], Some(WORLD))?;
    Ok((resolve, world))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_is_one_of_the_contract() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let project = Project::new(folder.path(), "a", "c")?;
        write(&project, &[CHECK_RUN, "on-epoch-end"])?;
        let (resolve, world) = read(folder.path())?;
        let mut exports = resolve.worlds[world].exports.keys();
        let wit_parser::WorldKey::Interface(callback) = exports.next().expect("one export") else {
            panic!("it is an interface");
        };
        assert_eq!(resolve.interfaces[*callback].functions.len(), 6);
        Ok(())
    }
}
