//! Scalars on their way from a device, each with what its reader needs to know about it. Owns their order: values are
//! taken in the order they were pushed, which is the order they arrive in.

use std::collections::VecDeque;

use crate::{Deferred, Result};

/// A value that arrives later: [`Deferred`], and its stand-in in tests.
pub trait Arriving {
    /// The value if it has arrived. Never syncs.
    fn poll(&mut self) -> Result<Option<f64>>;

    /// Waits for the value: syncs.
    fn wait(&mut self) -> Result<f64>;
}

impl Arriving for Deferred {
    fn poll(&mut self) -> Result<Option<f64>> {
        Deferred::poll(self)
    }

    fn wait(&mut self) -> Result<f64> {
        Deferred::wait(self)
    }
}

/// Scalars on their way, oldest first, each with a `T` that says what it is.
#[derive(Debug)]
pub struct DeferredQueue<T, V = Deferred> {
    waiting: VecDeque<(V, T)>,
}

impl<T, V> Default for DeferredQueue<T, V> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
        }
    }
}

impl<T, V: Arriving> DeferredQueue<T, V> {
    /// Adds the newest value.
    pub fn push(&mut self, value: V, about: T) {
        self.waiting.push_back((value, about));
    }

    /// Takes the oldest value if it has arrived. Never syncs.
    ///
    /// # Errors
    /// If the device failed while the value was on its way.
    pub fn pop_arrived(&mut self) -> Result<Option<(f64, T)>> {
        let Some((oldest, _)) = self.waiting.front_mut() else {
            return Ok(None);
        };
        let Some(value) = oldest.poll()? else {
            return Ok(None);
        };
        Ok(self.pop_as(value))
    }

    /// Takes the oldest value, `None` of an empty queue. Syncs if the value has not arrived.
    ///
    /// # Errors
    /// If the device failed while the value was on its way.
    pub fn pop_waiting(&mut self) -> Result<Option<(f64, T)>> {
        let Some((oldest, _)) = self.waiting.front_mut() else {
            return Ok(None);
        };
        let value = oldest.wait()?;
        Ok(self.pop_as(value))
    }

    /// Takes back the newest values, down to `len`. Gives what they were about, oldest first.
    pub fn truncate(&mut self, len: usize) -> Vec<T> {
        let kept = len.min(self.waiting.len());
        let dropped = self.waiting.split_off(kept);
        dropped.into_iter().map(|(_, about)| about).collect()
    }

    /// How many values are on their way or not yet taken.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// True if none are on their way.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn pop_as(&mut self, value: f64) -> Option<(f64, T)> {
        self.waiting.pop_front().map(|(_, about)| (value, about))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    /// A value that arrives when the test says so, and counts how often it was waited for.
    #[derive(Clone, Default)]
    struct Slow {
        arrived: Rc<Cell<Option<f64>>>,
        waits: Rc<Cell<u32>>,
    }

    impl Arriving for Slow {
        fn poll(&mut self) -> Result<Option<f64>> {
            Ok(self.arrived.get())
        }

        fn wait(&mut self) -> Result<f64> {
            self.waits.set(self.waits.get() + 1);
            Ok(self.arrived.get().unwrap_or(-1.0))
        }
    }

    fn three() -> (Vec<Slow>, DeferredQueue<usize, Slow>) {
        let values = vec![Slow::default(), Slow::default(), Slow::default()];
        let mut queue = DeferredQueue::default();
        for (index, value) in values.iter().enumerate() {
            queue.push(value.clone(), index);
        }
        (values, queue)
    }

    #[test]
    fn values_are_taken_in_order_and_only_on_request_waited_for() {
        let (values, mut queue) = three();
        values[1].arrived.set(Some(0.25));
        assert_eq!(queue.pop_arrived().unwrap(), None, "the first has not");
        values[0].arrived.set(Some(0.5));
        assert_eq!(queue.pop_arrived().unwrap(), Some((0.5, 0)));
        assert_eq!(queue.pop_arrived().unwrap(), Some((0.25, 1)));
        assert!(values.iter().all(|value| value.waits.get() == 0));
        assert_eq!(queue.pop_waiting().unwrap(), Some((-1.0, 2)));
        assert_eq!(values[2].waits.get(), 1);
        assert_eq!(queue.pop_waiting().unwrap(), None);
    }

    #[test]
    fn the_newest_can_be_taken_back() {
        let (_, mut queue) = three();
        assert_eq!(queue.truncate(1), [1, 2]);
        assert_eq!((queue.truncate(4), queue.len()), (vec![], 1));
    }
}
