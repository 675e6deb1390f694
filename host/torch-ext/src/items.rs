//! `Items`: what a batch holds of one kind, such as its inputs: one tensor, or several with names in declared order.
//! Owns no rule about what the names mean.

use std::sync::Arc;

use tch::Tensor;

use crate::{Error, Result, described};

/// One tensor, or named tensors in declared order. One tensor is the usual case: it needs neither a name nor memory
/// beside its own. Clones of the handles share the tensors' memory.
#[derive(Debug)]
pub struct Items(Kept);

/// The most tensors of one kind in a batch, and the longest name in bytes.
const MOST: usize = 4096;
const LONGEST: usize = 128;

/// Refuses a name of a tensor that could not be shown on a terminal and in logs, as [`Items::named`] does.
///
/// # Errors
/// A name that is empty, too long, or with control characters.
pub fn check_item_name(name: &str) -> Result<()> {
    let is_shown = !name.is_empty() && name.len() <= LONGEST && !name.chars().any(char::is_control);
    if is_shown {
        return Ok(());
    }
    let name = name.escape_debug().to_string();
    Err(Error::Items(format!(
        "`{name:.160}` is no name: it needs 1 to {LONGEST} bytes without control characters"
    )))
}

#[derive(Debug)]
enum Kept {
    One(Tensor),
    Named(Vec<(Arc<str>, Tensor)>),
}

impl From<Tensor> for Items {
    fn from(tensor: Tensor) -> Items {
        Items(Kept::One(tensor))
    }
}

impl Items {
    /// No tensor at all.
    pub const NONE: Items = Items(Kept::Named(Vec::new()));

    /// Tensors with names, in this order.
    ///
    /// # Errors
    /// A name that is empty, too long, there twice or with control characters; more than 4,096 tensors.
    pub fn named<N: Into<Arc<str>>>(
        tensors: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<Items> {
        let mut items: Vec<(Arc<str>, Tensor)> = Vec::new();
        for (name, tensor) in tensors {
            let name = name.into();
            check_item_name(&name)?;
            items.push((name, tensor));
        }
        if items.len() > MOST {
            let count = items.len();
            let message = format!("{count} tensors in one batch; at most {MOST}");
            return Err(Error::Items(message));
        }
        let mut names: Vec<&str> = items.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Error::Items(format!("two tensors are named `{}`", pair[0]))),
            None => Ok(Items(Kept::Named(items))),
        }
    }

    /// The number of tensors.
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Kept::One(_) => 1,
            Kept::Named(items) => items.len(),
        }
    }

    /// There is no tensor.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The tensor, if there is exactly one.
    #[inline]
    pub fn one(&self) -> Option<&Tensor> {
        match &self.0 {
            Kept::One(tensor) => Some(tensor),
            Kept::Named(items) => match items.as_slice() {
                [(_, tensor)] => Some(tensor),
                _ => None,
            },
        }
    }

    /// The tensor, for code that takes exactly one; `what` says of what, such as "inputs".
    ///
    /// # Errors
    /// None, or several: the message lists their names.
    #[inline]
    pub fn single(&self, what: &str) -> Result<&Tensor> {
        self.one().ok_or_else(|| self.not_single(what))
    }

    #[cold]
    fn not_single(&self, what: &str) -> Error {
        Error::Items(format!(
            "{what} are {} tensors ({}), one is wanted here",
            self.len(),
            self.names().join(", ")
        ))
    }

    /// The tensor of that name.
    ///
    /// # Errors
    /// An unknown name; the message lists those that exist.
    pub fn get(&self, name: &str) -> Result<&Tensor> {
        let known = self.iter("").find(|(known, _)| *known == name);
        known.map(|(_, tensor)| tensor).ok_or_else(|| {
            Error::Items(match &self.0 {
                Kept::One(_) => format!("there is one tensor without a name, and no `{name}`"),
                Kept::Named(_) => format!("no `{name}` among {}", self.names().join(", ")),
            })
        })
    }

    /// The names in declared order; a tensor without a name has none.
    pub fn names(&self) -> Vec<&str> {
        let names = self.iter("").map(|(name, _)| name);
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Names and tensors in declared order; `alone` is the name of a tensor that has none.
    #[inline]
    pub fn iter<'a>(&'a self, alone: &'a str) -> impl Iterator<Item = (&'a str, &'a Tensor)> {
        let (one, named) = match &self.0 {
            Kept::One(tensor) => (Some((alone, tensor)), [].as_slice()),
            Kept::Named(items) => (None, items.as_slice()),
        };
        let named = named.iter().map(|(name, tensor)| (&**name, tensor));
        one.into_iter().chain(named)
    }

    /// Shape, kind and device of each tensor, for messages. No sync.
    pub fn described(&self) -> String {
        let each = self.iter("").map(|(name, tensor)| match name {
            "" => described(tensor),
            name => format!("`{name}` {}", described(tensor)),
        });
        each.collect::<Vec<_>>().join(", ")
    }

    /// The tensors in declared order.
    #[inline]
    pub fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.iter("").map(|(_, tensor)| tensor)
    }

    /// Each tensor in turn put through `change`, under its name.
    ///
    /// # Errors
    /// The first error of `change`.
    #[inline]
    pub fn try_map<E>(
        &self,
        mut change: impl FnMut(&Tensor) -> std::result::Result<Tensor, E>,
    ) -> std::result::Result<Items, E> {
        Ok(Items(match &self.0 {
            Kept::One(tensor) => Kept::One(change(tensor)?),
            Kept::Named(items) => Kept::Named(
                items
                    .iter()
                    .map(|(name, tensor)| Ok((name.clone(), change(tensor)?)))
                    .collect::<std::result::Result<_, E>>()?,
            ),
        }))
    }

    /// Handles to the same tensors.
    #[inline]
    pub fn shallow_clone(&self) -> Items {
        Items(match &self.0 {
            Kept::One(tensor) => Kept::One(tensor.shallow_clone()),
            Kept::Named(items) => Kept::Named(
                items
                    .iter()
                    .map(|(name, tensor)| (name.clone(), tensor.shallow_clone()))
                    .collect(),
            ),
        })
    }

    /// Puts `tensor` in the place of the one that has this name, or of the only one.
    ///
    /// # Errors
    /// An unknown name.
    pub fn replace(&mut self, name: &str, tensor: Tensor) -> Result<()> {
        self.get(name)?;
        if let Kept::Named(items) = &mut self.0
            && let Some(item) = items.iter_mut().find(|(known, _)| **known == *name)
        {
            item.1 = tensor;
        }
        Ok(())
    }
}
