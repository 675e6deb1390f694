//! The plan of a recorded step: which of its operations are recorded together, as segments that one launch each replays.
//! Owns where a step must be cut for the callbacks there are, and when nothing may be recorded at all, each with its
//! reason. Pure; recording itself is the parent module's.
//!
//! A segment is cut where a callback is called in between, and where the rest of a batch may be left out. Nothing is
//! recorded where a callback may change a tensor between the forward and the backward pass: both passes are recorded
//! together.

use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::NanPolicy;

use crate::callback::{Changes, Subscriber};
use crate::trainer::step_op::StepOp;

/// The facts that decide how a step is recorded, beside its callbacks.
#[derive(Clone, Copy, Debug)]
pub struct StepFacts<'a> {
    /// The recipe lets steps be recorded.
    pub enabled: bool,
    /// The network's architecture.
    pub architecture: &'a str,
    /// The policy for a loss that is not finite.
    pub nan_policy: NanPolicy,
    /// The loop itself clips gradients.
    pub clips: bool,
}

/// How a step is divided, or why it is not recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordingPlan {
    segments: Vec<Segment>,
    obstacles: Vec<String>,
    renews_gradients: bool,
}

/// Operations that are recorded together, and why they are cut from the segment before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Segment {
    ops: Vec<StepOp>,
    cut_by: Vec<String>,
}

/// A moment of a training batch.
#[derive(Clone, Copy)]
enum Moment {
    Phase(Phase),
    Op(StepOp),
}

/// The order of a training batch, as `Trainer::train_batch` has it.
const STEP: [Moment; 16] = [
    Moment::Phase(Phase::TrainBatchStart),
    Moment::Op(StepOp::Forward),
    Moment::Phase(Phase::TrainBatchForwardEnd),
    Moment::Op(StepOp::Loss),
    Moment::Phase(Phase::TrainBatchLossEnd),
    Moment::Op(StepOp::Metrics),
    Moment::Op(StepOp::Backward),
    Moment::Phase(Phase::TrainBatchBackwardEnd),
    Moment::Phase(Phase::TrainBatchGradientStepStart),
    Moment::Op(StepOp::Clip),
    Moment::Phase(Phase::TrainBatchGradientReady),
    Moment::Op(StepOp::Step),
    Moment::Phase(Phase::TrainBatchOptimizerStepped),
    Moment::Op(StepOp::Clear),
    Moment::Phase(Phase::TrainBatchGradientStepEnd),
    Moment::Phase(Phase::TrainBatchEnd),
];

impl RecordingPlan {
    /// The plan for these callbacks, in their order.
    pub fn new(subscribers: &[Subscriber<'_>], facts: StepFacts<'_>) -> RecordingPlan {
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
        RecordingPlan {
            segments: segments(subscribers, facts),
            obstacles,
            renews_gradients: !subscribers.iter().any(adds_to_gradients),
        }
    }

    /// No callback leaves anything in the gradients that a backward pass would have to add to.
    pub(super) fn renews_gradients(&self) -> bool {
        self.renews_gradients
    }

    /// Why nothing is recorded; empty if a step is.
    pub(super) fn obstacles(&self) -> &[String] {
        &self.obstacles
    }

    /// The segments of a batch that completes a step, or of one whose gradients wait for others.
    pub(super) fn of_batch(&self, completes_step: bool) -> Vec<Vec<StepOp>> {
        let last = if completes_step {
            StepOp::Clear
        } else {
            StepOp::Backward
        };
        self.segments
            .iter()
            .map(|segment| segment.up_to(last))
            .filter(|ops| !ops.is_empty())
            .collect()
    }

    /// One line a segment: its operations, and what cuts it from the one before.
    pub(crate) fn describe(&self) -> Vec<String> {
        self.segments.iter().map(Segment::describe).collect()
    }

    /// How a step is recorded, or why it is not, for `phasebox check`.
    pub fn report(&self) -> Vec<String> {
        if !self.obstacles.is_empty() {
            let reasons = self.obstacles.join("; ");
            return vec![format!("recorded steps: none: {reasons}")];
        }
        let mut lines = vec!["recorded steps: a step is".to_owned()];
        for (index, line) in self.describe().into_iter().enumerate() {
            lines.push(format!("  segment {}: {line}", index + 1));
        }
        lines
    }
}

impl Segment {
    fn up_to(&self, last: StepOp) -> Vec<StepOp> {
        let ops = self.ops.iter().copied();
        ops.filter(|op| *op <= last).collect()
    }

