//! The networks against `tests/reference/yolox.py`: numbers of parameters, names and shapes, and what they answer. Steps
//! with a loss and gradients are in `criterion`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use tch::{Device, Kind, Tensor};
use torch_ext::Items;

use crate::model::{Model, build};
use crate::reference::{check_digest, fill, noise, rows};

fn network(name: &str, params: &Value, size: [i64; 2], classes: i64) -> anyhow::Result<Model> {
    let inputs = [("inputs".to_owned(), vec![3, size[0], size[1]])];
    let classes = Some(classes);
    build(name, params, &inputs, classes, Path::new("."), Device::Cpu)
}

fn of_row(row: &Value, size: [i64; 2], classes: i64) -> Model {
    let name = row["architecture"].as_str().expect("a name");
    let params = json!({"stem_type": row["stem_type"]});
    network(name, &params, size, classes).expect("a valid row")
}

#[test]
fn numbers_of_parameters_are_as_published() {
    for row in rows("counts") {
        let model = of_row(&row, [64, 64], 80);
        let counts = model.parameters().iter().map(|(_, tensor)| tensor.numel());
        assert_eq!(counts.sum::<usize>(), row["parameters"], "{row}");
    }
}

#[test]
fn tensors_are_named_as_in_public_checkpoints() {
    for row in rows("shapes") {
        let focus = json!({"architecture": row["architecture"], "stem_type": "focus"});
        let state = of_row(&focus, [64, 64], 80).state();
        let shapes = state
            .iter()
            .map(|(name, tensor)| (name.clone(), tensor.size()));
        let shapes: BTreeMap<String, Vec<i64>> = shapes.collect();
        let expected: BTreeMap<String, Vec<i64>> =
            serde_json::from_value(row["shapes"].clone()).expect("shapes by name");
        assert_eq!(shapes, expected, "{}", row["architecture"]);
    }
}

fn answered(model: &Model, images: &Tensor, train: bool) -> Items {
    let inputs = images.shallow_clone().into();
    let answered = tch::no_grad(|| model.forward(&inputs, train));
    answered.expect("images fit")
}

/// Levels in training, boxes in evaluation before and after it: normalizations have taken the batch in.
#[test]
fn answers_are_pytorchs() {
    for row in rows("steps") {
        let size: [i64; 2] = serde_json::from_value(row["size"].clone()).expect("a size");
        let model = of_row(&row, size, 3);
        fill(&model);
        let images = (noise(1000, &[2, 3, size[0], size[1]]) * 4.0 - 2.0).to_kind(Kind::Float);
        let before = answered(&model, &images, false);
        let levels = answered(&model, &images, true);
        let after = answered(&model, &images, false);
        assert_eq!(levels.names(), ["p3", "p4", "p5"]);
        assert_eq!(before.names(), ["decoded", "p3", "p4", "p5"]);
        for (level, expected) in levels
            .tensors()
            .zip(row["levels"].as_array().expect("three"))
        {
            check_digest("a level", level, expected);
        }
        for (answered, expected) in [before, after].iter().zip([0, 1]) {
            let decoded = answered.get("decoded").expect("it is there");
            check_digest("decoded", decoded, &row["decoded"][expected]);
        }
    }
}

/// A box is where its cell is: one of the last level, number by number.
#[test]
fn boxes_stand_where_pytorch_has_them() {
    let row = &rows("steps")[0];
    let model = of_row(row, [64, 96], 3);
    fill(&model);
    let images = (noise(1000, &[2, 3, 64, 96]) * 4.0 - 2.0).to_kind(Kind::Float);
    let answered = answered(&model, &images, false);
    let decoded = answered.get("decoded").expect("it is there");
    assert_eq!(decoded.size(), [2, 8 * 12 + 4 * 6 + 2 * 3, 8]);
    let corner = decoded.get(1).get(-2);
    let expected: Vec<f64> = serde_json::from_value(row["corner"].clone()).expect("numbers");
    let expected = Tensor::from_slice(&expected).to_kind(Kind::Float);
    assert!(corner.allclose(&expected, 1e-4, 1e-5, false), "{corner}");
}

fn check_refused(name: &str, params: Value, size: [i64; 2], parts: &[&str]) {
    let refused = network(name, &params, size, 3).err();
    let refused = format!("{:#}", refused.expect("it is refused"));
    for part in parts {
        assert!(refused.contains(part), "`{part}` is not in: {refused}");
    }
}

