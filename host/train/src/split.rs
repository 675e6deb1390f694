//! The three parts of the data, and values that each of them has. Owns no data.

use std::ops::{Index, IndexMut};

/// A part of the data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Split {
    /// The part that the network learns from.
    Train,
    /// The part that decides which epoch is best.
    Validation,
    /// The part that is only reported.
    Test,
}

impl Split {
    /// The word for it in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Split::Train => "training",
            Split::Validation => "validation",
            Split::Test => "test",
        }
    }

    /// Prefix of the names under which its metrics are logged.
    pub(crate) fn metrics_prefix(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Validation => "valid",
            Split::Test => "test",
        }
    }
}

/// One value for each [`Split`], by which it is indexed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PerSplit<T> {
    /// The value of [`Split::Train`].
    pub train: T,
    /// The value of [`Split::Validation`].
    pub validation: T,
    /// The value of [`Split::Test`].
    pub test: T,
}

impl<T> Index<Split> for PerSplit<T> {
    type Output = T;

    #[inline]
    fn index(&self, split: Split) -> &T {
        match split {
            Split::Train => &self.train,
            Split::Validation => &self.validation,
            Split::Test => &self.test,
        }
    }
}

impl<T> IndexMut<Split> for PerSplit<T> {
    #[inline]
    fn index_mut(&mut self, split: Split) -> &mut T {
        match split {
            Split::Train => &mut self.train,
            Split::Validation => &mut self.validation,
            Split::Test => &mut self.test,
        }
    }
}
