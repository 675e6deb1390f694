//! Makes a composed recipe independent of where its files are, so that a run's folder can keep it as one file.
//! Owns which keys are paths; what is a path inside a data set's own parameters starts at `base_folder`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::callback_forms::is_script;
use super::callbacks::is_locator;
use super::location::Location;
use super::node::{Content, Entry, Node};

/// The tree with absolute paths and a `base_folder`.
pub(super) fn absolute_paths(mut root: Node) -> Node {
    let location = root.location.clone();
    let base = root
        .get("base_folder")
        .and_then(Node::as_str)
        .unwrap_or("")
        .to_owned();
    let path = absolute(
        root.get("base_folder")
            .map_or(&location, |node| &node.location),
        &base,
    );
    let value = Node::new(Content::Scalar(Value::String(path)), location.clone());
    root.set(Entry {
        key: "base_folder".to_owned(),
        location,
        value,
    });
    change_callbacks(&mut root, &resolve_callback);
    for (section, key) in [
        ("checkpoint_params", "checkpoint_path"),
        ("training_hyperparams", "resume_path"),
    ] {
        if let Some(node) = root
            .get_mut(section)
            .and_then(|section| section.get_mut(key))
        {
            resolve(node);
        }
    }
    root
}

/// The tree with names of callbacks as the files that were found for them.
pub(super) fn found_files(mut root: Node, found: &BTreeMap<String, PathBuf>) -> Node {
    let file_of = |name: &str| found.get(name).map(|path| absolute_text(path));
    change_callbacks(&mut root, &|item| name_file(item, &file_of));
    root
}

/// Changes every entry of `phase_callbacks`, which stand at the top or below `training_hyperparams`.
fn change_callbacks(root: &mut Node, change: &dyn Fn(&mut Node)) {
    change_entries(root, change);
    if let Some(training) = root.get_mut("training_hyperparams") {
        change_entries(training, change);
    }
}

fn change_entries(holder: &mut Node, change: &dyn Fn(&mut Node)) {
    let Some(Node {
        content: Content::List(items),
        ..
    }) = holder.get_mut("phase_callbacks")
    else {
        return;
    };
    items.iter_mut().for_each(change);
}

/// The forms that `callbacks` reads.
fn resolve_callback(item: &mut Node) {
    if item.as_str().is_some_and(is_file) {
        return resolve(item);
    }
    if let Some(wasm) = item.get_mut("wasm") {
        if wasm.as_str().is_some_and(is_file) {
            resolve(wasm);
        }
        return;
    }
    if let Some(file) = script_file(item) {
        return resolve(file);
    }
    if let Content::Map(entries) = &mut item.content
        && let [only] = entries.as_mut_slice()
        && is_file(&only.key)
    {
        only.key = absolute(&item.location, &only.key);
    }
}

/// Puts the file in the place of the name, in the forms that `callbacks` reads.
fn name_file(item: &mut Node, file_of: &dyn Fn(&str) -> Option<String>) {
    let is_long = item.get("wasm").is_some();
    let named = match is_long {
        true => item.get_mut("wasm"),
        false => Some(&mut *item),
    };
    if let Some(node) = named
        && let Some(file) = node.as_str().and_then(file_of)
    {
        node.content = Content::Scalar(Value::String(file));
    }
    if let Content::Map(entries) = &mut item.content
        && let [only] = entries.as_mut_slice()
        && let Some(file) = file_of(&only.key).filter(|_| !is_long)
    {
        only.key = file;
    }
}

/// The file of a script, in both of its forms.
fn script_file(item: &mut Node) -> Option<&mut Node> {
    let is_long = item
        .get("stock")
        .and_then(Node::as_str)
        .is_some_and(is_script);
    if is_long {
        return item.get_mut("file");
    }
    match &mut item.content {
        Content::Map(entries) => match entries.as_mut_slice() {
            [only] if is_script(&only.key) => only.value.get_mut("file"),
            _ => None,
        },
        _ => None,
    }
}

fn is_file(name: &str) -> bool {
    name.ends_with(".wasm") && !is_locator(name)
}

fn resolve(node: &mut Node) {
    if let Some(path) = node.as_str() {
        node.content = Content::Scalar(Value::String(absolute(&node.location, path)));
    }
}

/// A path as an absolute text; it stays as written if it cannot be made absolute (no working directory).
fn absolute(location: &Location, path: &str) -> String {
    let mut resolved = location.resolve(Path::new(path));
    if resolved.as_os_str().is_empty() {
        resolved.push(".");
    }
    absolute_text(&resolved)
}

fn absolute_text(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    let absolute = absolute.unwrap_or_else(|_| path.to_owned());
    absolute.to_string_lossy().into_owned()
}
