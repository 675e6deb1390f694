//! The data set of a recipe and its loaders.

use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use phasebox_data::{
    Augmentation, DataLoader, Dataset, DatasetConfig, LoaderConfig, Shard, Splits, TransformList,
    Transforms,
};
use phasebox_recipe::{Content, Node, Recipe};
use serde_json::json;
use tch::Device;

use super::super::ProcessCache;
use super::place::at;
use super::{named, or_default};

pub(super) fn dataset(recipe: &Recipe, cache: &mut ProcessCache) -> Result<Splits> {
    let (name, params) = named(&recipe.dataset, &recipe.dataset_params)?;
    let params = if params.is_null() { json!({}) } else { params };
    let nodes = [&recipe.dataset, &recipe.dataset_params];
    let config = at(&nodes, DatasetConfig::named(&name, params))?;
    at(&nodes, cache.data_set(&config, &recipe.base_folder))
}

pub(super) fn loaders(
    recipe: &Recipe,
    splits: &Splits,
    device: Device,
) -> Result<(DataLoader, DataLoader, Option<DataLoader>)> {
    let limits = &recipe.training_hyperparams.evaluation;
    let train = Wanted {
        name: "train",
        params: &recipe.train_dataloader_params,
        transforms: &recipe.train_transforms,
        max_batches: limits.max_train_batches,
    };
    let validation = Wanted {
        name: "validation",
        params: &recipe.val_dataloader_params,
        transforms: &recipe.val_transforms,
        max_batches: limits.max_valid_batches,
    };
    let test = Wanted {
        name: "test",
        params: &recipe.test_dataloader_params,
        transforms: &recipe.val_transforms,
        max_batches: None,
    };
    let seed = recipe.training_hyperparams.seed;
    Ok((
        train.loader(&splits.train, seed, device)?,
        validation.loader(&splits.validation, seed, device)?,
        match &splits.test {
            Some(samples) => Some(test.loader(samples, seed, device)?),
            None => None,
        },
    ))
}

/// The recipe's words about one loader.
struct Wanted<'a> {
    name: &'static str,
    params: &'a Node,
    transforms: &'a Node,
    max_batches: Option<u64>,
}

impl Wanted<'_> {
    fn loader(&self, samples: &Arc<dyn Dataset>, seed: u64, device: Device) -> Result<DataLoader> {
        let mut config: LoaderConfig = or_default(self.params)?;
        config.max_batches = config.max_batches.or(self.max_batches);
        let transforms = transforms(self.transforms)?;
        let fits = transforms
            .check(&**samples)
            .with_context(|| format!("loader `{}`", self.name));
        at(&[self.transforms], fits)?;
        let samples = Arc::clone(samples);
        let made = DataLoader::new(self.name, samples, config, transforms, seed);
        let sharded = made.and_then(|loader| loader.for_shard(Shard::WHOLE));
        Ok(at(&[self.params], sharded)?.for_device(device))
    }
}

/// The transforms in one of their two forms: a list by name, or the mapping of five keys.
fn transforms(node: &Node) -> Result<Transforms> {
    let Content::List(items) = &node.content else {
        return Ok(or_default::<Augmentation>(node)?.into());
    };
    items.iter().try_for_each(check_item)?;
    Ok(node.parse::<TransformList>()?.into())
}

/// Refuses several transforms in one item.
fn check_item(item: &Node) -> Result<()> {
    let names = item.entries();
    let first = names.first().map(|entry| entry.key.as_str());
    let name = item.as_str().or(first).unwrap_or_default();
    if names.len() > 1 {
        let message = format!(
            "`{name}` and `{}` stand in one item: write `- {name}: {{parameters}}`, one transform an item",
            names[1].key
        );
        return Err(anyhow!(item.location.error(message)));
    }
    Ok(())
}