    fn describe(&self) -> String {
        let names: Vec<&str> = self.ops.iter().map(|op| op.name()).collect();
        let names = names.join(", ");
        match self.cut_by.as_slice() {
            [] => names,
            reasons => format!("{names} (cut by {})", reasons.join("; ")),
        }
    }
}

fn segments(subscribers: &[Subscriber<'_>], facts: StepFacts<'_>) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut cut_by = Vec::new();
    for moment in STEP {
        match moment {
            Moment::Phase(phase) => cut_by.extend(callers(subscribers, phase)),
            Moment::Op(op) => {
                cut_by.extend(early_end(subscribers, facts, op));
                if op != StepOp::Clip || facts.clips {
                    append(&mut segments, op, std::mem::take(&mut cut_by));
                }
            }
        }
    }
    segments
}

/// Appends `op` to the last segment, or to a new one if something cuts them. Nothing cuts the first operation from a
/// segment before.
fn append(segments: &mut Vec<Segment>, op: StepOp, cut_by: Vec<String>) {
    match segments.last_mut() {
        Some(segment) if cut_by.is_empty() => segment.ops.push(op),
        last => {
            let cut_by = last.map_or_else(Vec::new, |_| cut_by);
            let ops = vec![op];
            segments.push(Segment { ops, cut_by });
        }
    }
}

fn callers(subscribers: &[Subscriber<'_>], phase: Phase) -> Option<String> {
    let called = subscribers
        .iter()
        .filter(|each| each.phases.contains(phase));
    let names: Vec<&str> = called.map(|each| each.name).collect();
    (!names.is_empty()).then(|| format!("{phase}: {}", names.join(", ")))
}

/// Reasons why the batch may end right before `op`, or why `op` may be another than when it was recorded.
fn early_end(subscribers: &[Subscriber<'_>], facts: StepFacts<'_>, op: StepOp) -> Vec<String> {
    let mut reasons = Vec::new();
    match op {
        StepOp::Backward => {
            let skips = first_that(subscribers, PhaseSet::FORWARD_TO_BACKWARD, |may| may.skip);
            reasons.extend(skips.map(|name| format!("{name} may skip the backward pass")));
            if facts.nan_policy == NanPolicy::SkipStep {
                reasons.push("nan_policy: skip_step".to_owned());
            }
        }
        StepOp::Clip => {
            let changes = first_that(subscribers, PhaseSet::FORWARD_TO_BACKWARD, |may| {
                may.optimizer
            });
            reasons.extend(changes.map(|name| format!("{name} may change how the step is taken")));
        }
        StepOp::Step => {
            let skips = first_that(subscribers, PhaseSet::FORWARD_TO_CLIPPING, |may| may.skip);
            reasons.extend(skips.map(|name| format!("{name} may skip the step")));
        }
        StepOp::Forward | StepOp::Loss | StepOp::Metrics | StepOp::Clear => {}
    }
    reasons
}

/// The first callback that is called at one of `phases` and may do what `may` asks for, or does not say.
fn first_that<'a>(
    subscribers: &[Subscriber<'a>],
    phases: PhaseSet,
    may: fn(Changes) -> bool,
) -> Option<&'a str> {
    let mut called = subscribers
        .iter()
        .filter(|each| each.phases.intersects(phases));
    let found = called.find(|each| each.changes.is_none_or(may))?;
    Some(found.name)
}

/// Why nothing can be recorded with this callback.
fn obstacle(subscriber: &Subscriber<'_>) -> Option<String> {
    let name = subscriber.name;
    let Some(changes) = subscriber.changes else {
        let silent = subscriber.phases.intersects(PhaseSet::TRAIN_BATCH);
        return silent.then(|| format!("callback `{name}` does not say what it changes"));
    };
    if changes.passes && subscriber.phases.intersects(PhaseSet::TRAIN_BATCH) {
        return Some(format!(
            "callback `{name}` may run passes of its own and repeat the backward pass"
        ));
    }
    let mut phases = PhaseSet::FORWARD_TO_BACKWARD.iter();
    let phase = phases.find(|phase| subscriber.phases.contains(*phase))?;
    let changed = changes.between_passes()?;
    Some(format!(
        "callback `{name}` may change {changed} at {phase}, between the forward and the backward pass"
    ))
}

/// True for a callback that may change gradients, or does not say, at another phase than those between the backward pass
/// and the clearing of gradients.
fn adds_to_gradients(subscriber: &Subscriber<'_>) -> bool {
    let may_change = subscriber.changes.is_none_or(|may| may.gradients);
    may_change
        && subscriber
            .phases
            .iter()
            .any(|phase| !PhaseSet::BACKWARD_TO_CLEAR.contains(phase))
}

impl Changes {
    /// The first change that a backward pass, recorded together with its forward pass, would not notice.
    fn between_passes(self) -> Option<&'static str> {
        let rows = [
            (self.inputs, "the inputs"),
            (self.target, "the target"),
            (self.loss, "the loss"),
            (self.criterion, "the criterion"),
            (self.parameters, "parameters"),
        ];
        let (_, name) = rows.into_iter().find(|(may, _)| *may)?;
        Some(name)
    }
}

#[cfg(test)]
mod tests;
