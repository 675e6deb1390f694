//! The loss against `tests/reference/yolox.py`, through whole networks, and what it refuses.

use std::path::Path;

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use torch_ext::{Autocast, AutocastDevice, Items, Tape};

use crate::criterion::Criterion;
use crate::model::{Model, build};
use crate::reference::{check_digest_within, fill, noise, rows};
use crate::test_device::test_device;

fn rows_of(target: &Value) -> Tensor {
    let rows: Vec<[f32; 6]> = serde_json::from_value(target.clone()).expect("rows of six");
    let rows = Tensor::from_slice(&rows.concat()).reshape([-1, 6]);
    rows.to_device(test_device())
}

fn criterion(params: &Value) -> anyhow::Result<Criterion> {
    Criterion::new("YoloXDetectionLoss", params, test_device())
}

fn network(row: &Value) -> (Model, Items) {
    torch_ext::allow_tf32(false).expect("a flag");
    let size: [i64; 2] = serde_json::from_value(row["size"].clone()).expect("a size");
    let inputs = [("inputs".to_owned(), vec![3, size[0], size[1]])];
    let name = row["architecture"].as_str().expect("a name");
    let params = json!({"stem_type": row["stem_type"]});
    let here = Path::new(".");
    let model = build(name, &params, &inputs, Some(3), here, test_device()).expect("valid");
    fill(&model);
    let images = noise(1000, &[2, 3, size[0], size[1]]) * 4.0 - 2.0;
    let images = images.to_kind(Kind::Float).to_device(test_device());
    (model, images.into())
}

/// The network with float64 numbers: the order of sums, in which processors differ, then decides nothing. The loss itself is
/// computed in float32.
fn in_double(model: &Model, images: &Items) -> Items {
    let state = model.state().into_iter();
    for (_, tensor) in state.filter(|(_, tensor)| tensor.is_floating_point()) {
        let double = tensor.to_kind(Kind::Double);
        tch::no_grad(|| tensor.shallow_clone().set_data(&double));
    }
    images
        .one()
        .expect("images alone")
        .to_kind(Kind::Double)
        .into()
}

/// Whole, parts and gradients of a step, and the same parts in evaluation's form of the predictions.
fn check(row: &Value) {
    let (model, images) = network(row);
    let images = in_double(&model, &images);
    let criterion = criterion(&row["criterion_params"]).expect("valid");
    let preds = model.forward(&images, true).expect("images fit");
    let target = rows_of(&row["target"]).into();
    let output = criterion.forward(&preds, &target).expect("they fit");
    let mut expected = vec![row["loss"].as_f64().expect("a number")];
    for name in &criterion.item_names()[1..] {
        expected.push(row["parts"][name].as_f64().expect(name));
    }
    let items = Vec::<f64>::try_from(output.items.to_kind(Kind::Double)).expect("1-d");
    assert_eq!(items.len(), expected.len());
    for (found, expected) in items.iter().zip(&expected) {
        let difference = (found - expected).abs();
        assert!(
            difference <= 1e-5 * expected.abs(),
            "{items:?}, not {expected}: {row}"
        );
    }
    output.loss.backward();
    let gradients = row["gradients"].as_object().expect("by name");
    assert_eq!(gradients.len(), model.parameters().len());
    for (name, parameter) in model.parameters() {
        // The loss sees levels of float32, and what that rounds off grows on the way back: 1.5e-4 was seen, equal with any
        // number of threads.
        check_digest_within(1e-3, name, &parameter.grad(), &gradients[name]);
    }
}

#[test]
fn steps_are_pytorchs() {
    rows("steps").iter().for_each(check);
}

/// Evaluation answers boxes before the levels; the loss reads the levels.
#[test]
fn evaluation_has_the_loss_of_its_levels() {
    let row = &rows("steps")[0];
    let (model, images) = network(row);
    let criterion = criterion(&row["criterion_params"]).expect("valid");
    let target = rows_of(&row["target"]).into();
    let preds = tch::no_grad(|| model.forward(&images, false)).expect("images fit");
    let levels = ["p3", "p4", "p5"].map(|name| {
        let level = preds.get(name).expect("it is there");
        (name, level.to_kind(Kind::Double))
    });
    let doubled = Items::named(levels).expect("names");
    let losses = [preds, doubled].map(|preds| {
        let output = criterion.forward(&preds, &target).expect("they fit");
        output.loss.double_value(&[])
    });
    assert_eq!(losses[0], losses[1]);
    assert!(losses[0].is_finite() && losses[0] > 0.0);
}

