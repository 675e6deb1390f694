//! The data set of a recipe and its loaders.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use phasebox_data::{Augmentation, DataLoader, Dataset, DatasetConfig, LoaderConfig, Splits};
use phasebox_recipe::{Node, Recipe};
use serde_json::json;
use tch::Device;

use super::super::ProcessCache;
use super::{at, named, or_default};

pub(super) fn dataset(recipe: &Recipe, cache: &mut ProcessCache) -> Result<Splits> {
    let (name, params) = named(&recipe.dataset, &recipe.dataset_params)?;
    let params = if params.is_null() { json!({}) } else { params };
    let config = serde_json::from_value::<DatasetConfig>(json!({ name: params }));
    let config = at(
        &recipe.dataset,
        config.map_err(|error| anyhow!("`dataset`: {error}")),
    )?;
    at(
        &recipe.dataset,
        cache.data_set(&config, &recipe.base_folder),
    )
}

pub(super) fn loaders(
    recipe: &Recipe,
    splits: &Splits,
    device: Device,
) -> Result<(DataLoader, DataLoader, Option<DataLoader>)> {
    let training = &recipe.training_hyperparams;
    let make =
        |name: &str, dataset: &Arc<dyn Dataset>, params: &Node, transforms: &Node, max_batches| {
            let mut config: LoaderConfig = or_default(params)?;
            config.max_batches = config.max_batches.or(max_batches);
            let augmentation: Augmentation = or_default(transforms)?;
            let loader =
                DataLoader::new(name, dataset.clone(), config, augmentation, training.seed);
            at(params, loader).map(|loader| loader.for_device(device))
        };
    let (max_train, max_valid) = (
        training.evaluation.max_train_batches,
        training.evaluation.max_valid_batches,
    );
    let train = make(
        "train",
        &splits.train,
        &recipe.train_dataloader_params,
        &recipe.train_transforms,
        max_train,
    )?;
    let valid = make(
        "validation",
        &splits.validation,
        &recipe.val_dataloader_params,
        &recipe.val_transforms,
        max_valid,
    )?;
    let test = splits.test.as_ref();
    let test = test.map(|test| {
        make(
            "test",
            test,
            &recipe.test_dataloader_params,
            &recipe.val_transforms,
            None,
        )
    });
    Ok((train, valid, test.transpose()?))
}
