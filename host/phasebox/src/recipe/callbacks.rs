//! The entries of `phase_callbacks`: which callback, with which parameters, rights, limits and order.
//! Owns the three forms an entry can have. Loading a component and enforcing its limits are `plugin`'s.
//!
//! ```yaml
//! phase_callbacks:
//!   - EMA: {decay: 0.9999}              # a stock callback; without parameters just `- EMA`
//!   - ./my_callback.wasm: {every_k: 10} # a file, relative to the recipe that names it
//!   - wasm: callbacks/clip.wasm         # the long form; `stock: EMA` instead of `wasm:` for a stock callback
//!     name: clip
//!     params: {max_norm: 1.0}
//! ```

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::keys::Keys;
use super::node::{Content, Node};
use super::place::{Place, Result};
use super::quantity::{Bytes, Time};
use super::suggest;

/// One callback of a recipe, before its component is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackEntry {
    /// Where its component comes from.
    pub source: CallbackSource,
    /// What the run calls it: unique in a recipe; by default the stock name or the file's name without `.wasm`.
    pub name: String,
    /// A JSON object for its `configure`.
    pub params: Value,
    /// The only component accepted, when the recipe says so.
    pub digest: Option<Digest>,
    /// What it may do. None: nothing was written, so a stock callback gets what it describes and a file nothing.
    pub grants: Option<Vec<Grant>>,
    /// When the host calls it.
    pub when: When,
    /// Its place among the others, beyond the order of the recipe.
    pub order: Order,
    /// Limits that replace the host's defaults.
    pub limits: Limits,
    /// What its failure does to the run.
    pub on_error: OnError,
    /// The line of the entry.
    pub place: Place,
}

/// Where a callback's component comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallbackSource {
    /// A stock callback, by the name the recipe uses; see [`stock_name`].
    Stock(String),
    /// A component file, resolved against the file that names it.
    File(PathBuf),
}

/// The sha256 of a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

/// A right, and the line that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The right's name; which names there are is `plugin`'s.
    pub name: String,
    /// The line of the name.
    pub place: Place,
}

/// When the host calls a callback: the host filters, so a call that is not due costs nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    /// Every how many units; 1 by default.
    pub every: u64,
    /// What is counted.
    pub unit: Unit,
    /// On which processes of a distributed run.
    pub rank: Rank,
}

/// What `when.every` counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Optimizer steps.
    #[default]
    Step,
    /// Epochs.
    Epoch,
    /// Batches, of which a step takes `batch_accumulate`.
    Batch,
}

/// The processes of a distributed run that a callback runs on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    /// Every process.
    #[default]
    All,
    /// Rank 0 of the whole job.
    Main,
}

/// Names of other callbacks of the recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// This one runs after those.
    pub after: Vec<String>,
    /// This one runs before those.
    pub before: Vec<String>,
}

/// Limits written in a recipe; None leaves the host's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// Guest time of one call; host functions are not charged to it.
    pub time: Option<std::time::Duration>,
    /// Bytes of linear memory.
    pub memory: Option<u64>,
    /// Bytes of tensors kept alive.
    pub tensors: Option<u64>,
    /// Handles alive at one time.
    pub handles: Option<u64>,
}

/// What a callback's failure does to the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// The run fails.
    #[default]
    Abort,
    /// The callback is not called again.
    Disable,
    /// The error is logged.
    Ignore,
}

/// Types the entries of `phase_callbacks`, in the order of the recipe.
///
/// # Errors
/// A value that is not a list, an entry in none of the three forms, a name used twice.
pub(super) fn read(list: &Node) -> Result<Vec<CallbackEntry>> {
    let entries = match &list.content {
        Content::List(items) => items.iter().map(entry).collect::<Result<Vec<_>>>()?,
        _ if list.is_null() || list.content == Content::Map(Vec::new()) => Vec::new(),
        _ => return Err(list.error(format!("expected a list (`- EMA: {{…}}`), found {}", list.describe()))),
    };
    for (index, entry) in entries.iter().enumerate() {
        if let Some(first) = entries[..index].iter().find(|first| first.name == entry.name) {
            let (name, at) = (&entry.name, &first.place);
            let message =
                format!("a callback named `{name}` is already at {at}; give one of them another `name:`");
            return Err(entry.place.error(message));
        }
    }
    Ok(entries)
}

/// The stock callback that a name means: exactly, or with case, `_`, `-` and spaces dropped.
///
/// # Errors
/// No such name, with a suggestion from `known`.
pub fn stock_name<'a>(name: &str, place: &Place, known: &[&'a str]) -> Result<&'a str> {
    let unknown =
        || format!("no stock callback `{name}`{}; a file's name ends in .wasm", suggest::hint(name, known));
    suggest::fuzzy(name, known).ok_or_else(|| place.error(unknown()))
}

const SHAPE: &str =
    "an entry is `- Name`, `- Name: {parameters}`, or the long form with `wasm: FILE` or `stock: NAME`";

