//! Scalars on their way from a device, in one ring of cells: all that were stored since the last copy are sent with one
//! copy and one event. Owns which cell is free, and in which order copies arrive. A [`Lane`] does the copying, so that
//! the tests need no device.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use tch::Tensor;

use crate::{Error, Result};

/// The cells of one device as a ring uses them. The device works in the order of these calls.
pub(crate) trait Lane {
    /// A copy under way, to ask for its arrival.
    type Sent;

    /// Puts a one-element tensor's value into a cell on the device. Does not sync.
    fn store(&mut self, cell: usize, value: &Tensor) -> Result<()>;

    /// Starts the copy of cells to the host. Does not sync.
    fn send(&mut self, cells: Range<usize>) -> Result<Self::Sent>;

    /// True once a copy has arrived. Does not sync.
    fn has_arrived(&self, sent: &Self::Sent) -> Result<bool>;

    /// Waits for a copy.
    fn wait(&self, sent: &Self::Sent) -> Result<()>;

    /// The host's values of cells whose copy has arrived.
    fn read(&self, cells: Range<usize>) -> Result<Vec<f64>>;
}

/// Values that are sent together. They outlive their cells, so that a value that is kept does not block the ring.
#[derive(Debug, Default)]
pub(crate) struct Values(OnceLock<std::result::Result<Vec<f64>, String>>);

impl Values {
    /// A value, if it has arrived.
    pub(crate) fn get(&self, index: usize) -> Result<Option<f64>> {
        match self.0.get() {
            None => Ok(None),
            Some(Ok(values)) => Ok(values.get(index).copied()),
            Some(Err(message)) => Err(Error::Torch {
                operation: "deferred copy",
                message: message.clone(),
            }),
        }
    }
}

/// A copy under way.
struct Flight<S> {
    sent: S,
    cells: Range<usize>,
    values: Arc<Values>,
}

/// The ring. Copies arrive in the order they were sent in.
pub(crate) struct Ring<L: Lane> {
    lane: L,
    capacity: usize,
    /// Cells that are stored and not yet sent.
    open: Range<usize>,
    open_values: Arc<Values>,
    flights: VecDeque<Flight<L::Sent>>,
    /// The number of cells of `open` and `flights`.
    used: usize,
}

impl<L: Lane> Ring<L> {
    pub(crate) fn new(lane: L, capacity: usize) -> Self {
        Self {
            lane,
            capacity,
            open: 0..0,
            open_values: Arc::default(),
            flights: VecDeque::new(),
            used: 0,
        }
    }

    /// Stores a value, to be sent together with the others that are stored before the next copy. Waits for the oldest
    /// copy if no cell is free: a device that far behind is not worth more memory.
    pub(crate) fn ask(&mut self, value: &Tensor) -> Result<(Arc<Values>, usize)> {
        while self.used == self.capacity {
            self.send()?;
            self.wait_for_oldest()?;
        }
        if self.open.end == self.capacity {
            self.send()?;
            self.open = 0..0;
        }
        self.lane.store(self.open.end, value)?;
        self.open.end += 1;
        self.used += 1;
        Ok((self.open_values.clone(), self.open.len() - 1))
    }

