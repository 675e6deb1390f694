//! The sizes of samples that a network gets, by the transforms and the collations of all loaders. Owns whose section is at
//! fault where one does not fit, and the remedy; the network says which it takes.

use anyhow::{Context as _, Result, anyhow};
use phasebox_data::DataLoader;
use phasebox_nn::model::Model;
use phasebox_recipe::{Node, Recipe};

use super::{at, is_empty};

/// Refuses samples that the network cannot take: those of training by their size, those of validation, which differ by their
/// transforms, and those of a size that a collation draws.
///
/// # Errors
/// The section that gives samples their size, with the remedy.
pub(super) fn check(
    recipe: &Recipe,
    net: &Model,
    train: &DataLoader,
    validation: &DataLoader,
) -> Result<()> {
    let transforms = [&recipe.train_transforms, &recipe.val_transforms];
    let [of_train, of_validation] = transforms.map(|transforms| match is_empty(transforms) {
        true => &recipe.dataset,
        false => transforms,
    });
    let judge = |(_, shape): &(String, Vec<i64>)| net.takes(shape);
    for (loader, section, collation) in [
        (train, of_train, &recipe.train_dataloader_params),
        (validation, of_validation, &recipe.val_dataloader_params),
    ] {
        at(&[section], loader.check_one_size())?;
        check_drawn(net, loader, collation)?;
        let shapes = loader.input_shapes()?;
        let judged: Result<Vec<bool>> = shapes.iter().map(judge).collect();
        let judged = judged.map_err(|error| anyhow!("{error:#}: {REMEDY}"));
        if at(&[section], judged)?.contains(&true) {
            continue;
        }
        let fits = net.check_samples(&shapes).context(
            "`val_transforms` give samples of another shape than `train_transforms`; write the same size in both",
        );
        let node = match is_empty(&recipe.val_transforms) {
            true => &recipe.train_transforms,
            false => &recipe.val_transforms,
        };
        at(&[node], fits)?;
    }
    Ok(())
}

/// The way to sides that a network takes.
pub(in crate::assemble) const REMEDY: &str =
    "pad or scale them, as `DetectionPaddedRescale: {input_dim: […]}` does";

/// Keys of collations that decide the sizes, and the remedy.
const KEYS: [(&str, &str); 2] = [
    ("random_resize_sizes", "write other sizes there"),
    (
        "image_size_steps",
        "write a step whose multiples the network takes, and make images square before",
    ),
];

/// Refuses sizes of a collation's draw.
fn check_drawn(net: &Model, loader: &DataLoader, params: &Node) -> Result<()> {
    let Err(error) = net.check_shapes(&loader.drawn_shapes()?) else {
        return Ok(());
    };
    let collation = params.get("collate_fn").unwrap_or(params);
    let below = collation.entries().first().map(|entry| &entry.value);
    let written = |key| below.and_then(|below| below.get(key));
    let mut keys = KEYS.iter();
    let found = keys.find_map(|(key, remedy)| Some((*key, *remedy, written(key)?)));
    let (key, remedy, place) = found.unwrap_or((
        "collate_fn",
        "make images square before, as `DetectionPaddedRescale` does",
        collation,
    ));
    let message =
        format!("`{key}` gives images a size that the network cannot take: {error:#}; {remedy}");
    Err(anyhow!(place.location.error(message)))
}
