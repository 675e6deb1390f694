//! The facts of a run that `check-run` hands to callbacks, as JSON. Owns their keys, which `wit/callback.wit` documents;
//! judging them is the callbacks' part.

use anyhow::Result;
use phasebox_data::DataLoader;
use phasebox_nn::criterion::Criterion;
use phasebox_nn::model::Model;
use phasebox_nn::optim::{Optimizer, ParameterGroup};
use phasebox_recipe::Recipe;
use serde_json::{Map, Value, json};
use tch::Tensor;

use super::build::{Built, schedule_config};
use super::watched::Watched;

/// Everything that is known before training, but for the callback's own grants. `published` are names of metrics.
pub(super) fn facts(
    recipe: &Recipe,
    built: &Built,
    published: &[String],
    watched: &Watched,
) -> Result<Value> {
    let training = &recipe.training_hyperparams;
    let batches = built.train_loader.batches();
    let accumulate = u64::max(training.batch_accumulate, 1);
    Ok(json!({
        "epochs": training.max_epochs,
        "steps_per_epoch": batches.div_ceil(accumulate),
        "batch_accumulate": accumulate,
        "batch_size": built.train_loader.batch_size(),
        "seed": training.seed,
        "validation_freq": training.evaluation.run_validation_freq,
        "constant_rates": schedule_config(recipe)?.ends_constant(),
        "device": phasebox_train::device::name(built.net.device()),
        "loaders": loaders(built)?,
        "loss": loss(&built.criterion),
        "optimizer": optimizer(built.optimizer.as_ref()),
        "metrics": {
            "train": built.metrics.train.names(),
            "validation": built.metrics.validation.names(),
            "test": built.metrics.test.names(),
        },
        "published": published,
        "metric_to_watch": watched.metric,
        "greater_metric_to_watch_is_better": watched.greater_is_better,
        "inputs": inputs(&built.train_loader)?,
        "targets": targets(&built.train_loader),
        "preds": preds(&built.net),
        "network": network(&built.net),
    }))
}

fn loaders(built: &Built) -> Result<Value> {
    let mut all = Map::new();
    let test = built.test_loader.as_ref();
    let always = [
        ("train", &built.train_loader),
        ("validation", &built.valid_loader),
    ];
    let every = always.into_iter().chain(test.map(|test| ("test", test)));
    for (name, loader) in every {
        all.insert(name.to_owned(), loader_facts(loader)?);
    }
    Ok(Value::Object(all))
}

fn loader_facts(loader: &DataLoader) -> Result<Value> {
    let mut parameters = Map::new();
    for key in loader.parameters() {
        let value = loader.get(&key)?;
        parameters.insert(key, value);
    }
    Ok(json!({
        "samples": loader.samples(),
        "batches": loader.batches(),
        "batch_size": loader.batch_size(),
        "parameters": parameters,
    }))
}

fn loss(criterion: &Criterion) -> Value {
    json!({
        "name": criterion.name(),
        "parameters": criterion.parameters(),
        "items": criterion.item_names(),
    })
}

fn optimizer(optimizer: &dyn Optimizer) -> Value {
    let groups: Vec<Value> = optimizer.groups().iter().map(group).collect();
    json!({ "name": optimizer.name(), "groups": groups })
}

fn group(group: &ParameterGroup) -> Value {
    json!({
        "name": group.name,
        "learning_rate": group.learning_rate,
        "parameters": group.parameters.len(),
    })
}

fn inputs(loader: &DataLoader) -> Result<Vec<Value>> {
    let shapes = loader.input_shapes()?.into_iter();
    let fact = |(name, shape)| json!({ "name": name, "shape": shape });
    Ok(shapes.map(fact).collect())
}

/// The names of the targets; none where the first sample cannot be read.
fn targets(loader: &DataLoader) -> Option<Vec<String>> {
    let sample = loader.dataset().sample(0).ok()?;
    let names = sample.target.into_iter().map(|(name, _)| name);
    Some(names.map(|name| or_alone(name, "target")).collect())
}

/// The names of the predictions; none where only a network's file knows.
fn preds(net: &Model) -> Option<Vec<String>> {
    match (net.architecture(), net.arch_params()["heads"].as_object()) {
        ("torchscript", _) => None,
        (_, Some(heads)) => Some(heads.keys().cloned().collect()),
        (_, None) => Some(
            net.outputs()
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
        ),
    }
}

/// The name, or what one tensor alone is called.
fn or_alone(name: String, alone: &str) -> String {
    match name.is_empty() {
        true => alone.to_owned(),
        false => name,
    }
}

fn network(net: &Model) -> Value {
    json!({
        "architecture": net.architecture(),
        "parameters": names(net.parameters()),
        "buffers": names(net.buffers()),
    })
}

fn names(tensors: &[(String, Tensor)]) -> Vec<&str> {
    tensors.iter().map(|(name, _)| name.as_str()).collect()
}
