//! `phasebox publish X.wasm oci://HOST/NAME:TAG`: a callback, made available to others. Owns what is said of it; how a
//! registry takes it is `phasebox_registry`'s.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{anyhow, ensure};
use clap::Args;
use phasebox_component::{Component, Description};
use phasebox_contract::digest::Digest;
use phasebox_files::regular_file;
use phasebox_registry::{Locator, Publication, Reference};

use super::Failure;
use super::inspect::described;
use super::network::Network;
use super::place::{self, recipe_lines};
use super::print::print;

/// The most bytes of a component.
const MOST_BYTES: u64 = 64 << 20;
/// Annotations that `inspect` shows before a component is downloaded.
pub(super) const PHASES: &str = "phasebox.phases";
pub(super) const GRANTS: &str = "phasebox.grants";
/// The beginning of the names that all registries know.
const COMMON: &str = "org.opencontainers.image.";

#[derive(Args)]
pub(super) struct Publish {
    /// The component.
    file: PathBuf,
    /// `oci://HOST/NAME:TAG`.
    #[arg(value_parser = place::locator)]
    locator: Locator,
    /// Take the tag from another component that has it.
    #[arg(long)]
    replace: bool,
    /// The license of the callback, as SPDX names it.
    #[arg(long, value_name = "SPDX")]
    license: Option<String>,
}

impl Publish {
    pub(super) fn run(self) -> Result<(), Failure> {
        let reference = self.reference().map_err(Failure::Refused)?;
        let network = Network::listen()?;
        let (component, described) = described(&self.file, &network.interrupt)?;
        let description = described.description;
        let wasi = component.wasi().map_err(Failure::Refused)?;
        let publication = self.publication(&component, &description, wasi);
        let publication = publication.map_err(Failure::Refused)?;
        let published = network
            .ask(|downloads| downloads.publish(reference, &publication, self.replace))
            .map_err(Failure::failed)?;
        let end = match published.was_there {
            true => "was there already",
            false => "published",
        };
        print([
            format!("{reference} {end}"),
            format!("component   sha256:{}", published.component),
            format!("manifest    sha256:{}", published.manifest),
        ])?;
        let grants = description.grants.join(", ");
        print(recipe_lines(
            &reference.to_string(),
            published.component,
            &grants,
        ))
    }

    fn reference(&self) -> anyhow::Result<&Reference> {
        match &self.locator {
            Locator::Oci(reference) => Ok(reference),
            Locator::File(_) => Err(anyhow!(
                "`{}` is no registry: publish at `oci://HOST/NAME:TAG`, or upload the file as any other",
                self.locator
            )),
        }
    }

    fn publication(
        &self,
        component: &Component,
        description: &Description,
        wasi: Vec<String>,
    ) -> anyhow::Result<Publication> {
        let bytes = regular_file::read(&self.file, MOST_BYTES)?;
        ensure!(
            Digest::of(&bytes) == component.sha256,
            "{} was changed while it was read: try again",
            self.file.display()
        );
        let name = self.file.file_name().unwrap_or_default();
        let own = component.imports.iter().cloned();
        let exports = [component.callback_interface.clone()].into_iter();
        Ok(Publication {
            bytes,
            file_name: name.to_string_lossy().into_owned(),
            imports: own.chain(wasi).collect(),
            exports: exports.chain(component.other_exports.clone()).collect(),
            annotations: self.annotations(component, description),
        })
    }

    /// Annotations from what the callback says of itself. Empty texts are left out.
    fn annotations(
        &self,
        component: &Component,
        description: &Description,
    ) -> BTreeMap<String, String> {
        let phases: Vec<&str> = component.phases.iter().map(|phase| phase.name()).collect();
        let common = [
            ("title", description.name.clone()),
            ("version", description.version.clone()),
            ("description", description.summary.clone()),
            ("licenses", self.license.clone().unwrap_or_default()),
        ];
        let common = common.map(|(name, text)| (format!("{COMMON}{name}"), text));
        let own = [
            (PHASES.to_owned(), phases.join(", ")),
            (GRANTS.to_owned(), description.grants.join(", ")),
        ];
        let all = common.into_iter().chain(own);
        all.filter(|(_, text)| !text.is_empty()).collect()
    }
}
