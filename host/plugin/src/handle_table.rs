//! Slots for the host objects that a guest holds handles to. Owns their lifetime: a handle made during a
//! call goes stale when the call ends unless it was kept, also if the guest does not drop it.
//!
//! Guests cannot be relied on to drop handles: the garbage collector of a JavaScript guest never runs. So the value is
//! freed and its slot given to the next handle as soon as the call ends. A handle's number tells one holder of a slot
//! from the next. Nothing is allocated for a call once the slots have grown to the number that a callback uses.

use crate::bindings::types::ErrorCode;
use crate::error::{HostError, HostResult, refusal, refuse};

/// Bits of a handle's number that are its slot; the others count the slot's holders that a guest did not drop.
const SLOT_BITS: u32 = 20;
/// The most slots.
const MOST_SLOTS: u64 = 1 << SLOT_BITS;
/// The last holder that a slot can have. It is not used again then, so that no old handle comes to a new value.
const LAST_HOLDER: u32 = u32::MAX >> SLOT_BITS;
/// Handles of ended calls that a guest may still hold. Each takes some bytes of wasmtime's own table.
pub(crate) const MOST_STALE: u64 = 1_000_000;

struct Slot<T> {
    holder: u32,
    value: Option<Held<T>>,
}

/// A value in use. A `kept` one lasts until the guest drops its handle.
struct Held<T> {
    value: T,
    kept: bool,
}

/// All handles of one kind.
pub(crate) struct HandleTable<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    /// Slots taken during the call in progress.
    young: Vec<u32>,
    capacity: u64,
    /// Values in use, and the most at one time.
    live: u64,
    peak: u64,
    /// Handles of ended calls that the guest still holds.
    stale: u64,
    /// How many handles were refused.
    pub(crate) refusals: u64,
}

impl<T> HandleTable<T> {
    pub(crate) fn new(capacity: u64) -> HandleTable<T> {
        HandleTable {
            slots: Vec::new(),
            free: Vec::new(),
            young: Vec::new(),
            capacity: capacity.min(MOST_SLOTS),
            live: 0,
            peak: 0,
            stale: 0,
            refusals: 0,
        }
    }

    /// Handles that the guest holds, those of ended calls included.
    pub(crate) fn len(&self) -> u64 {
        self.live + self.stale
    }

    /// The most values that were in use at one time.
    pub(crate) fn peak(&self) -> u64 {
        self.peak
    }

    /// A handle that ends with the call.
    pub(crate) fn insert(&mut self, value: T) -> HostResult<u32> {
        let handle = self.place(Held { value, kept: false })?;
        self.young.push(slot_of(handle) as u32);
        Ok(handle)
    }

    /// A handle that lasts until the guest drops it.
    pub(crate) fn insert_kept(&mut self, value: T) -> HostResult<u32> {
        self.place(Held { value, kept: true })
    }

