//! `${a.b}` in a composed recipe: a value that stands elsewhere in it.
//! A value that is only `${a.b}` keeps the type of what it names; inside a text it becomes text; `\${` is a plain
//! `${`. There is nothing else on purpose: no environment, no functions, no code.

use phasebox_contract::suggest;
use serde_json::Value;

use super::document::{MAX_NODES, MAX_TEXT_BYTES};
use super::location::Result;
use super::node::{Content, Entry, Node, check_depth, joined};

/// Replaces every `${…}` of a recipe.
///
/// # Errors
/// A path that leads nowhere or in a circle, and results over the budgets of a document.
pub(super) fn resolve(recipe: &mut Node) -> Result<()> {
    let mut resolver = Resolver {
        root: recipe,
        chain: Vec::new(),
        depth: 0,
        nodes: 0,
        bytes: 0,
    };
    *recipe = resolver.node(recipe)?;
    Ok(())
}

/// A resolved text in a form that resolves to itself, for a recipe that is written back.
pub(super) fn escaped(text: &str) -> String {
    text.replace("${", "\\${")
}

struct Resolver<'a> {
    root: &'a Node,
    /// The references being followed, outermost first: one found here again is a cycle.
    chain: Vec<String>,
    depth: usize,
    nodes: usize,
    bytes: usize,
}

impl Resolver<'_> {
    fn node(&mut self, node: &Node) -> Result<Node> {
        self.depth += 1;
        self.spend(node)?;
        let content = match &node.content {
            Content::Scalar(Value::String(text)) if text.contains("${") => {
                return self.text(node, text);
            }
            Content::Scalar(value) => Content::Scalar(value.clone()),
            Content::List(items) => Content::List(
                items
                    .iter()
                    .map(|item| self.node(item))
                    .collect::<Result<_>>()?,
            ),
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

    fn entry(&mut self, entry: &Entry) -> Result<Entry> {
        Ok(Entry {
            key: entry.key.clone(),
            location: entry.location.clone(),
            value: self.node(&entry.value)?,
        })
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

    fn text(&mut self, node: &Node, text: &str) -> Result<Node> {
        let resolved = match whole_reference(text) {
            Some(path) => self.reference(node, path)?.content,
            None => Content::Scalar(Value::String(self.inside(node, text)?)),
        };
        self.depth -= 1;
        Ok(Node::new(resolved, node.location.clone()))
    }

    fn inside(&mut self, node: &Node, text: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            let (before, reference) = (&rest[..start], &rest[start + 2..]);
            if let Some(plain) = before.strip_suffix('\\') {
                out.extend([plain, "${"]);
                rest = reference;
                continue;
            }
            let Some((path, after)) = reference.split_once('}') else {
                let message = "`${` without its `}`; write `\\${` for a plain one";
                return Err(node.location.error(message));
            };
            let found = self.reference(node, path)?;
            out.extend([before, &as_text(&found, node, path)?]);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// The resolved value that a path names.
    fn reference(&mut self, node: &Node, path: &str) -> Result<Node> {
        let path = path.trim();
        if self.chain.iter().any(|open| open == path) {
            let circle = self.chain.join("` → `");
            return Err(node
                .location
                .error(format!("`${{…}}` go in a circle: `{circle}` → `{path}`")));
        }
        let found = find(self.root, path, node)?;
        self.chain.push(path.to_owned());
        let resolved = self.node(found)?;
        self.chain.pop();
        Ok(resolved)
    }
}

/// The path of a text that is one reference and nothing else.
fn whole_reference(text: &str) -> Option<&str> {
    let path = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    (!path.contains(['$', '}'])).then_some(path)
}

fn find<'a>(root: &'a Node, path: &str, from: &Node) -> Result<&'a Node> {
    if path.is_empty() || path.starts_with('.') || path.contains([':', '$', '{']) {
        let message = "is not a key: only `${a.b}`, from the top of the recipe, is understood, and nothing that runs code \
                       or reads the environment";
        return Err(from.location.error(format!("`${{{path}}}` {message}")));
    }
    let mut node = root;
    let mut walked = String::new();
    for key in path.split('.') {
        node = step(node, key).ok_or_else(|| {
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

fn step<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    match &node.content {
        Content::List(items) => items.get(key.parse::<usize>().ok()?),
        _ => node.get(key),
    }
}

fn as_text(found: &Node, node: &Node, path: &str) -> Result<String> {
    match &found.content {
        Content::Scalar(Value::String(text)) => Ok(text.clone()),
        Content::Scalar(value) => Ok(value.to_string()),
        _ => Err(node.location.error(format!(
            "`${{{path}}}` is {}, which does not fit inside a text",
            found.describe()
        ))),
    }
}
