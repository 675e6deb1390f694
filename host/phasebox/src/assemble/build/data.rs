//! The data set of a recipe and its loaders.

use std::sync::Arc;

use anyhow::{Context as _, Error, Result, anyhow};
use phasebox_data::{
    Augmentation, DataLoader, Dataset, DatasetConfig, LoaderConfig, Shard, Splits, TransformList,
    Transforms,
};
use phasebox_recipe::{Content, Node, Note, Recipe};
use serde_json::json;
use tch::Device;

use super::super::ProcessCache;
use super::place::at;
use super::{named, or_default};

/// The data of an assembly.
#[derive(Default)]
pub enum Data {
    /// The recipe's.
    #[default]
    OfRecipe,
    /// The recipe's; a checkpoint could have made them needless, and keeps nothing of them.
    NotKept,
    /// The recipe's to evaluate on; this stand-in takes the place of training's where those cannot be read.
    Evaluation(Arc<dyn Dataset>),
    /// None but this stand-in.
    StandIn(Arc<dyn Dataset>),
}

/// The samples of all splits, and a line about those that are not read.
pub(super) fn dataset(
    recipe: &Recipe,
    data: &Data,
    cache: &mut ProcessCache,
) -> Result<(Splits, Option<Note>)> {
    let (name, params) = named(&recipe.dataset, &recipe.dataset_params)?;
    let params = if params.is_null() { json!({}) } else { params };
    let nodes = [&recipe.dataset, &recipe.dataset_params];
    let config = at(&nodes, DatasetConfig::named(&name, params))?;
    if let Data::StandIn(stand_in) = data {
        return Ok((only(stand_in), None));
    }
    let read = at(&nodes, cache.data_set(&config, &recipe.base_folder));
    match (read, data) {
        (Ok(splits), _) => Ok((splits, None)),
        (Err(error), Data::Evaluation(stand_in)) => {
            let others = config.load_without_train(&recipe.base_folder, stand_in);
            match at(&nodes, others)? {
                Some(splits) => Ok((splits, Some(note_on_train(recipe, &error)))),
                None => Err(error),
            }
        }
        (Err(error), Data::NotKept) => Err(error.context(NOT_KEPT)),
        (Err(error), _) => Err(error),
    }
}

const NOT_KEPT: &str = "the data are needed here, since the checkpoint keeps nothing of them: they are no images, or an \
                        earlier phasebox made it; put them where the recipe says, or name a recipe with others by `--recipe`";

fn only(stand_in: &Arc<dyn Dataset>) -> Splits {
    Splits {
        train: Arc::clone(stand_in),
        validation: Arc::clone(stand_in),
        test: None,
    }
}

fn note_on_train(recipe: &Recipe, error: &Error) -> Note {
    let reason = format!("{error:#}");
    let reason = reason.lines().next().unwrap_or_default();
    Note {
        location: recipe.dataset.location.clone(),
        text: format!(
            "the training data are not read, and the checkpoint tells their classes: {reason}"
        ),
    }
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
