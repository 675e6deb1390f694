//! The tree every layer of a recipe works on: values that know where they were written.
//! Owns access and conversion to JSON and YAML; reading text is `document`'s, typing is `deserialize`'s.

use std::collections::BTreeSet;
use std::path::PathBuf;

use phasebox_contract::plain_words;
use phasebox_contract::printable::excerpt;
use serde_json::{Value, json};

use super::location::{Location, RecipeError, Result, Source};

/// Deep enough for every real recipe, shallow enough that recursion over a tree fits the smallest thread's stack.
pub(super) const MAX_DEPTH: usize = 64;

/// A value of a recipe and the line it stands on (for a mapping or list: the line of its key).
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value that is written there.
    pub content: Content,
    /// Where it is written.
    pub location: Location,
    /// The keys that lead here from the top of the recipe, for messages. Set once a recipe is composed.
    pub path: String,
}

/// The three kinds of YAML node, and the lack of one.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Null, a boolean, a number or a text; never a JSON array or object.
    Scalar(Value),
    /// A sequence.
    List(Vec<Node>),
    /// A mapping, in the order it was written.
    Map(Vec<Entry>),
    /// A value that cannot be had, and why. A loaded recipe has none: only a value that nobody reads may be one.
    Unavailable(Box<RecipeError>),
}

/// One `key: value` of a mapping.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key; keys of recipes are texts.
    pub key: String,
    /// The line of the key.
    pub location: Location,
    /// The value.
    pub value: Node,
}

impl Content {
    fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Content::Map(entries) = self else {
            return None;
        };
        let entry = entries.iter_mut().find(|entry| entry.key == key);
        entry.map(|entry| &mut entry.value)
    }
}

impl Entry {
    fn map_texts(self, change: fn(&str) -> String) -> Entry {
        Entry {
            value: self.value.map_texts(change),
            ..self
        }
    }
}

impl Node {
    pub(super) fn new(content: Content, location: Location) -> Self {
        Self {
            content,
            location,
            path: String::new(),
        }
    }

    /// An empty value.
    pub(super) fn empty(location: &Location) -> Self {
        Self::new(Content::Scalar(Value::Null), location.clone())
    }

