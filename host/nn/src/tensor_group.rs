//! Named tensors that are worked on together, also as a list for multi-tensor kernels. Owns the list and the facts that
//! hold for as long as the group does, so that no operation has to go through the tensors one by one. Does not know
//! whose tensors they are.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::Result;
use tch::{Kind, Tensor};
use torch_ext::{TensorList, owned_copy};

use crate::glob;

/// The number of selections of [`TensorGroup::matching`] that are remembered; a callback asks for one or two.
const REMEMBERED: usize = 8;

/// Shapes and kinds, member by member. Copies of a group share one layout, so that comparing them compares a pointer.
type Layout = Rc<[(Vec<i64>, Kind)]>;

/// Tensors by name. The set of tensors, their shapes and their kinds do not change; their values may.
pub struct TensorGroup {
    named: Vec<(String, Tensor)>,
    list: TensorList,
    layout: Layout,
    bytes: u64,
    first_not_floating: Option<usize>,
    /// Selections by their glob; the oldest is forgotten first.
    selections: RefCell<Vec<(String, Rc<TensorGroup>)>>,
}

impl TensorGroup {
    /// A group that shares the given tensors.
    ///
    /// # Errors
    /// An undefined tensor.
    pub fn new(named: Vec<(String, Tensor)>) -> Result<Rc<TensorGroup>, torch_ext::Error> {
        let layout = named
            .iter()
            .map(|(_, tensor)| (tensor.size(), tensor.kind()))
            .collect();
        TensorGroup::with_layout(named, layout)
    }

    fn with_layout(
        named: Vec<(String, Tensor)>,
        layout: Layout,
    ) -> Result<Rc<TensorGroup>, torch_ext::Error> {
        Ok(Rc::new(TensorGroup {
            list: TensorList::from_tensors(named.iter().map(|(_, tensor)| tensor))?,
            bytes: named
                .iter()
                .map(|(_, tensor)| torch_ext::bytes(tensor))
                .sum(),
            first_not_floating: named
                .iter()
                .position(|(_, tensor)| !tensor.is_floating_point()),
            layout,
            named,
            selections: RefCell::default(),
        }))
    }

    /// The members, in order.
    pub fn named(&self) -> &[(String, Tensor)] {
        &self.named
    }

    /// The members for multi-tensor kernels.
    pub fn list(&self) -> &TensorList {
        &self.list
    }

    /// The group has no members; multi-tensor kernels do not take such a group.
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Bytes of all elements.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The first member that arithmetic with fractions cannot change, such as a count.
    pub fn first_not_floating(&self) -> Option<&(String, Tensor)> {
        self.first_not_floating.map(|index| &self.named[index])
    }

    /// Both groups have the same shapes and kinds, member by member.
    pub fn is_alike(&self, other: &TensorGroup) -> bool {
        Rc::ptr_eq(&self.layout, &other.layout) || self.layout == other.layout
    }

    /// Copies of all members with memory of their own, unknown to autograd. No sync.
    ///
    /// # Errors
    /// libtorch's reason, such as too little memory.
    pub fn duplicate(&self) -> Result<Rc<TensorGroup>> {
        let mut copies = Vec::with_capacity(self.named.len());
        for (name, tensor) in &self.named {
            copies.push((name.clone(), owned_copy(tensor)?));
        }
        Ok(TensorGroup::with_layout(copies, self.layout.clone())?)
    }

    /// The members whose names match `glob`. A selection is made once and then remembered.
    ///
    /// # Errors
    /// A malformed glob, or one of more than 256 bytes.
    pub fn matching(&self, glob: &str) -> Result<Rc<TensorGroup>> {
        if let Some(selection) = self.remembered(glob) {
            return Ok(selection);
        }
        let selection = self.select(glob)?;
        let mut selections = self.selections.borrow_mut();
        if selections.len() == REMEMBERED {
            selections.remove(0);
        }
        selections.push((glob.to_owned(), selection.clone()));
        Ok(selection)
    }

    fn remembered(&self, glob: &str) -> Option<Rc<TensorGroup>> {
        let selections = self.selections.borrow();
        let (_, selection) = selections.iter().find(|(known, _)| known == glob)?;
        Some(selection.clone())
    }

    fn select(&self, glob: &str) -> Result<Rc<TensorGroup>> {
        let glob = glob::compile(glob)?;
        let chosen = self.named.iter().filter(|(name, _)| glob.is_match(name));
        let shared = chosen.map(|(name, tensor)| (name.clone(), tensor.shallow_clone()));
        Ok(TensorGroup::new(shared.collect())?)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    fn group(shapes: &[(&str, &[i64], Kind)]) -> Rc<TensorGroup> {
        let zeros = |(name, shape, kind): &(&str, &[i64], Kind)| {
            (
                (*name).to_owned(),
                Tensor::zeros(*shape, (*kind, Device::Cpu)),
            )
        };
        TensorGroup::new(shapes.iter().map(zeros).collect()).expect("tensors")
    }

    #[test]
    fn groups_are_alike_by_shape_and_kind() {
        let check = |a: &[(&str, &[i64], Kind)], b: &[(&str, &[i64], Kind)], expected| {
            assert_eq!(group(a).is_alike(&group(b)), expected, "{a:?} {b:?}");
        };
        check(
            &[("a", &[2, 3], Kind::Float)],
            &[("b", &[2, 3], Kind::Float)],
            true,
        );
        check(
            &[("a", &[2, 3], Kind::Float)],
            &[("a", &[3, 2], Kind::Float)],
            false,
        );
        check(
            &[("a", &[2], Kind::Float)],
            &[("a", &[2], Kind::Double)],
            false,
        );
        check(&[("a", &[2], Kind::Float)], &[], false);
    }

    #[test]
    fn a_copy_is_alike_and_shares_no_memory() {
        let original = group(&[("count", &[], Kind::Int64), ("weight", &[2], Kind::Float)]);
        let copy = original.duplicate().expect("memory");
        let _ = copy.named()[1].1.shallow_clone().fill_(1.0);
        assert_eq!(
            original.named()[1].1.sum(Kind::Float).double_value(&[]),
            0.0
        );
        assert!(original.is_alike(&copy));
        assert_eq!(copy.bytes(), 16);
        assert_eq!(
            copy.first_not_floating().map(|(name, _)| name.as_str()),
            Some("count")
        );
    }

    #[test]
    fn a_selection_is_made_once() {
        let group = group(&[
            ("a.bias", &[1], Kind::Float),
            ("a.weight", &[2], Kind::Float),
        ]);
        let first = group.matching("*.bias").expect("a glob");
        assert_eq!(first.named().len(), 1);
        assert!(Rc::ptr_eq(
            &first,
            &group.matching("*.bias").expect("a glob")
        ));
        for index in 0..2 * REMEMBERED {
            group.matching(&format!("{index}")).expect("a glob");
        }
        assert_eq!(group.selections.borrow().len(), REMEMBERED);
        assert!(group.matching("[").is_err());
        assert!(group.matching(&"{".repeat(100_000)).is_err());
    }
}
