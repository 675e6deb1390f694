//! `${a.b}` in a composed recipe: a value that stands elsewhere in it.
//! A value that is only `${a.b}` keeps the type of what it names; inside a text it becomes text, as Python prints it;
//! `\${` is a plain `${`. `${.a}` starts at the mapping around the value, each further dot one higher. `${add:1,2}` calls
//! one of a few functions of SuperGradients. There is nothing else on purpose: no environment, no code.
//!
//! A reference that leads nowhere makes its value unavailable. That is an error only where somebody reads the value.

use std::collections::BTreeSet;

use phasebox_contract::suggest;
use serde_json::Value;

use super::document::{self, MAX_NODES, MAX_TEXT_BYTES};
use super::location::{RecipeError, Result};
use super::merge::MANDATORY;
use super::node::{Content, Entry, Node, check_depth, joined};
use super::python_text::python_text;
use super::supergradients::resolvers;

/// A recipe without `${…}`.
pub(super) struct Resolved {
    pub(super) tree: Node,
    pub(super) references: References,
}

/// The references of a recipe: the path of each value that has one, and the path that it names.
#[derive(Default)]
pub(super) struct References(BTreeSet<(String, String)>);

impl References {
    pub(super) fn extend(&mut self, others: References) {
        self.0.extend(others.0);
    }

    /// The paths that a value whose own path `is_end` names, and those that these lead to through other references.
    /// Values that only name each other are not among them.
    pub(super) fn leading_to(&self, is_end: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let ends = self.0.iter().filter(|(from, _)| is_end(from));
        let mut new: Vec<&str> = ends.map(|(_, to)| to.as_str()).collect();
        let mut found = BTreeSet::new();
        while let Some(path) = new.pop() {
            if found.insert(path.to_owned()) {
                new.extend(self.named_in(path));
            }
        }
        found
    }

    /// The paths that are named by the value at `path`, or below it.
    fn named_in(&self, path: &str) -> impl Iterator<Item = &str> {
        let itself = self.from(path.to_owned());
        let itself = itself.take_while(move |(from, _)| from == path);
        let start = format!("{path}.");
        let below = self.from(start.clone());
        let below = below.take_while(move |(from, _)| from.starts_with(&start));
        itself.chain(below).map(|(_, to)| to.as_str())
    }

    fn from(&self, path: String) -> impl Iterator<Item = &(String, String)> {
        self.0.range((path, String::new())..)
    }
}

/// Replaces every `${…}` of a recipe.
///
/// # Errors
/// Results over the budgets of a document.
pub(super) fn resolve(recipe: &Node) -> Result<Resolved> {
    let mut resolver = Resolver {
        root: recipe,
        chain: Vec::new(),
        place: Vec::new(),
        depth: 0,
        nodes: 0,
        bytes: 0,
        references: References::default(),
    };
    Ok(Resolved {
        tree: resolver.node(recipe)?,
        references: resolver.references,
    })
}

/// A resolved text in a form that resolves to itself, for a recipe that is written back.
pub(super) fn escaped(text: &str) -> String {
    text.replace("${", "\\${")
}

struct Resolver<'a> {
    root: &'a Node,
    /// The references being followed, outermost first: one found here again is a cycle.
    chain: Vec<String>,
    /// The keys that lead to the value being resolved.
    place: Vec<String>,
    depth: usize,
    nodes: usize,
    bytes: usize,
    references: References,
}

/// Why a value cannot be had, or why the whole recipe is refused.
enum Lack {
    Value(RecipeError),
    Budget(RecipeError),
}

type Found<T> = std::result::Result<T, Lack>;

