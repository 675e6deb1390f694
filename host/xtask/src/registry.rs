//! The registry of components that tests publish to: Debian's package `docker-registry`, unpacked into the user's cache
//! without being installed. Needs apt-get and dpkg-deb, but no rights.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use crate::atomic;
use crate::command::{run, say, works};
use crate::paths::{Paths, text};

const PACKAGE: &str = "docker-registry";
/// The program in the package.
const PROGRAM: &str = "usr/bin/docker-registry";
const REMEDY: &str = "run `apt-get update`, check the network, then run this again";

/// Puts a link to the registry where tests look for it. Fetches it first if it is not in the cache.
pub(crate) fn install(paths: &Paths) -> Result<()> {
    let folder = paths.cache.join("guest-tools").join(PACKAGE);
    if !folder.exists() {
        let _alone = atomic::lock(&folder)?;
        if !folder.exists() {
            fetch(&folder)?;
        }
    }
    let tools = paths.clone.join("target/tools");
    atomic::create_folder(&tools)?;
    atomic::link(&folder.join(PROGRAM), &tools.join(PACKAGE))
}

fn fetch(folder: &Path) -> Result<()> {
    say(&format!("fetching Debian's {PACKAGE} (5 MB)"));
    let part = atomic::unfinished(folder);
    atomic::create_folder(&part)?;
    if !works(&mut download(&part)) {
        // The lists of packages may be older than the packages.
        works(Command::new("apt-get").args(["update", "-q"]));
        run(&mut download(&part), REMEDY)?;
    }
    let mut files = std::fs::read_dir(&part)?.flatten();
    let package = files.find(|file| file.path().extension().is_some_and(|end| end == "deb"));
    let package = package.context("apt-get has downloaded no package")?.path();
    let mut unpack = Command::new("dpkg-deb");
    unpack.args(["--extract", text(&package)?, text(&part)?]);
    run(&mut unpack, REMEDY)?;
    atomic::publish(&part, folder)
}

fn download(folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command
        .current_dir(folder)
        .args(["download", "-q", PACKAGE]);
    command
}
