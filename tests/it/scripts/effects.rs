//! The effects of scripts on runs, compared with the stock callback or the formula that does the same.

use super::entry;
use crate::harness::training::{TrainedRun, Training};

const EARLY_STOPPING: &str = "\
state.best = ();
state.tries = 0;
fn on_validation_loader_end(ctx) {
    let loss = ctx.metric(\"loss\");
    if state.best == () || loss < state.best {
        state.best = loss;
        state.tries = 0;
    } else {
        state.tries += 1;
        if state.tries >= params.patience { ctx.request_stop(`no better than ${state.best}`); }
    }
    log_scalar(\"tries\", state.tries);
}";

/// A rate so high that the metrics go up and down.
fn training() -> Training {
    Training::digits()
        .checkpoints(24)
        .with("training_hyperparams.initial_lr=0.6")
}

fn with(training: Training, text: &str, keys: &str) -> Training {
    training.callbacks(&entry(text, keys))
}

#[test]
fn a_script_stops_where_the_stock_callback_stops() {
    let stock = training()
        .callback("early-stopping: {monitor: loss, patience: 3}")
        .run();
    let script = || {
        with(
            training(),
            EARLY_STOPPING,
            "params: {patience: 3}\n      grants: [stop]",
        )
    };
    let run = script().run();
    assert_eq!(run.values("valid/loss"), stock.values("valid/loss"));
    assert_eq!(run.final_weights(), stock.final_weights());
    let reason = run.summary()["stop_reason"].to_string();
    assert!(reason.contains("stopped: no better than "), "{reason}");
    let epochs = run.summary()["epochs"].as_u64().expect("a count");
    let resumed = script().from(&run, &format!("epoch_{}", epochs - 1)).run();
    assert_eq!(resumed.summary()["epochs"], epochs);
    assert_eq!(resumed.final_weights(), run.final_weights());
}

/// A script and the entry of a stock callback that change the weights in the same way.
fn check_same(stock: &str, text: &str, keys: &str) {
    let weights = |training: Training| training.run().final_weights();
    let expected = weights(Training::digits().callback(stock));
    assert_eq!(
        weights(with(Training::digits(), text, keys)),
        expected,
        "{stock}"
    );
    assert_ne!(
        weights(Training::digits()),
        expected,
        "{stock} does something"
    );
}

#[test]
fn a_script_changes_what_a_component_changes() {
    check_same(
        "grad-clip: {max_norm: 0.1}",
        "fn on_train_batch_gradient_step_start(ctx) { ctx.clip_gradients(0.1); }",
        "grants: [gradients]",
    );
    check_same(
        "grad-clip: {max_norm: 0.1}",
        "fn on_train_batch_gradient_step_start(ctx) {\n\
         let group = ctx.net().gradients();\n\
         let norm = group.clip_norm_in_place(0.1, 2);\n\
         if norm.shape.len() != 0 { throw \"a number\"; } }",
        "grants: [gradients]",
    );
}

/// A loss that a script has made of the contract's pieces, by two ways.
#[test]
fn operations_and_values_agree() {
    let text = "\
fn on_train_batch_end(ctx) {
    let loss = ctx.loss();
    let twice = (loss + loss) / 2 - 0.5 * loss + loss * 0.5;
    ctx.log_scalar(\"same\", twice);
    ctx.log_scalar(\"item\", loss.item());
    ctx.log_scalar(\"list\", loss.reshape([1]).read_f32()[0]);
    ctx.log_scalar(\"rate\", ctx.optimizer().learning_rate());
    ctx.log_scalar(\"classes\", ctx.preds().argmax(-1).eq(ctx.target()).to_dtype(\"float32\").mean());
    ctx.log_scalar(\"epoch\", ctx.epoch);
    if ctx.criterion().get(\"label_smoothing\") != 0 { throw \"a parameter\"; }
}";
    let run = with(Training::digits(), text, "grants: [sync]").run();
    let losses = run.values("train_batch/loss");
    let items = run.values("Script/item");
    assert!(
        items.len() > 40 && losses.len() <= items.len(),
        "{} and {}",
        items.len(),
        losses.len()
    );
    for name in ["same", "list"] {
        assert_eq!(run.values(&format!("Script/{name}")), items, "{name}");
    }
    assert!(run.values("Script/rate").iter().all(|rate| *rate == 0.1));
    assert!(
        run.values("Script/classes")
            .iter()
            .all(|share| (0.0..=1.0).contains(share))
    );
    assert_eq!(run.values("Script/epoch").last(), Some(&1.0));
}

/// A script that only looks leaves every bit of the training as it was.
#[test]
fn what_only_looks_changes_no_number() {
    let text = "\
fn on_train_batch_end(ctx) { if ctx.batch_idx % 7 == 0 { log(`${ctx.phase} ${ctx.global_step}`); } }
fn on_epoch_end(ctx) { ctx.log_scalar(\"norm\", ctx.parameters().norm()); }";
    let plain = Training::digits().run();
    let watched = with(Training::digits(), text, "params: {}").run();
    assert_eq!(watched.own_lines(), plain.own_lines());
    assert_eq!(watched.final_weights(), plain.final_weights());
    let said = watched.said("Script", "info");
    assert_eq!(
        said.first().map(String::as_str),
        Some("on-train-batch-end 1")
    );
    assert_eq!(watched.values("Script/norm").len(), 2);
}

/// Losses are asked for and read later, as `smooth` of tests/languages does; with numbers of every kind in the state.
const SMOOTH: &str = "\
state.smoothed = ();
state.worst = -1.0 / 0.0;
state.none = 0.0 / 0.0;
state.seen = [];
state.pending = ();
fn on_train_batch_end(ctx) {
    if state.pending != () {
        let loss = state.pending.poll();
        if loss != () { add(loss); state.pending = (); }
    }
    if state.pending == () { state.pending = ctx.loss().defer(); }
    if state.smoothed != () { ctx.log_scalar(\"smoothed\", state.smoothed); }
}
fn add(loss) {
    state.smoothed = if state.smoothed == () { loss } else { 0.9 * state.smoothed + (1 - 0.9) * loss };
    if loss > state.worst { state.worst = loss; }
    state.seen.push(#{loss: loss, name: \"é\", count: state.seen.len()});
    if state.seen.len() > 3 { state.seen.remove(0); }
}";

fn states(run: &TrainedRun) -> Vec<Vec<u8>> {
    let saved = run.checkpoint("latest").callbacks.into_iter();
    saved.filter_map(|saved| saved.state.bytes).collect()
}

#[test]
fn a_resumed_script_goes_on_to_the_same_bits() {
    let training = || with(Training::digits().checkpoints(4), SMOOTH, "params: {}");
    let whole = training().run();
    let resumed = training().from(&whole, "epoch_2").run();
    assert_eq!(states(&resumed), states(&whole));
    let (all, rest) = (
        whole.values("Script/smoothed"),
        resumed.values("Script/smoothed"),
    );
    assert!(
        rest.len() > 40 && all.ends_with(&rest),
        "{} of {}",
        rest.len(),
        all.len()
    );
    let state = String::from_utf8(states(&whole).remove(0)).expect("JSON");
    for part in [r#""deferred""#, r#""none":{"float":"#, r#""name":"é""#] {
        assert!(state.contains(part), "{part} is not in {state}");
    }
}
