//! Places on the network that a component can be had from, as recipes and the command line write them. Owns the two forms:
//! a file, `https://HOST/PATH`, and a component in a registry, `oci://HOST/NAME:TAG` or `oci://HOST/NAME@sha256:…`.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context as _, Error, Result, bail, ensure};
use oci_spec::distribution::Reference as Name;
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;

use crate::address::{Address, is_loopback};

const OCI: &str = "oci://";

/// A place on the network that a component can be had from.
#[derive(Clone, Debug)]
pub enum Locator {
    /// A file.
    File(FileAddress),
    /// A component in a registry.
    Oci(Reference),
}

/// The address of a file.
#[derive(Clone, Debug)]
pub struct FileAddress(pub(crate) Address);

/// The name of a component in a registry, with a tag, the digest of its manifest, or both.
#[derive(Clone, Debug)]
pub struct Reference {
    name: Name,
    /// The digest of the manifest that is meant.
    pub(crate) manifest: Option<Digest>,
}

impl Locator {
    /// The host with its port and the path, as policies name them: `ghcr.io/org/name`.
    pub fn place(&self) -> String {
        match self {
            Locator::File(FileAddress(address)) => {
                format!("{}{}", address.authority().to_lowercase(), address.path())
            }
            Locator::Oci(reference) => reference.place(),
        }
    }

    /// The last part of its name, for a file.
    pub fn file_name(&self) -> String {
        let place = self.place();
        let last = place.rsplit('/').next().unwrap_or_default();
        let stem = last.strip_suffix(".wasm").unwrap_or(last);
        let stem = if stem.is_empty() { "callback" } else { stem };
        format!("{stem}.wasm")
    }

    /// True if the locator itself says which bytes are meant.
    pub(crate) fn is_held(&self) -> bool {
        match self {
            Locator::File(_) => false,
            Locator::Oci(reference) => reference.manifest.is_some(),
        }
    }
}

impl Reference {
    /// The host with its port.
    pub(crate) fn registry(&self) -> &str {
        self.name.registry()
    }

    /// The name of the component in its registry.
    pub(crate) fn repository(&self) -> &str {
        self.name.repository()
    }

    /// The tag, if it is written.
    pub fn tag(&self) -> Option<&str> {
        self.name.tag()
    }

    /// The form of the name that a registry is asked by: the digest of the manifest counts, if it is written.
    pub(crate) fn asked(&self) -> String {
        match (self.manifest, self.tag()) {
            (Some(digest), _) => format!("sha256:{digest}"),
            (None, tag) => tag.unwrap_or_default().to_owned(),
        }
    }

    fn place(&self) -> String {
        let registry = self.registry().to_lowercase();
        format!("{registry}/{}", self.repository())
    }

    /// A name of the component by the digest of its manifest alone.
    pub(crate) fn held_to(&self, manifest: Digest) -> String {
        format!(
            "{OCI}{}/{}@sha256:{manifest}",
            self.registry(),
            self.repository()
        )
    }

    /// The address of the registry's own interface.
    ///
    /// # Errors
    /// A host that is none.
    pub(crate) fn base(&self) -> Result<Address> {
        let host = match self.registry() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        let bare = host.rsplit_once(':').map_or(host, |(bare, _)| bare);
        let scheme = if is_loopback(bare) { "http" } else { "https" };
        format!("{scheme}://{host}/v2/{}", self.repository()).parse()
    }
}

impl FromStr for Locator {
    type Err = Error;

    fn from_str(text: &str) -> Result<Locator> {
        match text.strip_prefix(OCI) {
            Some(rest) => reference(rest).map(Locator::Oci),
            None => Ok(Locator::File(FileAddress(text.parse()?))),
        }
    }
}

/// The most bytes of a name with its digest.
const MOST_BYTES: usize = 1024;

fn reference(text: &str) -> Result<Reference> {
    let shown = excerpt(text);
    let no_name = || format!("`{OCI}{shown}` is no name: write `{OCI}HOST/NAME:TAG`");
    ensure!(text.is_ascii() && text.len() <= MOST_BYTES, no_name());
    let name: Name = text.parse().with_context(no_name)?;
    // Without a host it would be one of docker.io, and without a tag `latest`: nobody has written either.
    ensure!(
        text.starts_with(&format!("{}/", name.registry())),
        "`{OCI}{shown}` names no registry: write its host first, as in `{OCI}ghcr.io/NAME:TAG`"
    );
    let last = text.rsplit('/').next().unwrap_or_default();
    ensure!(
        last.contains([':', '@']),
        "`{OCI}{shown}` has no tag: write the one that you mean, as in `{OCI}{shown}:1.0.0`"
    );
    let manifest = name.digest().map(sha256).transpose();
    let manifest = manifest.with_context(no_name)?;
    let reference = Reference { name, manifest };
    reference.base()?;
    Ok(reference)
}

fn sha256(text: &str) -> Result<Digest> {
    match text.strip_prefix("sha256:") {
        Some(digits) => digits.parse(),
        None => bail!("its digest is no sha256"),
    }
}

impl fmt::Display for Locator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Locator::File(FileAddress(address)) => address.fmt(formatter),
            Locator::Oci(reference) => reference.fmt(formatter),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{OCI}{}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn names_are_whole() {
        let digest = format!("oci://ghcr.io/org/clip@sha256:{HEX}");
        for (text, place, file) in [
            (
                "oci://ghcr.io/org/clip:1.0.0",
                "ghcr.io/org/clip",
                "clip.wasm",
            ),
            (
                "oci://127.0.0.1:5000/clip:1",
                "127.0.0.1:5000/clip",
                "clip.wasm",
            ),
            (&digest, "ghcr.io/org/clip", "clip.wasm"),
            (
                "https://Example.com/a/clip.wasm?v=1",
                "example.com/a/clip.wasm",
                "clip.wasm",
            ),
        ] {
            let locator: Locator = text.parse().expect(text);
            assert_eq!(locator.place(), place);
            assert_eq!(locator.file_name(), file);
        }
    }

    #[test]
    fn half_names_are_refused() {
        for (text, words) in [
            ("oci://clip:1.0", "names no registry"),
            ("oci://org/clip:1.0", "names no registry"),
            ("oci://ghcr.io/org/clip", "has no tag"),
            ("oci://ghcr.io/Org/clip:1", "is no name"),
            ("oci://ghcr.io/../clip:1", "is no name"),
            ("oci://ghcr.io/org/clip:ä", "is no name"),
            ("oci://ghcr.io/org/clip@sha256:0123", "is no name"),
            (
                &format!("oci://ghcr.io/org/clip@sha512:{HEX}{HEX}"),
                "is no name",
            ),
            (
                &format!("oci://ghcr.io/{}:1", "a".repeat(2000)),
                "is no name",
            ),
            ("oci://", "is no name"),
        ] {
            let error = text.parse::<Locator>().expect_err(text);
            assert!(format!("{error:#}").contains(words), "{text}: {error:#}");
        }
    }
}
