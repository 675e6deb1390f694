//! Arbitrary recipes: files that name each other, and arguments of the command line.

use std::fs;
use std::path::Path;

use phasebox::assemble::{Assembly, Options};
use phasebox_recipe::{DeviceChoice, Location, Node, Recipe, RecipeError, Source};
use serde_json::Value;

use crate::files;

/// The name that means the command line in place of a file.
const ARGUMENTS: &str = "arguments";
const FIRST: &str = "recipe.yaml";

/// Reads a recipe as `phasebox check` would. The text before the first line `=== name` is `recipe.yaml`. Returns true if
/// the recipe was accepted.
///
/// # Panics
/// If an error has no place, if a recipe that was read cannot be written and read again, or if phasebox does.
pub fn run(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let folder = tempfile::tempdir().expect("a folder for the recipe");
    let mut arguments = Vec::new();
    for (name, text) in files::files(text.as_bytes(), FIRST) {
        match name {
            ARGUMENTS => arguments.extend(lines(&text)),
            _ => files::write(folder.path(), name, &text),
        }
    }
    let loaded = Recipe::load(folder.path().join(FIRST), &arguments);
    match &loaded {
        Ok(recipe) => check(recipe, folder.path()),
        Err(error) => check_place(error),
    }
    loaded.is_ok()
}

fn lines(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    text.lines().map(str::to_owned).collect()
}

fn check_place(error: &RecipeError) {
    let Location { source, line } = &error.location;
    assert!(
        *line > 0 && !error.message.trim().is_empty(),
        "an error without a place or a message: {error}"
    );
    if let Source::File(path) = &**source {
        // In YAML a carriage return alone ends a line too. A missing key may be missing after the last line.
        let lines =
            fs::read(path).map_or(1, |text| text.split(|byte| b"\r\n".contains(byte)).count());
        assert!(
            *line as usize <= lines,
            "{error}: the file has {lines} lines"
        );
    }
}

/// Checks that a recipe can be written and means the same when it is read again, and that its sections can be built or
/// are refused in words.
fn check(recipe: &Recipe, folder: &Path) {
    let written = recipe.to_yaml().expect("what was read can be written");
    let path = folder.join("again.yaml");
    fs::write(&path, &written).expect("a file in the folder");
    let again = Recipe::load(&path, &[]).unwrap_or_else(|error| panic!("{error}\n{written}"));
    assert_eq!(again.to_json(), recipe.to_json(), "{written}");
    if is_small(recipe) {
        let device = Some(DeviceChoice::Cpu);
        let assembly = Assembly::new(
            recipe,
            Options {
                device,
                ..Options::default()
            },
        );
        if let Err(error) = assembly.map(drop) {
            assert!(!format!("{error:#}").is_empty());
        }
    }
}

/// True if its data set and network need no file and little memory, so that they are made in milliseconds.
fn is_small(recipe: &Recipe) -> bool {
    let is_digits = |node: &Node| matches!(named(&node.to_json()).as_deref(), Some("digits"));
    let architecture = named(&recipe.architecture.to_json()).unwrap_or_default();
    is_digits(&recipe.dataset)
        && recipe.training_hyperparams.phase_callbacks.is_empty()
        && recipe.checkpoint_params.checkpoint_path.is_none()
        && ["linear", "mlp", "convnet"].contains(&architecture.to_lowercase().as_str())
        && largest(&recipe.arch_params.to_json()).max(largest(&recipe.architecture.to_json()))
            < 300.0
}

/// The name in `name` or `{name: …}`.
fn named(value: &Value) -> Option<String> {
    match value {
        Value::String(name) => Some(name.clone()),
        Value::Object(map) => map.keys().next().cloned(),
        _ => None,
    }
}

/// The largest number in a value; a list counts 30 for each element.
fn largest(value: &Value) -> f64 {
    match value {
        Value::Number(number) => number.as_f64().unwrap_or(f64::MAX).abs(),
        Value::Array(items) => items
            .iter()
            .map(largest)
            .fold(30.0 * items.len() as f64, f64::max),
        Value::Object(map) => map.values().map(largest).fold(0.0, f64::max),
        _ => 0.0,
    }
}
