//! The phases: the moments of training at which callbacks are called. Owns their names, their order and the places in
//! the loop that are ranges of it. `wit/callback.wit` says what may be done at each phase; the trainer fires them.
//!
//! The loop, with every phase in its place:
//!
//! ```text
//! [a resumed run]                                    on-checkpoint-loaded
//! on-training-start
//! for epoch in epochs:
//!     on-epoch-start
//!     on-train-loader-start
//!     for batch in train loader:
//!         inputs, target → device                    on-train-batch-start
//!         preds = net(inputs)                        on-train-batch-forward-end
//!         loss = criterion(preds, target)            on-train-batch-loss-end
//!         loss.backward()                            on-train-batch-backward-end
//!         if the accumulation is complete:
//!                                                    on-train-batch-gradient-step-start
//!             clip, if the recipe says so            on-train-batch-gradient-ready
//!             optimizer.step()                       on-train-batch-optimizer-stepped
//!             clear gradients, average, schedule     on-train-batch-gradient-step-end
//!                                                    on-train-batch-end
//!         [validation or a checkpoint, if one was requested]
//!     on-train-loader-end
//!     if validation is due:
//!         on-validation-loader-start
//!         for batch in validation loader:
//!             on-validation-batch-start; forward, loss, metrics; on-validation-batch-end
//!         on-validation-loader-end
//!         if the watched metric is the best so far:  on-validation-end-best-epoch
//!     if a test is due:
//!         on-test-loader-start; (on-test-batch-start; …; on-test-batch-end)*; on-test-loader-end
//!     on-epoch-end
//!     [checkpoint: on-checkpoint-save-start; write; on-checkpoint-save-end]
//! if the best models are averaged:
//!     on-average-best-models-validation-start; a validation; on-average-best-models-validation-end
//! [SIGINT or SIGTERM]                                on-interrupt
//! [an error]                                         on-exception
//! on-training-end
//! ```
//!
//! A skipped batch or step leaves out what it skips and still fires on-train-batch-end.

macro_rules! phases {
    ($($variant:ident = $name:literal,)*) => {
        /// One moment of the loop. `as usize` is its place in [`Phase::ALL`].
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        #[repr(u8)]
        #[expect(missing_docs, reason = "wit/callback.wit documents each")]
        pub enum Phase { $($variant,)* }

        impl Phase {
            /// All phases, in the order of the loop.
            pub const ALL: [Phase; [$($name),*].len()] = [$(Phase::$variant,)*];

            /// The name a callback exports, such as `on-train-batch-end`.
            #[inline]
            pub const fn name(self) -> &'static str {
                match self { $(Phase::$variant => $name,)* }
            }
        }
    };
}

phases! {
    CheckpointLoaded = "on-checkpoint-loaded",
    TrainingStart = "on-training-start",
    EpochStart = "on-epoch-start",
    TrainLoaderStart = "on-train-loader-start",
    TrainBatchStart = "on-train-batch-start",
    TrainBatchForwardEnd = "on-train-batch-forward-end",
    TrainBatchLossEnd = "on-train-batch-loss-end",
    TrainBatchBackwardEnd = "on-train-batch-backward-end",
    TrainBatchGradientStepStart = "on-train-batch-gradient-step-start",
    TrainBatchGradientReady = "on-train-batch-gradient-ready",
    TrainBatchOptimizerStepped = "on-train-batch-optimizer-stepped",
    TrainBatchGradientStepEnd = "on-train-batch-gradient-step-end",
    TrainBatchEnd = "on-train-batch-end",
    TrainLoaderEnd = "on-train-loader-end",
    ValidationLoaderStart = "on-validation-loader-start",
    ValidationBatchStart = "on-validation-batch-start",
    ValidationBatchEnd = "on-validation-batch-end",
    ValidationLoaderEnd = "on-validation-loader-end",
    ValidationEndBestEpoch = "on-validation-end-best-epoch",
    TestLoaderStart = "on-test-loader-start",
    TestBatchStart = "on-test-batch-start",
    TestBatchEnd = "on-test-batch-end",
    TestLoaderEnd = "on-test-loader-end",
    EpochEnd = "on-epoch-end",
    CheckpointSaveStart = "on-checkpoint-save-start",
    CheckpointSaveEnd = "on-checkpoint-save-end",
    AverageBestModelsValidationStart = "on-average-best-models-validation-start",
    AverageBestModelsValidationEnd = "on-average-best-models-validation-end",
    Interrupt = "on-interrupt",
    Exception = "on-exception",
    TrainingEnd = "on-training-end",
}

impl Phase {
    /// The phase exported under `name`.
    pub fn from_name(name: &str) -> Option<Phase> {
        Phase::ALL.into_iter().find(|phase| phase.name() == name)
    }

    /// The phases from `first` to `last`, both included, in the order of the loop.
    pub const fn between(first: Phase, last: Phase) -> &'static [Phase] {
        let (up_to_last, _) = Phase::IN_ORDER.split_at(last as usize + 1);
        let (_, from_first) = up_to_last.split_at(first as usize);
        from_first
    }

    const IN_ORDER: &'static [Phase] = &Phase::ALL;

    /// True if the operations of callbacks go into the backward pass: only where a replaced loss can still train. Nothing
    /// else decides this.
    #[inline]
    pub fn records_gradients(self) -> bool {
        PhaseSet::FORWARD_TO_BACKWARD.contains(self)
    }

    /// True if the phase belongs to a batch of validation or test.
    #[inline]
    pub fn is_in_evaluation_batch(self) -> bool {
        PhaseSet::EVALUATION_BATCHES.contains(self)
    }
}