fn entry(node: &Node) -> Result<CallbackEntry> {
    if let Some(name) = node.as_str() {
        return short(node, name, Value::Object(serde_json::Map::new()));
    }
    match node.entries() {
        entries if entries.iter().any(|entry| matches!(entry.key.as_str(), "wasm" | "stock")) => long(node),
        [only] => short(node, &only.key, params(&only.value)?),
        [first, ..] if first.value.is_null() => {
            Err(node.error(format!("indent the parameters deeper than their callback `{}`", first.key)))
        }
        _ => Err(node.error(format!("{SHAPE}; found {}", node.describe()))),
    }
}

fn short(node: &Node, name: &str, params: Value) -> Result<CallbackEntry> {
    let source = if name.ends_with(".wasm") { file(node, name) } else { stock(node, name)? };
    Ok(CallbackEntry {
        name: default_name(&source),
        source,
        params,
        digest: None,
        grants: None,
        when: When { every: 1, unit: Unit::Step, rank: Rank::All },
        order: Order::default(),
        limits: Limits::default(),
        on_error: OnError::Abort,
        place: node.place.clone(),
    })
}

fn long(node: &Node) -> Result<CallbackEntry> {
    let mut keys = Keys::of(node);
    let source = long_source(&mut keys, node);
    let source = keys.keep(source).unwrap_or(CallbackSource::Stock(String::new()));
    let params = keys.find("params").map(params);
    let entry = CallbackEntry {
        name: keys.optional("name").unwrap_or_else(|| default_name(&source)),
        source,
        params: params
            .and_then(|params| keys.keep(params))
            .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        digest: keys.optional("digest"),
        grants: keys.find("grants").map(grants).and_then(|grants| keys.keep(grants)),
        when: keys.below("when", &[], when),
        order: keys.below("order", &[], order),
        limits: keys.below("limits", &[], limits),
        on_error: keys.or("on_error", OnError::Abort),
        place: node.place.clone(),
    };
    keys.finish(&[])?;
    Ok(entry)
}

fn long_source(keys: &mut Keys<'_>, node: &Node) -> Result<CallbackSource> {
    match (keys.find("wasm"), keys.find("stock")) {
        (Some(wasm), None) => {
            let path: String = wasm.parse()?;
            if path.ends_with(".wasm") {
                return Ok(file(wasm, &path));
            }
            Err(wasm.error(format!("`{path}` does not end in .wasm; a stock callback is `stock: {path}`")))
        }
        (None, Some(name)) => stock(name, &name.parse::<String>()?),
        (Some(_), Some(_)) => Err(node.error("has both `wasm` and `stock`; keep one")),
        (None, None) => Err(node.error(SHAPE)),
    }
}

fn file(node: &Node, path: &str) -> CallbackSource {
    CallbackSource::File(node.place.resolve(path))
}

fn stock(node: &Node, name: &str) -> Result<CallbackSource> {
    if name.trim().is_empty() || name.contains(['/', '\\']) {
        return Err(
            node.error(format!("`{name}` is no stock callback's name, and a file's name ends in .wasm"))
        );
    }
    Ok(CallbackSource::Stock(name.to_owned()))
}

fn default_name(source: &CallbackSource) -> String {
    match source {
        CallbackSource::Stock(name) => name.clone(),
        CallbackSource::File(path) => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    }
}

fn params(node: &Node) -> Result<Value> {
    match &node.content {
        Content::Map(_) => Ok(node.to_json()),
        _ if node.is_null() => Ok(Value::Object(serde_json::Map::new())),
        _ => {
            Err(node
                .error(format!("parameters are a mapping such as {{decay: 0.9}}, found {}", node.describe())))
        }
    }
}

fn grants(list: &Node) -> Result<Vec<Grant>> {
    let Content::List(items) = &list.content else {
        return Err(
            list.error(format!("expected a list such as [gradients, stop], found {}", list.describe()))
        );
    };
    items.iter().map(|item| Ok(Grant { name: item.parse()?, place: item.place.clone() })).collect()
}

fn when(keys: &mut Keys<'_>) -> When {
    When {
        every: keys.count("every").unwrap_or(1),
        unit: keys.or("unit", Unit::Step),
        rank: keys.or("rank", Rank::All),
    }
}

fn order(keys: &mut Keys<'_>) -> Order {
    Order { after: names(keys, "after"), before: names(keys, "before") }
}

/// One name or a list of them.
fn names(keys: &mut Keys<'_>, key: &'static str) -> Vec<String> {
    match keys.find(key).and_then(Node::as_str) {
        Some(name) => vec![name.to_owned()],
        None => keys.or(key, Vec::new()),
    }
}

fn limits(keys: &mut Keys<'_>) -> Limits {
    Limits {
        time: keys.optional("time").map(|Time(time)| time),
        memory: keys.optional("memory").map(|Bytes(bytes)| bytes),
        tensors: keys.optional("tensors").map(|Bytes(bytes)| bytes),
        handles: keys.count("handles"),
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unfit = || {
            serde::de::Error::custom(format!("expected `sha256:` and 64 hexadecimal digits, found `{text}`"))
        };
        text.strip_prefix("sha256:").and_then(bytes_of_hex).map(Self).ok_or_else(unfit)
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("sha256:")?;
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

fn bytes_of_hex(digits: &str) -> Option<[u8; 32]> {
    if digits.len() != 64 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&digits[2 * index..2 * index + 2], 16).ok()?;
    }
    Some(bytes)
}
