//! The forms of an entry of `phase_callbacks`, read into one [`CallbackEntry`].
//! Owns the forms; what an entry means is said in `callbacks`, and the order they run in is `callback_order`'s.
//!
//! ```yaml
//! phase_callbacks:
//!   - EMA: {decay: 0.9999}              # a name: of a file in a folder that is searched, or of a stock callback
//!   - ./my_callback.wasm: {every_k: 10} # a file, relative to the recipe that names it
//!   - wasm: callbacks/clip.wasm         # the long form, of a file or a name; `stock: EMA` for a stock callback alone
//!     name: clip
//!     params: {max_norm: 1.0}
//!   - wasm: oci://ghcr.io/team/clip:1.0.0 # or https://…, from the network, with `digest: sha256:…`
//!   - Script: {file: stop.rhai, grants: [stop]} # a script: all keys of the long form beside `file` or `text`
//! ```

use phasebox_contract::digest::Digest;
use phasebox_contract::limits::{Limit, Limits};
use phasebox_contract::policy::{LoopUnit, OnError, OnState, Reload, Wasi, When};
use phasebox_contract::printable::excerpt;
use phasebox_contract::quantity::{Amount, Measure};
use serde::Deserialize;
use serde_json::Value;

use super::callback_labels;
use super::callbacks::{CallbackEntry, CallbackSource, Grant, Order, Script, is_locator};
use super::deserialize::unfit;
use super::homes::home;
use super::location::Result;
use super::node::{Content, Node};
use super::section_reader::SectionReader;

/// Types the entries of `phase_callbacks`, in the order of the recipe.
///
/// # Errors
/// A value that is not a list, an entry in none of the three forms, a name that `callback_labels` refuses.
pub(super) fn read(list: &Node) -> Result<Vec<CallbackEntry>> {
    let entries = match &list.content {
        Content::List(items) if items.len() > MOST_CALLBACKS => {
            return Err(list.error(format!(
                "it has {} callbacks, and at most {MOST_CALLBACKS} run: merge some",
                items.len()
            )));
        }
        Content::List(items) => items.iter().map(entry).collect::<Result<Vec<_>>>()?,
        _ if list.is_null() || list.content == Content::Map(Vec::new()) => Vec::new(),
        _ => {
            return Err(list.error(format!(
                "expected a list (`- EMA: {{…}}`), found {}",
                list.describe()
            )));
        }
    };
    callback_labels::check(&entries)?;
    Ok(entries)
}

/// The most callbacks of a recipe: each takes half a megabyte and more before it does anything.
const MOST_CALLBACKS: usize = 256;

const SHAPE: &str = "an entry is `- Name`, `- Name: {parameters}`, or the long form with `wasm: FILE` or `stock: NAME`";

fn entry(node: &Node) -> Result<CallbackEntry> {
    if let Some(name) = node.as_str() {
        if is_script(name) {
            return Err(node.error(SCRIPT_SHAPE));
        }
        return short(node, name, Value::Object(serde_json::Map::new()));
    }
    match node.entries() {
        entries
            if entries
                .iter()
                .any(|entry| matches!(entry.key.as_str(), "wasm" | "stock")) =>
        {
            long(node)
        }
        [only] if is_script(&only.key) => script(node, &only.key, &only.value),
        [only] => short(node, &only.key, params(&only.value)?),
        [first, ..] if first.value.is_null() => Err(node.error(format!(
            "indent the parameters deeper than their callback `{}`",
            first.key
        ))),
        [first, second, ..] if !home(&second.key, &[]).is_empty() => {
            Err(second.location.error(format!(
                "`{}` beside `{}`{}",
                excerpt(&second.key),
                excerpt(&first.key),
                home(&second.key, &[])
            )))
        }
        _ => Err(node.error(format!("{SHAPE}; found {}", node.describe()))),
    }
}

fn short(node: &Node, name: &str, params: Value) -> Result<CallbackEntry> {
    let source = file_or_name(node, name)?;
    Ok(CallbackEntry {
        name: default_name(&source, name),
        source,
        params,
        digest: None,
        grants: None,
        when: When::default(),
        order: Order::default(),
        limits: Limits::default(),
        on_error: OnError::Abort,
        on_state: OnState::Carry,
        wasi: Wasi::Answer,
        written: node.clone(),
    })
}

fn long(node: &Node) -> Result<CallbackEntry> {
    let mut reader = SectionReader::new(node);
    let source = long_source(&mut reader, node);
    let name = node.get("stock").or(node.get("wasm"));
    let name = name.and_then(Node::as_str).unwrap_or_default();
    long_entry(reader, source, name, node)
}