    /// The value under a key of a mapping or at an index of a list.
    pub(super) fn step(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => self.get(key),
        }
    }

    /// As [`Node::step`], to change it.
    pub(super) fn step_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.content {
            Content::List(items) => items.get_mut(key.parse::<usize>().ok()?),
            content => content.get_mut(key),
        }
    }

    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|entry| entry.key == key)
            .map(|entry| &entry.value)
    }

    /// The entries of a mapping, none for anything else.
    pub fn entries(&self) -> &[Entry] {
        if let Content::Map(entries) = &self.content {
            entries
        } else {
            &[]
        }
    }

    /// The text of a text.
    pub fn as_str(&self) -> Option<&str> {
        if let Content::Scalar(Value::String(text)) = &self.content {
            Some(text)
        } else {
            None
        }
    }

    /// The number of a number.
    pub(super) fn as_f64(&self) -> Option<f64> {
        match &self.content {
            Content::Scalar(value) => value.as_f64(),
            _ => None,
        }
    }

    /// Refuses a tree in which some value cannot be had.
    pub(super) fn check_available(&self) -> Result<()> {
        match &self.content {
            Content::Scalar(_) => Ok(()),
            Content::Unavailable(error) => Err((**error).clone()),
            Content::List(items) => items.iter().try_for_each(Node::check_available),
            Content::Map(entries) => {
                let mut values = entries.iter().map(|entry| &entry.value);
                values.try_for_each(Node::check_available)
            }
        }
    }

    /// True or false, also by a word of YAML 1.1: `on`, `off`, `yes`, `no`.
    pub(super) fn truth(&self) -> Option<bool> {
        match &self.content {
            Content::Scalar(Value::Bool(truth)) => Some(*truth),
            _ => match self.as_str()?.to_ascii_lowercase().as_str() {
                "off" | "no" => Some(false),
                "on" | "yes" => Some(true),
                _ => None,
            },
        }
    }

    /// True if the value is empty or `null`.
    pub fn is_null(&self) -> bool {
        self.content == Content::Scalar(Value::Null)
    }

    /// A copy of the mapping with only the named keys, in the order it was written.
    #[must_use]
    pub fn only(&self, keys: &[&str]) -> Node {
        let kept = self
            .entries()
            .iter()
            .filter(|entry| keys.contains(&entry.key.as_str()))
            .cloned()
            .collect();
        Node {
            content: Content::Map(kept),
            location: self.location.clone(),
            path: self.path.clone(),
        }
    }

    /// The mapping with `default` for `key`, if it lacks the key.
    #[must_use]
    pub(super) fn with_default(mut self, key: &str, default: Value) -> Node {
        if self.get(key).is_none() {
            let (location, path) = (self.location.clone(), joined(&self.path, key));
            let value = Node {
                content: Content::Scalar(default),
                location: location.clone(),
                path,
            };
            self.set(Entry {
                key: key.to_owned(),
                location,
                value,
            });
        }
        self
    }

    /// As [`Node::with_default`], with the value that another mapping has for the key, if it has one.
    #[must_use]
    pub(super) fn with_default_of(self, key: &str, other: &Node) -> Node {
        match other.get(key) {
            Some(value) => self.with_default(key, value.to_json()),
            None => self,
        }
    }

    pub(super) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.content.get_mut(key)
    }

    /// Takes an entry out of a mapping.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        let Content::Map(entries) = &mut self.content else {
            return None;
        };
        let index = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(index))
    }

    /// Puts a value into a mapping at the place that it was written.
    pub(super) fn put(&mut self, key: &str, value: Node) {
        self.set(Entry {
            key: key.to_owned(),
            location: value.location.clone(),
            value,
        });
    }

    /// The entry of a key.
    pub(super) fn entry_mut(&mut self, key: &str) -> Option<&mut Entry> {
        let Content::Map(entries) = &mut self.content else {
            return None;
        };
        entries.iter_mut().find(|entry| entry.key == key)
    }

    /// Takes an entry out if its value is so.
    pub(super) fn take_if(&mut self, key: &str, is_so: impl Fn(&Node) -> bool) -> Option<Entry> {
        self.get(key).is_some_and(is_so).then(|| self.take(key))?
    }

    /// The mapping under a key, made if there is none; `location` is where it is asked for.
    pub(super) fn section_mut(&mut self, key: &str, location: &Location) -> Option<&mut Node> {
        if self.get(key).is_none_or(Node::is_null) {
            let path = joined(&self.path, key);
            let content = Content::Map(Vec::new());
            let location = location.clone();
            self.put(
                key,
                Node {
                    content,
                    location,
                    path,
                },
            );
        }
        self.get_mut(key)
    }

    /// Puts an entry into a mapping, in the place of one with the same key. Does nothing to other nodes.
    pub(super) fn set(&mut self, entry: Entry) {
        let Content::Map(entries) = &mut self.content else {
            return;
        };
        match entries.iter_mut().find(|old| old.key == entry.key) {
            Some(old) => *old = entry,
            None => entries.push(entry),
        }
    }

    /// The value without its lines.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Unavailable(_) => Value::Null,
            Content::List(items) => items.iter().map(Node::to_json).collect(),
            Content::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.value.to_json()))
                .collect(),
        }
    }

    /// The tree with every text changed.
    #[must_use]
    pub(super) fn map_texts(mut self, change: fn(&str) -> String) -> Node {
        self.content = match self.content {
            Content::Scalar(Value::String(text)) => Content::Scalar(Value::String(change(&text))),
            content @ (Content::Scalar(_) | Content::Unavailable(_)) => content,
            Content::List(items) => Content::List(
                items
                    .into_iter()
                    .map(|item| item.map_texts(change))
                    .collect(),
            ),
            Content::Map(entries) => Content::Map(
                entries
                    .into_iter()
                    .map(|entry| entry.map_texts(change))
                    .collect(),
            ),
        };
        self
    }

    /// The files that something of this tree was written in, each once.
    pub(super) fn files(&self) -> Vec<PathBuf> {
        let mut found = BTreeSet::new();
        self.collect_files(&mut found);
        found.into_iter().collect()
    }

    fn collect_files(&self, found: &mut BTreeSet<PathBuf>) {
        if let Source::File(path) = &*self.location.source
            && !found.contains(path)
        {
            found.insert(path.clone());
        }
        match &self.content {
            Content::Scalar(_) | Content::Unavailable(_) => {}
            Content::List(items) => items.iter().for_each(|item| item.collect_files(found)),
            Content::Map(entries) => entries
                .iter()
                .for_each(|entry| entry.value.collect_files(found)),
        }
    }

    /// An error about this node: at its line, naming its key.
    pub(crate) fn error(&self, message: impl AsRef<str>) -> RecipeError {
        let key = if self.path.is_empty() {
            String::new()
        } else {
            format!("`{}`: ", excerpt(&self.path))
        };
        self.location.error(key + message.as_ref())
    }

    /// The value as a message names it: `the text "ten"`, `a mapping`.
    pub(crate) fn describe(&self) -> String {
        match self.content {
            Content::Unavailable(_) => "a value that cannot be had".to_owned(),
            _ => plain_words::described(&self.kind()),
        }
    }

    /// A single value, or an empty list or mapping in the place of one.
    pub(crate) fn kind(&self) -> Value {
        match &self.content {
            Content::Scalar(value) => value.clone(),
            Content::Unavailable(_) => Value::Null,
            Content::List(_) => json!([]),
            Content::Map(_) => json!({}),
        }
    }

    /// Gives this node and all below it the keys that lead there.
    pub(super) fn name_paths(&mut self, path: String) {
        match &mut self.content {
            Content::Scalar(_) | Content::Unavailable(_) => {}
            Content::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    item.name_paths(format!("{path}[{index}]"));
                }
            }
            Content::Map(entries) => {
                for entry in entries {
                    entry.value.name_paths(joined(&path, &entry.key));
                }
            }
        }
        self.path = path;
    }
}

/// The path of a key below another.
pub(crate) fn joined(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Trees deeper than this are refused, so that walking one is safe on any thread's stack.
pub(super) fn check_depth(keys: usize, location: &Location) -> Result<()> {
    if keys <= MAX_DEPTH {
        Ok(())
    } else {
        Err(location.error(format!("nested deeper than {MAX_DEPTH} levels")))
    }
}