/// Raw levels of two images of 64 × 64 with three classes, and boxes for them.
fn small() -> (Items, Value) {
    let level = |(name, side): (&'static str, i64)| {
        let level = noise(side, &[2, 8, side, side]) * 2.0 - 1.0;
        let level = level.to_kind(Kind::Float).to_device(test_device());
        (name, level.set_requires_grad(true))
    };
    let levels = [("p3", 8), ("p4", 4), ("p5", 2)].map(level);
    let target = json!([
        [0, 1, 30, 30, 20, 20],
        [1, 2, 40, 20, 9, 30],
        [-1, 0, 0, 0, 0, 0]
    ]);
    (Items::named(levels).expect("names"), target)
}

fn three() -> Value {
    json!({"num_classes": 3})
}

#[test]
fn l1_is_switched_on_while_training() {
    let (preds, target) = small();
    let mut criterion = criterion(&three()).expect("valid");
    let target = rows_of(&target).into();
    let loss = |criterion: &Criterion| {
        let output = criterion.forward(&preds, &target).expect("they fit");
        Vec::<f64>::try_from(output.items.to_kind(Kind::Double)).expect("1-d")
    };
    let before = loss(&criterion);
    let version = criterion.version();
    criterion.set("use_l1", json!(true)).expect("a switch");
    let after = loss(&criterion);
    assert_ne!(criterion.version(), version);
    assert_eq!((before[4], &before[1..4]), (0.0, &after[1..4]));
    assert!(after[4] > 0.0);
    assert!((after[0] - before[0] - after[4]).abs() < 1e-4);
}

/// Padding and the order of rows change no bit of the loss, nor of a gradient.
#[test]
fn parameters_of_the_network_stay() {
    let mut criterion = criterion(&three()).expect("parameters");
    for (key, value) in [("strides", json!([16, 32])), ("num_classes", json!(4))] {
        let refused = criterion.set(key, value);
        let message = format!("{:#}", refused.expect_err("it is the network's"));
        assert!(message.contains("cannot change during a run"), "{message}");
    }
}

#[test]
fn padding_counts_for_nothing() {
    let padding = json!([-1, 0, 0, 0, 0, 0]);
    let mut seen: Option<(Tensor, Tensor)> = None;
    for count in [0, 1, 40] {
        let (preds, target) = small();
        let mut rows = vec![padding.clone(); count];
        rows.extend(target.as_array().expect("rows").clone());
        let criterion = criterion(&three()).expect("valid");
        let target = rows_of(&rows.into()).into();
        let output = criterion.forward(&preds, &target).expect("they fit");
        output.loss.backward();
        let gradient = preds.get("p3").expect("it is there").grad();
        if let Some((items, first)) = &seen {
            assert!(output.items.allclose(items, 1e-6, 0.0, false));
            assert!(gradient.allclose(first, 1e-5, 1e-9, false));
        }
        seen = Some((output.items, gradient));
    }
}

/// Widths whose exponentials are infinite matter only where something matches.
#[test]
fn exploded_cells_without_a_box_leave_gradients_finite() {
    let (preds, target) = small();
    let p3 = preds.get("p3").expect("it is there");
    let _ = tch::no_grad(|| p3.get(0).get(2).get(7).fill_(200.0));
    let _ = tch::no_grad(|| p3.get(0).get(3).get(7).fill_(-200.0));
    let criterion = criterion(&three()).expect("valid");
    let output = criterion.forward(&preds, &rows_of(&target).into());
    output.expect("they fit").loss.backward();
    assert_eq!(p3.grad().isfinite().all().int64_value(&[]), 1);
}

fn check_refused_params(params: &Value, expected: &str) {
    let refused = criterion(params).err().map(|error| format!("{error:#}"));
    let refused = refused.expect("it is refused");
    assert!(
        refused.contains(expected),
        "`{expected}` is not in: {refused}"
    );
}