#[test]
fn wrong_sizes_are_refused_with_a_remedy() {
    let refused = check_refused;
    let fits = [64, 64];
    refused(
        "yolox_s",
        json!({"channels_in": 1}),
        fits,
        &["`channels_in` is 1", "3 channels"],
    );
    refused(
        "yolox_m",
        json!({"depth_mult_factor": 0.33}),
        fits,
        &["`depth_mult_factor` is 0.67", "custom_yolox"],
    );
    refused(
        "yolox_m",
        json!({"width_mult_factor": 1}),
        fits,
        &["`width_mult_factor` is 0.75"],
    );
    refused(
        "custom_yolox",
        json!({"width_mult_factor": 0}),
        fits,
        &["0.01 to 16"],
    );
    refused(
        "custom_yolox",
        json!({"depth_mult_factor": 1e9}),
        fits,
        &["0.01 to 16"],
    );
    refused(
        "yolox_n",
        json!({"stem_type": "round"}),
        fits,
        &["`stem_type`", "round", "focus"],
    );
    refused(
        "yolox_n",
        json!({"xhead_inter_channels": 0}),
        fits,
        &["xhead_inter_channels"],
    );
    refused(
        "yolox_n",
        json!({"add_nms": true}),
        fits,
        &["unknown field `add_nms`"],
    );
}

fn parameters_of(name: &str, params: Value) -> usize {
    let model = network(name, &params, [64, 64], 80).expect("valid");
    let counts = model.parameters().iter().map(|(_, tensor)| tensor.numel());
    counts.sum()
}

/// A custom network of the factors of a named one is that network.
#[test]
fn factors_make_a_custom_network() {
    let nano = json!({"depth_mult_factor": 0.33, "width_mult_factor": 0.25, "depthwise": true});
    assert_eq!(parameters_of("custom_yolox", nano), 912_159);
    let small = json!({"depth_mult_factor": 0.33, "width_mult_factor": 0.5});
    assert_eq!(parameters_of("custom_yolox", small), 8_968_255);
    let narrow = json!({"xhead_inter_channels": 32});
    assert!(parameters_of("yolox_n", narrow) < 912_159);
}

/// Weights of one network go into another of its kind, by name.
#[test]
fn weights_go_from_one_network_into_another() {
    let make = || network("yolox_n", &json!({"stem_type": "focus"}), [64, 64], 3).expect("valid");
    let (first, mut second) = (make(), make());
    fill(&first);
    second
        .load_state(&first.state(), true)
        .expect("equal names");
    let images = (noise(3, &[1, 3, 64, 64]) * 255.0).to_kind(Kind::Float);
    let [one, other] = [&first, &second].map(|model| answered(model, &images, false));
    let decoded = |items: &Items| items.get("decoded").expect("it is there").shallow_clone();
    assert_eq!(decoded(&one), decoded(&other));
}

/// Other sizes than that of the data are taken, as multi-scale training gives them, if 32 divides them.
#[test]
fn sizes_may_change_from_batch_to_batch() {
    let model = network("yolox_n", &json!({}), [64, 64], 3).expect("valid");
    let zeros = |height, width| Tensor::zeros([2, 3, height, width], (Kind::Float, Device::Cpu));
    let decoded = answered(&model, &zeros(96, 32), false);
    let decoded = decoded.get("decoded").expect("it is there").size();
    assert_eq!(decoded, [2, 12 * 4 + 6 * 2 + 3, 8]);
    let refused = model.forward(&zeros(64, 80).into(), true).err();
    let refused = format!("{:#}", refused.expect("it is refused"));
    assert!(
        refused.contains("32 divides") && refused.contains("yolox_n"),
        "{refused}"
    );
    assert!(refused.contains("DetectionPaddedRescale"), "{refused}");
    let shapes =
        |sides: &[i64]| -> Vec<Vec<i64>> { sides.iter().map(|side| vec![3, 64, *side]).collect() };
    model
        .check_shapes(&shapes(&[32, 64, 4096]))
        .expect("32 divides them");
    let refused = model.check_shapes(&shapes(&[32, 70])).err();
    let refused = format!("{:#}", refused.expect("it is refused"));
    assert!(refused.contains("[64, 70]"), "{refused}");
}
