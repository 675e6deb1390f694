//! The way from a project to its component: world, phases, compiler, component. Nothing is done when nothing has changed.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Result, bail};
use phasebox_contract::digest::Digest;
use wit_bindgen_core::Files;

use crate::encode;
use crate::manifest::Project;
use crate::say::{print, tell};
use crate::sources;
use crate::tool::{MayInstall, Tools, run};
use crate::toolchains;
use crate::world::{self, CHECK_RUN};

/// How often `--watch` looks for changes.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The manner of a build.
#[derive(Clone, Copy)]
pub(crate) struct Wishes {
    pub(crate) is_release: bool,
    pub(crate) install: MayInstall,
}

/// Builds the project in `folder`, and says so in a line.
///
/// # Errors
/// A project that is none, a function that is no phase, a compiler that is missing or fails.
pub(crate) fn build(folder: &Path, wishes: Wishes) -> Result<()> {
    let begun = Instant::now();
    let project = Project::open(folder)?;
    let functions = sources::functions(&project)?;
    if project.language.world {
        world::write(&project, &functions)?;
    }
    let phases = phases(&functions);
    if let Some(called) = &project.language.called {
        let text = called.text.replace("{phases}", &phases);
        project.write(&called.file, text.as_bytes())?;
    }
    let stamp = stamp(&project, wishes.is_release)?;
    let is_built = project.component().exists() && project.holds(STAMP, stamp.as_bytes());
    if !is_built {
        let sources = own_sources(&project)?;
        let bytes = compiled(&project, &phases, wishes)?;
        project.write(project.component(), &bytes)?;
        // Compilers write lock files. A source that was saved meanwhile is to be built.
        let stamp = match own_sources(&project)? == sources {
            true => self::stamp(&project, wishes.is_release)?,
            false => stamp,
        };
        project.write(STAMP, stamp.as_bytes())?;
    }
    said(&project.component(), is_built, begun.elapsed())
}

/// The phases among the functions, with commas between them.
fn phases(functions: &[&str]) -> String {
    let phases = functions.iter().filter(|name| **name != CHECK_RUN);
    phases.copied().collect::<Vec<_>>().join(",")
}

/// The files that no compiler writes, with their times.
fn own_sources(project: &Project) -> Result<Vec<(PathBuf, Option<SystemTime>)>> {
    let mut files = sources::times(&project.folder)?;
    files.retain(|(path, _)| path.extension().is_none_or(|kind| kind != "lock"));
    Ok(files)
}

/// A component beside the sources that it was built from.
#[derive(Debug, PartialEq, Eq)]
pub enum Freshness {
    /// No component of a project, as far as can be told.
    Alone,
    /// Built from the sources of its project as they are.
    Fresh,
    /// Its project has other sources now, or was never built.
    Stale(PathBuf),
}

/// The freshness of a component at `build/NAME.wasm` of a project, whose files are read.
pub fn freshness(component: &Path) -> Freshness {
    let folder = component
        .parent()
        .filter(|folder| folder.ends_with("build"));
    let folder = folder.and_then(Path::parent);
    let Some(project) = folder.and_then(|folder| Project::open(folder).ok()) else {
        return Freshness::Alone;
    };
    if project.component().file_name() != component.file_name() {
        return Freshness::Alone;
    }
    let is_fresh = component.exists()
        && [false, true].into_iter().any(|is_release| {
            let stamp = stamp(&project, is_release);
            stamp.is_ok_and(|stamp| project.holds(STAMP, stamp.as_bytes()))
        });
    match is_fresh {
        true => Freshness::Fresh,
        false => Freshness::Stale(project.folder),
    }
}

/// The file that says what the component was built from.
const STAMP: &str = "build/stamp";

/// Everything that decides the bytes of a component.
fn stamp(project: &Project, is_release: bool) -> Result<String> {
    let sources = sources::digest(project)?;
    let commands = Digest::of(toolchains::text().as_bytes());
    let program = env!("CARGO_PKG_VERSION");
    Ok(format!("{program} {commands} {is_release} {sources}"))
}

/// Runs the steps of the language, and makes a component of what they leave.
fn compiled(project: &Project, phases: &str, wishes: Wishes) -> Result<Vec<u8>> {
    let language = project.language;
    std::fs::create_dir_all(project.folder.join("build"))?;
    let tools = Tools::find(project, wishes.install)?;
    if let Some(bindings) = &language.bindings {
        generate_c(project, &bindings.folder)?;
    }
    for step in &language.steps {
        let mut command = tools.command(&step.tool)?;
        let flags = step.flags.of(wishes.is_release);
        for written in step.argv.iter().flat_map(|written| match written.as_str() {
            "{flags}" => flags.as_slice(),
            _ => std::slice::from_ref(written),
        }) {
            command.arg(tools.filled(written).replace("{phases}", phases));
        }
        run(&mut command, &step.tool, &language.remedy)?;
    }
    match (&language.core, &language.component) {
        (Some(core), _) => encode::component(project, &tools.filled(core.of(wishes.is_release))),
        (None, Some(component)) => encode::left(project, &tools.filled(component)),
        (None, None) => bail!("the language leaves nothing"),
    }
}

/// Writes `plugin.h`, `plugin.c` and an object file that holds the world.
pub(crate) fn generate_c(project: &Project, into: &str) -> Result<()> {
    let (mut resolve, world) = world::read(&project.folder)?;
    let mut generated = Files::default();
    let mut generator = wit_bindgen_c::Opts::default().build();
    generator.generate(&mut resolve, world, &mut generated)?;
    for (name, bytes) in generated.iter() {
        project.write(format!("{into}/{name}"), bytes)?;
    }
    Ok(())
}

fn said(component: &Path, is_built: bool, time: Duration) -> Result<()> {
    let bytes = component.metadata().map_or(0, |metadata| metadata.len());
    let name = component.file_name().unwrap_or_default().display();
    match is_built {
        true => print(format_args!("{name} is up to date ({bytes} bytes)")),
        false => print(format_args!(
            "{name}: {bytes} bytes, built in {:.1} s",
            time.as_secs_f64()
        )),
    }
}

/// Builds again whenever a file of the project changes. Returns only if the project cannot be read any more.
///
/// # Errors
/// A folder that is gone, or has too many files.
pub(crate) fn watch(folder: &Path, wishes: Wishes) -> Result<()> {
    let mut last = None;
    loop {
        let now = sources::times(folder)?;
        if last.as_ref() != Some(&now) {
            // A file saved while the compiler runs is a change. So is one that the build writes, which costs one more look.
            last = Some(now);
            if let Err(error) = build(folder, wishes) {
                tell(format_args!("error: {error:#}"));
            }
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
