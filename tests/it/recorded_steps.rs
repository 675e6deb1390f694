//! Steps that are replayed from recordings against steps that are done eagerly: the same weights, optimizer state,
//! averages, metrics and logs, bit for bit, over more than 200 steps. The trainer is the real one in this process. Each
//! case is recorded twice: by the device's own recorder, which makes tapes on the CPU and graphs with `cargo xtask test
//! --cuda`, and by one that runs the recorded work again. That stands for a GPU's where there is none: it reads rates as that
//! does, and may have faults.

mod case;
mod stand_in;

use anyhow::Result;
use phasebox_contract::phase::Phase;
use phasebox_train::callback::Changes;
use phasebox_train::context::Context;

use self::case::{Case, Way};
use self::stand_in::{Fault, RunAgain, WithDeviceRates};
use crate::device::test_device;

/// A batch that waits, one that steps, and the short one at the end of an epoch.
const KINDS: u64 = 3;

/// Trains eagerly and from recordings of both kinds; the runs must be the same but for how they were done. Nearly all
/// batches must have come from recordings, which were made so many times.
fn check_recorded(what: &str, case: &Case, recordings: u64) {
    let eager = case.train(Way::Eager);
    assert!(eager.summary.recorded_steps.replayed_batches == 0, "{what}");
    let expected = eager.remains();
    for (who, way) in [
        ("a tape", Way::Recorded),
        ("the stand-in", Way::RecordedBy(Box::<RunAgain>::default())),
    ] {
        let recorded = case.train(way);
        assert!(
            recorded.summary.steps >= 200,
            "{what}: {} steps",
            recorded.summary.steps
        );
        let found = recorded.remains();
        assert_eq!(expected.len(), found.len(), "{what}, {who}");
        for ((name, expected), (_, found)) in expected.iter().zip(&found) {
            assert!(
                expected == found,
                "{what}, {who}: {name} differs: {}",
                first_difference(expected, found)
            );
        }
        let steps = recorded.summary.recorded_steps;
        assert!(
            steps.not_recorded.is_empty(),
            "{what}, {who}: {:?}",
            steps.not_recorded
        );
        assert_eq!(steps.recordings, recordings, "{what}, {who}: {steps:?}");
        assert!(
            steps.replayed_batches > 15 * steps.eager_batches,
            "{what}, {who}: {steps:?}"
        );
    }
}

/// The first lines of two texts that differ.
fn first_difference(expected: &[u8], found: &[u8]) -> String {
    let [expected, found] = [expected, found].map(String::from_utf8_lossy);
    let mut lines = expected.lines().zip(found.lines());
    let differs = |(expected, found): &(&str, &str)| expected != found;
    match lines.find(differs) {
        Some((expected, found)) if found.len() < 400 => format!("{expected} became {found}"),
        _ => "no line of text".to_owned(),
    }
}

#[test]
fn every_optimizer() {
    check_recorded("SGD", &Case::default(), KINDS);
    for optimizer in [
        "optimizer={SGD: {momentum: 0.9, dampening: 0.1, weight_decay: 0.01}}",
        "optimizer={SGD: {momentum: 0.9, nesterov: true}}",
        "optimizer=Adam",
        "optimizer={AdamW: {amsgrad: true}}",
        "optimizer={RMSprop: {centered: true, momentum: 0.5, weight_decay: 0.01}}",
    ] {
        check_recorded(optimizer, &Case::with(optimizer), KINDS);
    }
}

#[test]
fn every_stock_callback() {
    for callback in [
        "early-stopping: {patience: 3}",
        "ema: {decay: 0.9}",
        "grad-clip: {max_norm: 0.5}",
        "grad-norm-monitor: {every_n_steps: 7, per_layer: true}",
        "lr-warmup-cosine: {warmup_steps: 20}",
        "save-first-batch: {max_images: 4}",
        "trace: {artifact: true}",
        "script: {text: 'fn on_train_batch_end(ctx) { ctx.log_scalar(\"loss\", ctx.loss()); }'}",
    ] {
        check_recorded(callback, &Case::callbacks(&[callback]), KINDS);
    }
    // A new loss function is frozen into new recordings. The short batch has warmed up for the second alone.
    let switch =
        "training-stage-switch: {next_stage_start_epoch: 2, set_loss: {label_smoothing: 0.1}}";
    check_recorded(switch, &Case::callbacks(&[switch]), 5);
}

#[test]
fn all_that_comes_with_phasebox_at_once() {
    let callbacks = [
        "ema: {decay: 0.9}",
        "grad-clip: {max_norm: 0.5}",
        "grad-norm-monitor: {every_n_steps: 5}",
        "lr-warmup-cosine: {warmup_steps: 20}",
        "trace: {artifact: true}",
    ];
    let case = Case {
        overrides: vec!["training_hyperparams.optimizer=AdamW".to_owned()],
        ..Case::callbacks(&callbacks)
    };
    check_recorded("all", &case, KINDS);
}

