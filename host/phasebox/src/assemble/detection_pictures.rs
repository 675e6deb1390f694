//! The parameters of the stock callbacks that draw detections, from those that a recipe writes: what it leaves out comes
//! from the run, as the names of classes do. Refuses what contradicts the run; drawing is the callbacks'.

use anyhow::{Context as _, Result, bail, ensure};
use phasebox_nn::detection::post_prediction::PostPrediction;
use phasebox_nn::metrics::{MetricConfig, Metrics};
use phasebox_recipe::Recipe;
use phasebox_train::split::Split;
use serde_json::{Map, Value};

use super::build::Built;
use super::kinds::{are_in_pixels, check_columns_read};
use super::watched;

type Params = Map<String, Value>;

/// SuperGradients' names of phases, and ours.
const PHASES: [(&str, &str, Split); 3] = [
    ("TRAIN_BATCH_END", "on-train-batch-end", Split::Train),
    (
        "VALIDATION_BATCH_END",
        "on-validation-batch-end",
        Split::Validation,
    ),
    ("TEST_BATCH_END", "on-test-batch-end", Split::Test),
];

/// Detections with a lower score are not drawn, unless the recipe says otherwise.
const CONF: f64 = 0.25;

/// The parameters of `DetectionVisualization`.
pub(super) fn of_batch(recipe: &Recipe, built: &Built, params: &Value) -> Result<Value> {
    let mut params = map_of(params)?;
    let written = params.get("phase").and_then(Value::as_str);
    let written = written.unwrap_or(PHASES[1].0);
    let short = written.strip_prefix("Phase.").unwrap_or(written);
    let mut rows = PHASES.iter();
    let row = rows.find(|(theirs, ours, _)| [*theirs, *ours].contains(&short));
    let Some((_, phase, split)) = row else {
        let known = PHASES.map(|(theirs, ..)| format!("`{theirs}`")).join(", ");
        bail!("parameter `phase`: there is no batch at `{written}`; use {known}");
    };
    params.insert("phase".to_owned(), (*phase).into());
    complete(recipe, built, &[*split], &mut params)?;
    Ok(Value::Object(params))
}

/// The parameters of `ExtremeBatchDetectionVisualization`.
pub(super) fn of_extreme(recipe: &Recipe, built: &Built, params: &Value) -> Result<Value> {
    let mut params = map_of(params)?;
    let is_on =
        |key: &str, default: bool| params.get(key).and_then(Value::as_bool).unwrap_or(default);
    let on_train = is_on("enable_on_train_loader", false);
    let mut splits = Vec::new();
    splits.extend(on_train.then_some(Split::Train));
    splits.extend(is_on("enable_on_valid_loader", true).then_some(Split::Validation));
    complete(recipe, built, &splits, &mut params)?;
    if let Some(metric) = written(&params, "metric").cloned() {
        ensure!(
            !on_train,
            "parameter `metric`: detections are compared in validation; use `loss_to_monitor`, or remove `enable_on_train_loader`"
        );
        check_metric(recipe, built, &metric, &params).context("parameter `metric`")?;
    }
    if let Some(part) = written(&params, "loss_to_monitor").and_then(Value::as_str) {
        let items = built.criterion.item_names();
        let name = watched::name_of(part, Split::Validation, items, built.criterion.name());
        let name = name.with_context(|| {
            format!(
                "parameter `loss_to_monitor`: the loss has no `{part}`; it has {}",
                items.join(", ")
            )
        })?;
        params.insert("loss_to_monitor".to_owned(), name.into());
    }
    Ok(Value::Object(params))
}

fn map_of(params: &Value) -> Result<Params> {
    match params {
        Value::Null => Ok(Params::new()),
        Value::Object(params) => Ok(params.clone()),
        other => bail!("parameters are a mapping such as {{name: value}}, not {other:.200}"),
    }
}

/// A parameter that is not null.
fn written<'a>(params: &'a Params, key: &str) -> Option<&'a Value> {
    params.get(key).filter(|value| !value.is_null())
}

