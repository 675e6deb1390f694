//! Which works of a step are recorded together, as segments that are repeated by one launch each. Owns the plan: where
//! it must be cut for the callbacks there are, and when nothing may be recorded at all, each with its reason. Pure;
//! recording is `capture`'s.
//!
//! A segment is cut where somebody is called in between, and where the rest of a batch may be left out. Nothing is
//! recorded where a callback may change what lies between the forward and the backward pass: the way back was
//! recorded with the way there.

use phasebox_contract::phase::Phase;
use phasebox_contract::policy::NanPolicy;

use super::work::Work;
use crate::callback::{Changes, Subscriber};

/// What decides about segments, beside the callbacks.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The recipe lets work be recorded.
    pub enabled: bool,
    /// The network's architecture.
    pub architecture: &'a str,
    /// What a loss that is not a number does.
    pub nan_policy: NanPolicy,
    /// Whether the loop itself clips gradients.
    pub clips: bool,
}

/// How a step is divided, or why it is not recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    segments: Vec<Segment>,
    obstacles: Vec<String>,
}

/// Works that are recorded together, and why they are not part of the segment before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) works: Vec<Work>,
    pub(super) cut_by: Vec<String>,
}

/// The works in their order, each with the phases that fire right before it.
const STEP: [(Work, &[Phase]); 7] = [
    (Work::Forward, &[]),
    (Work::Loss, &[Phase::TrainBatchForwardEnd]),
    (Work::Metrics, &[Phase::TrainBatchLossEnd]),
    (Work::Backward, &[]),
    (
        Work::Clip,
        &[
            Phase::TrainBatchBackwardEnd,
            Phase::TrainBatchGradientStepStart,
        ],
    ),
    (Work::Step, &[Phase::TrainBatchGradientReady]),
    (Work::Clear, &[Phase::TrainBatchOptimizerStepped]),
];

/// Between the forward and the backward pass.
const MIDST: [Phase; 2] = [Phase::TrainBatchForwardEnd, Phase::TrainBatchLossEnd];

/// Phases at which a callback without a word on what it changes rules recording out.
const IN_BATCH: [Phase; 9] = [
    Phase::TrainBatchStart,
    Phase::TrainBatchForwardEnd,
    Phase::TrainBatchLossEnd,
    Phase::TrainBatchBackwardEnd,
    Phase::TrainBatchGradientStepStart,
    Phase::TrainBatchGradientReady,
    Phase::TrainBatchOptimizerStepped,
    Phase::TrainBatchGradientStepEnd,
    Phase::TrainBatchEnd,
];

