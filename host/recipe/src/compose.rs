//! Several YAML files and the command line, made into one tree: `defaults`, deep merge, overrides, `${…}`.
//! Owns the order of the layers; it knows no key of a recipe but `defaults`.
//!
//! ```yaml
//! defaults:
//!   - base                              # base.yaml beside this file, merged at the top
//!   - training_hyperparams: fast        # training_hyperparams/fast.yaml, merged under that key
//!   - _self_                            # this file; at the end when it is not written
//! ```
//!
//! A later file wins over an earlier one, as `merge` says, and the command line over all files.

use std::path::{Path, PathBuf};

use super::document::{self, MAX_TEXT_BYTES};
use super::interpolate;
use super::location::{Location, RecipeError, Result};
use super::merge::merge;
use super::node::{Content, Entry, Node, check_depth};
use super::overrides;

/// Files one recipe may be made of, counted with repetition.
const MAX_FILES: usize = 64;
const DEFAULTS: &str = "defaults";
const SELF: &str = "_self_";

/// Reads a recipe file with everything it is made of. `arguments` are `key=value` from the command line.
///
/// # Errors
/// A file that is missing, unreadable or not YAML, a `defaults` cycle, an override or `${…}` that leads nowhere.
pub(super) fn compose(path: &Path, arguments: &[String]) -> Result<Node> {
    let mut composer = Composer {
        open: Vec::new(),
        files_read: 0,
    };
    let mut recipe = composer.file(path, &Location::file(path))?;
    for argument in arguments {
        overrides::apply(&mut recipe, argument)?;
    }
    interpolate::resolve(&mut recipe)?;
    recipe.name_paths(String::new());
    Ok(recipe)
}

struct Composer {
    /// The files being read, outermost first: a file found here again is a cycle.
    open: Vec<PathBuf>,
    files_read: usize,
}

impl Composer {
    /// One file with its own `defaults` merged in. `named_at` is the line that asks for it.
    fn file(&mut self, path: &Path, named_at: &Location) -> Result<Node> {
        self.enter(path, named_at)?;
        let mut own = document::parse_map(&read(path, named_at)?, &Location::file(path))?;
        let layers = self.layers(&mut own)?;
        self.open.pop();
        let mut merged = Node::new(Content::Map(Vec::new()), Location::file(path));
        for layer in layers {
            merge(&mut merged, layer)?;
        }
        merged.location = Location::file(path);
        Ok(merged)
    }

    fn enter(&mut self, path: &Path, named_at: &Location) -> Result<()> {
        let identity = path
            .canonicalize()
            .map_err(|error| unreadable(path, named_at, &error))?;
        self.files_read += 1;
        if self.open.contains(&identity) {
            let chain: Vec<_> = self
                .open
                .iter()
                .chain([&identity])
                .map(|file| name_of(file))
                .collect();
            return Err(named_at.error(format!("`defaults` go in a circle: {}", chain.join(" → "))));
        }
        if self.files_read > MAX_FILES {
            return Err(named_at.error(format!("`defaults` ask for more than {MAX_FILES} files")));
        }
        self.open.push(identity);
        Ok(())
    }

    /// The trees that a file is made of, in the order of its `defaults`, its own tree included.
    fn layers(&mut self, own: &mut Node) -> Result<Vec<Node>> {
        let defaults = own.take(DEFAULTS);
        let defaults = defaults.map(|entry| entry.value);
        let entries = defaults.map_or(Ok(Vec::new()), list_of_defaults)?;
        let named_self = entries.iter().any(|entry| entry.as_str() == Some(SELF));
        let mut layers = Vec::new();
        for entry in &entries {
            match entry.as_str() {
                Some(SELF) => layers.push(own.clone()),
                _ => layers.push(self.default(entry)?),
            }
        }
        if !named_self {
            layers.push(own.clone());
        }
        Ok(layers)
    }

    /// One entry of `defaults`: `file`, or `{group: file}`.
    fn default(&mut self, entry: &Node) -> Result<Node> {
        if let Some(name) = entry.as_str() {
            return self.file(&yaml_file(&entry.location, name), &entry.location);
        }
        let (group, name) = match entry.entries() {
            [only] => (only.key.as_str(), only.value.as_str()),
            _ => ("", None),
        };
        let shape = "an entry of `defaults` is a file or `key: file`";
        let name = name.ok_or_else(|| {
            entry
                .location
                .error(format!("{shape}, found {}", entry.describe()))
        })?;
        check_depth(group.split('/').count(), &entry.location)?;
        let found = self.file(
            &yaml_file(&entry.location, &format!("{group}/{name}")),
            &entry.location,
        )?;
        Ok(group.rsplit('/').fold(found, under_key))
    }
}

fn list_of_defaults(defaults: Node) -> Result<Vec<Node>> {
    let location = defaults.location.clone();
    let found = defaults.describe();
    match defaults.content {
        Content::List(entries) => Ok(entries),
        _ => Err(location.error(format!("`defaults` is a list of files, found {found}"))),
    }
}

fn under_key(value: Node, key: &str) -> Node {
    let location = value.location.clone();
    let entry = Entry {
        key: key.to_owned(),
        location: location.clone(),
        value,
    };
    Node::new(Content::Map(vec![entry]), location)
}

/// The file a default names; `.yaml` may be left out.
fn yaml_file(location: &Location, name: &str) -> PathBuf {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    let suffix = if matches!(extension, Some("yaml" | "yml")) {
        ""
    } else {
        ".yaml"
    };
    location.resolve(format!("{name}{suffix}"))
}

fn read(path: &Path, named_at: &Location) -> Result<String> {
    let size = path
        .metadata()
        .map_err(|error| unreadable(path, named_at, &error))?
        .len();
    if size > MAX_TEXT_BYTES as u64 {
        return Err(Location::file(path).error(format!(
            "larger than {MAX_TEXT_BYTES} bytes; is this a recipe?"
        )));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(path, named_at, &error))
}

fn unreadable(path: &Path, named_at: &Location, error: &std::io::Error) -> RecipeError {
    let reason = match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::InvalidData => "it is not UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    named_at.error(format!("cannot read `{}`: {reason}", path.display()))
}

fn name_of(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