/// A script, with the keys of the long form beside its file or text.
fn script(node: &Node, name: &str, section: &Node) -> Result<CallbackEntry> {
    let mut reader = SectionReader::new(section);
    let source = script_source(&mut reader, section);
    long_entry(reader, source, name, node)
}

fn long_entry(
    mut reader: SectionReader<'_>,
    source: Result<CallbackSource>,
    name: &str,
    written: &Node,
) -> Result<CallbackEntry> {
    let source = reader
        .keep(source)
        .unwrap_or(CallbackSource::Stock(String::new()));
    let params = reader.find("params").map(params);
    let entry = CallbackEntry {
        name: reader
            .optional("name")
            .unwrap_or_else(|| default_name(&source, name)),
        source,
        params: params
            .and_then(|params| reader.keep(params))
            .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        digest: reader
            .find("digest")
            .map(digest)
            .and_then(|digest| reader.keep(digest)),
        grants: reader
            .find("grants")
            .map(grants)
            .and_then(|grants| reader.keep(grants)),
        when: reader.below("when", &[], when),
        order: reader.below("order", &[], order),
        limits: reader.below("limits", &[], |reader| limits(reader, Limits::default())),
        on_error: on_error(&mut reader),
        on_state: reader.value_or("on_state", OnState::Carry),
        wasi: reader.value_or("wasi", Wasi::Answer),
        written: written.clone(),
    };
    reader.finish(&[])?;
    Ok(entry)
}

fn long_source(reader: &mut SectionReader<'_>, node: &Node) -> Result<CallbackSource> {
    match (reader.find("wasm"), reader.find("stock")) {
        (Some(wasm), None) => {
            let place: String = wasm.parse()?;
            if is_script(&place) {
                return Err(wasm.error(SCRIPT_SHAPE));
            }
            file_or_name(wasm, &place)
        }
        (None, Some(name)) if name.as_str().is_some_and(is_script) => script_source(reader, node),
        (None, Some(name)) => plain_name(name, &name.parse::<String>()?).map(CallbackSource::Stock),
        (Some(_), Some(_)) => Err(node.error("has both `wasm` and `stock`; keep one")),
        (None, None) => Err(node.error(SHAPE)),
    }
}

const SCRIPT_SHAPE: &str =
    "a script is `- Script: {file: my.rhai}`, or has its lines below `text: |` in place of `file`";

/// True for the name of the stock callback that runs scripts.
pub(super) fn is_script(name: &str) -> bool {
    name.eq_ignore_ascii_case("script")
}

fn script_source(reader: &mut SectionReader<'_>, node: &Node) -> Result<CallbackSource> {
    let script = match (reader.find("file"), reader.find("text")) {
        (Some(file), None) => {
            let path: String = file.parse()?;
            Script::File(file.location.resolve(path))
        }
        (None, Some(text)) => Script::Text(text.parse()?),
        (Some(_), Some(_)) => return Err(node.error("has both `file` and `text`; keep one")),
        (None, None) => return Err(node.error(format!("without a script: {SCRIPT_SHAPE}"))),
    };
    Ok(CallbackSource::Script(script))
}

fn file(node: &Node, path: &str) -> CallbackSource {
    CallbackSource::File(node.location.resolve(path))
}

fn file_or_name(node: &Node, place: &str) -> Result<CallbackSource> {
    match place.ends_with(".wasm") {
        _ if is_locator(place) => Ok(CallbackSource::Locator(place.to_owned())),
        true => Ok(file(node, place)),
        false => plain_name(node, place).map(CallbackSource::Named),
    }
}

/// Refuses what is no name of a callback.
fn plain_name(node: &Node, name: &str) -> Result<String> {
    if name.ends_with(".rhai") {
        return Err(node.error(format!(
            "`{0}` is a script: write `- Script: {{file: {0}}}`",
            excerpt(name)
        )));
    }
    if name.trim().is_empty() || name.contains(['/', '\\']) {
        return Err(node.error(format!(
            "`{name}` is no callback's name, and a file's name ends in .wasm"
        )));
    }
    Ok(name.to_owned())
}

fn default_name(source: &CallbackSource, name: &str) -> String {
    match source {
        CallbackSource::Named(_)
        | CallbackSource::Stock(_)
        | CallbackSource::Script(Script::Text(_)) => name.to_owned(),
        CallbackSource::Locator(text) => name_at(text).to_owned(),
        CallbackSource::File(path) | CallbackSource::Script(Script::File(path)) => path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
    }
}

