//! Slots for the host objects that a guest holds handles to. Owns their lifetime: a handle made during a
//! call goes stale when the call ends unless it was kept, also if the guest does not drop it.
//!
//! Guests cannot be relied on to drop handles: the garbage collector of a JavaScript guest never runs. The
//! value is therefore freed at the end of the call, and only a tombstone remains until the guest's drop.
//! Nothing is allocated for a call once the slots have grown to the number that a callback uses.

use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, refusal, refuse};

enum Slot<T> {
    /// A value in use. A `kept` one lasts until the guest drops its handle.
    Live {
        value: T,
        kept: bool,
    },
    /// The call that made it is over; the guest still holds the handle.
    Stale,
    Free,
}

/// All handles of one kind. The handle's number is the slot's index.
pub(crate) struct HandleTable<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    /// Slots taken during the call in progress.
    young: Vec<u32>,
    capacity: u64,
    /// How many handles were refused.
    pub(crate) refusals: u64,
}

impl<T> HandleTable<T> {
    pub(crate) fn new(capacity: u64) -> HandleTable<T> {
        HandleTable {
            slots: Vec::new(),
            free: Vec::new(),
            young: Vec::new(),
            capacity,
            refusals: 0,
        }
    }

    /// Slots in use: live handles and tombstones.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The most slots that were in use at one time.
    pub(crate) fn peak(&self) -> u64 {
        self.slots.len() as u64
    }

    /// A handle that ends with the call.
    pub(crate) fn insert(&mut self, value: T) -> HostResult<u32> {
        let index = self.place(Slot::Live { value, kept: false })?;
        self.young.push(index);
        Ok(index)
    }

    /// A handle that lasts until the guest drops it.
    pub(crate) fn insert_kept(&mut self, value: T) -> HostResult<u32> {
        self.place(Slot::Live { value, kept: true })
    }

    pub(crate) fn get(&self, index: u32) -> HostResult<&T> {
        match self.slots.get(index as usize) {
            Some(Slot::Live { value, .. }) => Ok(value),
            _ => Err(stale()),
        }
    }

    pub(crate) fn get_mut(&mut self, index: u32) -> HostResult<&mut T> {
        match self.slots.get_mut(index as usize) {
            Some(Slot::Live { value, .. }) => Ok(value),
            _ => Err(stale()),
        }
    }

    /// Two different values at once.
    pub(crate) fn get_two_mut(&mut self, indices: [u32; 2]) -> HostResult<[&mut T; 2]> {
        match self
            .slots
            .get_disjoint_mut(indices.map(|index| index as usize))
        {
            Ok(
                [
                    Slot::Live { value: first, .. },
                    Slot::Live { value: second, .. },
                ],
            ) => Ok([first, second]),
            _ => Err(stale()),
        }
    }

    /// Takes in the handle that a guest drops. Returns the value, if it was still there, and true if it was kept.
    pub(crate) fn remove(&mut self, index: u32) -> Option<(T, bool)> {
        let slot = self.slots.get_mut(index as usize)?;
        match std::mem::replace(slot, Slot::Free) {
            Slot::Free => None,
            Slot::Stale => {
                self.free.push(index);
                None
            }
            Slot::Live { value, kept } => {
                self.free.push(index);
                Some((value, kept))
            }
        }
    }

    /// Frees the values that were made during the call and not kept.
    pub(crate) fn end_call(&mut self) {
        for index in self.young.drain(..) {
            let slot = &mut self.slots[index as usize];
            if matches!(slot, Slot::Live { kept: false, .. }) {
                *slot = Slot::Stale;
            }
        }
    }

    fn place(&mut self, slot: Slot<T>) -> HostResult<u32> {
        if let Some(index) = self.free.pop() {
            self.slots[index as usize] = slot;
            return Ok(index);
        }
        if self.slots.len() as u64 >= self.capacity {
            self.refusals += 1;
            return refuse(
                ErrorCode::QuotaExceeded,
                format!(
                    "one more handle asked for, 0 of {} of this kind left at one time; drop those no longer needed, or raise `limits: {{handles: …}}`",
                    self.capacity
                ),
            );
        }
        self.slots.push(slot);
        Ok(self.slots.len() as u32 - 1)
    }
}

fn stale() -> HostError {
    refusal(
        ErrorCode::StaleHandle,
        "this handle was made during an earlier call, which is over; use `keep`, `duplicate` or `storage` for what must last",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_end_with_the_call_unless_kept() {
        let mut table = HandleTable::new(8);
        let (passing, kept) = (table.insert('a').unwrap(), table.insert_kept('b').unwrap());
        table.end_call();
        assert!(table.get(passing).is_err());
        assert_eq!(table.get(kept).ok(), Some(&'b'));
        assert_eq!(table.len(), 2, "a tombstone stays until the guest drops it");
        assert_eq!(
            (table.remove(passing), table.remove(kept)),
            (None, Some(('b', true)))
        );
        assert_eq!(
            (table.len(), table.remove(kept)),
            (0, None),
            "a second drop finds nothing"
        );
    }

    #[test]
    fn a_slot_reused_within_a_call_still_ends_with_it() {
        let mut table = HandleTable::new(1);
        let first = table.insert(1).unwrap();
        assert!(table.insert(2).is_err(), "capacity is refused, not grown");
        table.remove(first);
        let second = table.insert(2).unwrap();
        table.end_call();
        assert!(table.get(second).is_err());
    }
}
