//! PyTorch, Lightning and OpenCV, which the benchmarks are compared with: packages in a folder of the user's cache, apart from the
//! user's own Python. Installed when a comparison is asked for. Owns the pins.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::atomic;
use crate::command::{run, say};
use crate::paths::{Paths, text};

/// The PyTorch of our libtorch, and the packages that fit it. Its wheel is linked to the CUDA libraries, on a CPU too.
const PINS: [&str; 5] = [
    "torch==2.11.0",
    "torchvision==0.26.0",
    "pytorch-lightning==2.6.6",
    "numpy",
    "opencv-python-headless",
];
const FOLDER: &str = "peers-torch-2.11.0-opencv";

/// Sets `command` up so that benchmarks find a Python with these packages. Fetches them first if they are not there.
pub(crate) fn offer(paths: &Paths, command: &mut Command) -> Result<()> {
    let folder = install(paths)?;
    let rest = env::var_os("PYTHONPATH").unwrap_or_default();
    let paths = std::iter::once(folder).chain(env::split_paths(&rest));
    command
        .env("PYTHONPATH", env::join_paths(paths)?)
        .env("PHASEBOX_PEERS_PYTHON", "python3");
    Ok(())
}

fn install(paths: &Paths) -> Result<PathBuf> {
    let folder = paths.cache.join(FOLDER);
    if folder.exists() {
        return Ok(folder);
    }
    let _alone = atomic::lock(&folder)?;
    if !folder.exists() {
        say("fetching PyTorch, Lightning and OpenCV to compare with (2.5 GB, 5 GB on disk)");
        let part = atomic::unfinished(&folder);
        atomic::create_folder(&part)?;
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
            "--only-binary=:all:",
            "--upgrade",
            "--target",
            text(&part)?,
        ]);
        run(
            pip.args(PINS),
            "apt install python3-pip; check the network and the free disk space",
        )?;
        atomic::publish(&part, &folder)?;
    }
    Ok(folder)
}