#[test]
fn wrong_parameters_are_refused() {
    let refused = |key: &str, value: Value, expected: &str| {
        let mut params = three();
        params[key] = value;
        check_refused_params(&params, expected);
    };
    check_refused_params(&json!({}), "missing field `num_classes`");
    refused("num_classes", json!(0), "`num_classes` = 0");
    refused("strides", json!([8, 16, 31]), "powers of two");
    refused("strides", json!([16, 8]), "rise");
    refused("strides", json!([]), "rise");
    refused("iou_type", json!("ciou"), "`iou_type`");
    for radius in [0.0, 0.4, 65.0, 1e300] {
        refused("center_sampling_radius", json!(radius), "give 0.5 to 64");
    }
    refused("iou_weight", json!(-1), "`iou_weight` = -1");
    refused("obj_weight", json!(1e39), "the largest of float32");
    refused(
        "cls_pos_weight",
        json!([1, 1e39, 1]),
        "the largest of float32",
    );
    let zeros = json!({"num_classes": 3, "iou_weight": 0, "obj_weight": 0, "cls_weight": 0});
    check_refused_params(&zeros, "nothing is trained");
    refused("cls_pos_weight", json!([1, 2]), "2 numbers for 3 classes");
    refused("cls_pos_weight", json!([1, -2, 1]), "each from 0");
    refused("cls_pos_weight", json!("much"), "a number, or a list");
    refused("use_l2", json!(true), "unknown field `use_l2`");
    refused("candidates", json!("all"), "box_or_center");
    refused("preds", json!("p3"), "no part of `MultiTaskLoss`");
    let parts = json!({"parts": {"boxes": {"YoloXDetectionLoss": {"num_classes": 3}}}});
    let refused = Criterion::new("MultiTaskLoss", &parts, Device::Cpu).err();
    let refused = format!("{:#}", refused.expect("it is refused"));
    assert!(refused.contains("no part of `MultiTaskLoss`"), "{refused}");
}

/// Rows of images or classes that do not exist, which a kernel of the CPU refuses. A GPU's are looked at.
fn check_unknown(target: Value, parts: &[&str]) {
    match test_device() {
        Device::Cpu => check_refused(&three(), target, parts),
        _ => check_refused(&three(), target, &["the target reaches from"]),
    }
}

fn check_refused(params: &Value, target: Value, parts: &[&str]) {
    let (preds, _) = small();
    let criterion = criterion(params).expect("valid");
    let refused = criterion.forward(&preds, &rows_of(&target).into()).err();
    let refused = format!("{:#}", refused.expect("it is refused"));
    for part in parts {
        assert!(refused.contains(part), "`{part}` is not in: {refused}");
    }
}

#[test]
fn wrong_batches_are_refused() {
    let refused = |target: Value, parts: &[&str]| check_refused(&three(), target, parts);
    let columns = "image, class, cx, cy, w and h in pixels";
    check_unknown(
        json!([[2, 0, 9, 9, 9, 9]]),
        &["images beyond the 2", "[1, 6]"],
    );
    check_unknown(
        json!([[0, 3, 9, 9, 9, 9]]),
        &["classes beyond the 3", "YoloXDetectionLoss"],
    );
    check_unknown(json!([[0, -1, 9, 9, 9, 9]]), &["classes beyond the 3"]);
    refused(json!([[0.5, 1, 9, 9, 9, 9]]), &["fractions", columns]);
    refused(json!([[0, 1.5, 9, 9, 9, 9]]), &["fractions", columns]);
    refused(
        json!([[0, 1, 0.5, 0.5, 0.2, 0.1]]),
        &["normalized", columns],
    );
    refused(json!([[0, 1, 9, 9, 9, -9]]), &["sides of boxes", columns]);
    refused(json!([[0, 1, 9, 9, 9, 0]]), &["sides of boxes", columns]);
    let two = json!({"num_classes": 2});
    let fine = json!([[0, 1, 9, 9, 9, 9]]);
    check_refused(&two, fine.clone(), &["`num_classes` is 2", "[B, 7, h, w]"]);
    let fine_level = json!({"num_classes": 3, "strides": [4, 8]});
    check_refused(&fine_level, fine.clone(), &["no `p2`", "yolox_s"]);
    let untrained = json!({"num_classes": 3, "strides": [8]});
    check_refused(&untrained, fine, &["a level `p4`", "strides"]);
}

#[test]
fn shapes_that_are_no_rows_are_refused() {
    let (preds, _) = small();
    let criterion = criterion(&three()).expect("valid");
    for shape in [&[6][..], &[2, 5], &[1, 2, 6]] {
        let target = Tensor::ones(shape, (Kind::Float, test_device()));
        let refused = criterion.forward(&preds, &target.into()).err();
        let refused = format!("{:#}", refused.expect("it is refused"));
        assert!(refused.contains("[M, 6]"), "{refused}");
    }
}