impl Resolver<'_> {
    fn node(&mut self, node: &Node) -> Result<Node> {
        self.depth += 1;
        self.spend(node)?;
        let content = match &node.content {
            Content::Scalar(Value::String(text)) => self.text(node, text)?,
            Content::Scalar(_) | Content::Unavailable(_) => node.content.clone(),
            Content::List(items) => Content::List(self.items(items)?),
            Content::Map(entries) => Content::Map(
                entries
                    .iter()
                    .map(|it| self.entry(it))
                    .collect::<Result<_>>()?,
            ),
        };
        self.depth -= 1;
        Ok(Node::new(content, node.location.clone()))
    }

    fn items(&mut self, items: &[Node]) -> Result<Vec<Node>> {
        let items = items.iter().enumerate();
        items
            .map(|(index, item)| self.below(index.to_string(), item))
            .collect()
    }

    fn entry(&mut self, entry: &Entry) -> Result<Entry> {
        self.bytes += entry.key.len();
        Ok(Entry {
            key: entry.key.clone(),
            location: entry.location.clone(),
            value: self.below(entry.key.clone(), &entry.value)?,
        })
    }

    fn below(&mut self, key: String, value: &Node) -> Result<Node> {
        self.place.push(key);
        let resolved = self.node(value);
        self.place.pop();
        resolved
    }

    /// References multiply what they name, as aliases do: both have a budget.
    fn spend(&mut self, node: &Node) -> Result<()> {
        self.nodes += 1;
        self.bytes += node.as_str().map_or(0, str::len);
        check_depth(self.depth, &node.location)?;
        if self.nodes > MAX_NODES || self.bytes > MAX_TEXT_BYTES {
            return Err(node.location.error("`${…}` make this recipe too large"));
        }
        Ok(())
    }

    fn text(&mut self, node: &Node, text: &str) -> Result<Content> {
        let depth = self.depth;
        let found = match whole_reference(text) {
            _ if text == MANDATORY => Err(Lack::Value(self.mandatory(node))),
            Some(inner) => self.reference(node, inner).map(|found| found.content),
            None if text.contains("${") => self.inside(node, text).map(text_content),
            None => return Ok(text_content(text.to_owned())),
        };
        self.depth = depth;
        match found {
            Ok(content) => Ok(content),
            Err(Lack::Value(error)) => Ok(Content::Unavailable(Box::new(error))),
            Err(Lack::Budget(error)) => Err(error),
        }
    }

    fn mandatory(&self, node: &Node) -> RecipeError {
        let path = self.place.join(".");
        let message = format!(
            "`{path}` has no value (`???`); write `{path}=…` on the command line, or the value here"
        );
        node.location.error(message)
    }

    fn inside(&mut self, node: &Node, text: &str) -> Found<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, reference) = (&rest[..start], &rest[start + 2..]);
            if let Some(plain) = before.strip_suffix('\\') {
                out.extend([plain, "${"]);
                rest = reference;
                continue;
            }
            let Some(end) = closing(reference) else {
                let message = "`${` without its `}`; write `\\${` for a plain one";
                return Err(Lack::Value(node.location.error(message)));
            };
            let found = self.reference(node, &reference[..end])?;
            out.extend([before, &python_text(&found)]);
            self.check_size(node, &out)?;
            rest = &reference[end + 1..];
        }
        out.push_str(rest);
        Ok(out)
    }

    fn check_size(&self, node: &Node, text: &str) -> Found<()> {
        if self.bytes + text.len() <= MAX_TEXT_BYTES {
            return Ok(());
        }
        let message = "`${…}` make this recipe too large";
        Err(Lack::Budget(node.location.error(message)))
    }

    /// The value that stands for `${inner}`.
    fn reference(&mut self, node: &Node, inner: &str) -> Found<Node> {
        self.depth += 1;
        check_depth(self.depth, &node.location).map_err(Lack::Budget)?;
        let found = match call_of(inner) {
            Some((name, arguments)) => self.call(node, name, arguments),
            None => self.path(node, inner.trim()),
        };
        self.depth -= 1;
        found
    }

    /// The resolved value that a path names; the path may hold references itself.
    fn path(&mut self, node: &Node, path: &str) -> Found<Node> {
        let path = match path.contains("${") {
            true => self.inside(node, path)?,
            false => path.to_owned(),
        };
        let keys = self.absolute(node, &path)?;
        let name = keys.join(".");
        if self.chain.contains(&name) {
            let circle = self.chain.join("` → `");
            let message = format!("`${{…}}` go in a circle: `{circle}` → `{name}`");
            return Err(Lack::Value(node.location.error(message)));
        }
        let found = find(self.root, &path, &keys, node).map_err(Lack::Value)?;
        let reference = (self.place.join("."), name.clone());
        self.references.0.insert(reference);
        self.chain.push(name);
        let place = std::mem::replace(&mut self.place, keys);
        let resolved = self.node(found);
        self.place = place;
        self.chain.pop();
        let resolved = resolved.map_err(Lack::Budget)?;
        match resolved.content {
            Content::Unavailable(error) => Err(Lack::Value(*error)),
            _ => Ok(resolved),
        }
    }

    /// The keys from the top of the recipe; a path that begins with dots starts above the value it stands in.
    fn absolute(&self, node: &Node, path: &str) -> Found<Vec<String>> {
        let plain = path
            .trim_start_matches('.')
            .replace('[', ".")
            .replace(']', "");
        let dots = path.len() - path.trim_start_matches('.').len();
        let above = match dots {
            0 => Some(0),
            _ => self.place.len().checked_sub(dots),
        };
        let keys: Vec<String> = plain.split('.').map(|key| key.trim().to_owned()).collect();
        let is_plain = keys
            .iter()
            .all(|key| !key.is_empty() && !key.contains([':', '$', '{']));
        match above {
            Some(above) if is_plain => Ok([&self.place[..above], &keys].concat()),
            None => {
                let message =
                    format!("`${{{path}}}` starts above the top of the recipe; use fewer dots");
                Err(Lack::Value(node.location.error(message)))
            }
            _ => {
                let message = format!(
                    "`${{{path}}}` is not a key; write `${{a.b}}`, from the top of the recipe"
                );
                Err(Lack::Value(node.location.error(message)))
            }
        }
    }

    fn call(&mut self, node: &Node, name: &str, arguments: &str) -> Found<Node> {
        let refused = |reason: String| {
            let message = format!("`${{{name}:{arguments}}}`: {reason}");
            Lack::Value(node.location.error(message))
        };
        let function = resolvers::find(name).map_err(refused)?;
        let values = split_arguments(arguments).into_iter();
        let values: Vec<Node> = values
            .map(|argument| self.argument(node, argument.trim()))
            .collect::<Found<_>>()?;
        let content = function(&values).map_err(refused)?;
        Ok(Node::new(content, node.location.clone()))
    }

    fn argument(&mut self, node: &Node, text: &str) -> Found<Node> {
        match whole_reference(text) {
            Some(inner) => self.reference(node, inner),
            None if text.contains("${") => {
                let text = self.inside(node, text)?;
                Ok(Node::new(text_content(text), node.location.clone()))
            }
            None => document::parse(text, &node.location).map_err(Lack::Value),
        }
    }
}