/// Puts in what both callbacks need of the run.
fn complete(recipe: &Recipe, built: &Built, splits: &[Split], params: &mut Params) -> Result<()> {
    let post_prediction = match written(params, "post_prediction_callback") {
        Some(written) => {
            PostPrediction::from_value(written).context("parameter `post_prediction_callback`")?
        }
        None => {
            let of_metrics = built.metrics.validation.post_prediction();
            of_metrics.unwrap_or_default().with_conf(CONF)
        }
    };
    if let Some(classes) = built.net.num_classes() {
        let checked = post_prediction.check_for_metric(classes as usize);
        checked.context("parameter `post_prediction_callback`")?;
    }
    let mut post_prediction = serde_json::to_value(post_prediction)?;
    if let Some(all) = post_prediction.as_object_mut() {
        // There is one kind, and the callbacks know no other.
        all.remove("nms_type");
    }
    params.insert("post_prediction_callback".to_owned(), post_prediction);
    params.insert("classes".to_owned(), classes(built, params)?);
    let in_pixels = in_pixels(recipe, splits, params)?;
    params.insert("normalize_targets".to_owned(), in_pixels.into());
    params.retain(|_, value| !value.is_null());
    Ok(())
}

/// The names of the classes: those that are written, or those of the data.
fn classes(built: &Built, params: &Params) -> Result<Value> {
    let dataset = built.valid_loader.dataset();
    let Some(classes) = written(params, "classes") else {
        return Ok(dataset.class_names().unwrap_or_default().into());
    };
    let (names, known) = (classes.as_array().map(Vec::len), dataset.num_classes());
    if let (Some(names), Some(known)) = (names, known) {
        ensure!(
            names == known,
            "parameter `classes`: it has {names} names, and the data have {known} classes; without it the data's names are shown"
        );
    }
    check_order(classes, dataset.class_names().unwrap_or_default())?;
    Ok(classes.clone())
}

/// Refuses the data's own names in another order; other names may be wanted on pictures.
fn check_order(classes: &Value, known: &[String]) -> Result<()> {
    let written = classes.as_array().into_iter().flatten();
    let written: Vec<&str> = written.filter_map(Value::as_str).collect();
    let is_other_name = |name: &&str| !known.iter().any(|known| known == name);
    let moved = written
        .iter()
        .zip(known)
        .position(|(written, known)| written != known);
    let Some(index) = moved.filter(|_| !written.iter().any(is_other_name)) else {
        return Ok(());
    };
    bail!(
        "parameter `classes`: class {index} of the data is `{}`, and `{}` is written in its place; without it the data's names are shown",
        known[index],
        written[index]
    );
}

/// True for boxes in pixels. The transforms decide, and a recipe may not contradict them.
fn in_pixels(recipe: &Recipe, splits: &[Split], params: &Params) -> Result<bool> {
    let mut answers = Vec::new();
    for split in splits {
        let transforms = match split {
            Split::Train => &recipe.train_transforms,
            Split::Validation | Split::Test => &recipe.val_transforms,
        };
        answers.push(are_in_pixels(transforms, "the drawing of boxes")?);
    }
    let first = answers.first().copied().unwrap_or(true);
    ensure!(
        answers.iter().all(|answer| *answer == first),
        "boxes are in pixels in training or in validation, and parts of the image in the other: give both one `output_format`"
    );
    let written = written(params, "normalize_targets").and_then(Value::as_bool);
    ensure!(
        written.is_none_or(|written| written == first),
        "parameter `normalize_targets`: the transforms give boxes {}; write `normalize_targets: {first}`, or remove it",
        if first {
            "in pixels"
        } else {
            "as parts of the image"
        }
    );
    Ok(first)
}

/// Refuses a metric that does not compare boxes or reads others, and one of whose values nothing says which decides.
fn check_metric(recipe: &Recipe, built: &Built, metric: &Value, params: &Params) -> Result<()> {
    let config = MetricConfig::from_value(metric)?;
    let metrics = Metrics::new(&[config], &[])?;
    ensure!(
        metrics.post_prediction().is_some(),
        "it does not compare boxes: use `DetectionMetrics` or `CocoMetrics`"
    );
    let entry = metric.as_object().and_then(|map| map.iter().next());
    if let Some((name, own)) = entry {
        let in_pixels = own["normalize_targets"].as_bool();
        check_columns_read(&recipe.val_transforms, name, in_pixels)?;
        check_count(built, own["num_cls"].as_i64())?;
    }
    let names = metrics.names();
    let component = written(params, "metric_component_name").and_then(Value::as_str);
    let is_clear = match component {
        Some(component) => names.iter().any(|name| name == component),
        None => names.len() == 1,
    };
    ensure!(
        is_clear,
        "`metric_component_name` must be one of its values: {}",
        names.join(", ")
    );
    Ok(())
}

/// Refuses a metric of another number of classes than the network's.
fn check_count(built: &Built, written: Option<i64>) -> Result<()> {
    if let (Some(written), Some(classes)) = (written, built.net.num_classes()) {
        ensure!(
            written == classes,
            "`num_cls` is {written}, and the network has {classes} classes: write `num_cls: {classes}`"
        );
    }
    Ok(())
}
