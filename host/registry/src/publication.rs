//! The way from a component's file into a registry: config, manifest, and the order in which they are uploaded. The types
//! are those of `wkg`, which can fetch what is published here, as this program can fetch what `wkg` publishes.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use phasebox_contract::digest::Digest;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::MOST_COMPONENT_BYTES;
use crate::downloads::Downloads;
use crate::locator::Reference;
use crate::login::Right;
use crate::manifest::{CONFIG_TYPE, LAYER_TYPE, MANIFEST_TYPE, Manifest};
use crate::repository::Repository;

/// A component, and what its publisher says of it.
pub struct Publication {
    /// The component's bytes.
    pub bytes: Vec<u8>,
    /// The name of its file.
    pub file_name: String,
    /// Full names of the interfaces that it imports.
    pub imports: Vec<String>,
    /// Full names of the interfaces that it exports.
    pub exports: Vec<String>,
    /// Annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// The end of a publication.
pub struct Published {
    /// True if the tag had these bytes already, and nothing was changed.
    pub was_there: bool,
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the component.
    pub component: Digest,
}

impl Downloads {
    /// Publishes a component under a tag. One that is there already stays as it is.
    ///
    /// # Errors
    /// A tag that holds another component, unless `replaces`; a registry that refuses.
    pub fn publish(
        &self,
        reference: &Reference,
        publication: &Publication,
        replaces: bool,
    ) -> Result<Published> {
        publication.check(reference)?;
        let component = Digest::of(&publication.bytes);
        let own = (&self.client, &self.credentials);
        let repository = Repository::new(own, reference, Right::Push)?;
        if let Some(bytes) = repository.manifest()? {
            let there = Manifest::read(&bytes);
            if there
                .as_ref()
                .is_ok_and(|there| there.component() == component)
            {
                return Ok(Published {
                    was_there: true,
                    manifest: Digest::of(&bytes),
                    component,
                });
            }
            ensure!(replaces, taken(reference, there));
        }
        let config = config(publication, component)?;
        let manifest = manifest(publication, component, &config)?;
        repository.put_blob(&publication.bytes)?;
        repository.put_blob(&config)?;
        repository.put_manifest(&manifest)?;
        Ok(Published {
            was_there: false,
            manifest: Digest::of(&manifest),
            component,
        })
    }
}

impl Publication {
    /// Refuses what could not be fetched again, before anybody is asked.
    fn check(&self, reference: &Reference) -> Result<()> {
        let size = self.bytes.len() as u64;
        ensure!(
            size <= MOST_COMPONENT_BYTES,
            "the component has {size} bytes, and {MOST_COMPONENT_BYTES} are fetched at most: strip it"
        );
        ensure!(
            reference.tag().is_some() && reference.manifest.is_none(),
            "`{reference}`: publish under a tag, as in `oci://HOST/NAME:1.0.0`"
        );
        Ok(())
    }
}

/// The words for a tag that holds something else.
fn taken(reference: &Reference, there: Result<Manifest>) -> String {
    let holds = there.map_or_else(
        |_| "something else than a component".to_owned(),
        |there| format!("the component sha256:{}", there.component()),
    );
    format!(
        "`{reference}` holds {holds}: choose another tag, or `--replace` it, which takes it from those who have written \
         its digest"
    )
}

fn config(publication: &Publication, component: Digest) -> Result<Vec<u8>> {
    let created = OffsetDateTime::now_utc().format(&Rfc3339)?;
    let author = publication
        .annotations
        .get("org.opencontainers.image.authors");
    text(&json!({
        "created": created,
        "author": author,
        "architecture": "wasm",
        "os": "wasip2",
        "layerDigests": [format!("sha256:{component}")],
        "component": {
            "exports": publication.exports,
            "imports": publication.imports,
            "target": Value::Null,
        },
    }))
}

fn manifest(publication: &Publication, component: Digest, config: &[u8]) -> Result<Vec<u8>> {
    let bytes = text(&json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": CONFIG_TYPE,
            "digest": format!("sha256:{}", Digest::of(config)),
            "size": config.len(),
        },
        "layers": [{
            "mediaType": LAYER_TYPE,
            "digest": format!("sha256:{component}"),
            "size": publication.bytes.len(),
            "annotations": { "org.opencontainers.image.title": publication.file_name },
        }],
        "annotations": publication.annotations,
    }))?;
    Manifest::read(&bytes).context("the manifest would not be taken here")?;
    Ok(bytes)
}

fn text(value: &Value) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}