/// A recording of the loss and its backward pass gives for another batch what it gives eagerly: nothing of the first
/// batch is frozen in.
#[test]
fn the_loss_can_be_recorded() {
    // A tape records the CPU alone.
    if test_device().is_cuda() {
        return;
    }
    let (preds, rows) = small();
    let params = json!({"num_classes": 3, "use_l1": true, "iou_type": "giou"});
    let criterion = criterion(&params).expect("valid");
    let target = rows_of(&rows);
    let target_items = target.shallow_clone().into();
    let step = || {
        let output = criterion.forward(&preds, &target_items)?;
        output.loss.f_backward()?;
        Ok::<_, anyhow::Error>(output.items)
    };
    let _ = step().expect("it fits");
    let (tape, items) = Tape::record(64 << 20, step).expect("a tape");
    let items = items.expect("it can be recorded");

    let other = json!([
        [1, 0, 20, 44, 18, 30],
        [-1, 0, 0, 0, 0, 0],
        [0, 2, 50, 9, 26, 14]
    ]);
    let eager = small_shifted();
    for name in ["p3", "p4", "p5"] {
        let [own, new] = [&preds, &eager].map(|items| items.get(name).expect("it is there"));
        tch::no_grad(|| own.shallow_clone().copy_(new));
        let _ = own.grad().zero_();
    }
    target.shallow_clone().copy_(&rows_of(&other));
    tape.replay().expect("the same shapes");

    let expected = criterion.forward(&eager, &rows_of(&other).into());
    let expected = expected.expect("they fit");
    expected.loss.backward();
    assert_eq!(items, expected.items);
    for name in ["p3", "p4", "p5"] {
        let [own, new] = [&preds, &eager].map(|items| items.get(name).expect("it is there"));
        assert_eq!(own.grad(), new.grad(), "{name}");
    }
}

/// Other levels of the shapes of [`small`].
fn small_shifted() -> Items {
    let level = |(name, side): (&'static str, i64)| {
        let level = noise(100 + side, &[2, 8, side, side]) * 3.0 - 1.5;
        let level = level.to_kind(Kind::Float).to_device(test_device());
        (name, level.set_requires_grad(true))
    };
    let levels = [("p3", 8), ("p4", 4), ("p5", 2)].map(level);
    Items::named(levels).expect("names")
}

/// Mixed precision is the network's: the loss of float32 levels stays what it is, and levels of bfloat16 are widened.
#[test]
fn autocast_does_not_change_the_loss() {
    let (preds, rows) = small();
    let target = rows_of(&rows).into();
    let criterion = criterion(&three()).expect("valid");
    let plain = criterion.forward(&preds, &target).expect("they fit");
    let device = AutocastDevice::try_from(test_device()).expect("it has autocast");
    let _autocast = Autocast::on(device, Kind::BFloat16).expect("it is there");
    let cast = criterion.forward(&preds, &target).expect("they fit");
    assert_eq!(plain.items, cast.items);
    let narrow = preds.try_map(|level| level.f_to_kind(Kind::BFloat16));
    let narrow = criterion.forward(&narrow.expect("it narrows"), &target);
    let narrow = narrow.expect("they fit").items;
    assert_eq!(narrow.kind(), Kind::Float);
    assert!(narrow.allclose(&plain.items, 0.05, 0.05, false), "{narrow}");
}

/// A network that has diverged has a loss that says so, and no other error.
#[test]
fn a_number_that_is_none_makes_a_loss_that_is_none() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (preds, target) = small();
        let p3 = preds.get("p3").expect("it is there");
        let _ = tch::no_grad(|| p3.shallow_clone().fill_(value));
        let criterion = criterion(&three()).expect("valid");
        let output = criterion.forward(&preds, &rows_of(&target).into());
        let loss = output.expect("it is a loss").loss.double_value(&[]);
        assert!(!loss.is_finite() || value.is_infinite(), "{value}: {loss}");
    }
}

#[test]
fn more_rows_than_there_is_room_for_are_refused() {
    let (preds, _) = small();
    let target = Tensor::full([(1 << 16) + 1, 6], -1.0, (Kind::Float, test_device()));
    let criterion = criterion(&three()).expect("valid");
    let refused = criterion.forward(&preds, &target.into()).err();
    let refused = format!("{:#}", refused.expect("it is refused"));
    assert!(refused.contains("lower `batch_size`"), "{refused}");
}
