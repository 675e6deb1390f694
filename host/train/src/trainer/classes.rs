//! The classes that a network was trained for: an index of an output means a name. Owns what a checkpoint keeps of them,
//! and the refusal of data in which the indices mean something else.

use anyhow::{Result, ensure};
use phasebox_contract::printable::excerpt;
use phasebox_data::DataLoader;

use crate::context::Context;

/// More bytes of names are not kept, and not compared: a checkpoint's JSON is bounded.
const MOST_BYTES: usize = 1 << 20;

/// The names in the order of their indices. None where targets are no classes.
pub(super) fn of(loader: &DataLoader) -> Vec<String> {
    let names = loader.dataset().class_names().unwrap_or_default();
    let bytes: usize = names.iter().map(String::len).sum();
    match bytes <= MOST_BYTES {
        true => names.to_vec(),
        false => Vec::new(),
    }
}

/// Refuses data with other classes than `saved`, or in another order. Checkpoints of before have none saved.
pub(super) fn check(context: &Context, saved: &[String]) -> Result<()> {
    let loaders = [&context.train_loader, &context.valid_loader];
    let mut loaders = loaders.into_iter().chain(&context.test_loader);
    loaders.try_for_each(|loader| check_classes(saved, loader))
}

/// Refuses a loader with other classes than `saved`, or in another order.
///
/// # Errors
/// The first class that differs.
pub fn check_classes(saved: &[String], loader: &DataLoader) -> Result<()> {
    compare(saved, &of(loader))
}

fn compare(saved: &[String], now: &[String]) -> Result<()> {
    if saved.is_empty() || now.is_empty() {
        return Ok(());
    }
    const REMEDY: &str =
        "put back the names and their order, or take the weights alone, as those of a new run";
    ensure!(
        saved.len() == now.len(),
        "it was trained for {} classes, and the data have {}: {REMEDY}",
        saved.len(),
        now.len()
    );
    let differs = saved.iter().zip(now).position(|(saved, now)| saved != now);
    let index = differs.unwrap_or_default();
    ensure!(
        differs.is_none(),
        "its class {index} is {:?}, and class {index} of the data is {:?}: {REMEDY}",
        excerpt(&saved[index]),
        excerpt(&now[index])
    );
    Ok(())
}