#[test]
fn every_way_to_train() {
    for change in [
        "mixed_precision=bf16",
        "nan_policy=skip_step",
        "ema=false",
        "clip_grad_norm=null",
    ] {
        check_recorded(change, &Case::with(change), KINDS);
    }
    // One batch a step: the batches of an epoch are of two kinds.
    check_recorded("batch_accumulate=1", &Case::with("batch_accumulate=1"), 2);
    // Groups of four, the last one of two: a batch that begins, waits or steps, in either group, and the short one.
    check_recorded(
        "batch_accumulate=4",
        &Case {
            overrides: vec![
                "training_hyperparams.batch_accumulate=4".to_owned(),
                "training_hyperparams.max_epochs=9".to_owned(),
            ],
            ..Case::default()
        },
        5,
    );
    let images = Case {
        architecture: Some("{convnet: {channels: [4, 8]}}"),
        ..Case::default()
    };
    check_recorded("convnet", &images, KINDS);
}

/// Requests and changes of a callback between segments are obeyed as in an eager step.
#[test]
fn callbacks_between_segments() {
    use Phase::*;
    let says = |change: fn(&mut Changes)| {
        let mut changes = Changes::default();
        change(&mut changes);
        Some(changes)
    };
    let skips = says(|changes| changes.skip = true);
    check_recorded(
        "skip-batch",
        &Case::native(&[TrainBatchStart], skips, |_, context| {
            context.control.skip_batch = context.batch_idx.unwrap_or(0) % 7 == 6;
            Ok(())
        }),
        KINDS,
    );
    check_recorded(
        "skip-backward",
        &Case::native(&[TrainBatchLossEnd], skips, |_, context| {
            context.control.skip_backward = context.batch_idx.unwrap_or(0) % 7 == 6;
            Ok(())
        }),
        KINDS,
    );
    check_recorded(
        "skip-step",
        &Case::native(&[TrainBatchForwardEnd], skips, |_, context| {
            context.control.skip_step = context.batch_idx.unwrap_or(0) % 15 == 14;
            Ok(())
        }),
        KINDS,
    );
    check_recorded(
        "gradients",
        &Case::native(&[TrainBatchBackwardEnd], says(|_| {}), |_, context| {
            context.optimizer.gradients()?.mul_scalar_(0.9)?;
            Ok(())
        }),
        KINDS,
    );
    check_recorded(
        "rates",
        &Case::native(
            &[TrainBatchGradientReady],
            says(|changes| changes.optimizer = true),
            |_, context| {
                let rate = 0.01 / (1.0 + context.global_step as f64);
                context
                    .optimizer
                    .groups_mut()
                    .iter_mut()
                    .for_each(|group| group.learning_rate = rate);
                Ok(())
            },
        ),
        KINDS,
    );
    check_recorded(
        "inputs",
        &Case::native(
            &[TrainBatchStart],
            says(|changes| changes.inputs = true),
            |_, context| {
                let inputs = context
                    .inputs
                    .take()
                    .map(|inputs| inputs.try_map(|each| each.f_mul_scalar(0.5)))
                    .transpose()?;
                context.inputs = inputs;
                Ok(())
            },
        ),
        KINDS,
    );
}

/// A backward pass adds to what a callback has put into the gradients before: the sums are those of one that adds after it.
#[test]
fn gradients_of_a_callback_are_added_to() {
    use Phase::*;
    let gradients = Some(Changes {
        gradients: true,
        ..Changes::default()
    });
    let adds = |_: Phase, context: &mut Context| -> Result<()> {
        // Before the first backward pass there is nothing to add to.
        if context.global_step > 0 {
            context.optimizer.gradients()?.add_scalar_(0.01)?;
        }
        Ok(())
    };
    let case = |phase: &'static [Phase]| Case {
        overrides: vec!["training_hyperparams.batch_accumulate=1".to_owned()],
        ..Case::native(phase, gradients, adds)
    };
    let before = case(&[TrainBatchStart]);
    check_recorded("before the backward pass", &before, 2);
    let after = case(&[TrainBatchBackwardEnd]).train(Way::Recorded);
    let before = before.train(Way::Recorded);
    assert!(before.weights().equal(&after.weights()));
}

