//! A recipe as a tree that can be changed anywhere, and its text. Owns neither which changes there are nor what follows
//! from them.

use std::fmt::Write as _;

use phasebox_recipe::{Content, Node};

/// A value of a recipe.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Tree {
    /// A scalar as YAML writes it.
    Scalar(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

/// The way to a value: places in lists and mappings.
pub(super) type Path = Vec<usize>;

impl Tree {
    pub(super) fn of(node: &Node) -> Tree {
        match &node.content {
            Content::Scalar(value) => Tree::Scalar(value.to_string()),
            Content::List(items) => Tree::List(items.iter().map(Tree::of).collect()),
            Content::Unavailable(error) => panic!("{error}"),
            Content::Map(entries) => {
                let entries = entries.iter();
                let entries = entries.map(|entry| (entry.key.clone(), Tree::of(&entry.value)));
                Tree::Map(entries.collect())
            }
        }
    }

    pub(super) fn scalar(text: &str) -> Tree {
        Tree::Scalar(text.to_owned())
    }

    fn children(&self) -> Vec<&Tree> {
        match self {
            Tree::Scalar(_) => Vec::new(),
            Tree::List(items) => items.iter().collect(),
            Tree::Map(entries) => entries.iter().map(|(_, value)| value).collect(),
        }
    }

    pub(super) fn at(&self, path: &[usize]) -> &Tree {
        match path {
            [] => self,
            [first, rest @ ..] => self.children()[*first].at(rest),
        }
    }

    pub(super) fn at_mut(&mut self, path: &[usize]) -> &mut Tree {
        let [first, rest @ ..] = path else {
            return self;
        };
        match self {
            Tree::Scalar(_) => panic!("nothing is below a scalar"),
            Tree::List(items) => items[*first].at_mut(rest),
            Tree::Map(entries) => entries[*first].1.at_mut(rest),
        }
    }

    /// The mapping that holds the entry at `path`, and the place of the entry.
    pub(super) fn entries_mut(&mut self, path: &[usize]) -> (&mut Vec<(String, Tree)>, usize) {
        let (last, parent) = path.split_last().expect("an entry has a place");
        match self.at_mut(parent) {
            Tree::Map(entries) => (entries, *last),
            _ => panic!("an entry is in a mapping"),
        }
    }

    /// Puts another scalar in the place of those of this key and text.
    pub(super) fn replace(&mut self, (key, old): (&str, &str), new: &str) {
        for (path, keys) in self.entries() {
            let is_key = keys.last().is_some_and(|last| last == key);
            if is_key && *self.at(&path) == Tree::scalar(old) {
                *self.at_mut(&path) = Tree::scalar(new);
            }
        }
    }

    /// All keys below.
    pub(super) fn keys(&self) -> Vec<String> {
        let entries = self.entries().into_iter();
        entries.filter_map(|(_, mut keys)| keys.pop()).collect()
    }

    /// The paths of all entries of mappings, with the keys that lead there.
    pub(super) fn entries(&self) -> Vec<(Path, Vec<String>)> {
        let mut found = Vec::new();
        self.collect(&mut Vec::new(), &mut Vec::new(), &mut found);
        found
    }

    fn collect(
        &self,
        path: &mut Path,
        keys: &mut Vec<String>,
        found: &mut Vec<(Path, Vec<String>)>,
    ) {
        for (index, child) in self.children().into_iter().enumerate() {
            path.push(index);
            let depth = keys.len();
            if let Tree::Map(entries) = self {
                keys.push(entries[index].0.clone());
                found.push((path.clone(), keys.clone()));
            }
            child.collect(path, keys, found);
            keys.truncate(depth);
            path.pop();
        }
    }

    /// YAML, one key a line.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, indent: usize) {
        match self {
            Tree::Scalar(scalar) => _ = writeln!(text, " {scalar}"),
            Tree::List(items) if items.is_empty() => text.push_str(" []\n"),
            Tree::Map(entries) if entries.is_empty() => text.push_str(" {}\n"),
            Tree::List(items) => {
                text.push('\n');
                for item in items {
                    _ = write!(text, "{:indent$}-", "");
                    item.write(text, indent + 2);
                }
            }
            Tree::Map(entries) => {
                text.push('\n');
                for (key, value) in entries {
                    _ = write!(text, "{:indent$}{key}:", "");
                    value.write(text, indent + 2);
                }
            }
        }
    }
}
