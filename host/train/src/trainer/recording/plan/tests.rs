//! The plan of segments, for callbacks of every kind.

use phasebox_contract::phase::{Phase, PhaseSet};
use phasebox_contract::policy::NanPolicy;

use super::{Moment, RecordingPlan, STEP, StepFacts};
use crate::callback::{Changes, Subscriber};
use crate::trainer::step_op::StepOp;

const FACTS: StepFacts<'static> = StepFacts {
    enabled: true,
    architecture: "mlp",
    nan_policy: NanPolicy::Abort,
    clips: false,
};
const OBSERVES: Changes = Changes {
    inputs: false,
    target: false,
    loss: false,
    criterion: false,
    parameters: false,
    gradients: false,
    optimizer: false,
    skip: false,
    passes: false,
};

fn called(name: &'static str, phases: &[Phase], changes: Option<Changes>) -> Subscriber<'static> {
    Subscriber {
        name,
        phases: phases.iter().copied().collect(),
        changes,
    }
}

/// Backward passes write gradients anew unless a callback may have left something in them.
#[test]
fn gradients_are_renewed_where_nothing_is_left_in_them() {
    use Phase::*;
    let changes = Some(Changes {
        gradients: true,
        ..OBSERVES
    });
    for (phases, changes, expected) in [
        (&[][..], None, true),
        (&[TrainBatchStart, TrainBatchEnd], Some(OBSERVES), true),
        (
            &[TrainBatchBackwardEnd, TrainBatchGradientReady],
            changes,
            true,
        ),
        (&[TrainBatchOptimizerStepped], changes, true),
        (&[TrainBatchGradientStepEnd], changes, false),
        (&[TrainBatchLossEnd], changes, false),
        (&[TrainingStart], changes, false),
        (&[ValidationBatchEnd], changes, false),
        (&[EpochEnd], None, false),
    ] {
        let plan = RecordingPlan::new(&[called("it", phases, changes)], FACTS);
        assert_eq!(plan.renews_gradients(), expected, "{phases:?}");
    }
}

/// Checks what is recorded, segments divided by `|`, or why nothing is.
fn check(subscribers: &[Subscriber<'_>], facts: StepFacts<'_>, expected: &str) {
    let plan = RecordingPlan::new(subscribers, facts);
    let ops = |ops: Vec<StepOp>| ops.iter().map(|op| op.name()).collect::<Vec<_>>().join(" ");
    let segments = || {
        plan.of_batch(true)
            .into_iter()
            .map(ops)
            .collect::<Vec<_>>()
            .join(" | ")
    };
    let obstacles = plan.obstacles();
    let found = if obstacles.is_empty() {
        segments()
    } else {
        obstacles.join("; ")
    };
    assert_eq!(
        found,
        expected,
        "{:?}",
        subscribers.iter().map(|each| each.name).collect::<Vec<_>>()
    );
}

#[test]
fn every_phase_of_a_training_batch_has_its_place_in_the_step() {
    let phases = STEP.into_iter().filter_map(|moment| match moment {
        Moment::Phase(phase) => Some(phase),
        Moment::Op(_) => None,
    });
    assert!(phases.eq(PhaseSet::TRAIN_BATCH.iter()));
}

#[test]
fn segments_are_cut_where_somebody_is_called() {
    use Phase::*;
    let clips = StepFacts {
        clips: true,
        ..FACTS
    };
    let watch = |phase| called("watch", &[phase], Some(OBSERVES));
    check(&[], FACTS, "forward loss metrics backward step clear");
    check(&[], clips, "forward loss metrics backward clip step clear");
    for (phase, expected) in [
        (
            TrainBatchStart,
            "forward loss metrics backward clip step clear",
        ),
        (
            TrainBatchForwardEnd,
            "forward | loss metrics backward clip step clear",
        ),
        (
            TrainBatchLossEnd,
            "forward loss | metrics backward clip step clear",
        ),
        (
            TrainBatchBackwardEnd,
            "forward loss metrics backward | clip step clear",
        ),
        (
            TrainBatchGradientStepStart,
            "forward loss metrics backward | clip step clear",
        ),
        (
            TrainBatchGradientReady,
            "forward loss metrics backward clip | step clear",
        ),
        (
            TrainBatchOptimizerStepped,
            "forward loss metrics backward clip step | clear",
        ),
        (
            TrainBatchGradientStepEnd,
            "forward loss metrics backward clip step clear",
        ),
        (
            TrainBatchEnd,
            "forward loss metrics backward clip step clear",
        ),
        (
            ValidationBatchEnd,
            "forward loss metrics backward clip step clear",
        ),
        (EpochEnd, "forward loss metrics backward clip step clear"),
    ] {
        check(&[watch(phase)], clips, expected);
    }
    // Without clipping, the phases around it cut once.
    let both = called(
        "both",
        &[TrainBatchGradientStepStart, TrainBatchGradientReady],
        Some(OBSERVES),
    );
    check(&[both], FACTS, "forward loss metrics backward | step clear");
    let all = called("all", &Phase::ALL, Some(OBSERVES));
    check(
        &[all],
        clips,
        "forward | loss | metrics backward | clip | step | clear",
    );
}

#[test]
fn segments_are_cut_where_a_batch_may_end() {
    use Phase::*;
    let skip = Some(Changes {
        skip: true,
        ..OBSERVES
    });
    let optimizer = Some(Changes {
        optimizer: true,
        ..OBSERVES
    });
    check(
        &[called("skip", &[TrainBatchStart], skip)],
        FACTS,
        "forward loss metrics backward step clear",
    );
    check(
        &[called("skip", &[TrainBatchForwardEnd], skip)],
        FACTS,
        "forward | loss metrics | backward | step clear",
    );
    check(
        &[called("skip", &[TrainBatchBackwardEnd], skip)],
        FACTS,
        "forward loss metrics backward | step clear",
    );
    let clips = StepFacts {
        clips: true,
        ..FACTS
    };
    check(
        &[called("skip", &[TrainBatchBackwardEnd], skip)],
        clips,
        "forward loss metrics backward | clip | step clear",
    );
    check(
        &[called("rates", &[TrainBatchLossEnd], optimizer)],
        FACTS,
        "forward loss | metrics backward | step clear",
    );
    let policy = StepFacts {
        nan_policy: NanPolicy::SkipStep,
        ..FACTS
    };
    check(&[], policy, "forward loss metrics | backward step clear");
}

#[test]
fn nothing_is_recorded_where_it_could_be_wrong() {
    use Phase::*;
    let with = |change: fn(&mut Changes)| {
        let mut changes = OBSERVES;
        change(&mut changes);
        Some(changes)
    };
    let midst = "between the forward and the backward pass";
    for (phase, changes, what) in [
        (TrainBatchLossEnd, with(|c| c.loss = true), "the loss"),
        (
            TrainBatchForwardEnd,
            with(|c| c.target = true),
            "the target",
        ),
        (
            TrainBatchForwardEnd,
            with(|c| c.inputs = true),
            "the inputs",
        ),
        (
            TrainBatchForwardEnd,
            with(|c| c.criterion = true),
            "the criterion",
        ),
        (
            TrainBatchLossEnd,
            with(|c| c.parameters = true),
            "parameters",
        ),
    ] {
        let expected = format!("callback `x` may change {what} at {phase}, {midst}");
        check(&[called("x", &[phase], changes)], FACTS, &expected);
        // At other phases these rights are none of the plan's business.
        let elsewhere = called("x", &[TrainBatchStart, EpochStart], changes);
        check(
            &[elsewhere],
            FACTS,
            "forward loss metrics backward step clear",
        );
    }
    let passes = with(|c| c.passes = true);
    check(
        &[called("x", &[TrainBatchEnd], passes)],
        FACTS,
        "callback `x` may run passes of its own and repeat the backward pass",
    );
    check(
        &[called("x", &[ValidationBatchEnd], passes)],
        FACTS,
        "forward loss metrics backward step clear",
    );
    check(
        &[called("x", &[TrainBatchEnd], None)],
        FACTS,
        "callback `x` does not say what it changes",
    );
    check(
        &[called("x", &[EpochEnd], None)],
        FACTS,
        "forward loss metrics backward step clear",
    );
    check(
        &[],
        StepFacts {
            enabled: false,
            ..FACTS
        },
        "the recipe says `record_steps: off`",
    );
    let script = StepFacts {
        architecture: "torchscript",
        ..FACTS
    };
    check(
        &[],
        script,
        "the network is a TorchScript file, whose control flow may depend on its data",
    );
}

#[test]
fn a_batch_that_waits_for_others_ends_with_its_gradients() {
    let names = |ops: Vec<StepOp>| ops.iter().map(|op| op.name()).collect::<Vec<_>>().join(" ");
    let clip = called(
        "clip",
        &[Phase::TrainBatchGradientStepStart],
        Some(OBSERVES),
    );
    let plan = RecordingPlan::new(&[clip], FACTS);
    let waiting: Vec<String> = plan.of_batch(false).into_iter().map(names).collect();
    assert_eq!(waiting, ["forward loss metrics backward"]);
}

#[test]
fn the_report_names_who_cuts() {
    let clip = called(
        "GradClip",
        &[Phase::TrainBatchGradientStepStart],
        Some(OBSERVES),
    );
    let report = RecordingPlan::new(&[clip], FACTS).report();
    assert_eq!(
        report,
        [
            "recorded steps: a step is",
            "  segment 1: forward, loss, metrics, backward",
            "  segment 2: step, clear (cut by on-train-batch-gradient-step-start: GradClip)",
        ]
    );
}
