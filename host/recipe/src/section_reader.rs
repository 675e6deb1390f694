//! Takes a mapping apart key by key: required, with a default, or as a section for somebody else to type.
//! A recipe's layers read like tables with it. Owns no key.

use std::num::NonZeroU64;
use std::path::PathBuf;

use phasebox_files::atomic_file::check_file_name;
use serde::de::DeserializeOwned;

use super::deserialize::{missing_key, unfit, unknown_key};
use super::location::{RecipeError, Result};
use super::node::{Content, Node, joined};

/// Keys of other trainers that phasebox refuses, each with the reason or remedy.
pub(super) type Unsupported = &'static [(&'static str, &'static str)];

/// A mapping being read. Faults are kept until [`SectionReader::finish`], so that a misspelled key is reported as such
/// and not as the absence of the key that was meant.
pub(super) struct SectionReader<'a> {
    mapping: &'a Node,
    known: Vec<&'static str>,
    /// Sections below and the keys they know, to tell where a misplaced key belongs.
    below: Vec<(&'static str, Vec<&'static str>)>,
    fault: Option<RecipeError>,
}

impl<'a> SectionReader<'a> {
    /// Starts reading; an empty value counts as an empty mapping.
    pub(super) fn new(mapping: &'a Node) -> Self {
        let fits = mapping.is_null() || matches!(mapping.content, Content::Map(_));
        let unfit = || mapping.error(format!("expected a mapping, found {}", mapping.describe()));
        Self {
            mapping,
            known: Vec::new(),
            below: Vec::new(),
            fault: (!fits).then(unfit),
        }
    }

    /// Accepts a key without reading it.
    pub(super) fn allow(&mut self, key: &'static str) {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
    }

