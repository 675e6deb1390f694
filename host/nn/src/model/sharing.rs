//! Tensors that a network lists under several names: each is kept once, under the first name, with the others as its
//! aliases. Refuses tensors that overlap without being one. Knows no network.

use std::collections::HashMap;

use anyhow::{Result, bail};
use tch::Tensor;

/// A further name of a tensor that is listed under another.
pub(super) type Alias = (String, Tensor);

/// Takes out of `named` what stands there a second time, and gives it back with the name it had there.
pub(super) fn unite(named: &mut Vec<(String, Tensor)>) -> Vec<Alias> {
    let mut unique: Vec<(String, Tensor)> = Vec::with_capacity(named.len());
    let mut aliases = Vec::new();
    let mut places: HashMap<usize, Vec<usize>> = HashMap::new();
    for (name, tensor) in named.drain(..) {
        // One tensor has one place; a view of it has the same.
        let here = places.entry(tensor.data_ptr() as usize).or_default();
        let mut known = here.iter().map(|index| &unique[*index].1);
        if known.any(|known| torch_ext::is_same(known, &tensor)) {
            aliases.push((name, tensor));
        } else {
            here.push(unique.len());
            unique.push((name, tensor));
        }
    }
    *named = unique;
    aliases
}

/// Checks that no two of the tensors, which lie in row-major order, share an element: an optimizer would step such an
/// element twice, and an average would take it in twice.
///
/// # Errors
/// Two that do, by name.
pub(super) fn refuse_overlaps<'a>(named: impl Iterator<Item = &'a (String, Tensor)>) -> Result<()> {
    let mut places: Vec<(usize, usize, &str)> = named
        .map(|(name, tensor)| {
            let start = tensor.data_ptr() as usize;
            (
                start,
                start + torch_ext::bytes(tensor) as usize,
                name.as_str(),
            )
        })
        .filter(|(start, end, _)| start < end)
        .collect();
    places.sort_unstable();
    for pair in places.windows(2) {
        let [(_, end, left), (start, _, right)] = pair else {
            continue;
        };
        if start < end {
            bail!(
                "`{left}` and `{right}` are two tensors in the same memory, as a slice and the whole of it are: make \
                 them one (`self.b.weight = self.a.weight`), or give one its own memory (`.clone()`)"
            );
        }
    }
    Ok(())
}
