//! The files of a new project: a callback that trains as it is, with a function for each phase that was asked for. The
//! texts are templates of the SDKs; this file owns what is put into them.

use std::fs;

use anyhow::{Result, ensure};

use crate::embedded;
use crate::manifest::Project;
use crate::names::{camel, pascal, snake};

/// The template's file with the function of one phase.
const PHASE: &str = "PHASE";
/// The phase that every template has a function for.
const GIVEN: &str = "on-train-batch-end";
/// Files that are no sources.
const IGNORED: &str = "build/\ntarget/\nnode_modules/\nruns/\n__pycache__/\n*.wasm\n";

/// Writes a project into its folder, which is not there yet, or is empty.
///
/// # Errors
/// A folder with files, or a disk that is full.
pub(crate) fn new(project: &Project, language: &str, asked: &[String]) -> Result<()> {
    let is_taken = fs::read_dir(&project.folder).is_ok_and(|mut found| found.next().is_some());
    ensure!(
        !is_taken,
        "{} has files already: choose another name, or empty it",
        project.folder.display()
    );
    let files: Vec<_> = embedded::below(&project.language.template).collect();
    let stub = files.iter().find(|(path, _)| *path == PHASE);
    let stub = stub.map_or("", |(_, text)| text);
    let mut added: Vec<&String> = asked.iter().filter(|phase| *phase != GIVEN).collect();
    added.sort_unstable();
    added.dedup();
    let stubs: String = added.iter().map(|phase| with_phase(stub, phase)).collect();
    for (path, text) in files.iter().filter(|(path, _)| *path != PHASE) {
        let text = text.replace("{{phases}}", stubs.trim_end_matches('\n'));
        project.write(path, with_name(&text, &project.name).as_bytes())?;
    }
    refresh(project)?;
    let recipe = with_name(include_str!("recipe.yaml"), &project.name);
    project.write("recipe.yaml", recipe.as_bytes())?;
    project.write(".gitignore", IGNORED.as_bytes())?;
    project.write_manifest(language)
}

/// Writes the SDK of this program into a project.
///
/// # Errors
/// A disk that is full.
pub(crate) fn refresh(project: &Project) -> Result<()> {
    for (folder, patterns) in &project.language.sdk {
        for (path, text) in patterns
            .iter()
            .flat_map(|pattern| embedded::matching(pattern))
        {
            project.write(format!("{folder}/{path}"), text.as_bytes())?;
        }
    }
    Ok(())
}

/// The function of a phase.
fn with_phase(stub: &str, phase: &str) -> String {
    stub.replace("{{phase}}", phase)
        .replace("{{phase_snake}}", &snake(phase))
        .replace("{{phase_camel}}", &camel(phase))
        .replace("{{phase_pascal}}", &pascal(phase))
}

fn with_name(text: &str, name: &str) -> String {
    text.replace("{{name}}", name)
        .replace("{{ident}}", &snake(name))
        .replace("{{type}}", &pascal(name))
}
