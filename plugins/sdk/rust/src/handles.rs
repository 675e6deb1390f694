//! Handles that are given back together. The host frees a tensor or a group with the call it was made in, so dropping it
//! only has to free the handle's number, and that can wait. What was kept is dropped at once: it is charged until then.

use core::cell::RefCell;

use crate::bindings::phasebox::train::context;
use crate::bindings::phasebox::train::tensor::{Tensor, TensorGroup};
use crate::error::Result;

/// Handles that may wait: few, since each holds its tensor until the call ends.
const WAITING: usize = 16;

/// Marks a handle that was kept. The host's numbers are below 2²⁸.
const KEPT: u32 = 1 << 31;

/// Handles that are to be given back.
#[derive(Default)]
struct Ended {
    tensors: Vec<Tensor>,
    groups: Vec<TensorGroup>,
}

std::thread_local! {
    static ENDED: RefCell<Ended> = RefCell::default();
}

/// A handle that ends with the call.
pub(crate) trait End {
    /// Lets the handle wait until it is given back.
    fn end(self);
}

impl End for Tensor {
    fn end(self) {
        add(|ended| ended.tensors.push(self));
    }
}

impl End for TensorGroup {
    fn end(self) {
        add(|ended| ended.groups.push(self));
    }
}

fn add(add: impl FnOnce(&mut Ended)) {
    let full = ENDED.with_borrow_mut(|ended| {
        add(ended);
        let is_full = ended.tensors.len() + ended.groups.len() >= WAITING;
        is_full.then(|| core::mem::take(ended))
    });
    if let Some(Ended { tensors, groups }) = full {
        context::release(tensors, groups);
    }
}

/// The handle as the host knows it.
#[inline]
pub(crate) fn number(handle: u32) -> u32 {
    handle & !KEPT
}

/// The handle, marked as kept.
pub(crate) fn kept(handle: u32) -> u32 {
    handle | KEPT
}

/// True for a handle that was kept.
#[inline]
pub(crate) fn is_kept(handle: u32) -> bool {
    handle & KEPT != 0
}

impl Tensor {
    /// A handle that lasts until it is dropped, charged to the callback's `tensors` limit. A tensor of the trainer is
    /// copied on the device, because training goes on to change it. The callback's own results are kept as they are,
    /// except views of something larger, which are copied. One crossing; dropping it is two.
    pub fn keep(&self) -> Result<Tensor> {
        Ok(self.keep_unmarked()?.marked())
    }
}

impl TensorGroup {
    /// A copy on the same device that lasts until it is dropped, charged to `tensors`. One launch for each member. One
    /// crossing; dropping it is two.
    pub fn duplicate(&self) -> Result<TensorGroup> {
        Ok(self.duplicate_unmarked()?.marked())
    }
}
