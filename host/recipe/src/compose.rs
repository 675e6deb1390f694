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
//! A later file wins over an earlier one, as `merge` says, and the command line over all files. `key=file` on the command
//! line chooses another file where `defaults` have that key.

use std::path::{Path, PathBuf};

use super::defaults::{self, Default, Files, Package};
use super::document;
use super::interpolate::{self, Resolved};
use super::location::{Location, Result};
use super::merge::merge;
use super::node::{Content, Entry, Node, check_depth};
use super::overrides::Override;
use super::text_file::{self, TextFile};

/// Files one recipe may be made of, counted with repetition.
const MAX_FILES: usize = 64;

/// Reads a recipe file with everything it is made of. `arguments` are `key=value` from the command line.
///
/// # Errors
/// A file that is missing, unreadable or not YAML, a `defaults` cycle, an override that leads nowhere.
pub(super) fn compose(path: &Path, arguments: &[String]) -> Result<Resolved> {
    let arguments = arguments.iter().map(|argument| Override::parse(argument));
    let arguments: Vec<Override> = arguments.collect::<Result<_>>()?;
    Override::check_all(&arguments)?;
    let mut composer = Composer::new(path, &arguments);
    let mut recipe = composer.file(path, &Location::file(path))?.0;
    composer.add_groups(&mut recipe)?;
    // A variable stays one when an argument takes the place of its reader.
    let before = interpolate::resolve(&recipe).map(|resolved| resolved.references);
    let chosen = composer.used_on_command_line();
    for (argument, is_choice) in arguments.into_iter().zip(chosen) {
        if !is_choice {
            argument.apply(&mut recipe)?;
        }
    }
    let mut resolved = interpolate::resolve(&recipe)?;
    resolved.tree.name_paths(String::new());
    resolved.references.extend(before.unwrap_or_default());
    Ok(resolved)
}

struct Composer {
    /// The folder of the recipe's own file.
    root: PathBuf,
    /// The files being read, outermost first: a file found here again is a cycle.
    open: Vec<PathBuf>,
    files_read: usize,
    /// The group of the file being read, with `/` between its keys; empty at the top.
    group: String,
    /// Those of the command line, then those of `override` entries.
    choices: Vec<Choice>,
}

/// Another file for a group.
struct Choice {
    group: String,
    /// None leaves the group out.
    option: Option<String>,
    location: Location,
    /// The argument of the command line that this is, if it is one.
    argument: Option<usize>,
    is_added: bool,
    is_used: bool,
}

impl Composer {
    fn new(path: &Path, arguments: &[Override]) -> Self {
        let choices = arguments
            .iter()
            .enumerate()
            .filter_map(|(index, argument)| {
                let choice = argument.group_choice()?;
                Some(Choice {
                    group: choice.group.to_owned(),
                    option: choice.option.map(str::to_owned),
                    location: argument.location.clone(),
                    argument: Some(index),
                    is_added: choice.is_added,
                    is_used: false,
                })
            });
        Self {
            root: path.parent().unwrap_or(Path::new("")).to_owned(),
            open: Vec::new(),
            files_read: 0,
            group: String::new(),
            choices: choices.collect(),
        }
    }

    /// For each argument of the command line, whether it chose a file.
    fn used_on_command_line(self) -> impl Iterator<Item = bool> {
        let used = self.choices.into_iter().filter(|choice| choice.is_used);
        let used: Vec<_> = used.filter_map(|choice| choice.argument).collect();
        (0..).map(move |index| used.contains(&index))
    }

    /// One file with its own `defaults` merged in, and where it says that its content goes. `named_at` is the line that
    /// asks for it.
    fn file(&mut self, path: &Path, named_at: &Location) -> Result<(Node, Package)> {
        let TextFile {
            text,
            location,
            identity,
        } = text_file::read(path, named_at)?;
        self.enter(identity, named_at)?;
        let mut own = document::parse_map(&text, &location)?;
        let layers = self.layers(&mut own)?;
        self.open.pop();
        let mut merged = Node::new(Content::Map(Vec::new()), location.clone());
        for layer in layers {
            merge(&mut merged, layer)?;
        }
        merged.location = location;
        Ok((merged, text_file::package(&text)))
    }

