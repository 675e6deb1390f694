//! The entries of a `defaults` list: which files, under which keys. Owns the forms of Hydra's entries and refuses those
//! that it does not know; reading the files is `compose`'s.
//!
//! ```yaml
//! defaults:
//!   - base                              # base.yaml beside this file
//!   - training_hyperparams: fast        # training_hyperparams/fast.yaml, under that key
//!   - dataset_params: [images, sizes]   # several files, in this order
//!   - optional arch_params: mine        # nothing, if there is no such file
//!   - override training_hyperparams: a  # another file than the one that `base` chooses
//!   - optim@training_hyperparams: adam  # optim/adam.yaml, under another key
//!   - _self_                            # this file
//! ```

use super::location::{Location, Result};
use super::node::{Content, Node};

/// One entry of a `defaults` list.
pub(super) enum Default {
    /// `_self_`: the file itself.
    Itself,
    Files(Files),
    /// `override group: option`.
    Override {
        group: String,
        option: Option<String>,
        location: Location,
    },
}

/// Files of one folder, and the keys that their content goes under.
pub(super) struct Files {
    /// The folder below that of the file that has the entry; empty for files beside it.
    pub(super) group: String,
    pub(super) options: Vec<String>,
    pub(super) package: Package,
    pub(super) is_optional: bool,
    /// The entry starts with `/`: the folder is below that of the recipe.
    pub(super) is_absolute: bool,
    pub(super) location: Location,
}

/// Where the content of a file goes.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Package {
    /// Under the keys of its group.
    Group,
    /// At the top of the recipe.
    Global,
    /// Under these keys.
    Named(String),
}

const SHAPE: &str = "an entry of `defaults` is a file or `key: file`";

/// Reads the value of `defaults`.
///
/// # Errors
/// Anything but a list of entries in one of the forms above.
pub(super) fn read(defaults: &Node) -> Result<Vec<Default>> {
    match &defaults.content {
        Content::List(entries) => entries.iter().map(entry).collect(),
        _ => {
            let found = defaults.describe();
            let message = format!("`defaults` is a list of files, found {found}");
            Err(defaults.location.error(message))
        }
    }
}

fn entry(node: &Node) -> Result<Default> {
    if node.as_str() == Some("_self_") {
        return Ok(Default::Itself);
    }
    let unfit = || {
        let message = format!("{SHAPE}, found {}", node.describe());
        node.location.error(message)
    };
    if let Some(text) = node.as_str() {
        let head = Head::read(text, &node.location)?;
        return Ok(Default::Files(head.beside(&node.location)));
    }
    let [only] = node.entries() else {
        return Err(unfit());
    };
    let options = options(&only.value).ok_or_else(unfit)?;
    let head = Head::read(&only.key, &node.location)?;
    options
        .iter()
        .try_for_each(|option| check_plain(option, &node.location))?;
    Ok(head.with(options, &node.location))
}

/// The files that an entry names: one, several, or none for an empty value.
fn options(value: &Node) -> Option<Vec<String>> {
    match &value.content {
        Content::List(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ if value.is_null() => Some(Vec::new()),
        _ => Some(vec![value.as_str()?.to_owned()]),
    }
}

/// The words before the colon of an entry.
struct Head {
    path: String,
    package: Package,
    is_optional: bool,
    is_override: bool,
    is_absolute: bool,
}

impl Head {
    fn read(text: &str, location: &Location) -> Result<Self> {
        let mut path = text.trim();
        let (mut is_optional, mut is_override) = (false, false);
        while let Some((word, rest)) = path.split_once(' ') {
            match word {
                "optional" => is_optional = true,
                "override" => is_override = true,
                _ => break,
            }
            path = rest.trim_start();
        }
        let (path, package) = match path.split_once('@') {
            Some((path, package)) => (path, read_package(package)),
            None => (path, Package::Group),
        };
        check_plain(path, location)?;
        Ok(Self {
            path: path.trim_start_matches('/').to_owned(),
            package,
            is_optional,
            is_override,
            is_absolute: path.starts_with('/'),
        })
    }

    /// A file that is named without a group.
    fn beside(self, location: &Location) -> Files {
        Files {
            group: String::new(),
            options: vec![self.path],
            package: self.package,
            is_optional: self.is_optional,
            is_absolute: self.is_absolute,
            location: location.clone(),
        }
    }

    fn with(self, options: Vec<String>, location: &Location) -> Default {
        if self.is_override {
            return Default::Override {
                group: self.path,
                option: options.into_iter().next(),
                location: location.clone(),
            };
        }
        Default::Files(Files {
            group: self.path,
            options,
            package: self.package,
            is_optional: self.is_optional,
            is_absolute: self.is_absolute,
            location: location.clone(),
        })
    }
}

/// A package as Hydra writes it.
pub(super) fn read_package(text: &str) -> Package {
    match text.trim() {
        "_global_" => Package::Global,
        "_group_" | "" => Package::Group,
        name => Package::Named(name.to_owned()),
    }
}

fn check_plain(name: &str, location: &Location) -> Result<()> {
    if !name.contains("${") {
        return Ok(());
    }
    let message =
        format!("`{name}`: files of `defaults` are read before `${{…}}`; write the file's name");
    Err(location.error(message))
}