/// The name of what is at a locator: the last part of its path, without tag, digest and `.wasm`.
fn name_at(locator: &str) -> &str {
    let end = locator.find(['?', '#', '@']).unwrap_or(locator.len());
    let last = locator[..end].rsplit('/').next().unwrap_or_default();
    let name = last.split(':').next().unwrap_or_default();
    name.strip_suffix(".wasm").unwrap_or(name)
}

fn params(node: &Node) -> Result<Value> {
    match &node.content {
        Content::Map(_) => Ok(node.to_json()),
        _ if node.is_null() => Ok(Value::Object(serde_json::Map::new())),
        _ => Err(node.error(format!(
            "parameters are a mapping such as {{decay: 0.9}}, found {}",
            node.describe()
        ))),
    }
}

fn digest(node: &Node) -> Result<Digest> {
    let text: String = node.parse()?;
    text.strip_prefix("sha256:")
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| {
            node.error(format!(
                "expected `sha256:` and 64 hexadecimal digits, found {}",
                node.describe()
            ))
        })
}

fn grants(list: &Node) -> Result<Vec<Grant>> {
    let Content::List(items) = &list.content else {
        return Err(list.error(format!(
            "expected a list such as [gradients, stop], found {}",
            list.describe()
        )));
    };
    items
        .iter()
        .map(|item| {
            Ok(Grant {
                name: item.parse()?,
                location: item.location.clone(),
            })
        })
        .collect()
}

fn when(reader: &mut SectionReader<'_>) -> When {
    let when = When {
        every: reader.count("every").unwrap_or(1),
        unit: reader.value_or("unit", LoopUnit::Step),
    };
    reader.optional::<Rank>("rank");
    when
}

/// `when.rank`: the processes of a distributed run that a callback runs on. It is checked and has no effect, because
/// a run is one process.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Rank {
    All,
    Main,
}

fn order(reader: &mut SectionReader<'_>) -> Order {
    Order {
        after: names(reader, "after"),
        before: names(reader, "before"),
    }
}

/// One name or a list of them.
fn names(reader: &mut SectionReader<'_>, key: &'static str) -> Vec<String> {
    match reader.find(key).and_then(Node::as_str) {
        Some(name) => vec![name.to_owned()],
        None => reader.value_or(key, Vec::new()),
    }
}

/// One word, or `{reload: {…}}`.
fn on_error(reader: &mut SectionReader<'_>) -> OnError {
    #[derive(Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Word {
        Abort,
        Disable,
        Ignore,
        Reload,
    }
    if reader
        .find("on_error")
        .is_some_and(|node| node.as_str().is_none())
    {
        return OnError::Reload(reader.below("on_error", &[], |reader| {
            reader.below("reload", &[], reload)
        }));
    }
    match reader.value_or("on_error", Word::Abort) {
        Word::Abort => OnError::Abort,
        Word::Disable => OnError::Disable,
        Word::Ignore => OnError::Ignore,
        Word::Reload => OnError::Reload(Reload::default()),
    }
}

fn reload(reader: &mut SectionReader<'_>) -> Reload {
    let default = Reload::default();
    Reload {
        strikes: reader.count("strikes").map_or(default.strikes, |strikes| {
            u32::try_from(strikes).unwrap_or(u32::MAX)
        }),
        backoff_steps: reader.value_or("backoff", default.backoff_steps),
        then: reader.value_or("then", default.then),
    }
}

/// The limits that are written, and `others` for the rest.
pub(super) fn limits(reader: &mut SectionReader<'_>, others: Limits) -> Limits {
    let mut limits = others;
    for limit in Limit::ALL {
        if let Some(amount) = amount(reader, limit) {
            limits = limits.with(limit, amount);
        }
    }
    limits
}

/// Nanoseconds, bytes or a count. A bare number is refused as a time or a size, because a reader cannot tell its unit.
fn amount(reader: &mut SectionReader<'_>, limit: Limit) -> Option<u64> {
    if limit.measure() == Measure::Count {
        return reader.optional(limit.key());
    }
    let node = reader.find(limit.key())?;
    reader.keep(with_unit(node, limit.measure()))
}

fn with_unit(node: &Node, measure: Measure) -> Result<u64> {
    node.as_str()
        .and_then(|text| text.parse::<Amount>().ok())
        .and_then(|amount| amount.in_measure(measure))
        .ok_or_else(|| unfit(node, measure.expected()))
}