    fn enter(&mut self, identity: PathBuf, named_at: &Location) -> Result<()> {
        self.files_read += 1;
        if self.open.contains(&identity) {
            let chain = self.open.iter().chain([&identity]);
            let chain: Vec<_> = chain.map(|file| text_file::name(file)).collect();
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
        let list = own.take("defaults").map(|entry| entry.value);
        let list = list.map_or(Ok(Vec::new()), |list| defaults::read(&list))?;
        let overridden = self.choices.len();
        self.take_overrides(&list);
        let names_itself = list.iter().any(|entry| matches!(entry, Default::Itself));
        let mut layers = Vec::new();
        for entry in &list {
            match entry {
                Default::Itself => layers.push(own.clone()),
                Default::Files(files) => layers.extend(self.files(files)?),
                Default::Override { .. } => {}
            }
        }
        if !names_itself {
            layers.push(own.clone());
        }
        self.check_overrides(overridden)?;
        Ok(layers)
    }

    fn take_overrides(&mut self, list: &[Default]) {
        for entry in list {
            let Default::Override {
                group,
                option,
                location,
            } = entry
            else {
                continue;
            };
            self.choices.push(Choice {
                group: group.clone(),
                option: option.clone(),
                location: location.clone(),
                argument: None,
                is_added: false,
                is_used: false,
            });
        }
    }

    /// Refuses an `override` that found nothing to choose for.
    fn check_overrides(&mut self, first: usize) -> Result<()> {
        let unused = self.choices.drain(first..).find(|choice| !choice.is_used);
        unused.map_or(Ok(()), |choice| {
            let group = &choice.group;
            Err(choice.location.error(format!(
                "no `defaults` choose a file for `{group}`; drop the word `override`"
            )))
        })
    }

    /// The files of one entry.
    fn files(&mut self, files: &Files) -> Result<Vec<Node>> {
        let group = match files.group.as_str() {
            "" => None,
            group => Some(slashed(&self.group, group)),
        };
        let chosen = group.and_then(|group| self.choose(&group));
        let (options, location) =
            chosen.unwrap_or_else(|| (files.options.clone(), files.location.clone()));
        let found = options.iter().map(|option| {
            let path = self.path(files, option);
            if files.is_optional && !path.exists() {
                return Ok(None);
            }
            self.option(files, &path, &location).map(Some)
        });
        let found: Vec<Option<Node>> = found.collect::<Result<_>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    /// The choice for a group; all choices of it count as used.
    fn choose(&mut self, group: &str) -> Option<(Vec<String>, Location)> {
        let fitting = self.choices.iter_mut().filter(|it| it.group == group);
        let fitting: Vec<_> = fitting.collect();
        let mut chosen = None;
        for choice in fitting {
            choice.is_used = true;
            chosen.get_or_insert_with(|| {
                let options: Vec<_> = choice.option.iter().cloned().collect();
                (options, choice.location.clone())
            });
        }
        chosen
    }

    /// The file of an option; `.yaml` may be left out.
    fn path(&self, files: &Files, option: &str) -> PathBuf {
        let name = text_file::yaml_name(&slashed(&files.group, option));
        let in_recipe = self.root.join(&name);
        match files.is_absolute {
            true if in_recipe.exists() => in_recipe,
            true => Path::new("/").join(name),
            false => files.location.resolve(name),
        }
    }

    /// One file, with its content under the keys of its package.
    fn option(&mut self, files: &Files, path: &Path, named_at: &Location) -> Result<Node> {
        check_depth(files.group.split('/').count(), named_at)?;
        let group = slashed(&self.group, &files.group);
        let above = std::mem::replace(&mut self.group, group);
        let read = self.file(path, named_at);
        self.group = above;
        let (found, own_package) = read?;
        let package = match &files.package {
            Package::Group => &own_package,
            written => written,
        };
        let is_outside = files.is_absolute && !files.group.is_empty();
        if !self.group.is_empty() && (is_outside || *package == Package::Global) {
            return Err(files.location.error(
                "this content goes elsewhere than under the key of this file; name it in the recipe's own `defaults`",
            ));
        }
        let keys: Vec<&str> = match package {
            Package::Global => Vec::new(),
            Package::Named(name) => name.split('.').collect(),
            Package::Group => files
                .group
                .split('/')
                .filter(|key| !key.is_empty())
                .collect(),
        };
        Ok(keys.into_iter().rev().fold(found, under_key))
    }

    /// Merges the files that the command line adds to `defaults` with `+group=file`.
    fn add_groups(&mut self, recipe: &mut Node) -> Result<()> {
        for index in 0..self.choices.len() {
            let choice = &self.choices[index];
            let Some(option) = choice.option.clone() else {
                continue;
            };
            let location = Location::file(self.root.join("recipe"));
            let files = Files {
                group: choice.group.clone(),
                options: vec![option.clone()],
                package: Package::Group,
                is_optional: false,
                is_absolute: false,
                location,
            };
            let path = self.path(&files, &option);
            if choice.is_used || !choice.is_added || !path.exists() {
                continue;
            }
            let named_at = choice.location.clone();
            self.choices[index].is_used = true;
            merge(recipe, self.option(&files, &path, &named_at)?)?;
        }
        Ok(())
    }
}

/// The path of a group or file below another.
fn slashed(above: &str, name: &str) -> String {
    let names = [above, name].into_iter();
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    names.join("/")
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
