//! `Shard`: the part of an epoch that one of several processes reads. Knows neither processes nor samples.

/// A process and their number: it reads every `world_size`-th sample of the epoch's order, from its `rank` on.
///
/// All processes read equally many, as PyTorch's `DistributedSampler` does it: the order is continued from its start
/// until it divides evenly, or cut where the last batch is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// The process, from 0.
    pub rank: usize,
    /// The number of processes.
    pub world_size: usize,
}

impl Shard {
    /// The one process that reads everything.
    pub const WHOLE: Shard = Shard {
        rank: 0,
        world_size: 1,
    };

    /// The number of samples each process reads of `samples`.
    pub(crate) fn samples(self, samples: usize, is_cut: bool) -> usize {
        match is_cut {
            true => samples / self.world_size.max(1),
            false => samples.div_ceil(self.world_size.max(1)),
        }
    }

    /// The samples of this process in the order of the epoch.
    pub(crate) fn of(self, order: Vec<usize>, is_cut: bool) -> Vec<usize> {
        if self == Self::WHOLE {
            return order;
        }
        let count = self.samples(order.len(), is_cut);
        let own = order.iter().cycle().skip(self.rank);
        own.step_by(self.world_size.max(1))
            .take(count)
            .copied()
            .collect()
    }
}
