//! An operator's policy: what recipes may ask for on a machine, read as a recipe is, with errors that name file and line.
//! Owns the keys and their types. What a recipe asks for is compared with it where a run is assembled.

use std::path::{Path, PathBuf};

use phasebox_contract::grants::{Grant, Grants};
use phasebox_contract::limits::Limits;
use phasebox_contract::policy::Wasi;
use phasebox_contract::printable::excerpt;
use phasebox_contract::suggest;

use super::DeviceChoice;
use super::callback_forms::limits;
use super::document::parse_map;
use super::location::{Location, Result};
use super::node::{Content, Node};
use super::section_reader::SectionReader;
use super::text_file;

/// Ceilings that no recipe on this machine can exceed. A key that is not written allows everything.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The file it was read from.
    pub path: PathBuf,
    /// The rights that callbacks may have.
    pub grants: Option<Grants>,
    /// The most that callbacks may use.
    pub limits: Limits,
    /// The folders that callbacks may come from, beside the stock ones.
    pub callbacks: Option<Vec<PathBuf>>,
    /// The beginnings of places on the network that callbacks may come from, host first: `ghcr.io/org`.
    pub registries: Option<Vec<String>>,
    /// The folders of data, weights and runs.
    pub paths: Option<Vec<PathBuf>>,
    /// The devices to train on.
    pub devices: Option<Vec<DeviceChoice>>,
    /// Networks may be TorchScript, which is code.
    pub torchscript: bool,
    /// The answer to callbacks that import WASI.
    pub wasi: Wasi,
    /// The most parameters of a network.
    pub network_parameters: Option<u64>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// A file that cannot be read, a key that is not known, a value that does not fit.
    pub fn load(path: &Path) -> Result<Policy> {
        let text = text_file::read(path, &Location::file(path))?;
        let tree = parse_map(&text.text, &text.location)?;
        let mut reader = SectionReader::new(&tree);
        let policy = Policy {
            path: path.to_owned(),
            grants: list(&mut reader, "grants", grant).map(Grants::from_iter),
            limits: reader.below("limits", &[], |reader| limits(reader, Limits::UNBOUNDED)),
            callbacks: list(&mut reader, "callbacks", folder),
            registries: list(&mut reader, "registries", registry),
            paths: list(&mut reader, "paths", folder),
            devices: list(&mut reader, "devices", Node::parse),
            torchscript: reader.value_or("torchscript", true),
            wasi: reader.value_or("wasi", Wasi::Answer),
            network_parameters: reader.count("network_parameters"),
        };
        reader.finish(&[])?;
        Ok(policy)
    }
}

/// A list under a key, if it is written: an empty one allows nothing.
fn list<T>(
    reader: &mut SectionReader<'_>,
    key: &'static str,
    item: impl Fn(&Node) -> Result<T>,
) -> Option<Vec<T>> {
    let node = reader.find(key)?;
    let Content::List(items) = &node.content else {
        let error = node.error(format!("expected a list, found {}", node.describe()));
        return reader.keep(Err(error));
    };
    let items: Result<Vec<T>> = items.iter().map(item).collect();
    reader.keep(items)
}

fn grant(node: &Node) -> Result<Grant> {
    let name: String = node.parse()?;
    let hint = suggest::hint(&name, Grant::NAMES);
    let unknown = || node.error(format!("there is no grant `{}`{hint}", excerpt(&name)));
    Grant::from_name(&name).ok_or_else(unknown)
}

/// A host in lower case, with a port and the beginning of a path or without.
fn registry(node: &Node) -> Result<String> {
    let text: String = node.parse()?;
    let place = text.trim_end_matches('/');
    let (host, path) = place.split_at(place.find('/').unwrap_or(place.len()));
    let place = format!("{}{path}", host.to_lowercase());
    let is_place = !place.is_empty() && !place.starts_with('/') && !place.contains([' ', '@']);
    if !is_place || place.contains("://") {
        return Err(node.error(format!(
            "`{}` is no host: write `HOST` or `HOST/NAME`, as in `ghcr.io/org`",
            excerpt(&text)
        )));
    }
    Ok(place)
}

/// A folder that is there, whatever links lead to it.
fn folder(node: &Node) -> Result<PathBuf> {
    let path: String = node.parse()?;
    let folder = node.location.resolve(path);
    let real = folder.canonicalize();
    real.map_err(|error| node.error(format!("{}: {error}", folder.display())))
}
