//! `phasebox pull LOCATOR`: a callback of the network, made a file of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, ensure};
use clap::Args;
use phasebox_contract::digest::Digest;
use phasebox_files::atomic_file::{self, Durability};
use phasebox_files::regular_file;
use phasebox_registry::{Fetched, Locator};

use super::Failure;
use super::inspect::described;
use super::network::Network;
use super::place;
use super::print::print;

/// The most bytes of a component.
const MOST_BYTES: u64 = 64 << 20;

#[derive(Args)]
pub(super) struct Pull {
    /// `oci://HOST/NAME:TAG`, or an address with https.
    #[arg(value_parser = place::locator)]
    locator: Locator,
    /// Where to write it; NAME.wasm here by default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The only bytes that are taken, as `sha256:…`.
    #[arg(long, value_parser = place::digest)]
    digest: Option<Digest>,
}

impl Pull {
    pub(super) fn run(self) -> Result<(), Failure> {
        place::check_allowed(&self.locator)?;
        let network = Network::listen()?;
        let fetched = network.ask(|downloads| match self.digest {
            Some(_) => downloads.component(&self.locator, self.digest),
            None => downloads.newest(&self.locator),
        })?;
        // What is no callback is not written: `NAME.wasm` would be taken for one.
        let (component, ..) = described(&fetched.path, &network.interrupt)?;
        let output = self.output.clone();
        let path = output.unwrap_or_else(|| PathBuf::from(self.locator.file_name()));
        write(&fetched, &path).map_err(Failure::Refused)?;
        print([format!(
            "{}: {} bytes, sha256:{}",
            path.display(),
            component.file_bytes,
            fetched.sha256
        )])
    }
}

/// Writes the component, unless another file is there.
fn write(fetched: &Fetched, path: &Path) -> anyhow::Result<()> {
    let bytes = regular_file::read(&fetched.path, MOST_BYTES)?;
    ensure!(
        Digest::of(&bytes) == fetched.sha256,
        "{} was changed while it was read: try again",
        fetched.path.display()
    );
    if place::is_there(path) {
        let there = regular_file::read(path, MOST_BYTES).ok();
        return match there {
            Some(there) if there == bytes => Ok(()),
            _ => Err(anyhow!(
                "{} is there and is something else: name another file with `-o`, or remove it",
                path.display()
            )),
        };
    }
    atomic_file::write_file(path, &bytes, Durability::Process).context(
        "the callback was fetched and is not written: check the place, or name another with `-o`",
    )
}