/// A change of what a recording holds as constants, between batches or within one, makes a new recording.
#[test]
fn recordings_are_made_anew() {
    use Phase::*;
    let optimizer = Some(Changes {
        optimizer: true,
        ..Changes::default()
    });
    let decays = |_: Phase, context: &mut Context| -> Result<()> {
        if context.global_step == 100 {
            context
                .optimizer
                .set_hyperparameter("default", "weight_decay", 0.05)?;
        }
        Ok(())
    };
    for phases in [
        [TrainBatchStart],
        [TrainBatchLossEnd],
        [TrainBatchBackwardEnd],
        [TrainBatchGradientReady],
    ] {
        let phases: &'static [Phase] = Box::leak(Box::new(phases));
        // Step 100 is in the third epoch: the short batch has not warmed up before, and just so after.
        check_recorded(
            &format!("weight decay at {}", phases[0]),
            &Case::native(phases, optimizer, decays),
            5,
        );
    }
    let parameters = Some(Changes {
        parameters: true,
        ..Changes::default()
    });
    let freezes = Case::native(&[TrainBatchBackwardEnd], parameters, |_, context| {
        if context.global_step == 60 {
            context.net.freeze("*.bias")?;
        } else if context.global_step == 120 {
            context.net.unfreeze("*.bias")?;
        }
        Ok(())
    });
    check_recorded("freeze", &freezes, 7);
    // In the middle of a long group: the recording of a batch that waits knows the gradients of those that learn alone.
    let freezes = Case::native(&[TrainBatchEnd], parameters, |_, context| {
        if context.global_step == 2 && context.batch_idx == Some(16) {
            context.net.freeze("*.bias")?;
        }
        Ok(())
    });
    let freezes = Case {
        overrides: vec![
            "training_hyperparams.batch_accumulate=8".to_owned(),
            "training_hyperparams.max_epochs=60".to_owned(),
        ],
        ..freezes
    };
    check_recorded("freeze within a group", &freezes, 6);
}

/// New rates reach recordings that were made with older ones: the schedule changes them every step.
#[test]
fn rates_are_read_anew_by_each_replay() {
    for optimizer in ["SGD", "AdamW", "{RMSprop: {momentum: 0.5}}"] {
        let case = Case::with(&format!("optimizer={optimizer}"));
        let recorded = case.train(Way::RecordedBy(Box::<WithDeviceRates>::default()));
        assert!(
            recorded.summary.recorded_steps.replayed_batches > 500,
            "{optimizer}"
        );
        let eager = case.train(Way::Eager).weights();
        assert!(recorded.weights().equal(&eager), "{optimizer}");
    }
}

/// Where nothing may be recorded, nothing is, and the summary says why.
#[test]
fn eager_with_a_reason() {
    use Phase::*;
    let loss = Some(Changes {
        loss: true,
        ..Changes::default()
    });
    let halves = |_: Phase, context: &mut Context| -> Result<()> {
        context.loss = context
            .loss
            .take()
            .map(|loss| loss.f_mul_scalar(0.5))
            .transpose()?;
        Ok(())
    };
    let reason = |case: Case, fault: Fault, expected: &str| {
        let eager = case.train(Way::Eager);
        let recorded = case.train(Way::RecordedBy(Box::new(RunAgain::with(fault))));
        assert!(eager.remains() == recorded.remains(), "{expected}");
        let steps = recorded.summary.recorded_steps;
        assert_eq!(steps.replayed_batches, 0, "{expected}");
        let found = steps.not_recorded;
        assert!(
            found.iter().any(|reason| reason.contains(expected)),
            "{found:?}"
        );
    };
    let loss_end: &[Phase] = &[TrainBatchLossEnd];
    reason(
        Case::native(loss_end, loss, halves),
        Fault::None,
        "callback `native` may change the loss",
    );
    reason(
        Case::native(loss_end, None, halves),
        Fault::None,
        "callback `native` does not say what it changes",
    );
    reason(
        Case::with("record_steps=off"),
        Fault::None,
        "the recipe says `record_steps: off`",
    );
    reason(
        Case::default(),
        Fault::Prepare,
        "there is nothing to record with",
    );
    reason(
        Case::default(),
        Fault::Record,
        "the stream is not capturing",
    );
    reason(Case::default(), Fault::Idle, "in a rehearsal");
    reason(Case::default(), Fault::Twice, "in a rehearsal");
    reason(Case::default(), Fault::Frozen, "in a rehearsal");
}

/// Kernels of large layers take so long that a tape would gain nothing and keep much. A graph takes no time of its own.
#[test]
fn large_layers_are_not_recorded() {
    let short = [
        "max_epochs=1",
        "max_train_batches=8",
        "max_valid_batches=1",
        "batch_accumulate=1",
    ];
    for (architecture, reason) in [
        (
            "{mlp: {hidden: [40000]}}",
            "the results of its operations take more than 16 MiB",
        ),
        (
            "{mlp: {hidden: [100000]}}",
            "the parameters take more than 16 MiB",
        ),
    ] {
        let case = Case {
            architecture: Some(architecture),
            overrides: short
                .map(|change| format!("training_hyperparams.{change}"))
                .to_vec(),
            ..Case::default()
        };
        let (eager, recorded) = (case.train(Way::Eager), case.train(Way::Recorded));
        assert!(recorded.weights().equal(&eager.weights()), "{architecture}");
        if test_device().is_cuda() {
            continue;
        }
        let steps = recorded.summary.recorded_steps;
        assert_eq!(steps.not_recorded, [reason]);
        assert_eq!((steps.replayed_batches, steps.eager_batches), (0, 8));
    }
}
