//! Several YAML files and the command line, made into one tree: `defaults`, deep merge, overrides, `${…}`.
//! Owns the order in which things win; it knows no key of a recipe but `defaults`.
//!
//! ```yaml
//! defaults:
//!   - base                              # base.yaml beside this file, merged at the top
//!   - training_hyperparams: fast        # training_hyperparams/fast.yaml, merged under that key
//!   - _self_                            # this file; at the end when it is not written
//! ```
//!
//! Later wins. Mappings merge key by key, everything else is replaced, and an empty value (`key:`) replaces too.
//! A list grows instead when its key is written with a plus: `phase_callbacks+: [EMA]`.

use std::path::{Path, PathBuf};

use super::document::{self, MAX_DEPTH, MAX_TEXT_BYTES};
use super::interpolate;
use super::node::{Content, Entry, Node};
use super::overrides;
use super::place::{Place, Result};

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
    let mut recipe = composer.file(path, &Place::file(path))?;
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
    fn file(&mut self, path: &Path, named_at: &Place) -> Result<Node> {
        self.enter(path, named_at)?;
        let mut own = document::parse_map(&read(path, named_at)?, &Place::file(path))?;
        let layers = self.layers(&mut own)?;
        self.open.pop();
        let mut merged = Node::new(Content::Map(Vec::new()), Place::file(path));
        for layer in layers {
            merge(&mut merged, layer)?;
        }
        merged.place = Place::file(path);
        Ok(merged)
    }

    fn enter(&mut self, path: &Path, named_at: &Place) -> Result<()> {
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

    /// What a file is made of, in the order of its `defaults`, itself included.
    fn layers(&mut self, own: &mut Node) -> Result<Vec<Node>> {
        let defaults = take(own, DEFAULTS);
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
            return self.file(&yaml_file(&entry.place, name), &entry.place);
        }
        let (group, name) = match entry.entries() {
            [only] => (only.key.as_str(), only.value.as_str()),
            _ => ("", None),
        };
        let shape = "an entry of `defaults` is a file or `key: file`";
        let name = name.ok_or_else(|| {
            entry
                .place
                .error(format!("{shape}, found {}", entry.describe()))
        })?;
        check_depth(group.split('/').count(), &entry.place)?;
        let found = self.file(
            &yaml_file(&entry.place, &format!("{group}/{name}")),
            &entry.place,
        )?;
        Ok(group.rsplit('/').fold(found, under_key))
    }
}

fn list_of_defaults(defaults: Node) -> Result<Vec<Node>> {
    let place = defaults.place.clone();
    let found = defaults.describe();
    match defaults.content {
        Content::List(entries) => Ok(entries),
        _ => Err(place.error(format!("`defaults` is a list of files, found {found}"))),
    }
}

fn under_key(value: Node, key: &str) -> Node {
    let place = value.place.clone();
    let entry = Entry {
        key: key.to_owned(),
        place: place.clone(),
        value,
    };
    Node::new(Content::Map(vec![entry]), place)
}

/// The file a default names; `.yaml` may be left out.
fn yaml_file(place: &Place, name: &str) -> PathBuf {
    let extension = Path::new(name)
        .extension()
        .and_then(|extension| extension.to_str());
    let suffix = if matches!(extension, Some("yaml" | "yml")) {
        ""
    } else {
        ".yaml"
    };
    place.resolve(format!("{name}{suffix}"))
}

fn read(path: &Path, named_at: &Place) -> Result<String> {
    let size = path
        .metadata()
        .map_err(|error| unreadable(path, named_at, &error))?
        .len();
    if size > MAX_TEXT_BYTES as u64 {
        return Err(Place::file(path).error(format!(
            "larger than {MAX_TEXT_BYTES} bytes; is this a recipe?"
        )));
    }
    std::fs::read_to_string(path).map_err(|error| unreadable(path, named_at, &error))
}

fn unreadable(path: &Path, named_at: &Place, error: &std::io::Error) -> super::RecipeError {
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

fn take(mapping: &mut Node, key: &str) -> Option<Node> {
    let Content::Map(entries) = &mut mapping.content else {
        return None;
    };
    let index = entries.iter().position(|entry| entry.key == key)?;
    Some(entries.remove(index).value)
}

/// Lays `over` on `base`. See the module's text for what wins.
pub(super) fn merge(base: &mut Node, over: Node) -> Result<()> {
    // A section that an argument adds a key to still stands in its file.
    let both_maps = matches!(
        (&base.content, &over.content),
        (Content::Map(_), Content::Map(_))
    );
    if !both_maps || over.place.is_in_file() {
        base.place = over.place;
    }
    let Content::Map(above) = over.content else {
        base.content = over.content;
        return Ok(());
    };
    if !matches!(base.content, Content::Map(_)) {
        base.content = Content::Map(Vec::new());
    }
    let Content::Map(below) = &mut base.content else {
        return Ok(());
    };
    above
        .into_iter()
        .try_for_each(|entry| merge_entry(below, entry))
}

/// Lays one entry on those of a mapping.
pub(super) fn merge_entry(below: &mut Vec<Entry>, mut above: Entry) -> Result<()> {
    if let Some(key) = above.key.strip_suffix('+') {
        above.key = key.to_owned();
        return append(below, above);
    }
    match below.iter_mut().find(|entry| entry.key == above.key) {
        Some(entry) => {
            entry.place = above.place;
            merge(&mut entry.value, above.value)
        }
        None => {
            let mut value = Node::new(Content::Map(Vec::new()), above.value.place.clone());
            merge(&mut value, above.value)?;
            below.push(Entry { value, ..above });
            Ok(())
        }
    }
}

/// `key+: [more]`: the list below, if any, and then these.
fn append(below: &mut Vec<Entry>, above: Entry) -> Result<()> {
    let found = above.value.describe();
    let Content::List(more) = above.value.content else {
        return Err(above
            .place
            .error(format!("`{}+` adds to a list, found {found}", above.key)));
    };
    let Some(entry) = below.iter_mut().find(|entry| entry.key == above.key) else {
        let value = Node::new(Content::List(more), above.place.clone());
        below.push(Entry { value, ..above });
        return Ok(());
    };
    if entry.value.is_null() {
        entry.value.content = Content::List(Vec::new());
    }
    let under = entry.value.describe();
    match &mut entry.value.content {
        Content::List(items) => items.extend(more),
        _ => {
            return Err(above.place.error(format!(
                "`{}+` adds to a list, but below it is {under}",
                above.key
            )));
        }
    }
    Ok(())
}

/// Trees deeper than this are refused, so that walking one is safe on any thread's stack.
pub(super) fn check_depth(keys: usize, place: &Place) -> Result<()> {
    if keys <= MAX_DEPTH {
        Ok(())
    } else {
        Err(place.error(format!("nested deeper than {MAX_DEPTH} levels")))
    }
}