    /// Starts the copy of all values that are stored and not yet sent.
    pub(crate) fn send(&mut self) -> Result<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let next = self.open.end;
        let cells = std::mem::replace(&mut self.open, next..next);
        let values = std::mem::take(&mut self.open_values);
        match self.lane.send(cells.clone()) {
            Ok(sent) => self.flights.push_back(Flight {
                sent,
                cells,
                values,
            }),
            Err(error) => {
                self.used -= cells.len();
                // A reader of one of these values learns why it never comes.
                let _ = values.0.set(Err(error.to_string()));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Lands all copies that have arrived. Never waits.
    pub(crate) fn take_arrived(&mut self) -> Result<()> {
        while let Some(oldest) = self.flights.front() {
            if !self.lane.has_arrived(&oldest.sent)? {
                break;
            }
            self.land()?;
        }
        Ok(())
    }

    /// Waits for `values`, not for values sent after them.
    pub(crate) fn wait_for(&mut self, values: &Arc<Values>) -> Result<()> {
        self.send()?;
        while values.0.get().is_none() && !self.flights.is_empty() {
            self.wait_for_oldest()?;
        }
        Ok(())
    }

    fn wait_for_oldest(&mut self) -> Result<()> {
        if let Some(oldest) = self.flights.front() {
            self.lane.wait(&oldest.sent)?;
        }
        self.land()
    }

    /// Takes the values of the oldest copy, which has arrived, and frees its cells.
    fn land(&mut self) -> Result<()> {
        let Some(Flight { cells, values, .. }) = self.flights.pop_front() else {
            return Ok(());
        };
        self.used -= cells.len();
        let read = self.lane.read(cells);
        // Never set before: a copy lands once.
        let _ = values.0.set(read.map_err(|error| error.to_string()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    /// A device whose copies arrive when a test says so.
    #[derive(Clone, Default)]
    struct Slow {
        device: Rc<RefCell<Vec<f64>>>,
        host: Rc<RefCell<Vec<f64>>>,
        sent: Rc<RefCell<Vec<Range<usize>>>>,
        arrived: Rc<Cell<usize>>,
        waits: Rc<Cell<usize>>,
        breaks: Rc<Cell<bool>>,
    }

    impl Slow {
        fn arrive(&self, copies: usize) {
            for index in self.arrived.get()..copies {
                let cells = self.sent.borrow()[index].clone();
                self.host.borrow_mut()[cells.clone()].copy_from_slice(&self.device.borrow()[cells]);
            }
            self.arrived.set(self.arrived.get().max(copies));
        }
    }

    impl Lane for Slow {
        type Sent = usize;

        fn store(&mut self, cell: usize, value: &Tensor) -> Result<()> {
            // A copy still under way would carry the new value.
            let under_way = self.sent.borrow()[self.arrived.get()..].to_vec();
            assert!(
                !under_way.iter().any(|cells| cells.contains(&cell)),
                "cell {cell} is under way"
            );
            self.device.borrow_mut()[cell] = value.double_value(&[]);
            Ok(())
        }

        fn send(&mut self, cells: Range<usize>) -> Result<usize> {
            if self.breaks.get() {
                return Err(Error::Cuda("gone".to_owned()));
            }
            self.sent.borrow_mut().push(cells);
            Ok(self.sent.borrow().len())
        }

        fn has_arrived(&self, sent: &usize) -> Result<bool> {
            Ok(*sent <= self.arrived.get())
        }

        fn wait(&self, sent: &usize) -> Result<()> {
            self.waits.set(self.waits.get() + 1);
            self.arrive(*sent);
            Ok(())
        }

        fn read(&self, cells: Range<usize>) -> Result<Vec<f64>> {
            Ok(self.host.borrow()[cells].to_vec())
        }
    }

    const CAPACITY: usize = 8;

    fn ring() -> (Ring<Slow>, Slow) {
        let slow = Slow::default();
        *slow.device.borrow_mut() = vec![0.0; CAPACITY];
        *slow.host.borrow_mut() = vec![f64::NAN; CAPACITY];
        (Ring::new(slow.clone(), CAPACITY), slow)
    }

    #[test]
    fn what_is_asked_for_together_is_sent_together() {
        let (mut ring, slow) = ring();
        let asked: Vec<_> = (0..3)
            .map(|n| ring.ask(&Tensor::from(f64::from(n))).unwrap())
            .collect();
        assert!(slow.sent.borrow().is_empty(), "nothing is sent yet");
        ring.send().unwrap();
        ring.send().unwrap();
        assert_eq!(
            (slow.sent.borrow().len(), &slow.sent.borrow()[0]),
            (1, &(0..3))
        );
        ring.take_arrived().unwrap();
        assert!(
            asked
                .iter()
                .all(|(values, index)| values.get(*index).unwrap().is_none())
        );
        slow.arrive(1);
        ring.take_arrived().unwrap();
        for (n, (values, index)) in asked.iter().enumerate() {
            assert_eq!(values.get(*index).unwrap(), Some(n as f64));
        }
        assert_eq!(slow.waits.get(), 0);
    }

    /// Batches of every size up to the capacity, with arrivals that lag behind by any number of copies.
    #[test]
    fn every_value_arrives_as_it_was_whatever_the_lag() {
        for size in 1..=CAPACITY {
            for lag in 0..4 {
                let (mut ring, slow) = ring();
                let mut asked = Vec::new();
                for round in 0..40 {
                    for _ in 0..size {
                        let value = asked.len() as f64;
                        asked.push(ring.ask(&Tensor::from(value)).unwrap());
                    }
                    ring.send().unwrap();
                    let copies = slow.sent.borrow().len();
                    slow.arrive(copies.saturating_sub(lag));
                    if round % 3 == 0 {
                        ring.take_arrived().unwrap();
                    }
                }
                let (last, _) = asked.last().unwrap().clone();
                ring.wait_for(&last).unwrap();
                for (n, (values, index)) in asked.iter().enumerate() {
                    assert_eq!(
                        values.get(*index).unwrap(),
                        Some(n as f64),
                        "size {size}, lag {lag}"
                    );
                }
                assert_eq!((ring.used, ring.flights.len()), (0, 0));
            }
        }
    }

    #[test]
    fn a_full_ring_waits_for_its_oldest_copy_alone() {
        let (mut ring, slow) = ring();
        let first = ring.ask(&Tensor::from(1.0)).unwrap();
        ring.send().unwrap();
        (1..CAPACITY).for_each(|_| drop(ring.ask(&Tensor::from(2.0)).unwrap()));
        assert_eq!(slow.waits.get(), 0);
        let next = ring.ask(&Tensor::from(3.0)).unwrap();
        assert_eq!((slow.waits.get(), slow.arrived.get()), (1, 1));
        assert_eq!(first.0.get(first.1).unwrap(), Some(1.0));
        ring.wait_for(&next.0).unwrap();
        assert_eq!(next.0.get(next.1).unwrap(), Some(3.0));
    }

    /// A callback may keep a value for ever, or drop it at once.
    #[test]
    fn who_keeps_or_drops_a_value_does_not_matter() {
        let (mut ring, slow) = ring();
        let kept = ring.ask(&Tensor::from(7.0)).unwrap();
        for round in 0..100 {
            drop(ring.ask(&Tensor::from(f64::from(round))).unwrap());
            ring.send().unwrap();
            let copies = slow.sent.borrow().len();
            slow.arrive(copies);
            ring.take_arrived().unwrap();
        }
        assert_eq!(
            (slow.waits.get(), kept.0.get(kept.1).unwrap()),
            (0, Some(7.0))
        );
    }

    #[test]
    fn a_copy_that_fails_tells_all_who_wait_for_it() {
        let (mut ring, slow) = ring();
        let (values, index) = ring.ask(&Tensor::from(1.0)).unwrap();
        slow.breaks.set(true);
        assert!(ring.send().is_err());
        assert!(values.get(index).unwrap_err().to_string().contains("gone"));
        slow.breaks.set(false);
        let (values, index) = ring.ask(&Tensor::from(2.0)).unwrap();
        ring.wait_for(&values).unwrap();
        assert_eq!(values.get(index).unwrap(), Some(2.0));
    }
}
