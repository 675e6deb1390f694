//! Gradient accumulation: which batches share one optimizer step. Owns the counts; gradients lie in the
//! parameters, and the step is the trainer's.

/// The group of batches whose gradients go into one optimizer step.
#[derive(Clone, Copy, Debug)]
pub struct Accumulation {
    /// Batches that a step is to have.
    planned: u32,
    /// Batches whose gradients wait for the step.
    contributed: u32,
    /// The epoch's first batch of the group, skipped ones included.
    first_batch: u64,
    /// Nothing but backward passes adds to gradients before a step.
    pub(crate) only_passes_add: bool,
}

impl Accumulation {
    /// No batch has contributed; a step is to have `planned` batches.
    pub fn new(planned: u32) -> Accumulation {
        Accumulation {
            planned,
            contributed: 0,
            first_batch: 0,
            only_passes_add: false,
        }
    }

    /// The group that a checkpoint was taken in.
    pub(crate) fn resumed(planned: u32, contributed: u32, first_batch: u64) -> Accumulation {
        Accumulation {
            planned,
            contributed,
            first_batch,
            only_passes_add: false,
        }
    }

    /// Batch `index` of the epoch begins. A `requested` number of batches holds from the next group on.
    pub(crate) fn begin_batch(&mut self, index: u64, requested: &mut Option<u32>) {
        if self.contributed == 0 {
            self.planned = requested.take().unwrap_or(self.planned);
            self.first_batch = index;
        }
        // A group that an ended epoch left incomplete goes on in the next epoch, from its first batch.
        self.first_batch = self.first_batch.min(index);
    }

    /// True if batch `index` of the epoch completes the step.
    pub(crate) fn completes_step(&self, index: u64, is_last: bool) -> bool {
        is_last || self.contributed_before(index) + 1 >= u64::from(self.planned)
    }

    /// The divisor of the loss of batch `index`: the batches that its step will have. The last group of an
    /// epoch of `batches` may be short.
    pub(crate) fn divisor(&self, index: u64, batches: u64) -> u64 {
        let left = batches.saturating_sub(index);
        let reachable = left + self.contributed_before(index);
        reachable.min(u64::from(self.planned)).max(1)
    }

    /// The gradients of the batch in progress wait for the step.
    pub(crate) fn contribute(&mut self) {
        self.contributed += 1;
    }

    /// The gradients are used or cleared: the next batch begins a group.
    pub(crate) fn end_group(&mut self) {
        self.contributed = 0;
    }

    /// True if the backward pass of the batch in progress finds nothing in the gradients that it would have to add to.
    pub(crate) fn writes_gradients(&self) -> bool {
        self.only_passes_add && self.contributed == 0
    }

    /// Batches that a step is to have.
    #[inline]
    pub fn planned(&self) -> u32 {
        self.planned
    }

    /// Batches whose gradients wait for the step.
    pub(crate) fn contributed(&self) -> u32 {
        self.contributed
    }

    /// The batch to begin with when the group has to be trained again.
    pub(crate) fn first_batch(&self) -> u64 {
        self.first_batch
    }

    /// Contributions of this epoch: those that an ended epoch left are not counted.
    fn contributed_before(&self, index: u64) -> u64 {
        u64::from(self.contributed).min(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Trains an epoch of `batches`. Gives what each loss is divided by.
    fn divisors(group: &mut Accumulation, batches: u64) -> Vec<u64> {
        let mut divisors = Vec::new();
        for index in 0..batches {
            group.begin_batch(index, &mut None);
            divisors.push(group.divisor(index, batches));
            let completes_step = group.completes_step(index, index + 1 == batches);
            group.contribute();
            if completes_step {
                group.end_group();
            }
        }
        divisors
    }

    #[test]
    fn the_last_group_of_an_epoch_may_be_short() {
        assert_eq!(divisors(&mut Accumulation::new(2), 5), [2, 2, 2, 2, 1]);
        assert_eq!(divisors(&mut Accumulation::new(4), 3), [3, 3, 3]);
    }

    #[test]
    fn a_group_is_trained_again_from_its_first_batch_also_after_a_skip() {
        let mut group = Accumulation::new(4);
        group.begin_batch(0, &mut None);
        group.contribute();
        group.begin_batch(1, &mut None); // skipped
        group.begin_batch(2, &mut None);
        assert_eq!((group.first_batch(), group.contributed()), (0, 1));
        group.end_group();
        group.begin_batch(3, &mut None);
        assert_eq!(group.first_batch(), 3);
    }

    #[test]
    fn a_group_begins_with_the_first_batch_after_skipped_ones() {
        let mut group = Accumulation::new(4);
        group.begin_batch(0, &mut None); // skipped
        group.begin_batch(1, &mut None);
        assert_eq!(group.first_batch(), 1);
    }

    #[test]
    fn a_requested_size_holds_from_the_next_group_on() {
        let (mut group, mut requested) = (Accumulation::new(2), Some(8));
        group.contribute();
        group.begin_batch(1, &mut requested);
        assert_eq!((group.planned(), requested), (2, Some(8)));
        group.end_group();
        group.begin_batch(2, &mut requested);
        assert_eq!((group.planned(), requested), (8, None));
    }

    #[test]
    fn a_group_that_an_ended_epoch_left_goes_on_in_the_next() {
        let mut group = Accumulation::resumed(2, 1, 19);
        group.begin_batch(0, &mut None);
        assert_eq!(group.first_batch(), 0);
        assert!(!group.completes_step(0, false));
    }
}