impl std::fmt::Display for Phase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(self.name())
    }
}

/// A set of phases, as one word: asking whether a phase is in it is one branch.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct PhaseSet(u32);

/// Places in the loop. Each is a range of its order, so that a new phase belongs to those that it lies in.
impl PhaseSet {
    /// Every phase.
    pub const ALL: PhaseSet = PhaseSet::range(Phase::ALL[0], Phase::ALL[Phase::ALL.len() - 1]);

    /// A training batch, from its start to its end.
    pub const TRAIN_BATCH: PhaseSet = PhaseSet::range(Phase::TrainBatchStart, Phase::TrainBatchEnd);

    /// A training batch between its forward and its backward pass.
    pub const FORWARD_TO_BACKWARD: PhaseSet =
        PhaseSet::range(Phase::TrainBatchForwardEnd, Phase::TrainBatchLossEnd);

    /// A training batch from its forward pass on, as long as its step can be skipped before gradients are clipped.
    pub const FORWARD_TO_CLIPPING: PhaseSet = PhaseSet::range(
        Phase::TrainBatchForwardEnd,
        Phase::TrainBatchGradientStepStart,
    );

    /// A training batch from its backward pass until its gradients are cleared.
    pub const BACKWARD_TO_CLEAR: PhaseSet = PhaseSet::range(
        Phase::TrainBatchBackwardEnd,
        Phase::TrainBatchOptimizerStepped,
    );

    /// A batch of validation or test.
    const EVALUATION_BATCHES: PhaseSet = PhaseSet(
        PhaseSet::range(Phase::ValidationBatchStart, Phase::ValidationBatchEnd).0
            | PhaseSet::range(Phase::TestBatchStart, Phase::TestBatchEnd).0,
    );

    /// The phases from `first` to `last`, both included.
    pub const fn range(first: Phase, last: Phase) -> PhaseSet {
        let up_to_last = u32::MAX >> (u32::BITS - 1 - last as u32);
        let before_first = (1 << first as u32) - 1;
        PhaseSet(up_to_last & !before_first)
    }

    /// True if the sets have a phase in common.
    #[inline]
    pub fn intersects(self, other: PhaseSet) -> bool {
        self.0 & other.0 != 0
    }

    /// True if `phase` is in the set.
    #[inline]
    pub fn contains(self, phase: Phase) -> bool {
        self.0 & (1 << phase as u32) != 0
    }

    /// Adds a phase.
    pub fn insert(&mut self, phase: Phase) {
        self.0 |= 1 << phase as u32;
    }

    /// Its phases, in the order of the loop.
    pub fn iter(self) -> impl Iterator<Item = Phase> {
        Phase::ALL
            .into_iter()
            .filter(move |phase| self.contains(*phase))
    }
}

impl FromIterator<Phase> for PhaseSet {
    fn from_iter<I: IntoIterator<Item = Phase>>(phases: I) -> PhaseSet {
        let mut set = PhaseSet::default();
        phases.into_iter().for_each(|phase| set.insert(phase));
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contract and the host name the same phases, in the order of the loop.
    #[test]
    fn phases_are_those_of_the_contract() {
        let contract = include_str!("../../../wit/callback.wit");
        let in_contract: Vec<&str> = contract
            .lines()
            .filter_map(|line| {
                line.trim()
                    .strip_suffix(": func(ctx: borrow<phase-context>) -> result<_, error>;")
            })
            .collect();
        let ours: Vec<&str> = Phase::ALL.iter().map(|phase| phase.name()).collect();
        assert_eq!(ours, in_contract);
    }

    #[test]
    fn sets_hold_what_was_put_in() {
        let set: PhaseSet = [Phase::TrainingEnd, Phase::CheckpointLoaded]
            .into_iter()
            .collect();
        assert!(set.contains(Phase::TrainingEnd) && !set.contains(Phase::EpochEnd));
        assert_eq!(
            set.iter().collect::<Vec<_>>(),
            [Phase::CheckpointLoaded, Phase::TrainingEnd]
        );
        assert_eq!(PhaseSet::ALL.iter().count(), Phase::ALL.len());
    }

    #[test]
    fn places_are_ranges_of_the_loop() {
        use Phase::{TestBatchEnd, TestBatchStart, ValidationBatchEnd, ValidationBatchStart};
        let names = |set: PhaseSet| set.iter().map(Phase::name).collect::<Vec<_>>();
        let train_batch: Vec<&str> = Phase::ALL
            .iter()
            .map(|phase| phase.name())
            .filter(|name| name.starts_with("on-train-batch-"))
            .collect();
        assert_eq!(names(PhaseSet::TRAIN_BATCH), train_batch);
        let evaluation: Vec<Phase> = PhaseSet::EVALUATION_BATCHES.iter().collect();
        assert_eq!(
            evaluation,
            [
                ValidationBatchStart,
                ValidationBatchEnd,
                TestBatchStart,
                TestBatchEnd
            ]
        );
        let first = PhaseSet::range(Phase::ALL[0], Phase::ALL[0]);
        assert_eq!(first.iter().collect::<Vec<_>>(), [Phase::CheckpointLoaded]);
        assert!(!first.intersects(PhaseSet::TRAIN_BATCH));
        let between = Phase::between(Phase::TrainBatchStart, Phase::TrainBatchEnd);
        assert!(PhaseSet::TRAIN_BATCH.iter().eq(between.iter().copied()));
    }
}