    #[inline]
    pub(crate) fn get(&self, handle: u32) -> HostResult<&T> {
        match self.slots.get(slot_of(handle)) {
            Some(Slot {
                holder,
                value: Some(held),
            }) if *holder == holder_of(handle) => Ok(&held.value),
            _ => Err(stale()),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, handle: u32) -> HostResult<&mut T> {
        match self.slots.get_mut(slot_of(handle)) {
            Some(slot) => slot.value_of(handle),
            None => Err(stale()),
        }
    }

    /// Two different values at once.
    pub(crate) fn get_two_mut(&mut self, handles: [u32; 2]) -> HostResult<[&mut T; 2]> {
        let [first, second] = handles;
        match self.slots.get_disjoint_mut(handles.map(slot_of)) {
            Ok([one, other]) => Ok([one.value_of(first)?, other.value_of(second)?]),
            Err(_) => Err(stale()),
        }
    }

    /// Takes in the handle that a guest drops. Returns the value, if it was still there, and true if it was kept.
    pub(crate) fn remove(&mut self, handle: u32) -> Option<(T, bool)> {
        let slot = self.slots.get_mut(slot_of(handle))?;
        if slot.holder != holder_of(handle) {
            self.stale = self.stale.saturating_sub(1);
            return None;
        }
        let held = slot.value.take()?;
        self.free.push(slot_of(handle) as u32);
        self.live -= 1;
        Some((held.value, held.kept))
    }

    /// Frees the values that were made during the call and not kept.
    pub(crate) fn end_call(&mut self) {
        for index in self.young.drain(..) {
            let slot = &mut self.slots[index as usize];
            if slot.value.as_ref().is_none_or(|held| held.kept) {
                continue;
            }
            slot.value = None;
            slot.holder += 1;
            self.live -= 1;
            self.stale += 1;
            if slot.holder <= LAST_HOLDER {
                self.free.push(index);
            }
        }
    }

    fn place(&mut self, held: Held<T>) -> HostResult<u32> {
        if let Some(fault) = self.fault() {
            self.refusals += 1;
            return refuse(ErrorCode::QuotaExceeded, fault);
        }
        self.live += 1;
        self.peak = self.peak.max(self.live);
        if let Some(index) = self.free.pop() {
            let slot = &mut self.slots[index as usize];
            slot.value = Some(held);
            return Ok(slot.holder << SLOT_BITS | index);
        }
        self.slots.push(Slot {
            holder: 0,
            value: Some(held),
        });
        Ok(self.slots.len() as u32 - 1)
    }

    /// The reason why there is no further handle.
    #[inline]
    fn fault(&self) -> Option<String> {
        let is_full = self.free.is_empty() && self.slots.len() as u64 >= MOST_SLOTS;
        if self.live < self.capacity && self.stale < MOST_STALE && !is_full {
            return None;
        }
        Some(if self.live >= self.capacity {
            format!(
                "one more handle asked for, 0 of {} of this kind left at one time; drop those no longer needed, or raise `limits: {{handles: …}}`",
                self.capacity
            )
        } else {
            format!(
                "one more handle asked for, and {} of calls that are over were never given back: drop them, or give them back at once by `release`",
                self.stale
            )
        })
    }
}

impl<T> Slot<T> {
    #[inline]
    fn value_of(&mut self, handle: u32) -> HostResult<&mut T> {
        match &mut self.value {
            Some(held) if self.holder == holder_of(handle) => Ok(&mut held.value),
            _ => Err(stale()),
        }
    }
}

#[inline]
fn slot_of(handle: u32) -> usize {
    (handle & (MOST_SLOTS as u32 - 1)) as usize
}

#[inline]
fn holder_of(handle: u32) -> u32 {
    handle >> SLOT_BITS
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
        assert_eq!(table.len(), 2, "the guest holds both");
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

    /// A guest without a destructor drops nothing: a hundred thousand calls do not fill a table of one.
    #[test]
    fn what_was_never_dropped_takes_no_room() {
        let mut table = HandleTable::new(1);
        let mut old = Vec::new();
        for value in 0..100_000 {
            let handle = table.insert(value).expect("room");
            assert_eq!(table.get(handle).ok(), Some(&value));
            table.end_call();
            old.push(handle);
        }
        assert!(table.slots.len() < 100, "{} slots", table.slots.len());
        let held = table.insert(-1).expect("room");
        assert!(table.insert(-2).is_err(), "one at a time");
        assert!(old.iter().all(|handle| table.get(*handle).is_err()));
        assert!(old.into_iter().all(|handle| table.remove(handle).is_none()));
        assert_eq!((table.len(), table.peak()), (1, 1));
        assert_eq!(table.remove(held), Some((-1, false)));
    }

    #[test]
    fn a_guest_that_gives_back_nothing_for_long_is_told() {
        let mut table = HandleTable::new(1);
        for value in 0..MOST_STALE {
            table.insert(value).expect("room");
            table.end_call();
        }
        let refused = table.insert(0).expect_err("too many");
        assert!(format!("{refused:?}").contains("`release`"), "{refused:?}");
        assert!(table.remove(0).is_none());
        assert!(table.insert(0).is_ok());
    }
}
