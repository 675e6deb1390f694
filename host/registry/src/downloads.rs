//! The way from a locator to a file on this machine: the cache first, the network only where it does not have the bytes.
//! Owns that every byte is held to a digest before anybody gets its file, and the words for a locator without one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_contract::digest::Digest;

use crate::authorities::Authorities;
use crate::cache::Cache;
use crate::http::{Ask, Client};
use crate::locator::{FileAddress, Locator, Reference};
use crate::login::{Credentials, Right};
use crate::manifest::{Config, Manifest};
use crate::repository::Repository;
use crate::{MOST_COMPONENT_BYTES, MOST_DOCUMENT_BYTES};

/// A component that was fetched, now or before.
pub struct Fetched {
    /// The file that has its bytes.
    pub path: PathBuf,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// The files of the user that downloads need.
pub struct User {
    /// The folder that holds what was fetched.
    pub cache: PathBuf,
    /// Docker's folder, for its credentials.
    pub docker: Option<PathBuf>,
    /// The authorities to trust, in PEM; Mozilla's without it.
    pub authorities: Option<PathBuf>,
}

/// Components from the network, and those that were fetched before.
pub struct Downloads {
    cache: Cache,
    pub(crate) client: Client,
    pub(crate) credentials: Credentials,
}

impl Downloads {
    /// Downloads that use the user's cache, log-ins and authorities. Once `stop` is set, they end.
    pub fn new(user: User, stop: Arc<AtomicBool>) -> Downloads {
        Downloads {
            cache: Cache::new(user.cache.join("downloads")),
            client: Client::new(Authorities::of(user.authorities), stop),
            credentials: Credentials::in_folder(user.docker),
        }
    }

    /// The file of a component that is held to a digest: of its bytes, or of its manifest in the locator. Asks nobody if
    /// the file was fetched before.
    ///
    /// # Errors
    /// A locator without a digest, with the digest to write; other bytes; no answer.
    pub fn component(&self, locator: &Locator, digest: Option<Digest>) -> Result<Fetched> {
        if let Some(digest) = digest.filter(|_| !locator.is_held()) {
            return self.held(locator, digest);
        }
        match locator {
            Locator::Oci(reference) if locator.is_held() => {
                let manifest = self.manifest(reference)?;
                self.of_manifest(reference, &manifest, digest)
            }
            Locator::Oci(reference) => {
                let manifest = self.manifest(reference)?;
                bail!(
                    "`{reference}` needs a digest, or the bytes could be others tomorrow: the registry has \
                     sha256:{component} under it now ({bytes} bytes); if you mean these, add `digest: sha256:{component}` \
                     (`--digest` on the command line), or write `{}`",
                    reference.held_to(manifest.digest),
                    component = manifest.component(),
                    bytes = manifest.component_bytes(),
                )
            }
            Locator::File(address) => {
                let bytes = self.file(address)?;
                let sha256 = Digest::of(&bytes);
                bail!(
                    "`{locator}` needs a digest, or the bytes could be others tomorrow: it gives sha256:{sha256} now \
                     ({} bytes); if you mean these, add `digest: sha256:{sha256}` (`--digest` on the command line)",
                    bytes.len()
                )
            }
        }
    }

    /// The file of a component, whichever it is now. Whoever takes it looks at its digest.
    ///
    /// # Errors
    /// No answer, or none that is a component.
    pub fn newest(&self, locator: &Locator) -> Result<Fetched> {
        match locator {
            Locator::Oci(reference) => {
                let manifest = self.manifest(reference)?;
                self.of_manifest(reference, &manifest, None)
            }
            Locator::File(address) => {
                let bytes = self.file(address)?;
                self.keep(Digest::of(&bytes), &bytes)
            }
        }
    }

    /// The claims of a registry about a component, which is not fetched.
    ///
    /// # Errors
    /// No answer, or none that is about a component.
    pub fn claims(&self, reference: &Reference) -> Result<(Manifest, Config)> {
        let manifest = self.manifest(reference)?;
        let config = self.repository(reference)?.blob(manifest.config)?;
        let config = Config::read(&config);
        let config = config.with_context(|| format!("the config of `{reference}`"))?;
        Ok((manifest, config))
    }

    /// The file of bytes with this digest.
    fn held(&self, locator: &Locator, digest: Digest) -> Result<Fetched> {
        if let Some(path) = self.cache.find(digest) {
            return Ok(Fetched {
                path,
                sha256: digest,
            });
        }
        match locator {
            Locator::Oci(reference) => {
                let manifest = self.manifest(reference)?;
                self.of_manifest(reference, &manifest, Some(digest))
            }
            Locator::File(address) => {
                let bytes = self.file(address)?;
                let found = Digest::of(&bytes);
                ensure!(
                    found == digest,
                    "`{locator}` gives sha256:{found}, and `digest` says sha256:{digest}: if the change is meant, write \
                     the new one"
                );
                self.keep(digest, &bytes)
            }
        }
    }

    /// The component that a manifest names, if it is the one that is meant.
    fn of_manifest(
        &self,
        reference: &Reference,
        manifest: &Manifest,
        digest: Option<Digest>,
    ) -> Result<Fetched> {
        let sha256 = manifest.component();
        if let Some(digest) = digest.filter(|digest| *digest != sha256) {
            bail!(
                "`{reference}` is sha256:{sha256} now, and `digest` says sha256:{digest}: if the change is meant, write the \
                 new one"
            );
        }
        match self.cache.find(sha256) {
            Some(path) => Ok(Fetched { path, sha256 }),
            None => {
                let bytes = self.repository(reference)?.blob(manifest.layer)?;
                self.keep(sha256, &bytes)
            }
        }
    }

    /// The manifest of a reference. One that is named by its digest is kept.
    fn manifest(&self, reference: &Reference) -> Result<Manifest> {
        let kept = reference.manifest;
        let kept = kept.and_then(|digest| self.cache.read(digest, MOST_DOCUMENT_BYTES));
        let is_kept = kept.is_some();
        let bytes = match kept {
            Some(bytes) => bytes,
            None => {
                let found = self.repository(reference)?.manifest()?;
                found.with_context(|| {
                    format!(
                        "there is no `{reference}`: check the name and the tag, and your rights"
                    )
                })?
            }
        };
        let manifest = Manifest::read(&bytes);
        let manifest =
            manifest.with_context(|| format!("`{reference}` is no component in a registry"))?;
        if reference.manifest.is_some() && !is_kept {
            self.cache.keep(manifest.digest, &bytes)?;
        }
        Ok(manifest)
    }

    fn repository<'a>(&'a self, reference: &'a Reference) -> Result<Repository<'a>> {
        Repository::new((&self.client, &self.credentials), reference, Right::Pull)
    }

    fn file(&self, FileAddress(address): &FileAddress) -> Result<Vec<u8>> {
        let answer = self
            .client
            .ask(Ask::get(address.clone(), MOST_COMPONENT_BYTES))?;
        ensure!(
            answer.status == 200,
            "{address}: there is no file (status {}): check the address",
            answer.status
        );
        Ok(answer.body)
    }

    fn keep(&self, sha256: Digest, bytes: &[u8]) -> Result<Fetched> {
        let path = self.cache.keep(sha256, bytes)?;
        Ok(Fetched { path, sha256 })
    }
}
