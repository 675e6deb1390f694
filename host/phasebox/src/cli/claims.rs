//! `phasebox inspect oci://…`: a component in a registry as its publisher describes it, before anything of it is downloaded.
//! A claim binds nobody: what the component is, `pull` and `inspect` of its file show.

use phasebox_contract::grants::Grant;
use phasebox_contract::printable::{excerpt, one_line};
use phasebox_registry::{Config, Manifest, Reference};
use serde_json::json;

use super::Failure;
use super::network::Network;
use super::place::recipe_lines;
use super::print::{print, print_json};
use super::publish::{GRANTS, PHASES};

/// Asks a registry, and shows its answer.
pub(super) fn show(reference: &Reference, as_json: bool) -> Result<(), Failure> {
    let network = Network::listen()?;
    let (manifest, config) = network.ask(|downloads| downloads.claims(reference))?;
    if as_json {
        return print_json(&json!({
            "locator": reference.to_string(),
            "manifest": manifest.digest.to_string(),
            "sha256": manifest.component().to_string(),
            "bytes": manifest.component_bytes(),
            "imports": config.imports,
            "exports": config.exports,
            "annotations": manifest.annotations,
        }));
    }
    print(lines(reference, &manifest, &config))?;
    // Words that are no grants would be taken for a part of the recipe.
    let grants = said(&manifest, GRANTS).unwrap_or_default();
    let are_grants = grants
        .split(", ")
        .all(|name| Grant::from_name(name).is_some());
    let grants = if are_grants { grants } else { "" };
    print(recipe_lines(
        &reference.to_string(),
        manifest.component(),
        &excerpt(grants),
    ))
}

fn lines(reference: &Reference, manifest: &Manifest, config: &Config) -> Vec<String> {
    let phases = said(manifest, PHASES)
        .unwrap_or("not told: `phasebox pull` it, then `phasebox inspect` the file");
    let mut lines = vec![
        format!("{reference}, in the words of its publisher; nothing of it was downloaded"),
        format!(
            "component   sha256:{} ({} bytes)",
            manifest.component(),
            manifest.component_bytes()
        ),
        format!("manifest    sha256:{}", manifest.digest),
        one_line(&format!("phases      {phases}")),
        one_line(&format!(
            "grants      {}",
            said(manifest, GRANTS).unwrap_or("none told")
        )),
        one_line(&format!("imports     {}", config.imports.join(", "))),
        one_line(&format!("exports     {}", config.exports.join(", "))),
    ];
    let others = manifest.annotations.iter();
    let others = others.filter(|(name, _)| ![PHASES, GRANTS].contains(&name.as_str()));
    lines.extend(
        others.map(|(name, text)| format!("annotation  {}: {}", excerpt(name), excerpt(text))),
    );
    lines
}

/// An annotation.
fn said<'a>(manifest: &'a Manifest, name: &str) -> Option<&'a str> {
    manifest.annotations.get(name).map(String::as_str)
}
