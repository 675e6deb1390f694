//! A look at all samples that lie in files of their own, for a trial that trains on two of them. Owns the time that it
//! takes, and the words for what was not seen.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use phasebox_data::{DataLoader, Extent};
use phasebox_nn::model::Model;
use phasebox_recipe::{Content, Node, Recipe};

use super::super::build::{Built, REMEDY_FOR_SIDES, at};

/// The time for each split.
const SHORT: Duration = Duration::from_millis(400);
/// The time for each split where whole batches are tried.
const LONG: Duration = Duration::from_secs(60);

/// Reads the headers of the samples' files, and tries a sample of each size. Answers a line for each split whose samples
/// were not all looked at in time.
///
/// # Errors
/// A broken file, or one of a size that does not fit, with the place in the recipe.
pub(super) fn look_at(recipe: &Recipe, built: &Built, extent: Extent) -> Result<Vec<String>> {
    let time = match extent {
        Extent::TwoSamples => SHORT,
        Extent::WholeBatch => LONG,
    };
    let net = &built.net;
    let (train, evaluation) = (&recipe.train_transforms, &recipe.val_transforms);
    let mut unseen = look_at_split(recipe, net, &built.train_loader, train, time)?;
    unseen.extend(look_at_split(
        recipe,
        net,
        &built.valid_loader,
        evaluation,
        time,
    )?);
    if let Some(test) = &built.test_loader {
        unseen.extend(look_at_split(recipe, net, test, evaluation, time)?);
    }
    Ok(unseen)
}

fn look_at_split(
    recipe: &Recipe,
    net: &Model,
    loader: &DataLoader,
    transforms: &Node,
    time: Duration,
) -> Result<Vec<String>> {
    let until = Instant::now() + time;
    let nodes = [&recipe.dataset, &recipe.dataset_params];
    let survey = at(&nodes, loader.survey(until))?;
    let sizes = match has_items(transforms) {
        true => transforms,
        false => &recipe.dataset,
    };
    let shapes = at(&[sizes], loader.try_shapes(&survey, until))?;
    let mut shapes = shapes.iter();
    let taken = shapes.try_for_each(|shape| net.takes(shape).map(drop));
    at(
        &[sizes],
        taken.map_err(|error| anyhow!("{error:#}: {REMEDY_FOR_SIDES}")),
    )?;
    let (looked_at, samples) = (survey.looked_at, survey.samples);
    let line = (looked_at < samples).then(|| {
        format!(
            "{}: {looked_at} of {samples} files were looked at; `--full` takes more time for it",
            loader.dataset().description()
        )
    });
    Ok(line.into_iter().collect())
}

/// The recipe says something there.
pub(super) fn has_items(node: &Node) -> bool {
    match &node.content {
        Content::List(items) => !items.is_empty(),
        Content::Map(entries) => !entries.is_empty(),
        Content::Scalar(_) | Content::Unavailable(_) => false,
    }
}
