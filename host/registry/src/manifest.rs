//! Manifests of components in a registry, and their configs. Owns what is believed of them: one layer, which is a component
//! of this machine's size, and a config that tells it from an image. What they say of the component is a claim of its
//! publisher, which nobody has to believe: the component itself is checked when it is loaded.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail, ensure};
use oci_spec::image::{Descriptor, ImageManifest, MediaType};
use phasebox_contract::digest::Digest;
use phasebox_contract::printable::excerpt;
use phasebox_files::json;
use serde_json::Value;

use crate::{MOST_COMPONENT_BYTES, MOST_DOCUMENT_BYTES};

/// The types that `wkg` and others publish with.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
pub(crate) const LAYER_TYPE: &str = "application/wasm";
/// The most annotations of a manifest.
const MOST_ANNOTATIONS: usize = 100;

/// Bytes in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) bytes: u64,
}

/// A component in a registry, as its manifest has it.
#[derive(Debug)]
pub struct Manifest {
    /// The digest of the manifest.
    pub digest: Digest,
    pub(crate) config: Blob,
    pub(crate) layer: Blob,
    /// Claims of the publisher.
    pub annotations: BTreeMap<String, String>,
}

impl Manifest {
    /// The digest of the component's bytes.
    pub fn component(&self) -> Digest {
        self.layer.digest
    }

    /// The size of the component.
    pub fn component_bytes(&self) -> u64 {
        self.layer.bytes
    }

    /// Reads a manifest of one component.
    ///
    /// # Errors
    /// The words for what it is instead.
    pub(crate) fn read(bytes: &[u8]) -> Result<Manifest> {
        let value = json::parse(bytes).context("it is no JSON")?;
        check_type(&value)?;
        let manifest: ImageManifest =
            serde_json::from_value(value).context("it is no manifest of a component")?;
        let layer = match manifest.layers().as_slice() {
            [layer] => blob(layer, LAYER_TYPE, MOST_COMPONENT_BYTES)?,
            layers => bail!("it has {} layers, and a component is one", layers.len()),
        };
        let config = blob(manifest.config(), CONFIG_TYPE, MOST_DOCUMENT_BYTES)?;
        let annotations = manifest.annotations().clone().unwrap_or_default();
        ensure!(
            annotations.len() <= MOST_ANNOTATIONS,
            "it has {} annotations, and {MOST_ANNOTATIONS} are the most",
            annotations.len()
        );
        Ok(Manifest {
            digest: Digest::of(bytes),
            config,
            layer,
            annotations: annotations.into_iter().collect(),
        })
    }
}

/// Refuses what is no manifest, or one of something else, by the type that it says it has.
fn check_type(value: &Value) -> Result<()> {
    let own = value["mediaType"].as_str();
    if value.get("manifests").is_some() {
        bail!("it is an index of several images: name one of them by `@sha256:…`");
    }
    match own {
        None | Some(MANIFEST_TYPE) => {}
        Some(other) => bail!(
            "its type is `{}`, and not `{MANIFEST_TYPE}`",
            excerpt(other)
        ),
    }
    ensure!(
        value["schemaVersion"].as_u64() == Some(2),
        "it has another version than 2"
    );
    Ok(())
}

/// The blob of a descriptor, if it is of a type and not too large.
fn blob(descriptor: &Descriptor, expected: &str, most: u64) -> Result<Blob> {
    let found: &MediaType = descriptor.media_type();
    ensure!(
        found.as_ref() == expected,
        "it holds `{}` where a component has `{expected}`",
        excerpt(found.as_ref())
    );
    let bytes = descriptor.size();
    ensure!(
        bytes <= most,
        "it holds {bytes} bytes of `{expected}`, and {most} are the most"
    );
    let digest = descriptor.as_digest_sha256();
    let digest = digest.context("it names bytes by another digest than sha256")?;
    Ok(Blob {
        digest: digest.parse()?,
        bytes,
    })
}

/// The config of a component: what its publisher says that it imports and exports.
#[derive(Debug, Default)]
pub struct Config {
    /// Full names of interfaces.
    pub imports: Vec<String>,
    /// Full names of interfaces.
    pub exports: Vec<String>,
}

impl Config {
    /// Reads the config of a component.
    ///
    /// # Errors
    /// The words for what it is instead.
    pub(crate) fn read(bytes: &[u8]) -> Result<Config> {
        let value = json::parse(bytes).context("it is no JSON")?;
        let machine = value["architecture"].as_str().unwrap_or_default();
        ensure!(
            machine == "wasm",
            "it is for the machine `{}`, and not for `wasm`",
            excerpt(machine)
        );
        let component = &value["component"];
        Ok(Config {
            imports: names(&component["imports"]),
            exports: names(&component["exports"]),
        })
    }
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let names = list.iter().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}
