//! A look at the boxes that a network is trained and judged with, before a run that has none. Owns the time that it takes,
//! and when it is sure.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use phasebox_data::{BoxSurvey, DataLoader, Extent};
use phasebox_recipe::{Node, Recipe};

use super::super::Watched;
use super::super::build::{Built, at};
use super::samples::has_items;

/// The time for each split before a training: nearly always the first sample has a box.
const GLANCE: Duration = Duration::from_millis(50);
/// The time for each split in a trial.
const SHORT: Duration = Duration::from_millis(400);
/// The time for each split where whole batches are tried.
const LONG: Duration = Duration::from_secs(60);
/// Where so many boxes all end, it is no chance.
const MANY: usize = 20;

/// Looks at as many samples as `extent` has time for; without one, at a glance. Refuses data without boxes, transforms that leave none, and a watched metric of a size that no box has. Answers a line
/// about validation without boxes.
///
/// # Errors
/// The section at fault, with the remedy.
pub(super) fn look_at(
    recipe: &Recipe,
    built: &Built,
    watched: &Watched,
    extent: Option<Extent>,
) -> Result<Option<String>> {
    let time = match extent {
        None => GLANCE,
        Some(Extent::TwoSamples) => SHORT,
        Some(Extent::WholeBatch) => LONG,
    };
    let survey = |loader: &DataLoader| match loader.dataset().input_shape().len() {
        3 => loader.survey_boxes(Instant::now() + time),
        _ => Ok(None),
    };
    let Ok(Some(train)) = survey(&built.train_loader) else {
        // A sample that cannot be read is told by those who need it.
        return Ok(None);
    };
    if has_none(&built.train_loader, &train) {
        let message = "the training data have no box, and nothing is learned: name annotations that have some, or train a \
                       network for classes";
        return Err(anyhow!(recipe.dataset.location.error(message)));
    }
    check_left(&train, &recipe.train_transforms, "train_transforms")?;
    let Ok(Some(validation)) = survey(&built.valid_loader) else {
        return Ok(None);
    };
    if has_none(&built.valid_loader, &validation) {
        return without_truths(recipe, built, watched);
    }
    check_left(&validation, &recipe.val_transforms, "val_transforms")?;
    check_size(recipe, watched, &validation)?;
    Ok(None)
}

fn has_none(loader: &DataLoader, survey: &BoxSurvey) -> bool {
    let known = loader.dataset().box_count();
    let seen = survey.is_whole.then_some(survey.before);
    known.or(seen) == Some(0)
}

/// Refuses transforms behind which no box is left.
fn check_left(survey: &BoxSurvey, transforms: &Node, key: &str) -> Result<()> {
    let BoxSurvey {
        samples, before, ..
    } = survey;
    let is_sure = survey.is_whole || *before >= MANY;
    if *before == 0 || !survey.areas.is_empty() || !is_sure || !has_items(transforms) {
        return Ok(());
    }
    let error = anyhow!(
        "`{key}` leave none of the {before} boxes of {samples} samples: look at thresholds such as `min_bbox_edge_size`, \
         `wh_thr` and `area_thr`, and at the size of the images"
    );
    at(&[transforms], Err(error))
}

/// Validation without boxes: a metric of detections is −1 then, and no epoch is best.
fn without_truths(recipe: &Recipe, built: &Built, watched: &Watched) -> Result<Option<String>> {
    let metric = &watched.metric;
    let location = &recipe.dataset.location;
    let is_item = built.criterion.item_names().contains(metric);
    let is_known = built.metrics.validation.names().contains(metric);
    if is_known && !is_item {
        let message = format!(
            "the validation data have no box, and `{metric}`, which decides the best epoch, is -1 throughout: name \
             annotations that have some, or watch `loss`"
        );
        return Err(anyhow!(location.error(message)));
    }
    Ok(Some(format!(
        "{location}: the validation data have no box: metrics of detections are -1 throughout"
    )))
}

/// Metrics of boxes of one size, with the areas that they are of, in square pixels and in words.
const SIZES: [(&str, [f32; 2], &str); 3] = [
    ("_small", [0.0, 1024.0], "at most 32×32"),
    ("_medium", [1024.0, 9216.0], "32×32 to 96×96"),
    ("_large", [9216.0, 1e10], "at least 96×96"),
];

/// Refuses to watch a metric of a size of boxes that validation does not have.
fn check_size(recipe: &Recipe, watched: &Watched, survey: &BoxSurvey) -> Result<()> {
    let metric = &watched.metric;
    let mut sizes = SIZES.iter();
    let is_of_coco = metric.starts_with("AP_") || metric.starts_with("AR_");
    let size = sizes.find(|(size, ..)| is_of_coco && metric.ends_with(size));
    let Some((_, [least, most], words)) = size.filter(|_| survey.is_whole) else {
        return Ok(());
    };
    let mut areas = survey.areas.iter();
    if areas.any(|area| (least..=most).contains(&area)) {
        return Ok(());
    }
    let message = format!(
        "`metric_to_watch: {metric}` is -1 throughout: no box of validation covers {words} pixels of the network's input; \
         watch `AP`"
    );
    let place = super::super::watched::place(recipe, "metric_to_watch");
    Err(anyhow!(place.location.error(message)))
}
