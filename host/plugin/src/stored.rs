//! The tensors that `storage` keeps for a callback, and their names in a checkpoint.

use std::collections::BTreeMap;
use std::rc::Rc;

use anyhow::Result;
use phasebox_nn::tensor_group::TensorGroup;
use tch::Tensor;

/// Separates the name of a stored group from the name of its member in a checkpoint.
const GROUP_SEPARATOR: &str = "//";

/// The tensor or the group that `storage` keeps under one name.
pub(crate) enum Stored {
    Tensor(Tensor),
    Group(Rc<TensorGroup>),
}

impl Stored {
    /// The memory it takes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Stored::Tensor(tensor) => torch_ext::bytes(tensor),
            Stored::Group(members) => members.bytes(),
        }
    }

    /// Its tensors under the names that a checkpoint gives them.
    pub(crate) fn named(&self, name: &str) -> Vec<(String, Tensor)> {
        match self {
            Stored::Tensor(tensor) => vec![(name.to_owned(), tensor.shallow_clone())],
            Stored::Group(members) => members
                .named()
                .iter()
                .map(|(member, tensor)| (member_name(name, member), tensor.shallow_clone()))
                .collect(),
        }
    }
}

fn member_name(group: &str, member: &str) -> String {
    format!("{group}{GROUP_SEPARATOR}{member}")
}

/// Makes of a checkpoint's tensors what [`Stored::named`] made them of.
pub(crate) fn from_checkpoint(tensors: Vec<(String, Tensor)>) -> Result<BTreeMap<String, Stored>> {
    let mut stored = BTreeMap::new();
    let mut groups = BTreeMap::<String, Vec<(String, Tensor)>>::new();
    for (name, tensor) in tensors {
        match name.split_once(GROUP_SEPARATOR) {
            Some((group, member)) => groups
                .entry(group.to_owned())
                .or_default()
                .push((member.to_owned(), tensor)),
            None => drop(stored.insert(name, Stored::Tensor(tensor))),
        }
    }
    for (name, members) in groups {
        stored.insert(name, Stored::Group(TensorGroup::new(members)?));
    }
    Ok(stored)
}
