//! The weights of another run or program that a recipe starts from, and what did not fit of them.

use std::path::Path;

use anyhow::{Result, anyhow, ensure};
use phasebox_nn::model::Model;
use phasebox_recipe::{Note, Recipe};
use phasebox_train::checkpoint;

use super::at;

/// Loads the file that the recipe names, if it names one. Answers what was done to its names and what was left out.
///
/// # Errors
/// A file that cannot be read, that does not fit as `strict_load` wants it, or whose values are not finite.
pub(super) fn load(recipe: &Recipe, net: &mut Model) -> Result<Vec<Note>> {
    let params = &recipe.checkpoint_params;
    let Some(path) = &params.checkpoint_path else {
        return Ok(Vec::new());
    };
    let section = recipe.resolved.get("checkpoint_params");
    let node = section.and_then(|section| section.get("checkpoint_path"));
    let weights = at(
        &[node.unwrap_or(&recipe.resolved)],
        checkpoint::load_weights(path, net.bytes()),
    )?;
    let remedy = match params.strict_load {
        true => "\nhint: `checkpoint_params: {strict_load: false}` leaves out what does not fit",
        false => "",
    };
    let before = net.not_finite()?;
    let loaded = net.load_state(&weights.tensors, params.strict_load);
    let loaded =
        loaded.map_err(|error| anyhow!("weights of {}: {error:#}{remedy}", path.display()))?;
    at(
        &[node.unwrap_or(&recipe.resolved)],
        check_finite(net, &before, path),
    )?;
    let location = &section.unwrap_or(&recipe.resolved).location;
    let blue_first = blue_first(recipe, net, path);
    let lines = weights.choice.into_iter().chain(loaded.lines());
    let lines = lines.chain(blue_first);
    Ok(lines
        .map(|line| Note {
            location: location.clone(),
            text: format!("{}: {line}", path.display()),
        })
        .collect())
}

/// A line about weights of YOLOX from elsewhere: the public ones were trained on images whose first channel is blue.
fn blue_first(recipe: &Recipe, net: &Model, path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let mut of_runs = ["checkpoint.json", "recipe.yaml"].iter();
    let is_of_a_run = of_runs.any(|file| folder.join(file).is_file());
    let is_swapped = [&recipe.train_transforms, &recipe.val_transforms]
        .into_iter()
        .all(|transforms| transforms.to_json().to_string().contains(SWAP));
    let is_yolox = net.architecture().contains("yolox");
    (is_yolox && !is_of_a_run && !is_swapped).then(|| {
        format!(
            "images here are red, green and blue, and the public weights of YOLOX and SuperGradients want blue first: for \
             those add `{SWAP}: {{prob: 1.0}}` to `train_transforms` and `val_transforms`"
        )
    })
}

/// The transform that exchanges red and blue.
const SWAP: &str = "DetectionRGB2BGR";

/// Refuses weights that make of everything what is no number, but for those that the network has so by itself, such as a
/// mask of infinities.
fn check_finite(net: &Model, before: &[String], path: &Path) -> Result<()> {
    let mut broken = net.not_finite()?;
    broken.retain(|name| !before.contains(name));
    ensure!(
        broken.is_empty(),
        "weights of {}: {} of the network's tensors get values that are not finite, `{}` first: choose weights of a run \
         that did not diverge",
        path.display(),
        broken.len(),
        broken.first().map_or("", String::as_str)
    );
    Ok(())
}