fn text_content(text: String) -> Content {
    Content::Scalar(Value::String(text))
}

/// The inside of a text that is one reference and nothing else.
fn whole_reference(text: &str) -> Option<&str> {
    let inside = text.trim().strip_prefix("${")?;
    let end = closing(inside)?;
    (end + 1 == inside.len()).then(|| &inside[..end])
}

/// The place of the `}` that ends a reference, after its `${`.
fn closing(text: &str) -> Option<usize> {
    let mut open = 0;
    for (index, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' if open == 0 => return Some(index),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// `name:arguments`.
fn call_of(inner: &str) -> Option<(&str, &str)> {
    let (name, arguments) = inner.split_once(':')?;
    let name = name.trim();
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then_some((name, arguments))
}

/// Arguments between commas that stand outside of all brackets.
fn split_arguments(text: &str) -> Vec<&str> {
    let (mut arguments, mut start, mut open) = (Vec::new(), 0, 0i32);
    for (index, letter) in text.char_indices() {
        match letter {
            '{' | '[' | '(' => open += 1,
            '}' | ']' | ')' => open -= 1,
            ',' if open == 0 => {
                arguments.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    arguments.push(&text[start..]);
    arguments
}

fn find<'a>(root: &'a Node, path: &str, keys: &[String], from: &Node) -> Result<&'a Node> {
    let mut node = root;
    let mut walked = String::new();
    for key in keys {
        node = node.step(key).ok_or_else(|| {
            let known: Vec<&str> = node
                .entries()
                .iter()
                .map(|entry| entry.key.as_str())
                .collect();
            let above = if walked.is_empty() {
                String::new()
            } else {
                format!(" in `{walked}`")
            };
            from.location.error(format!(
                "`${{{path}}}`: there is no `{key}`{above}{}",
                suggest::hint(key, &known)
            ))
        })?;
        walked = joined(&walked, key);
    }
    Ok(node)
}
