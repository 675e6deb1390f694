//! Values that a script gets: handles, numbers, texts, and `()` where there is nothing. Owns the types that scripts hold
//! handles in; a handle is given back when the last reference to it is gone.

use std::collections::BTreeMap;
use std::rc::Rc;

use phasebox_sdk::prelude::*;
use rhai::{Array, Dynamic, Map};

use crate::fault::{Fault, thrown};

/// The result of a function that a script calls.
pub(crate) type Answer = Result<Dynamic, Fault>;

/// The context of the call in progress. It has no handle of its own: a script that keeps it has the next one.
#[derive(Clone, Copy)]
pub(crate) struct Here;

/// A handle that a script can copy.
pub(crate) struct Handle<T>(pub(crate) Rc<T>);

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

/// A number on its way, or one that arrived before the state was saved.
#[derive(Clone)]
pub(crate) enum Awaited {
    OnItsWay(Rc<Deferred>),
    Arrived(f64),
}

/// The answer of a function of the contract.
pub(crate) fn give<T: IntoScript>(answer: Result<T, Error>) -> Answer {
    answer.map(IntoScript::into_script).map_err(thrown)
}

/// A value of the contract as a script has it.
pub(crate) trait IntoScript {
    fn into_script(self) -> Dynamic;
}

macro_rules! handles {
    ($($of:ty),*) => { $(
        impl IntoScript for $of {
            fn into_script(self) -> Dynamic {
                Dynamic::from(Handle(Rc::new(self)))
            }
        }
    )* };
}
handles!(
    Tensor,
    TensorGroup,
    Model,
    Optimizer,
    Criterion,
    DataLoader,
    Metrics
);

macro_rules! plain {
    ($($of:ty: $as:ty),*) => { $(
        impl IntoScript for $of {
            fn into_script(self) -> Dynamic {
                <$as>::from(self).into()
            }
        }
    )* };
}
plain!(bool: bool, f64: f64, i64: i64, u32: i64, String: String);

impl IntoScript for () {
    fn into_script(self) -> Dynamic {
        Dynamic::UNIT
    }
}

impl IntoScript for f32 {
    fn into_script(self) -> Dynamic {
        f64::from(self).into()
    }
}

impl IntoScript for u64 {
    fn into_script(self) -> Dynamic {
        i64::try_from(self).unwrap_or(i64::MAX).into()
    }
}

impl IntoScript for Deferred {
    fn into_script(self) -> Dynamic {
        Dynamic::from(Awaited::OnItsWay(Rc::new(self)))
    }
}

impl IntoScript for Dynamic {
    fn into_script(self) -> Dynamic {
        self
    }
}

impl<T: IntoScript> IntoScript for Option<T> {
    fn into_script(self) -> Dynamic {
        self.map_or(Dynamic::UNIT, IntoScript::into_script)
    }
}

impl<T: IntoScript> IntoScript for Vec<T> {
    fn into_script(self) -> Dynamic {
        let values: Array = self.into_iter().map(IntoScript::into_script).collect();
        values.into()
    }
}

impl<T: IntoScript> IntoScript for (T, T) {
    fn into_script(self) -> Dynamic {
        vec![self.0, self.1].into_script()
    }
}

impl IntoScript for Vec<ScalarEntry> {
    fn into_script(self) -> Dynamic {
        let entries = self.into_iter();
        let map: Map = entries
            .map(|entry| (entry.name.into(), entry.value.into()))
            .collect::<BTreeMap<_, _>>();
        map.into()
    }
}
