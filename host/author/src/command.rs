//! The commands of an author: what was typed, and what is done for it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use phasebox_contract::phase::Phase;
use phasebox_contract::suggest;

use crate::build::{self, Wishes, generate_c};
use crate::embedded::CONTRACT;
use crate::manifest::Project;
use crate::new;
use crate::say::print;
use crate::tool::MayInstall;
use crate::toolchains::table;
use crate::world;

/// Begin a callback: a project that builds and trains as it is.
#[derive(Args)]
pub struct New {
    /// Its name, such as `stop-late`; the folder is made here.
    name: String,
    /// The language: rust, c, cpp, zig, go, python, javascript, typescript or assemblyscript.
    #[arg(long, short)]
    lang: String,
    /// The phases that it is called at, beside on-train-batch-end: `epoch-end,training-end`.
    #[arg(long, value_name = "PHASE", value_delimiter = ',')]
    on: Vec<String>,
}

impl New {
    /// Writes the project.
    ///
    /// # Errors
    /// A name or phase that is none, or a folder with files.
    pub fn run(self) -> Result<()> {
        let on = self.on.iter().map(|name| phase(name));
        let on = on.collect::<Result<Vec<String>>>()?;
        let (language, _) = table()?.language(&self.lang)?;
        let project = Project::new(Path::new(&self.name), &self.name, language)?;
        new::new(&project, language, &on)?;
        let source = &project.language.source;
        print(format_args!(
            "{name}/{source} is a callback; next:\n  phasebox build {name} --install\n  phasebox train {name}/recipe.yaml",
            name = self.name
        ))
    }
}

/// The full name of a phase, of which `on-` may be left out and `_` may be a dash.
fn phase(typed: &str) -> Result<String> {
    let dashed = typed.trim().replace('_', "-");
    let full = match dashed.starts_with("on-") {
        true => dashed,
        false => format!("on-{dashed}"),
    };
    if Phase::from_name(&full).is_some() {
        return Ok(full);
    }
    let known = Phase::ALL.map(Phase::name);
    bail!(
        "there is no phase `{typed}`{}",
        suggest::near(&full, &known)
    )
}

/// Build a callback's component.
#[derive(Args)]
pub struct Build {
    /// The folder of the project.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// Small and fast, without lines of source in backtraces.
    #[arg(long)]
    release: bool,
    /// Fetch a compiler that is missing, pinned, into the user's cache.
    #[arg(long)]
    install: bool,
    /// Build again whenever a file changes.
    #[arg(long)]
    watch: bool,
}

impl Build {
    /// Builds once, or until it is interrupted.
    ///
    /// # Errors
    /// A project that is none, or a compiler that is missing or fails.
    pub fn run(self) -> Result<()> {
        let wishes = Wishes {
            is_release: self.release,
            install: MayInstall(self.install),
        };
        match self.watch {
            true => build::watch(&self.folder, wishes),
            false => build::build(&self.folder, wishes),
        }
    }
}

/// Write the contract's bindings for a language.
#[derive(Args)]
pub struct Bindings {
    /// The language, as for `new`.
    #[arg(long, short)]
    lang: String,
    /// The folder to write to; that of a project gets the SDK and the contract of this program anew.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

impl Bindings {
    /// Writes the SDK, and for C what is generated from the contract whole.
    ///
    /// # Errors
    /// A disk that is full.
    pub fn run(self) -> Result<()> {
        let project = Project::new(&self.folder, "plugin", &self.lang)?;
        new::refresh(&project)?;
        if project.language.world {
            let phases = Phase::ALL.map(Phase::name);
            world::write(&project, &phases)?;
        }
        if let Some(bindings) = &project.language.bindings {
            generate_c(&project, &bindings.folder)?;
        }
        Ok(())
    }
}

/// Print the contract between phasebox and callbacks, or write its files.
#[derive(Args)]
pub struct Wit {
    /// The folder to write the files to; without it they are printed.
    folder: Option<PathBuf>,
}

impl Wit {
    /// Prints or writes.
    ///
    /// # Errors
    /// A disk that is full, or an output that is closed.
    pub fn run(self) -> Result<()> {
        let Some(folder) = self.folder else {
            let files = CONTRACT
                .iter()
                .map(|(name, text)| format!("// {name}\n{text}\n"));
            return print(files.collect::<String>());
        };
        std::fs::create_dir_all(&folder)?;
        for (name, text) in CONTRACT {
            let path = folder.join(name);
            std::fs::write(&path, text)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(())
    }
}