impl Plan {
    /// The plan for these callbacks, in their order.
    pub fn new(subscribers: &[Subscriber<'_>], facts: Facts<'_>) -> Plan {
        let mut obstacles: Vec<String> = subscribers.iter().filter_map(obstacle).collect();
        if facts.architecture == "torchscript" {
            obstacles.push(
                "the network is a TorchScript file, whose control flow may depend on its data"
                    .to_owned(),
            );
        }
        if !facts.enabled {
            obstacles.push("the recipe says `record_steps: off`".to_owned());
        }
        Plan {
            segments: segments(subscribers, facts),
            obstacles,
        }
    }

    /// Why nothing is recorded; empty if a step is.
    pub fn obstacles(&self) -> &[String] {
        &self.obstacles
    }

    /// The segments of a batch: of one that completes a step, or of one whose gradients wait for others.
    pub(super) fn of_batch(&self, completes_step: bool) -> Vec<Vec<Work>> {
        let belongs = |work: &Work| completes_step || *work <= Work::Backward;
        let works = self
            .segments
            .iter()
            .map(|segment| segment.works.iter().copied().filter(belongs).collect());
        works
            .filter(|works: &Vec<Work>| !works.is_empty())
            .collect()
    }

    /// A line a segment: what is in it, and what cuts it from the one before.
    pub fn describe(&self) -> Vec<String> {
        let line = |segment: &Segment| {
            let works: Vec<&str> = segment.works.iter().map(|work| work.name()).collect();
            match segment.cut_by.as_slice() {
                [] => works.join(", "),
                reasons => format!("{} (cut by {})", works.join(", "), reasons.join("; ")),
            }
        };
        self.segments.iter().map(line).collect()
    }

    /// For `phasebox check`: how a step is recorded, or why it is not.
    pub fn report(&self) -> Vec<String> {
        if !self.obstacles.is_empty() {
            return vec![format!(
                "recorded steps: none: {}",
                self.obstacles.join("; ")
            )];
        }
        let head = "recorded steps: a step is".to_owned();
        let numbered = self.describe().into_iter().enumerate();
        let lines = numbered.map(|(index, line)| format!("  segment {}: {line}", index + 1));
        std::iter::once(head).chain(lines).collect()
    }
}

fn segments(subscribers: &[Subscriber<'_>], facts: Facts<'_>) -> Vec<Segment> {
    let mut segments = vec![Segment::default()];
    let mut reasons = Vec::new();
    for (work, phases) in STEP {
        reasons.extend(phases.iter().flat_map(|phase| callers(subscribers, *phase)));
        reasons.extend(early_end(subscribers, facts, work));
        if work == Work::Clip && !facts.clips {
            continue;
        }
        if !reasons.is_empty() {
            segments.push(Segment {
                works: Vec::new(),
                cut_by: std::mem::take(&mut reasons),
            });
        }
        if let Some(segment) = segments.last_mut() {
            segment.works.push(work);
        }
    }
    segments
}

fn callers(subscribers: &[Subscriber<'_>], phase: Phase) -> Option<String> {
    let called = subscribers
        .iter()
        .filter(|subscriber| subscriber.phases.contains(phase));
    let names: Vec<&str> = called.map(|subscriber| subscriber.name).collect();
    (!names.is_empty()).then(|| format!("{phase}: {}", names.join(", ")))
}

/// Whether what was asked for earlier may end the batch right before `work`, or change how it is done.
fn early_end(subscribers: &[Subscriber<'_>], facts: Facts<'_>, work: Work) -> Vec<String> {
    let who = |phases: &[Phase], may: fn(Changes) -> bool, what: &str| {
        let may = |subscriber: &&Subscriber<'_>| {
            subscriber.changes.is_none_or(may) && is_called(subscriber, phases)
        };
        subscribers
            .iter()
            .find(may)
            .map(|found| format!("{} may {what}", found.name))
    };
    const BEFORE_STEP: [Phase; 4] = [
        MIDST[0],
        MIDST[1],
        Phase::TrainBatchBackwardEnd,
        Phase::TrainBatchGradientStepStart,
    ];
    match work {
        Work::Backward => {
            let policy = (facts.nan_policy == NanPolicy::SkipStep)
                .then(|| "nan_policy: skip_step".to_owned());
            who(&MIDST, |changes| changes.skip, "skip the backward pass")
                .into_iter()
                .chain(policy)
                .collect()
        }
        Work::Clip => who(
            &MIDST,
            |changes| changes.optimizer,
            "change how the step is taken",
        )
        .into_iter()
        .collect(),
        Work::Step => who(&BEFORE_STEP, |changes| changes.skip, "skip the step")
            .into_iter()
            .collect(),
        Work::Forward | Work::Loss | Work::Metrics | Work::Clear => Vec::new(),
    }
}

fn obstacle(subscriber: &Subscriber<'_>) -> Option<String> {
    let name = subscriber.name;
    let Some(changes) = subscriber.changes else {
        let silent = is_called(subscriber, &IN_BATCH);
        return silent.then(|| format!("callback `{name}` does not say what it changes"));
    };
    let parts = [
        (changes.inputs, "the inputs"),
        (changes.target, "the target"),
        (changes.loss, "the loss"),
        (changes.criterion, "the criterion"),
        (changes.parameters, "parameters"),
    ];
    let phase = MIDST
        .into_iter()
        .find(|phase| subscriber.phases.contains(*phase))?;
    let (_, what) = parts.into_iter().find(|(may, _)| *may)?;
    Some(format!(
        "callback `{name}` may change {what} at {phase}, between the forward and the backward pass"
    ))
}

fn is_called(subscriber: &Subscriber<'_>, phases: &[Phase]) -> bool {
    phases
        .iter()
        .any(|phase| subscriber.phases.contains(*phase))
}

#[cfg(test)]
mod tests;
