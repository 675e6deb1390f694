//! The order callbacks run in: that of the recipe, changed only where `order` asks for it.
//! Owns the sorting; it does not know what a callback does.

use phasebox_contract::suggest;

use super::callbacks::CallbackEntry;
use super::location::{RecipeError, Result};

/// Sorts callbacks: each after its `after` and before its `before`, and otherwise as early as the recipe has it.
///
/// # Errors
/// A name that no callback has, and callbacks that wait for each other.
pub(super) fn in_order(entries: Vec<CallbackEntry>) -> Result<Vec<CallbackEntry>> {
    let waits = waits(&entries)?;
    let mut placed: Vec<usize> = Vec::with_capacity(entries.len());
    while placed.len() < entries.len() {
        match next(&waits, &placed) {
            Some(next) => placed.push(next),
            None => return Err(circle(&entries, &waits, &placed)),
        }
    }
    Ok(placed
        .into_iter()
        .map(|index| entries[index].clone())
        .collect())
}

/// For each callback, those that must run earlier.
fn waits(entries: &[CallbackEntry]) -> Result<Vec<Vec<usize>>> {
    let mut waits = vec![Vec::new(); entries.len()];
    for (index, entry) in entries.iter().enumerate() {
        for name in &entry.order.after {
            waits[index].push(position(entries, entry, name)?);
        }
        for name in &entry.order.before {
            waits[position(entries, entry, name)?].push(index);
        }
    }
    Ok(waits)
}

/// The first callback that is not placed and waits for none.
fn next(waits: &[Vec<usize>], placed: &[usize]) -> Option<usize> {
    (0..waits.len()).find(|index| {
        !placed.contains(index) && waits[*index].iter().all(|earlier| placed.contains(earlier))
    })
}

fn position(entries: &[CallbackEntry], from: &CallbackEntry, name: &str) -> Result<usize> {
    let known: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let found = suggest::fuzzy(name, &known);
    let index = found.and_then(|found| known.iter().position(|known| *known == found));
    index.ok_or_else(|| {
        let hint = suggest::hint(name, &known);
        from.written.location.error(format!(
            "`order` of callback `{}`: the recipe has no callback `{name}`{hint}",
            from.name
        ))
    })
}

/// Follows who waits for whom until a callback comes up again.
fn circle(entries: &[CallbackEntry], waits: &[Vec<usize>], placed: &[usize]) -> RecipeError {
    let stuck = |index: &usize| !placed.contains(index);
    let mut walk: Vec<usize> = (0..entries.len()).find(stuck).into_iter().collect();
    while let Some(next) = walk
        .last()
        .and_then(|last| waits[*last].iter().copied().find(stuck))
    {
        if let Some(start) = walk.iter().position(|index| *index == next) {
            walk.drain(..start);
            walk.push(next);
            break;
        }
        walk.push(next);
    }
    let names: Vec<_> = walk
        .iter()
        .map(|index| format!("`{}`", entries[*index].name))
        .collect();
    let message = format!(
        "callbacks wait for each other: {}; drop one `order`",
        names.join(" after ")
    );
    entries[walk.first().copied().unwrap_or(0)]
        .written
        .location
        .error(message)
}