    /// The value of a key, if it is there and not empty.
    pub(super) fn find(&mut self, key: &'static str) -> Option<&'a Node> {
        self.allow(key);
        self.mapping.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn optional<T: DeserializeOwned>(&mut self, key: &'static str) -> Option<T> {
        let parsed = self.find(key)?.parse();
        self.keep(parsed)
    }

    pub(super) fn value_or<T: DeserializeOwned>(&mut self, key: &'static str, default: T) -> T {
        self.optional(key).unwrap_or(default)
    }

    /// A missing key is a fault, and its stand-in is never seen: [`SectionReader::finish`] refuses first.
    pub(super) fn required<T: DeserializeOwned + Default>(&mut self, key: &'static str) -> T {
        if self.find(key).is_none() {
            self.blame(missing_key(key, self.mapping));
        }
        self.optional(key).unwrap_or_default()
    }

    /// A whole number, 1 or more.
    pub(super) fn count(&mut self, key: &'static str) -> Option<u64> {
        self.optional(key).map(NonZeroU64::get)
    }

    /// As [`SectionReader::count`], and missing is a fault.
    pub(super) fn required_count(&mut self, key: &'static str) -> u64 {
        if self.find(key).is_none() {
            self.blame(missing_key(key, self.mapping));
        }
        self.count(key).unwrap_or_default()
    }

    /// A number above 0.
    pub(super) fn positive(&mut self, key: &'static str) -> Option<f64> {
        let node = self.find(key)?;
        let number: f64 = self.optional(key)?;
        if number > 0.0 {
            return Some(number);
        }
        let message = format!("expected a number above 0, found {}", node.describe());
        self.keep(Err(node.error(message)))
    }

    /// A path, resolved against the file that names it.
    pub(super) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        let node = self.find(key)?;
        self.optional::<String>(key)
            .map(|path| node.location.resolve(path))
    }

    /// A text that becomes the name of a file or folder, and so must not lead out of the run's folder.
    pub(super) fn file_name(&mut self, key: &'static str) -> Option<String> {
        let node = self.find(key)?;
        let name: String = self.optional(key)?;
        if is_file_name(&name) {
            return Some(name);
        }
        let message = format!(
            "names a folder or file: letters, digits, `_ - . = +`; found {}",
            node.describe()
        );
        self.keep(Err(node.error(message)))
    }

    /// As [`SectionReader::file_name`], and missing is a fault.
    pub(super) fn required_file_name(&mut self, key: &'static str) -> String {
        self.required::<String>(key);
        self.file_name(key).unwrap_or_default()
    }

    /// A sub-tree that another module types; an absent one is an empty mapping.
    pub(super) fn section(&mut self, key: &'static str) -> Node {
        self.section_or(key, Content::Map(Vec::new()))
    }

    /// A mapping that another module types; an absent one is empty.
    pub(super) fn mapping(&mut self, key: &'static str) -> Node {
        let node = self.section(key);
        let fits = matches!(node.content, Content::Map(_));
        self.fits(&node, fits, "a mapping of names to values");
        node
    }

    /// A list that another module types; an absent one is empty.
    pub(super) fn list(&mut self, key: &'static str, example: &str) -> Node {
        let node = self.section_or(key, Content::List(Vec::new()));
        let fits = matches!(node.content, Content::List(_));
        self.fits(&node, fits, &format!("a list such as {example}"));
        node
    }

    /// A list or a mapping that another module types; an absent one is an empty mapping.
    pub(super) fn list_or_mapping(&mut self, key: &'static str) -> Node {
        let node = self.section(key);
        let fits = matches!(node.content, Content::Map(_) | Content::List(_));
        self.fits(&node, fits, "a list or a mapping");
        node
    }

    fn fits(&mut self, node: &Node, fits: bool, expected: &str) {
        if !fits {
            self.blame(unfit(node, expected));
        }
    }

    /// A sub-tree that another module types, with its default.
    pub(super) fn section_or(&mut self, key: &'static str, default: Content) -> Node {
        let path = joined(&self.mapping.path, key);
        let location = self.mapping.location.clone();
        self.find(key).cloned().unwrap_or(Node {
            content: default,
            location,
            path,
        })
    }

    /// A sub-tree that another module types and that must be there.
    pub(super) fn required_section(&mut self, key: &'static str) -> Node {
        if self.find(key).is_none() {
            self.blame(missing_key(key, self.mapping));
        }
        self.section(key)
    }

    /// A mapping below this one, read by `read`; absent counts as empty.
    pub(super) fn below<T>(
        &mut self,
        key: &'static str,
        unsupported: Unsupported,
        read: impl FnOnce(&mut SectionReader<'_>) -> T,
    ) -> T {
        let section = self.section(key);
        let mut reader = SectionReader::new(&section);
        let value = read(&mut reader);
        self.below.push((key, reader.known.clone()));
        let finished = reader.finish(unsupported);
        self.keep(finished);
        value
    }

    /// Several keys of this mapping that another module types together.
    pub(super) fn group(&mut self, keys: &[&'static str]) -> Node {
        self.known.extend(keys);
        self.mapping.only(keys)
    }

    /// The keys that were asked for.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().copied()
    }

    /// The keys that were asked for in a section below.
    pub(super) fn keys_below(&self, section: &str) -> impl Iterator<Item = &'static str> {
        let mut below = self.below.iter();
        let known = below.find(|(name, _)| *name == section);
        known
            .into_iter()
            .flat_map(|(_, known)| known.iter().copied())
    }

    /// Passes a success on, keeps a fault.
    pub(super) fn keep<T>(&mut self, outcome: Result<T>) -> Option<T> {
        outcome.map_err(|error| self.blame(error)).ok()
    }

    fn blame(&mut self, error: RecipeError) {
        self.fault.get_or_insert(error);
    }

    /// Refuses keys that phasebox does not support, keys that nobody asked for, and then the first fault.
    pub(super) fn finish(self, unsupported: Unsupported) -> Result<()> {
        refuse(self.mapping, unsupported)?;
        for entry in self.mapping.entries() {
            let key = entry.key.as_str();
            if let Some(section) = self.belongs_in(key) {
                let message = format!("`{key}` does not belong here; write it in `{section}`");
                return Err(entry.location.error(message));
            }
            if !self.known.contains(&key) {
                return Err(unknown_key(key, self.mapping, &self.known));
            }
        }
        self.fault.map_or(Ok(()), Err)
    }

    /// The section below that knows a key which this mapping does not.
    fn belongs_in(&self, key: &str) -> Option<&'static str> {
        if self.known.contains(&key) {
            return None;
        }
        let mut below = self.below.iter();
        let section = below.find(|(_, known)| known.contains(&key));
        section.map(|(section, _)| *section)
    }
}

fn is_file_name(name: &str) -> bool {
    check_file_name(name).is_ok() && name.chars().all(is_plain)
}

fn is_plain(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | ' ' | '=' | '+')
}

/// Refuses the keys of a mapping that phasebox knows from other trainers and does not support.
pub(super) fn refuse(mapping: &Node, unsupported: Unsupported) -> Result<()> {
    for entry in mapping.entries() {
        if let Some((key, remedy)) = unsupported.iter().find(|(key, _)| *key == entry.key) {
            return Err(entry
                .location
                .error(format!("`{key}` is not supported by phasebox: {remedy}")));
        }
    }
    Ok(())
}
